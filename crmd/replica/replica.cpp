// SPDX-License-Identifier: GPL-2.0-or-later
// The replicated document: Raft's log shrunk to its newest entry. What remains of Raft's rules: only documents stamped
// in the leader's own term are counted (hence the restamp), a follower takes nothing older than it has, and
// acknowledges only in the term it is in.
#include "crmd/replica/replica.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/ensure.hpp"

namespace systole::replica {

namespace {

std::string to_text(Stamp stamp) {
  return fmt::format("term {} of node {}, write {}", stamp.term.number, stamp.term.node.value, stamp.index);
}

}  // namespace

bool descends(const Stamped& newer, Stamp older) {
  if (older == Stamp{} || older.term == newer.stamp.term) return older.index <= newer.stamp.index;
  for (const Stamp& last : newer.history)
    if (last.term == older.term) return older.index <= last.index;
  // Older than all that the bounded history tells: too old to be anybody's lost work.
  return newer.history.size() >= history_terms_max && older < newer.history.front();
}

Replica::Replica(NodeId self, std::size_t configured_nodes, membership::Mode mode, Stamped stored)
    : self_(self), configured_(configured_nodes), mode_(mode), head_(std::move(stored)), stored_(head_.stamp) {}

// ---- roles

std::vector<Effect> Replica::lead(Term term, const std::set<NodeId>& members) {
  ensure(term.node == self_ && members.contains(self_));
  ensure(term > head_.stamp.term);
  term_ = term;
  leader_ = self_;
  leading_ = true;
  ready_ = false;
  members_ = members;
  forsaken_.clear();
  kept_.clear();
  // What this node has may be committed or not; stamped anew and stored by enough, it is.
  if (head_.stamp != Stamp{}) head_.history.push_back(head_.stamp);
  if (head_.history.size() > history_terms_max) head_.history.erase(head_.history.begin());
  head_.stamp = {term, head_.stamp.index + 1};
  first_of_term_ = head_.stamp.index;
  committed_ = head_.stamp.index - 1;
  std::vector<Effect> effects;
  put_head(effects);
  return effects;
}

std::vector<Effect> Replica::follow(Term term, NodeId leader) {
  std::vector<Effect> effects;
  if (leading_) effects.push_back(Dropped{committed_});
  term_ = term;
  leader_ = leader;
  leading_ = ready_ = false;
  kept_.clear();
  return effects;
}

std::vector<Effect> Replica::members(const std::set<NodeId>& members) {
  const std::set<NodeId> before = std::exchange(members_, members);
  if (!leading_) return {};
  std::erase_if(forsaken_, [&](NodeId node) { return !members_.contains(node); });
  std::vector<Effect> effects;
  for (const NodeId node : members_)
    if (!before.contains(node)) effects.push_back(Send{node, Keep{term_, head_}});
  std::vector<Effect> safer = advance();  // mode none waits for nobody who is gone
  std::move(safer.begin(), safer.end(), std::back_inserter(effects));
  return effects;
}

// ---- leader

void Replica::put_head(std::vector<Effect>& effects) {
  effects.push_back(Store{head_});
  for (const NodeId node : members_)
    if (node != self_) effects.push_back(Send{node, Keep{term_, head_}});
}

Replica::Proposed Replica::propose(std::string document) {
  ensure(ready());
  head_.document = std::move(document);
  ++head_.stamp.index;
  Proposed proposed{head_.stamp.index, {}};
  put_head(proposed.effects);
  return proposed;
}

bool Replica::safe(std::uint64_t index) const {
  const auto has = [&](NodeId node) {
    const auto found = kept_.find(node);
    return found != kept_.end() && found->second >= index;
  };
  if (mode_ != membership::Mode::majority)
    return std::all_of(members_.begin(), members_.end(),
                       [&](NodeId node) { return forsaken_.contains(node) || has(node); });
  const auto count = std::count_if(kept_.begin(), kept_.end(), [&](const auto& kept) { return kept.second >= index; });
  return static_cast<std::size_t>(count) > configured_ / 2;
}

std::vector<Effect> Replica::reconfigure(const std::set<NodeId>& configured) {
  configured_ = configured.size();
  std::erase_if(kept_, [&](const auto& kept) { return !configured.contains(kept.first); });
  return advance();
}

std::vector<Effect> Replica::advance() {
  if (!leading_) return {};
  std::uint64_t reached = committed_;
  for (const auto& [node, index] : kept_)
    if (index > reached && safe(index)) reached = index;
  if (reached == committed_) return {};
  committed_ = reached;
  std::vector<Effect> effects;
  if (!ready_) {
    ready_ = true;
    effects.push_back(Ready{});
  }
  effects.push_back(Committed{committed_});
  return effects;
}

std::vector<Effect> Replica::kept(NodeId from, const Kept& kept) {
  if (!leading_ || kept.term != term_ || kept.stamp.term != term_ || kept.stamp.index > head_.stamp.index) return {};
  std::uint64_t& index = kept_[from];
  index = std::max(index, kept.stamp.index);
  if (index == head_.stamp.index) forsaken_.erase(from);
  return advance();
}

std::vector<Effect> Replica::forsake(NodeId member) {
  ensure(member != self_);
  if (!leading_ || holds_head(member)) return {};
  forsaken_.insert(member);
  return advance();
}

// ---- follower

std::vector<Effect> Replica::keep(NodeId from, const Keep& keep) {
  const Stamped& theirs = keep.document;
  if (leading_ || from != leader_ || keep.term != term_ || theirs.stamp.term != term_) return {};
  if (theirs.stamp == stored_) return {Send{from, Kept{term_, stored_}}};  // sent again after a lost session
  if (theirs.stamp < head_.stamp || (theirs.stamp == head_.stamp && !failed_)) return {};  // its Store is under way
  std::vector<Effect> effects;
  const bool ours_is_new =
      head_.stamp == Stamp{} || (mode_ != membership::Mode::majority && !descends(theirs, head_.stamp));
  const bool lost = ours_is_new && !head_.document.empty() && head_.document != theirs.document;
  if (lost)
    effects.push_back(
        Aside{head_, fmt::format("this node's configuration ({}) is not part of the history of node {}'s ({}), "
                                 "which is kept because its term is the later one",
                                 to_text(head_.stamp), from.value, to_text(theirs.stamp))});
  head_ = theirs;
  failed_ = false;
  effects.push_back(Store{head_});
  effects.push_back(Adopted{head_});
  return effects;
}

std::vector<Effect> Replica::message(NodeId from, const Message& message) {
  if (const auto* keep_this = std::get_if<Keep>(&message)) return keep(from, *keep_this);
  return kept(from, std::get<Kept>(message));
}

std::vector<Effect> Replica::stored(Stamp stamp) {
  stored_ = std::max(stored_, stamp);
  if (stamp.term != term_) return {};  // of a term that is over: nobody waits for it, and nobody may count it
  if (leading_) return kept(self_, Kept{term_, stamp});
  if (!leader_) return {};
  return {Send{leader_, Kept{term_, stamp}}};
}

std::vector<Effect> Replica::store_failed(Stamp stamp) {
  failed_ = stamp == head_.stamp;  // sent once more, it is tried once more
  if (!leading_ || stamp.term != term_) return {};
  ready_ = leading_ = false;
  return {Dropped{committed_}};
}

std::vector<Effect> Replica::retry() {
  if (!std::exchange(failed_, false)) return {};
  return {Store{head_}};
}

bool Replica::holds_head(NodeId node) const {
  return leading_ && kept_by(node) == head_.stamp.index;
}

std::uint64_t Replica::kept_by(NodeId node) const {
  const auto found = kept_.find(node);
  return found == kept_.end() ? 0 : found->second;
}

bool Replica::ready() const {
  return leading_ && ready_;
}

const Stamped& Replica::head() const {
  return head_;
}

Stamp Replica::stored_stamp() const {
  return stored_;
}

std::uint64_t Replica::committed() const {
  return committed_;
}

}  // namespace systole::replica
