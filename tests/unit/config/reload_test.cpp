// SPDX-License-Identifier: GPL-2.0-or-later
// What may change under a daemon that runs, and what is named as needing a restart.
#include "common/config/reload.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace systole::config {
namespace {

ClusterConf three_nodes() {
  ClusterConf conf;
  conf.cluster_name = "shop";
  conf.links = {{"", 5407}};
  for (std::uint32_t id = 1; id <= 3; ++id)
    conf.nodes.push_back({NodeId{id}, fmt::format("n{}", id), {fmt::format("192.0.2.{}", id)}, false, 0});
  return conf;
}

struct ReloadTest : testing::Test {
  Differences differences() const { return compare(present, wanted, NodeId{1}); }
  ClusterConf present = three_nodes(), wanted = present;
};

TEST_F(ReloadTest, the_same_file_changes_nothing) {
  wanted.nodes[2].line = 77;
  EXPECT_TRUE(differences().live.empty());
  EXPECT_TRUE(differences().need_restart.empty());
}

TEST_F(ReloadTest, nodes_come_and_go_and_move_to_other_addresses) {
  wanted.nodes[1].addresses = {"192.0.2.22"};
  wanted.nodes[2] = {NodeId{4}, "n4", {"192.0.2.4"}, false, 0};
  EXPECT_TRUE(differences().need_restart.empty());
  EXPECT_EQ(differences().live,
            (std::vector<std::string>{"node 'n2' (nodeid 2) has the address 192.0.2.22", "node 'n4' (nodeid 4) is new",
                                      "node 'n3' (nodeid 3) is removed"}));
}

TEST_F(ReloadTest, ping_targets_logging_and_the_key_file_can_change) {
  wanted.ping_targets = {"192.0.2.254"};
  wanted.logging.debug = true;
  wanted.key_file = "/etc/other";
  EXPECT_TRUE(differences().need_restart.empty());
  EXPECT_EQ(differences().live.size(), 3U);
}

TEST_F(ReloadTest, every_setting_that_needs_a_restart_is_named) {
  wanted.cluster_name = "other";
  wanted.keepalive = 100ms;
  wanted.deadtime = 2s;
  wanted.lease = 500ms;
  wanted.mode = QuorumMode::none;
  wanted.wait_for_all = true;
  wanted.links[0].port = 5500;
  wanted.guardian.watchdog_device = "/dev/watchdog";
  wanted.nodes[0].addresses = {"192.0.2.11"};
  wanted.nodes[1].witness = true;
  wanted.nodes[2].name = "renamed";
  EXPECT_EQ(differences().need_restart,
            (std::vector<std::string>{"cluster_name", "keepalive", "deadtime", "lease", "mode (majority becomes none)",
                                      "wait_for_all", "watchdog_device", "port, interface or group of link 0",
                                      "an address of this node, node 'n1' (nodeid 1)",
                                      "'witness' of node 'n2' (nodeid 2)", "the name of node 'n3' (nodeid 3)"}));
}

TEST_F(ReloadTest, a_file_without_this_node_is_not_for_this_daemon) {
  wanted.nodes.erase(wanted.nodes.begin());
  EXPECT_EQ(differences().need_restart.size(), 1U);
}

}  // namespace
}  // namespace systole::config
