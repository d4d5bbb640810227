// SPDX-License-Identifier: GPL-2.0-or-later
// See reload.hpp.
#include "common/config/reload.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace systole::config {
namespace {

const NodeConf* find(const ClusterConf& conf, NodeId id) {
  const auto found = std::ranges::find(conf.nodes, id, &NodeConf::id);
  return found == conf.nodes.end() ? nullptr : &*found;
}

std::string title(const NodeConf& node) {
  return fmt::format("node '{}' (nodeid {})", node.name, node.id.value);
}

void compare_cluster(const ClusterConf& present, const ClusterConf& wanted, std::vector<std::string>& names) {
  const auto differs = [&](bool different, std::string name) {
    if (different) names.push_back(std::move(name));
  };
  differs(present.cluster_name != wanted.cluster_name, "cluster_name");
  differs(present.keepalive != wanted.keepalive, "keepalive");
  differs(present.deadtime != wanted.deadtime, "deadtime");
  differs(present.initdead != wanted.initdead, "initdead");
  differs(present.lease != wanted.lease, "lease");
  differs(present.guard != wanted.guard, "guard");
  differs(present.takeover_delay != wanted.takeover_delay, "takeover_delay");
  differs(present.mode != wanted.mode,
          fmt::format("mode ({} becomes {})", name_of(present.mode), name_of(wanted.mode)));
  differs(present.wait_for_all != wanted.wait_for_all, "wait_for_all");
  differs(present.guardian.watchdog_device != wanted.guardian.watchdog_device, "watchdog_device");
  differs(present.guardian.watchdog_timeout != wanted.guardian.watchdog_timeout, "watchdog_timeout");
  differs(present.links.size() != wanted.links.size(), "the number of links");
  for (std::size_t i = 0; i < std::min(present.links.size(), wanted.links.size()); ++i)
    differs(present.links[i] != wanted.links[i], fmt::format("port, interface or group of link {}", i));
}

void compare_node(const NodeConf& present, const NodeConf& wanted, bool is_self, Differences& found) {
  if (present.name != wanted.name) found.need_restart.push_back(fmt::format("the name of {}", title(present)));
  if (present.witness != wanted.witness) found.need_restart.push_back(fmt::format("'witness' of {}", title(present)));
  if (present.addresses == wanted.addresses) return;
  if (is_self)
    found.need_restart.push_back(fmt::format("an address of this node, {}", title(present)));
  else
    found.live.push_back(fmt::format("{} has the address {}", title(wanted), fmt::join(wanted.addresses, " and ")));
}

}  // namespace

Differences compare(const ClusterConf& present, const ClusterConf& wanted, NodeId self) {
  Differences found;
  compare_cluster(present, wanted, found.need_restart);
  for (const NodeConf& node : wanted.nodes) {
    if (const NodeConf* const before = find(present, node.id))
      compare_node(*before, node, node.id == self, found);
    else
      found.live.push_back(fmt::format("{} is new", title(node)));
  }
  for (const NodeConf& node : present.nodes) {
    if (find(wanted, node.id) != nullptr) continue;
    if (node.id == self)
      found.need_restart.push_back(fmt::format("this node itself, {}, which is no longer listed", title(node)));
    else
      found.live.push_back(fmt::format("{} is removed", title(node)));
  }
  if (present.ping_targets != wanted.ping_targets)
    found.live.push_back(fmt::format("ping_target is {}", fmt::join(wanted.ping_targets, ", ")));
  if (!(present.logging == wanted.logging)) found.live.emplace_back("the section 'logging' changed");
  if (present.key_file != wanted.key_file)
    found.live.push_back(fmt::format("the keys are those of {}", wanted.key_file));
  return found;
}

}  // namespace systole::config
