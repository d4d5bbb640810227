// SPDX-License-Identifier: GPL-2.0-or-later
// Names that must not be mixed up. A node has a name (the CIB's uname) and a number (nodeid of cluster.conf).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace systole {

template <class Tag>
struct Id {
  std::string value;
  auto operator<=>(const Id&) const = default;
  bool empty() const { return value.empty(); }
  template <class Archive>
  void fields(Archive& a) {
    a(value);
  }
};

using NodeName = Id<struct NodeNameTag>;
using ResourceId = Id<struct ResourceTag>;

/// nodeid of cluster.conf: 1 … 4294967295; 0 means "no node".
struct NodeId {
  std::uint32_t value = 0;
  auto operator<=>(const NodeId&) const = default;
  explicit operator bool() const { return value != 0; }
  template <class Archive>
  void fields(Archive& a) {
    a(value);
  }
};

}  // namespace systole

template <class Tag>
struct std::hash<systole::Id<Tag>> {
  std::size_t operator()(const systole::Id<Tag>& id) const noexcept { return std::hash<std::string>{}(id.value); }
};
