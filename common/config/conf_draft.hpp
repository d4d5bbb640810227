// SPDX-License-Identifier: GPL-2.0-or-later
// What the sections of cluster.conf say before they are put together, and the last step of reading: what belongs
// together is checked, and what was not said is filled in.
#pragma once

#include <map>
#include <optional>
#include <string_view>

#include "common/config/cluster_conf.hpp"

namespace systole::config {

struct Draft {
  ClusterConf conf;
  std::optional<Duration> keepalive, deadtime, token, initdead;
  std::optional<std::uint16_t> port;
  struct Link {
    std::string interface;
    std::optional<std::uint16_t> port;
    std::string mcastaddr;
    bool broadcast = false;
    int line = 0;
  };
  std::map<std::size_t, Link> links;
  bool to_groups = false;  // transport: multicast
  std::optional<QuorumMode> mode;
  bool witness_wanted = false;  // mode: witness
  std::optional<std::uint32_t> two_node, expected_votes;
  int quorum_line = 0, totem_line = 0, guardian_line = 0;
};

/// Times, nodes, links and quorum: draft.conf is whole afterwards, or the error says what contradicts what.
Result<void> settle(Draft& draft, std::string_view file);

}  // namespace systole::config
