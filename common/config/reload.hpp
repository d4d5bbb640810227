// SPDX-License-Identifier: GPL-2.0-or-later
// What a daemon that runs makes of a cluster.conf that was edited: which of its settings can hold from now on, and
// which only a start takes over. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/config/cluster_conf.hpp"

namespace systole::config {

struct Differences {
  /// Settings that only a start takes over, as a person would name them: with one of these nothing is taken over.
  std::vector<std::string> need_restart;
  /// What can hold from now on, one sentence each: "node 'n3' (nodeid 3) is new".
  std::vector<std::string> live;
};

/// self: this node, in both of them. Whether nodes may come and go now is for the membership to say.
Differences compare(const ClusterConf& present, const ClusterConf& wanted, NodeId self);

}  // namespace systole::config
