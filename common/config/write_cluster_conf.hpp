// SPDX-License-Identifier: GPL-2.0-or-later
// cluster.conf as a text that people go on editing: the first one, whose comments teach, and a node more in one that
// exists, whose comments and order stay as they are. Pure: text in, text out; what comes out is always read back first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/cluster_conf.hpp"

namespace systole::config {

/// What a new cluster is to be, with its one node.
struct Founding {
  std::string cluster_name;
  std::string node_name;
  std::vector<std::string> addresses;  // one per link, IP literals
  std::string mode = "none";           // majority, witness, ping or none: how two or more nodes shall decide
  std::vector<std::string> ping_targets{};
  Duration deadtime = 1s;
  std::uint16_t port = default_port;
  std::string key_file{default_key_file};
  bool operator==(const Founding&) const = default;
};

/// path is where the text will be, for messages and comments.
Result<std::string> first_cluster_conf(const Founding& founding, std::string_view path);

/// A node that wants to be one of the cluster.
struct Newcomer {
  std::string name;
  std::vector<std::string> addresses;
  bool witness = false;
  bool operator==(const Newcomer&) const = default;
};

struct Grown {
  std::string text;          // the new cluster.conf
  NodeId id;                 // the newcomer's
  bool was_listed = false;   // it was there before under this name with these addresses: text is what it was
  std::string mode_changed;  // "none" or "ping" where a witness made 'mode: witness' of it, else ""
};

/// text: a cluster.conf that is sound. Errc::exists: name or address is another node's; Errc::refused: the cluster
/// cannot have this node as it is, and what would have to change.
Result<Grown> with_node(std::string_view text, const Newcomer& newcomer, std::string_view path);

}  // namespace systole::config
