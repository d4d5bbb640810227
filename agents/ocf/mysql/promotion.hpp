// SPDX-License-Identifier: GPL-2.0-or-later
// May this node become the primary, by the record and by what is known of the other node that it names? And may that
// other node be given up, so that writers wait for it no longer? Silence is no evidence: a node that says nothing may
// be alive and acknowledging. Pure; every line is in a table of tests/unit/mysql, and the simulator runs it.
#pragma once

#include <optional>
#include <string>

#include "agents/ocf/mysql/record.hpp"

namespace systole::mysql {

/// What the user is promised.
enum class Durability {
  lossless,    // no acknowledged write is ever lost: without evidence the cluster waits
  crash_safe,  // the same, but the silence of a node that was a member counts as evidence: a cut of all links may lose
  available,   // never waits for a replica longer than semi_sync_timeout: no record is kept
};
std::optional<Durability> parse_durability(std::string_view word);
std::string_view to_string(Durability durability);

/// Why a node counts as out. In the order in which they are asked for.
enum class Evidence {
  none,
  founding,       // there is no record, and all instances are here
  nobody_else,    // the record names nobody else
  member,         // the other node is a member of the cluster now, the manager ended its instance's role, and it has
                  // said that its own copy of the record is not newer
  majority,       // a change of the record counts only when a majority of three or more voters has stored it
  fenced,         // the other node was confirmed fenced, and this node has been up since the record was written
  operator_word,  // a person said so
  silence,        // crash_safe only: it was a member since this node was started, and is none now
};
std::string_view to_string(Evidence evidence);

/// What is known of the other node that the record names.
struct OtherNode {
  bool member = false;    // of this node's cluster, now
  bool promoted = false;  // its instance still is, as the manager says
  bool agrees = false;    // it has told since it joined by which record it goes, and that one is not newer than ours:
                          // after a split the cluster may have kept an older record than the one on its disk
  bool fenced = false;    // confirmed, after it was lost, and this node has been up since it wrote the record
  bool seen = false;      // was a member at some time since this node was booted, with the record as it is
  bool operator==(const OtherNode&) const = default;
};

struct Standing {
  std::string self;
  Durability durability = Durability::lossless;
  std::optional<Record> shared = {};  // the cluster's copy; nullopt: it could not be asked
  Record own = {};                    // this node's copy on disk
  bool must_follow = false;           // acknowledged transactions may have been cut off here: only a replica now
  bool majority = false;              // see Evidence::majority
  OtherNode other = {};               // of other_node()
  unsigned present = 0, wanted = 0;   // instances that are up and say so; that the cluster wants (clone-max)
  bool operator_word = false;
};

/// The record that counts: the higher of both copies.
const Record& record_of(const Standing& standing);
/// The node on whose being out all hangs: the in-sync replica for the primary, the primary for its in-sync replica;
/// "" when there is none.
std::string other_node(const Record& record, const std::string& self);
/// The same by all that this node knows. The cluster's copy may name it primary, of a promotion that did not get as far
/// as the copy on disk: then all hangs still on the node of which that one speaks.
std::string other_node(const Standing& standing);

struct Permission {
  Evidence by = Evidence::none;  // none: refused
  std::string why = {};          // of a refusal: what is missing and what helps
  Record next = {};              // to be written, and stored, before the database becomes writable
  bool granted() const { return by != Evidence::none; }
};
/// To be asked once more after the record was stored, and before it is written to the disk: what was true of the other
/// node may have ended meanwhile, and each of both may have stored a record of its own.
Permission may_promote(const Standing& standing);

/// Whether this node, the primary, may go on without its in-sync replica; none: writers wait.
Evidence may_release(const Standing& standing);

/// Is a node that this record does not name primary or in sync to have a promotion score? The evidence is asked for at
/// the promotion itself; this only says whom the record leaves.
bool is_eligible(const Standing& standing);
/// nullopt: none.
std::optional<int> promotion_score(const Standing& standing);

}  // namespace systole::mysql
