// SPDX-License-Identifier: GPL-2.0-or-later
// The replicated configuration document. Opaque text here; who changes it and how is handed in by the controller. Each
// write sends the whole document, stamped with the leader's term and a rising index: there is no chain of patches that
// could break, a resync is the newest document once more, and a member that missed ten writes needs one message.
//
// Leader: a proposed document becomes the head at once (later proposals build on it), is stored here and by the
// members, and is committed when enough have it on disk: in mode majority more than half of all configured nodes, in
// mode none every present member. A new leader first restamps what it has under its own term and waits for that commit:
// only then is it ready. Follower: stores what the leader of its present term sends, then says so. Older stamps and
// other terms are refused.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/term.hpp"
#include "crmd/membership/membership.hpp"

namespace systole::replica {

using systole::Stamped;

/// How long a document's history may grow.
inline constexpr std::size_t history_terms_max = 32;

/// True when the document stamped `older` is one that `newer` was made from (or is the same).
bool descends(const Stamped& newer, Stamp older);

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
struct Aside {  // mode none: this node's own document is no ancestor of the one that replaces it: keep it for a person
                // to look at
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
  /// This node follows (or has no leader: leader empty). To be called at each LeaderChanged at once, before anything
  /// that is sent later: a node that voted in a newer term must no longer acknowledge documents of the older one.
  std::vector<Effect> follow(Term term, NodeId leader);
  /// Another list of nodes holds, self included: from now on a majority is one of these.
  std::vector<Effect> reconfigure(const std::set<NodeId>& configured);
  /// Who is up now, self included. A member that went and came back within one step must be reported gone, then back:
  /// only who is new in the set is sent the document again.
  std::vector<Effect> members(const std::set<NodeId>& members);

  /// Leader only, when ready() (ensured): the next document. Returns its index with the effects.
  struct Proposed {
    std::uint64_t index = 0;
    std::vector<Effect> effects;
  };
  Proposed propose(std::string document);

  std::vector<Effect> message(NodeId from, const Message& message);
  /// The Store of this stamp is durable; stores finish in the order in which they were asked for.
  /// The caller passes stored_stamp() on to Membership::set_document() before it sends what this returns.
  std::vector<Effect> stored(Stamp stamp);
  /// The disk refused. A leader serves no more (the caller lets Membership resign); a follower just does not
  /// acknowledge.
  std::vector<Effect> store_failed(Stamp stamp);
  /// Asks once more for the Store that failed, if one did. For the caller's timer: at once would keep a full disk busy.
  std::vector<Effect> retry();

  /// Leader: this member does not store, and nobody waits for it any more until it has the newest document on its disk
  /// or has been gone. In mode majority nobody waited anyway.
  std::vector<Effect> forsake(NodeId member);

  /// Leader: this node has the newest document on its disk.
  bool holds_head(NodeId node) const;
  /// Leader: the newest index of this term that this node has on its disk; 0: none.
  std::uint64_t kept_by(NodeId node) const;
  bool ready() const;           // leader and able to serve
  const Stamped& head() const;  // newest, perhaps not yet committed (leader); what readers of this node see
  Stamp stored_stamp() const;   // newest on disk
  std::uint64_t committed() const;

 private:
  std::vector<Effect> keep(NodeId from, const Keep& keep);
  std::vector<Effect> kept(NodeId from, const Kept& kept);
  std::vector<Effect> advance();
  void put_head(std::vector<Effect>& effects);
  bool safe(std::uint64_t index) const;

  NodeId self_;
  std::size_t configured_;
  membership::Mode mode_;
  Stamped head_;
  Stamp stored_;
  Term term_;
  NodeId leader_;
  bool leading_ = false, ready_ = false;
  bool failed_ = false;  // the head could not be stored
  std::set<NodeId> members_;
  std::set<NodeId> forsaken_;
  std::map<NodeId, std::uint64_t> kept_;  // leader: highest index of this term that each has on disk
  std::uint64_t first_of_term_ = 0, committed_ = 0;
};

}  // namespace systole::replica
