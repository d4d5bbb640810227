// SPDX-License-Identifier: GPL-2.0-or-later
// Node attributes that live as long as a node's membership (promotion scores, fail counts, pingd, …). Every node holds
// all of them in memory, so that a question is answered at once; the leader decides in which order changes count and
// when (dampening) they become part of the status that decisions are made from. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cib/model/status.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::attributes {

struct Value {
  std::string text;
  bool is_private = false;  // never part of the CIB
  bool operator==(const Value&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(text)(is_private);
  }
};
using OfNode = std::map<std::string, Value>;  // name → value
using Memory = std::map<NodeName, OfNode>;

/// A change as asked for: value may be "value++" or "value+=N"; absent: delete.
struct Change {
  NodeName node;
  std::string name;
  std::optional<std::string> value;
  std::optional<Duration> dampening;
  bool is_private = false;
  template <class Archive>
  void fields(Archive& a) {
    a(node)(name)(value)(dampening)(is_private);
  }
};

class Attributes {
 public:
  /// Applies a change to memory; the text that results (nullopt: deleted or unchanged absent). Errc::invalid: a name
  /// with characters that XML ids cannot hold, or a value beyond limits::attribute_value_bytes_max.
  Result<std::optional<std::string>> apply(const Change& change);

  /// Leader: remembers that the change waits to be written out (or is due at once where it has no dampening).
  void schedule_write(Now now, const Change& change);
  /// Leader: (node, name) pairs whose time has come; they are no longer waiting afterwards.
  std::vector<std::pair<NodeName, std::string>> due(Now now);
  Time next_deadline() const;

  const Memory& memory() const { return memory_; }
  const Value* find(const NodeName& node, const std::string& name) const;
  void replace(Memory memory) { memory_ = std::move(memory); }
  void replace(const NodeName& node, OfNode values) { memory_[node] = std::move(values); }
  void forget(const NodeName& node);
  /// Names of a node's attributes that match a regular expression (POSIX extended); Errc::invalid: no such expression.
  Result<std::vector<std::string>> matching(const NodeName& node, const std::string& pattern) const;

 private:
  Memory memory_;
  std::map<std::string, Duration> dampening_;  // by attribute name
  std::map<std::pair<NodeName, std::string>, Time> waiting_;
};

}  // namespace systole::attributes
