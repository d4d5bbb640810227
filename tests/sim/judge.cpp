// SPDX-License-Identifier: GPL-2.0-or-later
// What must never be, each with the sentence that a failing seed prints.
#include "tests/sim/judge.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace systole::sim {

void Judge::vote_written(NodeId node, const Vote& before, const Vote& after) {
  if (after.number < before.number)
    broken(fmt::format("node {} stored term {} over term {}", node.value, after.number, before.number));
  if (after.number == before.number && before.voted_for && after.voted_for != before.voted_for)
    broken(fmt::format("node {} changed its vote in term {} from node {} to node {}", node.value, after.number,
                       before.voted_for.value, after.voted_for.value));
}

void Judge::document_written(NodeId node, Stamp before, Stamp after, const std::vector<std::uint64_t>& writes) {
  for (const std::uint64_t write : writes) {
    const auto [lowest, first] = written_[write].try_emplace(after.term, after.index);
    if (!first) lowest->second = std::min(lowest->second, after.index);
  }
  if (after < before)
    broken(fmt::format("node {} stored a document of term {} over one of term {}", node.value, after.term.number,
                       before.term.number));
}

void Judge::sent(const membership::Transmit& transmit, const Vote& on_disk, bool just_started) {
  const auto& ballot = transmit.packet.ballot;
  if (!ballot || ballot->kind != wire::Ballot::Kind::vote_reply || !ballot->granted) return;
  const NodeId voter = transmit.packet.from;
  const bool durable = on_disk.number > ballot->number || on_disk == Vote{ballot->number, ballot->candidate};
  if (!durable)
    broken(fmt::format("node {} sent a vote for node {} in term {} that is not on its disk", voter.value,
                       ballot->candidate.value, ballot->number));
  if (just_started)
    broken(fmt::format("node {} voted for node {} in its first deadtime after a start", voter.value,
                       ballot->candidate.value));
  const auto [found, first] = granted_.try_emplace({voter, ballot->number}, ballot->candidate);
  if (!first && found->second != ballot->candidate)
    broken(fmt::format("node {} voted for node {} and for node {} in term {}", voter.value, found->second.value,
                       ballot->candidate.value, ballot->number));
}

void Judge::leads(NodeId node, Term term, const Vote& on_disk) {
  if (on_disk < Vote{term.number, node})
    broken(fmt::format("node {} leads term {} and its own vote is not on its disk", node.value, term.number));
  if (mode_ != membership::Mode::majority) return;  // there, two nodes may each lead alone: that is its price
  const auto [found, first] = leader_of_.try_emplace(term.number, node);
  if (!first && found->second != node)
    broken(fmt::format("nodes {} and {} both led term {}", found->second.value, node.value, term.number));
}

void Judge::obeyed(NodeId node, Term term, std::uint64_t known_before) {
  if (term.number < known_before)
    broken(fmt::format("node {} obeyed an order of term {} though it knew term {}", node.value, term.number,
                       known_before));
}

std::optional<std::uint64_t> Judge::missing(const std::set<std::uint64_t>& writes, Term up_to) const {
  for (const auto& [write, stamp] : acknowledged_)
    if (stamp.term <= up_to && !writes.contains(write)) return write;
  return std::nullopt;
}

void Judge::ready(NodeId node, Term term, const std::set<std::uint64_t>& writes) {
  if (mode_ != membership::Mode::majority) return;
  if (const auto lost = missing(writes, term))
    broken(fmt::format("node {} serves as leader of term {} without write {}, which was acknowledged", node.value,
                       term.number, *lost));
}

void Judge::committed(NodeId leader, Stamp document, std::size_t on_disk, std::size_t listed) {
  std::uint64_t& highest = committed_[document.term];
  highest = std::max(highest, document.index);
  if (mode_ == membership::Mode::majority && on_disk <= listed / 2)
    broken(fmt::format("node {} takes document ({}, {}) for safe, which {} of its {} nodes have on disk", leader.value,
                       document.term.number, document.index, on_disk, listed));
}

void Judge::acknowledged(NodeId node, std::uint64_t write, Stamp oldest) {
  acknowledged_.try_emplace(write, oldest);
  if (mode_ != membership::Mode::majority) return;
  const auto safe = [&](const auto& in_term) {
    const auto found = committed_.find(in_term.first);
    return found != committed_.end() && in_term.second <= found->second;
  };
  if (std::ranges::none_of(written_[write], safe))
    broken(fmt::format("node {} acknowledged write {}, and no leader ever had it on a majority of disks", node.value,
                       write));
}

void Judge::finally(NodeId node, const std::set<std::uint64_t>& writes) {
  if (mode_ != membership::Mode::majority) return;
  if (const auto lost = missing(writes, Term{~std::uint64_t{0}, {}}))
    broken(fmt::format("write {} was acknowledged, and node {} does not have it in the end", *lost, node.value));
}

}  // namespace systole::sim
