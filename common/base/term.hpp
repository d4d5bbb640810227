// SPDX-License-Identifier: GPL-2.0-or-later
// Terms and stamps: who led when a decision was made, and the order of configuration documents.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.hpp"

namespace systole {

/// A leader's reign. (number, node) so that two nodes that lead alone at the same time never share one. number 0: none.
struct Term {
  std::uint64_t number = 0;
  NodeId node;  // the leader of this term
  auto operator<=>(const Term&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(number)(node);
  }
};

/// The place of a configuration document in history: the term in which a leader last stamped it, and a count that
/// rises by one with each write. A document with the higher stamp is the newer one.
struct Stamp {
  Term term;
  std::uint64_t index = 0;
  auto operator<=>(const Stamp&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(term)(index);
  }
};

/// A document with its place in history. `history` holds the last stamp of each earlier term that the document descends
/// from, oldest first, at most a bounded number: enough to tell an ancestor from a document of another history.
struct Stamped {
  Stamp stamp;
  std::string document;
  std::vector<Stamp> history = {};
  bool operator==(const Stamped&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(stamp)(document)(history);
  }
};

/// What a voter must never forget: the highest term it knows and whom it voted for in it.
struct Vote {
  std::uint64_t number = 0;
  NodeId voted_for;  // none: has not voted in this term
  auto operator<=>(const Vote&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(number)(voted_for);
  }
};

}  // namespace systole
