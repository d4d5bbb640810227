// SPDX-License-Identifier: GPL-2.0-or-later
// cluster.conf as it is written: the first one, and a node more in one that people have worked on.
#include "common/config/write_cluster_conf.hpp"

#include <gtest/gtest.h>

#include "tests/unit/config/two_nodes.hpp"

namespace systole::config {
namespace {

Founding shop() {
  return {.cluster_name = "shop", .node_name = "n1", .addresses = {"192.0.2.1"}};
}

std::string grown(const std::string& text, const Newcomer& newcomer) {
  const auto done = with_node(text, newcomer, "cluster.conf");
  return done ? done->text : done.error().what;
}

std::string without(std::string text, std::string_view what, std::string_view by = "") {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(FirstClusterConf, says_what_it_was_told_and_nothing_else) {
  Founding founding = shop();
  founding.addresses.push_back("2001:db8::1");
  founding.deadtime = 700ms;
  founding.port = 6000;
  founding.key_file = "/srv/key";
  for (const std::string mode : {"none", "majority", "witness", "ping"}) {
    founding.mode = mode;
    founding.ping_targets = mode == "ping" ? std::vector<std::string>{"192.0.2.254"} : std::vector<std::string>{};
    const auto text = first_cluster_conf(founding, "cluster.conf");
    ASSERT_TRUE(text) << text.error().what;
    EXPECT_NE(text->find("    mode: " + mode + "\n"), std::string::npos);
    const auto conf = parse_cluster_conf(*text, "cluster.conf");
    ASSERT_TRUE(conf) << conf.error().what;
    EXPECT_EQ(conf->cluster_name, "shop");
    EXPECT_EQ(conf->deadtime, 700ms);
    EXPECT_EQ(conf->key_file, "/srv/key");
    EXPECT_EQ(conf->links, (std::vector<LinkConf>{{"", 6000}, {"", 6000}}));
    ASSERT_EQ(conf->nodes.size(), 1u);
    EXPECT_EQ(conf->nodes[0].name, "n1");
    EXPECT_EQ(conf->nodes[0].addresses, founding.addresses);
    EXPECT_EQ(conf->ping_targets, founding.ping_targets);
  }
}

TEST(FirstClusterConf, a_value_that_would_become_lines_of_its_own_is_refused) {
  Founding founding = shop();
  founding.cluster_name = "shop\n    key_file: /tmp/mine";
  EXPECT_FALSE(first_cluster_conf(founding, "cluster.conf"));
  founding = shop();
  founding.addresses = {"192.0.2.1\n        witness: yes"};
  EXPECT_FALSE(first_cluster_conf(founding, "cluster.conf"));
  founding = shop();
  founding.mode = "ping";
  EXPECT_FALSE(first_cluster_conf(founding, "cluster.conf")) << "mode ping without a target";
}

TEST(WithNode, a_second_node_is_added_after_the_first_and_comments_stay) {
  const auto first = first_cluster_conf(shop(), "cluster.conf");
  ASSERT_TRUE(first);
  const std::string expected =
      without(*first, "        ring0_addr: 192.0.2.1\n    }\n",
              "        ring0_addr: 192.0.2.1\n    }\n    node {\n        nodeid: 2\n        name: n2\n"
              "        ring0_addr: 192.0.2.2\n    }\n");
  const auto done = with_node(*first, {.name = "n2", .addresses = {"192.0.2.2"}}, "cluster.conf");
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(done->text, expected);
  EXPECT_EQ(done->id, NodeId{2});
  EXPECT_EQ(done->mode_changed, "");
  EXPECT_EQ(parse_cluster_conf(done->text, "cluster.conf")->mode, QuorumMode::none);
}

TEST(WithNode, a_witness_makes_a_majority_of_two_nodes_without_one) {
  const auto done =
      with_node(two_nodes, {.name = "w", .addresses = {"192.0.2.3", "2001:db8::3"}, .witness = true}, "cluster.conf");
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(done->mode_changed, "none");
  EXPECT_NE(done->text.find("  mode: witness\n"), std::string::npos) << done->text;
  EXPECT_NE(done->text.find("    ring1_addr: 2001:db8::3\n    witness: yes\n  }\n}\n"), std::string::npos);
  const auto conf = parse_cluster_conf(done->text, "cluster.conf");
  ASSERT_TRUE(conf);
  EXPECT_TRUE(conf->has_witness());
  EXPECT_EQ(conf->mode, QuorumMode::majority);
}

TEST(WithNode, a_witness_ends_the_pinging_and_the_target_stays_as_a_comment) {
  const std::string text =
      without(two_nodes, "  two_node: 1", "  mode: ping\n  two_node: 0\n  ping_target: 192.0.2.254");
  const auto done =
      with_node(text, {.name = "w", .addresses = {"192.0.2.3", "2001:db8::3"}, .witness = true}, "cluster.conf");
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(done->mode_changed, "ping");
  EXPECT_NE(done->text.find("  # was, before there was a witness: ping_target: 192.0.2.254\n"), std::string::npos);
}

TEST(WithNode, the_number_of_expected_votes_follows) {
  const std::string three = without(two_nodes, "  two_node: 1", "    expected_votes: 2  \n  mode: majority");
  const std::string text = grown(three, {.name = "n3", .addresses = {"192.0.2.3", "2001:db8::3"}});
  EXPECT_NE(text.find("\n    expected_votes: 3\n"), std::string::npos) << text;
}

TEST(WithNode, who_is_listed_already_gets_the_same_file_once_more) {
  const auto done = with_node(two_nodes, {.name = "beta", .addresses = {"192.0.2.2", "2001:db8::2"}}, "cluster.conf");
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_TRUE(done->was_listed);
  EXPECT_EQ(done->text, two_nodes);
  EXPECT_EQ(done->id, NodeId{2});
}

TEST(WithNode, name_and_address_of_another_node_are_refused) {
  EXPECT_EQ(grown(two_nodes, {.name = "Beta", .addresses = {"192.0.2.3", "2001:db8::3"}}),
            "cluster.conf lists a node 'beta' already, with 192.0.2.2 and 2001:db8::2; choose another name, or, if it "
            "is the same machine, take that node out of the file first");
  EXPECT_EQ(grown(two_nodes, {.name = "n3", .addresses = {"192.0.2.3", "2001:db8::1"}}),
            "an address of 'n3' (192.0.2.3, 2001:db8::1) is that of node 'alpha' in cluster.conf");
}

TEST(WithNode, what_the_cluster_cannot_take_is_refused_with_the_way_out) {
  EXPECT_EQ(
      grown(two_nodes, {.name = "n3", .addresses = {"192.0.2.3", "2001:db8::3"}}),
      "mode none is for two nodes, and 'n3' would be the third: write 'mode: majority' into cluster.conf on every "
      "node, restart crmd there, and invite again; or invite it as a witness (systole invite --witness)");
  EXPECT_EQ(
      grown(two_nodes, {.name = "w", .addresses = {"192.0.2.3"}, .witness = true}),
      "the cluster has 2 link(s), so node 'w' needs 2 address(es), and not 1: give one --address for each, in the "
      "order of ring0_addr, ring1_addr …");
  Founding founding = shop();
  founding.mode = "witness";
  EXPECT_EQ(grown(first_cluster_conf(founding, "cluster.conf").value(), {.name = "n2", .addresses = {"192.0.2.2"}}),
            "the mode of this cluster is witness: let the witness join before the second node (systole invite "
            "--witness), or change 'mode' in cluster.conf");
  EXPECT_NE(
      grown(two_nodes, {.name = "w {", .addresses = {"192.0.2.3", "2001:db8::3"}, .witness = true}).find("cannot"),
      std::string::npos);
}

TEST(WithNode, a_name_cannot_bring_lines_of_its_own) {
  const auto done =
      with_node(two_nodes, {.name = "w\n    nodeid: 9", .addresses = {"192.0.2.3", "2001:db8::3"}, .witness = true},
                "cluster.conf");
  EXPECT_FALSE(done);
}

TEST(WithNode, a_file_without_a_last_line_break_and_with_those_of_another_system_is_read_back) {
  std::string text;
  for (const char c : two_nodes) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  text.resize(text.size() - 2);
  const auto done =
      with_node(text, {.name = "w", .addresses = {"192.0.2.3", "2001:db8::3"}, .witness = true}, "cluster.conf");
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(parse_cluster_conf(done->text, "cluster.conf")->nodes.size(), 3u);
}

}  // namespace
}  // namespace systole::config
