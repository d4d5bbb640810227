// SPDX-License-Identifier: GPL-2.0-or-later
// The replicated configuration document. Opaque text here; who changes it and how is handed in by the controller. Each write
// sends the whole document, stamped with the leader's term and a rising index: there is no chain of patches that could
// break, a resync is the newest document once more, and a member that missed ten writes needs one message.
//
// Leader: a proposed document becomes the head at once (later proposals build on it), is stored here and by the members, and
// is committed when enough have it on disk: in mode majority more than half of all configured nodes, in mode none every
// present member. A new leader first restamps what it has under its own term and waits for that commit: only then is it ready.
// Follower: stores what the leader of its present term sends, then says so. Older stamps and other terms are refused.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/term.hpp"
#include "crmd/membership/membership.hpp"

namespace systole::replica {

struct Stamped {
  Stamp stamp;
  std::string document;
  bool operator==(const Stamped&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(stamp)(document);
  }
};

// ---- messages between replicas
struct Keep {  // leader → member: store this
  Term term;   // of the leader; equals document.stamp.term
  Stamped document;
  template <class Archive>
  void fields(Archive& a) {
    a(term)(document);
  }
};
struct Kept {  // member → leader: it is on my disk
  Term term;
  Stamp stamp;
  template <class Archive>
  void fields(Archive& a) {
    a(term)(stamp);
  }
};
using Message = std::variant<Keep, Kept>;

// ---- effects
struct Store {  // write durably, then call stored(stamp); a failure: store_failed(stamp)
  Stamped document;
};
struct Send {
  NodeId to;
  Message message;
};
struct Ready {  // this leader's restamped document is committed: it may serve
};
struct Committed {  // every proposal up to this index is safe; callers may hear ok
  std::uint64_t index = 0;
};
struct Adopted {  // the document of this node is now this one (a follower took the leader's)
  Stamped document;
};
struct Aside {  // this node's own document was ahead in a history that lost: keep it for a person to look at
  Stamped document;
  std::string reason;
};
struct Dropped {  // proposals with an index above this one are gone with the leadership: outcome unknown to callers
  std::uint64_t after_index = 0;
};
using Effect = std::variant<Store, Send, Ready, Committed, Adopted, Aside, Dropped>;

class Replica {
 public:
  /// stored: what the disk holds (stamp zero and an empty text where nothing is stored yet).
  Replica(NodeId self, std::size_t configured_nodes, membership::Mode mode, Stamped stored);

  /// This node leads in term; members are those up now, self included.
  std::vector<Effect> lead(Term term, const std::set<NodeId>& members);
  /// This node follows (or has no leader: leader empty).
  std::vector<Effect> follow(Term term, NodeId leader);
  std::vector<Effect> members(const std::set<NodeId>& members);

  /// Leader only, when ready: the next document. Returns its index with the effects.
  struct Proposed {
    std::uint64_t index = 0;
    std::vector<Effect> effects;
  };
  Proposed propose(std::string document);

  std::vector<Effect> message(NodeId from, const Message& message);
  std::vector<Effect> stored(Stamp stamp);
  std::vector<Effect> store_failed(Stamp stamp);

  bool ready() const;              // leader and able to serve
  const Stamped& head() const;     // newest, perhaps not yet committed (leader); what readers of this node see
  Stamp stored_stamp() const;      // newest on disk
  std::uint64_t committed() const;

 private:
  NodeId self_;
  std::size_t configured_;
  membership::Mode mode_;
  Stamped head_;
  Stamp stored_;
  Term term_;
  NodeId leader_;
  bool leading_ = false, ready_ = false;
  std::set<NodeId> members_;
  std::map<NodeId, std::uint64_t> kept_;  // leader: highest index of this term that each has on disk
  std::uint64_t first_of_term_ = 0, committed_ = 0;
};

}  // namespace systole::replica
