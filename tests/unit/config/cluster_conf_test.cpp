// SPDX-License-Identifier: GPL-2.0-or-later
// cluster.conf: what is read, and the sentence with which everything else is refused.
#include "common/config/cluster_conf.hpp"

#include <gtest/gtest.h>

#include "common/base/dice.hpp"
#include "tests/unit/config/two_nodes.hpp"

namespace systole::config {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

std::string complaint(const std::string& text) {
  const auto conf = parse_cluster_conf(text, "cluster.conf");
  return conf ? "accepted" : conf.error().what;
}

TEST(ClusterConf, a_whole_configuration_is_read) {
  const auto conf = parse_cluster_conf(two_nodes, "cluster.conf");
  ASSERT_TRUE(conf) << conf.error().what;
  EXPECT_EQ(conf->cluster_name, "shop");
  EXPECT_EQ(conf->keepalive, 100ms);
  EXPECT_EQ(conf->deadtime, 500ms);
  EXPECT_EQ(conf->mode, QuorumMode::none);
  ASSERT_EQ(conf->nodes.size(), 2u);
  EXPECT_EQ(conf->nodes[1].name, "beta");
  EXPECT_EQ(conf->nodes[1].addresses, (std::vector<std::string>{"192.0.2.2", "2001:db8::2"}));
  EXPECT_EQ(conf->links, (std::vector<LinkConf>{{"eth1", 5407}, {"", 5407}}));
  EXPECT_EQ(conf->logging.logfile, "/var/log/cluster.log");
  EXPECT_TRUE(conf->logging.debug);
}

TEST(ClusterConf, a_deadtime_of_200_ms_gets_a_keepalive_that_fits) {
  const auto conf = parse_cluster_conf(
      replaced(replaced(two_nodes, "  keepalive: 100\n", ""), "deadtime: 500", "token: 200"), "cluster.conf");
  ASSERT_TRUE(conf) << conf.error().what;
  EXPECT_EQ(conf->deadtime, 200ms);
  EXPECT_EQ(conf->keepalive, 40ms);
}

TEST(ClusterConf, a_deadtime_of_50_ms_is_the_shortest) {
  const auto with = [](const char* deadtime) {
    return replaced(replaced(two_nodes, "  keepalive: 100\n", ""), "deadtime: 500", deadtime);
  };
  const auto conf = parse_cluster_conf(with("deadtime: 50"), "cluster.conf");
  ASSERT_TRUE(conf) << conf.error().what;
  EXPECT_EQ(conf->keepalive, 10ms);
  EXPECT_NE(complaint(with("deadtime: 49")).find("49ms is outside of 50ms … 10m"), std::string::npos)
      << complaint(with("deadtime: 49"));
}

TEST(ClusterConf, an_unknown_word_is_refused_with_its_place_and_the_words_that_are_known) {
  EXPECT_EQ(complaint(replaced(two_nodes, "two_node", "tow_node")),
            "cluster.conf:28: unknown word 'tow_node' in 'quorum'; known: expected_votes, mode, ping_target, "
            "provider, two_node, wait_for_all");
  EXPECT_EQ(complaint(replaced(two_nodes, "quorum {", "quorums {")),
            "cluster.conf:26: unknown section 'quorums'; known: guardian, logging, nodelist, quorum, totem");
}

TEST(ClusterConf, a_word_of_corosync_that_means_nothing_here_is_refused_with_its_reason) {
  EXPECT_EQ(complaint(replaced(two_nodes, "version: 2", "crypto_cipher: none")),
            "cluster.conf:3: 'crypto_cipher' in 'totem': packets are always sealed with XChaCha20-Poly1305; remove "
            "this line");
}

TEST(ClusterConf, two_nodes_with_one_name_are_refused) {
  EXPECT_EQ(complaint(replaced(two_nodes, "name: beta", "name: Alpha")),
            "cluster.conf:19: two nodes have the name 'Alpha' (the other one: line 13)");
}

TEST(ClusterConf, two_nodes_with_one_number_or_one_address_are_refused) {
  EXPECT_EQ(complaint(replaced(two_nodes, "nodeid: 2", "nodeid: 1")),
            "cluster.conf:19: nodes 'alpha' and 'beta' have the same nodeid 1");
  EXPECT_EQ(complaint(replaced(two_nodes, "192.0.2.2", "192.0.2.1")),
            "cluster.conf:19: address 192.0.2.1 is used twice (the other: node 'alpha', line 13)");
}

TEST(ClusterConf, a_deadtime_below_three_keepalives_is_refused) {
  EXPECT_EQ(complaint(replaced(two_nodes, "keepalive: 100", "keepalive: 200")),
            "cluster.conf:2: deadtime 500ms must be at least 3 × keepalive 200ms: one lost packet is no dead node");
}

TEST(ClusterConf, two_nodes_must_say_what_happens_when_one_is_lost) {
  const std::string said = complaint(replaced(two_nodes, "  two_node: 1\n", ""));
  EXPECT_NE(said.find("either 'mode: none'"), std::string::npos) << said;
}

TEST(ClusterConf, mode_none_is_for_two_nodes_only) {
  const std::string three =
      replaced(two_nodes, "nodelist {",
               "nodelist {\nnode {\nnodeid: 3\nname: gamma\nring0_addr: 192.0.2.3\nring1_addr: 2001:db8::3\n}");
  EXPECT_EQ(complaint(three),
            "cluster.conf:32: mode none (two_node) is for two nodes; here are 3: with three or more, a majority "
            "decides");
}

const std::string one_node =
    "totem {\ncluster_name: shop\n}\nnodelist {\nnode {\nnodeid: 1\nname: alpha\nring0_addr: 192.0.2.1\n}\n}\n";
const std::string gamma_is_witness =
    "nodelist {\nnode {\nnodeid: 3\nname: gamma\nring0_addr: 192.0.2.3\nring1_addr: 2001:db8::3\nwitness: yes\n}";

TEST(ClusterConf, a_single_node_is_its_own_majority_whatever_mode_it_is_to_have) {
  for (const std::string mode : {"none", "majority", "witness", "ping\nping_target: 192.0.2.254"}) {
    const auto conf = parse_cluster_conf(one_node + "quorum {\nmode: " + mode + "\n}\n", "cluster.conf");
    ASSERT_TRUE(conf) << conf.error().what;
    EXPECT_EQ(conf->mode, QuorumMode::majority) << mode;
  }
}

TEST(ClusterConf, a_witness_is_one_of_the_majority) {
  for (const std::string quorum : {"", "mode: witness", "mode: majority"}) {
    const auto conf = parse_cluster_conf(
        replaced(replaced(two_nodes, "nodelist {", gamma_is_witness), "two_node: 1", quorum), "cluster.conf");
    ASSERT_TRUE(conf) << conf.error().what;
    EXPECT_EQ(conf->mode, QuorumMode::majority);
    EXPECT_TRUE(conf->has_witness());
    EXPECT_TRUE(conf->nodes[0].witness);
    EXPECT_FALSE(conf->nodes[1].witness);
  }
  EXPECT_FALSE(parse_cluster_conf(two_nodes, "cluster.conf")->has_witness());
  EXPECT_EQ(complaint(replaced(replaced(two_nodes, "two_node: 1", ""), "nodeid: 2", "nodeid: 2\nwitness: yes")),
            "accepted");
}

TEST(ClusterConf, mode_witness_without_a_witness_and_witnesses_without_a_worker_are_refused) {
  EXPECT_EQ(complaint(replaced(two_nodes, "two_node: 1", "mode: witness")),
            "cluster.conf:26: mode witness needs a node with 'witness: yes' (a third machine that votes and runs "
            "nothing)");
  EXPECT_EQ(complaint(replaced(one_node, "nodeid: 1", "nodeid: 1\nwitness: yes")),
            "cluster.conf:5: every node is a witness: no node is left that could run a resource");
  EXPECT_EQ(complaint(replaced(two_nodes, "nodeid: 2", "nodeid: 2\nwitness: yes")),
            "cluster.conf:19: node 'beta' is a witness, which has no part in mode none; say 'mode: witness'");
}

TEST(ClusterConf, mode_ping_has_targets_that_are_no_nodes) {
  const auto conf = parse_cluster_conf(
      replaced(two_nodes, "two_node: 1", "mode: ping\nping_target: 192.0.2.254, 2001:db8::fe"), "cluster.conf");
  ASSERT_TRUE(conf) << conf.error().what;
  EXPECT_EQ(conf->mode, QuorumMode::ping);
  EXPECT_EQ(conf->ping_targets, (std::vector<std::string>{"192.0.2.254", "2001:db8::fe"}));
  EXPECT_EQ(
      complaint(replaced(two_nodes, "two_node: 1", "mode: ping")),
      "cluster.conf:26: mode ping needs a ping_target: the address of a machine, such as the router, that answers "
      "pings");
  EXPECT_EQ(complaint(replaced(two_nodes, "two_node: 1", "mode: ping\nping_target: 192.0.2.2")),
            "cluster.conf:26: ping_target 192.0.2.2 is an address of node 'beta': a node's own answer proves nothing");
  EXPECT_EQ(complaint(replaced(two_nodes, "two_node: 1", "two_node: 1\nping_target: 192.0.2.254")),
            "cluster.conf:26: ping_target is used by mode ping only; remove it or say 'mode: ping'");
  EXPECT_EQ(complaint(replaced(two_nodes, "two_node: 1", "ping_target: gateway")),
            "cluster.conf:28: ping_target: 'gateway' is no IP address");
}

TEST(ClusterConf, times_of_lease_and_takeover_are_computed_where_they_are_not_given) {
  const auto silent = parse_cluster_conf(replaced(two_nodes, "version: 2", "lease: 0"), "cluster.conf");
  ASSERT_TRUE(silent) << silent.error().what;
  EXPECT_EQ(silent->lease, std::nullopt);
  EXPECT_EQ(silent->guard, std::nullopt);
  EXPECT_EQ(silent->takeover_delay, std::nullopt);
  const auto said =
      parse_cluster_conf(replaced(two_nodes, "version: 2", "lease: 250\nguard: 20\ntakeover_delay: 0"), "cluster.conf");
  ASSERT_TRUE(said) << said.error().what;
  EXPECT_EQ(said->lease, Duration{250ms});
  EXPECT_EQ(said->guard, Duration{20ms});
  EXPECT_EQ(said->takeover_delay, Duration{});
  EXPECT_EQ(complaint(replaced(two_nodes, "version: 2", "lease: 100")),
            "cluster.conf:2: lease 100ms must be longer than keepalive 100ms: each beat renews it");
}

TEST(ClusterConf, the_guardian_arms_the_watchdog_that_is_named) {
  const auto conf = parse_cluster_conf(
      two_nodes + "guardian {\nwatchdog_device: /dev/watchdog\nwatchdog_timeout: 5\n}\n", "cluster.conf");
  ASSERT_TRUE(conf) << conf.error().what;
  EXPECT_EQ(conf->guardian, (GuardianConf{"/dev/watchdog", Duration{5s}}));
  EXPECT_EQ(complaint(two_nodes + "guardian {\nwatchdog_timeout: 5\n}\n"),
            "cluster.conf:36: watchdog_timeout is of no use without a watchdog_device");
}

TEST(ClusterConf, waiting_for_all_nodes_is_off_unless_asked_for) {
  EXPECT_FALSE(parse_cluster_conf(two_nodes, "cluster.conf")->wait_for_all);
  EXPECT_TRUE(
      parse_cluster_conf(replaced(two_nodes, "two_node: 1", "two_node: 1\nwait_for_all: 1"), "f")->wait_for_all);
}

TEST(ClusterConf, a_host_name_as_address_is_refused) {
  EXPECT_EQ(
      complaint(replaced(two_nodes, "192.0.2.2", "beta.example.org")),
      "cluster.conf:22: ring0_addr: 'beta.example.org' is no IP address (names are not looked up: name service may be "
      "what is down)");
}

TEST(ClusterConf, broken_syntax_is_named_by_line) {
  EXPECT_EQ(complaint("totem {\n  version 2\n}\n"),
            "cluster.conf:2: 'version 2' is neither 'word: value', 'section {' nor '}'");
  EXPECT_EQ(complaint("totem {\n"), "cluster.conf:1: section 'totem' is never closed by a '}'");
  EXPECT_EQ(complaint("}\n"), "cluster.conf:1: '}' closes nothing");
  EXPECT_EQ(complaint("totem {\n version: 2\n version: 2\n}\n"),
            "cluster.conf:3: 'version' was given before, in line 2");
}

TEST(ClusterConf, an_empty_file_says_what_is_missing) {
  EXPECT_EQ(complaint(""), "cluster.conf: 'totem { cluster_name: … }' is missing");
}

TEST(ClusterConf, damaged_text_never_crashes_the_reader) {
  Dice dice(7);
  for (int round = 0; round < 3'000; ++round) {
    std::string text = two_nodes;
    for (std::uint64_t n = 1 + dice.below(8); n > 0; --n) {
      const auto at = static_cast<std::size_t>(dice.below(text.size()));
      if (dice.chance(1, 2))
        text[at] = static_cast<char>(dice.below(256));
      else
        text.erase(at, static_cast<std::size_t>(dice.below(20)));
    }
    const auto conf = parse_cluster_conf(text, "cluster.conf");
    if (!conf) {
      EXPECT_EQ(conf.error().what.rfind("cluster.conf:", 0), 0u) << conf.error().what;
    }
  }
}

TEST(ClusterConf, this_node_is_found_by_option_then_host_name_then_address) {
  const auto conf = parse_cluster_conf(two_nodes, "cluster.conf");
  ASSERT_TRUE(conf);
  EXPECT_EQ(find_self(*conf, "beta", "alpha", {}).value(), 1u);
  EXPECT_EQ(find_self(*conf, "", "beta.example.org", {}).value(), 1u);
  EXPECT_EQ(find_self(*conf, "", "elsewhere", {"127.0.0.1", "192.0.2.2"}).value(), 1u);
  EXPECT_EQ(find_self(*conf, "gamma", "alpha", {}).error().what,
            "--node 'gamma' is no node of the configuration; there are: alpha, beta");
  EXPECT_EQ(find_self(*conf, "", "elsewhere", {}).error().code, Errc::not_found);
}

TEST(ClusterConf, a_missing_file_is_said_with_its_path) {
  const auto conf = read_cluster_conf("/nonexistent/cluster.conf");
  ASSERT_FALSE(conf);
  EXPECT_EQ(conf.error().code, Errc::not_found);
  EXPECT_NE(conf.error().what.find("/nonexistent/cluster.conf"), std::string::npos);
}

TEST(ConfAddress, an_ipv6_address_of_one_interface_alone_names_it_and_others_must_not) {
  const auto with = [](const std::string& address) {
    return parse_cluster_conf(
        "totem {\ncluster_name: shop\n}\nnodelist {\nnode {\nnodeid: 1\nname: n1\nring0_addr: " + address + "\n}\n}\n",
        "cluster.conf");
  };
  for (const char* const good : {"2001:db8::1", "fe80::1%eth0", "192.0.2.1"}) EXPECT_TRUE(with(good)) << good;
  for (const char* const bad : {"2001:db8::1%eth0", "fe80::1%", "192.0.2.1%eth0", "fe80::zz%eth0"})
    EXPECT_FALSE(with(bad)) << bad;
}

struct TransportTest : testing::Test {
  static Result<ClusterConf> with(const std::string& totem, const std::string& address = "192.0.2.1") {
    return parse_cluster_conf("totem {\ncluster_name: shop\n" + totem +
                                  "}\nnodelist {\nnode {\nnodeid: 1\nname: n1\nring0_addr: " + address + "\n}\n}\n",
                              "cluster.conf");
  }
  static std::string why(const std::string& totem, const std::string& address = "192.0.2.1") {
    const auto conf = with(totem, address);
    return conf ? "it was taken" : conf.error().what;
  }
};

TEST_F(TransportTest, packets_go_to_each_node_alone_or_to_a_group_named_in_corosyncs_words) {
  EXPECT_EQ(with("transport: udpu\n")->links.front().group, "");
  const auto group =
      with("transport: multicast\ninterface {\nlinknumber: 0\nmcastaddr: 239.192.7.1\nmcastport: 5499\n}\n");
  ASSERT_TRUE(group) << group.error().what;
  EXPECT_EQ(group->links.front().group, "239.192.7.1");
  EXPECT_EQ(group->links.front().port, 5499);
  EXPECT_EQ(with("transport: udp\ninterface {\nlinknumber: 0\nbroadcast: yes\n}\n")->links.front().group, "broadcast");
  EXPECT_EQ(with("transport: multicast\ninterface {\nlinknumber: 0\nmcastaddr: ff15::7\n}\n", "2001:db8::1")
                ->links.front()
                .group,
            "ff15::7");
}

TEST_F(TransportTest, a_group_that_cannot_be_is_refused_with_its_reason) {
  EXPECT_NE(why("transport: knet\n").find("known: udpu"), std::string::npos);
  EXPECT_NE(why("transport: multicast\n").find("needs an interface section"), std::string::npos);
  const std::string link = "interface {\nlinknumber: 0\n";
  EXPECT_NE(why(link + "mcastaddr: 239.1.1.1\n}\n").find("'transport: multicast' only"), std::string::npos);
  const std::string totem = "transport: multicast\n" + link;
  EXPECT_NE(why(totem + "mcastaddr: 192.0.2.9\n}\n").find("no multicast address of IPv4"), std::string::npos);
  EXPECT_NE(why(totem + "mcastaddr: ff15::7\n}\n").find("no multicast address of IPv4"), std::string::npos);
  EXPECT_NE(why(totem + "mcastaddr: 239.1.1.1\nbroadcast: yes\n}\n").find("either"), std::string::npos);
  EXPECT_NE(why(totem + "broadcast: yes\n}\n", "2001:db8::1").find("no broadcast"), std::string::npos);
}

}  // namespace
}  // namespace systole::config
