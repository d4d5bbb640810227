// SPDX-License-Identifier: GPL-2.0-or-later
// The invariants. The judge sees every vote, leader, stored document, acknowledgement and obeyed order of all nodes at
// once, which no node ever does, and says what must not have happened.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crmd/membership/membership.hpp"
#include "tests/sim/machine.hpp"

namespace systole::sim {

class Judge {
 public:
  explicit Judge(membership::Mode mode) : mode_(mode) {}

  void vote_written(NodeId node, const Vote& before, const Vote& after);
  /// writes: of the clients, those in the document that is on the node's disk now.
  void document_written(NodeId node, Stamp before, Stamp after, const std::vector<std::uint64_t>& writes);
  /// A packet leaves; on_disk: the sender's vote that is durable now; just_started: not yet a deadtime ago.
  void sent(const membership::Transmit& transmit, const Vote& on_disk, bool just_started);
  void leads(NodeId node, Term term, const Vote& on_disk);
  void obeyed(NodeId node, Term term, std::uint64_t known_before);
  /// A leader begins to serve: its document must hold all that was acknowledged in earlier terms.
  void ready(NodeId node, Term term, const std::set<std::uint64_t>& writes);
  /// A leader takes its documents up to this one for safe; on_disk: how many of the nodes on its list have it, or a
  /// newer one, on disk at that moment.
  void committed(NodeId leader, Stamp document, std::size_t on_disk, std::size_t listed);
  /// A client has heard ok, perhaps long after the leader's word was given; oldest: the lowest stamp among the
  /// documents on disk that have the write.
  void acknowledged(NodeId node, std::uint64_t write, Stamp oldest);
  void finally(NodeId node, const std::set<std::uint64_t>& writes);
  void broken(std::string what) {
    if (!verdict_) verdict_ = std::move(what);
  }

  /// The first thing that must not have happened.
  const std::optional<std::string>& verdict() const { return verdict_; }
  std::size_t acknowledged_writes() const { return acknowledged_.size(); }
  bool was_acknowledged(std::uint64_t write) const { return acknowledged_.contains(write); }

 private:
  std::optional<std::uint64_t> missing(const std::set<std::uint64_t>& writes, Term up_to) const;

  membership::Mode mode_;
  std::map<std::uint64_t, NodeId> leader_of_;                   // by term number
  std::map<std::pair<NodeId, std::uint64_t>, NodeId> granted_;  // (voter, term number) → candidate
  std::map<std::uint64_t, Stamp> acknowledged_;                 // write → the document that was committed with it
  std::map<Term, std::uint64_t> committed_;                     // the highest index of each term
  // Of each write and term: the lowest index of a document on any disk that has it. All later ones of that term have
  // it.
  std::map<std::uint64_t, std::map<Term, std::uint64_t>> written_;
  std::optional<std::string> verdict_;
};

}  // namespace systole::sim
