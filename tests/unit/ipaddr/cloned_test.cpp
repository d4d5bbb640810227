// SPDX-License-Identifier: GPL-2.0-or-later
// Cloned addresses: what the parameters make of a clone, the rules as nft reads them, and what a listing of them says.
#include <gtest/gtest.h>

#include "agents/ocf/IPaddr/share_rules.hpp"
#include "tests/golden/golden.hpp"

namespace systole::agents::ipaddr {
namespace {

Ip ip(std::string_view text) {
  return parse_ip(text).value();
}

/// Instance 1 of 3 of a clone with globally-unique=true, and what is added to it.
Result<Options> clone_with(const Environment& more) {
  Environment env{{"OCF_RESKEY_ip", "10.0.0.9"},
                  {"OCF_RESKEY_CRM_meta_clone", "1"},
                  {"OCF_RESKEY_CRM_meta_clone_max", "3"},
                  {"OCF_RESKEY_CRM_meta_globally_unique", "true"}};
  for (const auto& [name, value] : more) env[name] = value;
  return options_from(Values(about, env), Meta(env));
}

Shares shares(std::set<int> instances, CloneHash hash = CloneHash::source_port) {
  const Cloned cloned{.instance = 0, .instances = 3, .mac = common_mac(ip("10.0.0.9")), .hash = hash, .seed = 7};
  return {ip("10.0.0.9"), "eth0", cloned, std::move(instances)};
}

Options options_of(int instance) {
  Options options;
  options.ip = ip("10.0.0.9");
  options.cloned = shares({}).cloned;
  options.cloned->instance = instance;
  return options;
}

Facts machine(bool with_address) {
  Facts facts;
  facts.interfaces = {{.index = 2, .name = "eth0", .admin_up = true, .carrier = true, .ethernet = true}};
  if (with_address)
    facts.addresses = {{.index = 2, .ip = ip("10.0.0.9"), .prefix = 24, .broadcast = {}, .label = "eth0"}};
  return facts;
}

/// nft's listing of what was made, as far as the agent reads it.
ShareSeen made(const Shares& s) {
  ShareSeen seen{.table = true, .instances = s.instances, .listing = making_of(s), .hearing = {"eth0"}};
  return seen;
}

TEST(ClonedAddress, has_a_group_address_that_follows_from_it) {
  EXPECT_EQ(to_text(common_mac(ip("192.0.2.10"))), "03:56:c0:00:02:0a");
  EXPECT_EQ(common_mac(ip("10.0.0.9")).front() & 3, 3);  // group, locally administered
  EXPECT_NE(common_mac(ip("10.0.0.9")), common_mac(ip("10.0.1.9")));
}

TEST(ClonedAddress, is_what_a_globally_unique_clone_gets) {
  const auto options = clone_with({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->cloned, (Cloned{.instance = 1,
                                     .instances = 3,
                                     .mac = {0x03, 0x56, 10, 0, 0, 9},
                                     .hash = CloneHash::source_port,
                                     .seed = 0x0a000009}));
  EXPECT_EQ(options->ip, ip("10.0.0.9"));
  EXPECT_EQ(options->common_mac(), options->cloned->mac);
}

TEST(ClonedAddress, has_its_parameters) {
  const auto options = clone_with({{"OCF_RESKEY_mac", "01:00:5e:00:00:20"},
                                   {"OCF_RESKEY_clusterip_hash", "sourceip"},
                                   {"OCF_RESKEY_clusterip_hash_seed", "0xDEADbeef"}});
  ASSERT_TRUE(options);
  EXPECT_EQ(to_text(options->cloned->mac), "01:00:5e:00:00:20");
  EXPECT_EQ(options->cloned->hash, CloneHash::source);
  EXPECT_EQ(options->cloned->seed, 0xdeadbeef);
  EXPECT_EQ(clone_with({{"OCF_RESKEY_clusterip_hash_seed", "12"}})->cloned->seed, 12U);
  EXPECT_EQ(clone_with({{"OCF_RESKEY_clusterip_hash", "sourceip-sourceport-destport"}})->cloned->hash,
            CloneHash::both_ports);
}

TEST(ClonedAddress, never_takes_its_other_owners_for_a_conflict) {
  EXPECT_EQ(clone_with({})->conflict_check, ConflictCheck::off);
  EXPECT_EQ(clone_with({{"OCF_RESKEY_conflict_check", "before"}})->conflict_check, ConflictCheck::off);
  EXPECT_EQ(clone_with({{"OCF_RESKEY_run_arping", "true"}})->conflict_check, ConflictCheck::off);
}

TEST(ClonedAddress, is_refused_where_it_cannot_work) {
  for (const auto& [more, word] : std::vector<std::pair<Environment, std::string>>{
           {{{"OCF_RESKEY_CRM_meta_globally_unique", "false"}}, "globally-unique=true"},
           {{{"OCF_RESKEY_ip", "2001:db8::9"}}, "IPv4 only"},
           {{{"OCF_RESKEY_lvs_support", "true"}}, "lvs_support"},
           {{{"OCF_RESKEY_mac", "02:00:00:00:00:01"}}, "no group address"},
           {{{"OCF_RESKEY_mac", "ff:ff:ff:ff:ff:ff"}}, "no group address"},
           {{{"OCF_RESKEY_mac", "several"}}, "no hardware address"},
           {{{"OCF_RESKEY_clusterip_hash_seed", "0x1ffffffff"}}, "clusterip_hash_seed"},
           {{{"OCF_RESKEY_clusterip_hash_seed", "-1"}}, "clusterip_hash_seed"},
           {{{"OCF_RESKEY_clusterip_hash_seed", "0x"}}, "clusterip_hash_seed"}}) {
    const auto options = clone_with(more);
    ASSERT_FALSE(options) << word;
    EXPECT_NE(options.error().what.find(word), std::string::npos) << options.error().what;
  }
}

TEST(ClonedAddress, is_not_meant_by_other_clones_and_resources) {
  EXPECT_FALSE(clone_with({{"OCF_RESKEY_unique_clone_address", "true"}})->cloned);
  EXPECT_EQ(clone_with({{"OCF_RESKEY_unique_clone_address", "true"}})->ip, ip("10.0.0.10"));
  EXPECT_FALSE(
      clone_with({{"OCF_RESKEY_CRM_meta_globally_unique", "false"}, {"OCF_RESKEY_CRM_meta_clone_max", "1"}})->cloned);
  const Environment alone{{"OCF_RESKEY_ip", "10.0.0.9"}, {"OCF_RESKEY_mac", "no matter"}};
  const auto options = options_from(Values(about, alone), Meta(alone));
  ASSERT_TRUE(options);
  EXPECT_FALSE(options->cloned);
  EXPECT_EQ(options->common_mac(), std::nullopt);
}

TEST(ShareRules, let_a_nodes_instances_in_and_drop_the_rest) {
  systole::tests::expect_golden("tests/golden/ipaddr/cloned-rules.txt", making_of(shares({0, 2})));
}

TEST(ShareRules, hash_what_the_parameter_says) {
  const std::string source = making_of(shares({1}, CloneHash::source));
  EXPECT_NE(source.find(" jhash ip saddr mod 3 seed 0x7 == 1 accept"), std::string::npos);
  EXPECT_EQ(source.find("sport"), std::string::npos);
  EXPECT_EQ(source.find("frag-off"), std::string::npos);  // each fragment has the source
  const std::string both = making_of(shares({1}, CloneHash::both_ports));
  EXPECT_NE(both.find(" jhash ip saddr . th sport . th dport mod 3 seed 0x7 == 1 accept"), std::string::npos);
}

TEST(ShareRules, compare_with_no_number_beyond_the_clone) {
  const std::string text = making_of(shares({3}));
  EXPECT_EQ(text.find("== 3"), std::string::npos);
  EXPECT_NE(text.find("add chain netdev systole-vip-10.0.0.9 instance-3\n"), std::string::npos);
}

TEST(ShareRules, have_comments_that_nft_can_keep) {
  Shares longest = shares({1000000}, CloneHash::both_ports);
  longest.ip = ip("255.255.255.255");
  longest.nic = "fifteen-letters";
  longest.cloned.instances = 2000000;
  longest.cloned.seed = 0xffffffff;
  for (const std::string& comment : missing_rules(longest, "")) EXPECT_LE(comment.size(), 127U) << comment;
}

TEST(ShareRules, know_no_interface_whose_name_means_something_to_nft) {
  for (const char* const good : {"eth0", "bond0.100", "br-lan", "veth@x"}) EXPECT_TRUE(is_plain_name(good)) << good;
  for (const char* const bad : {"", "eth*", "a\"b", "a b", "a;b", "a\\b", "a\nb"})
    EXPECT_FALSE(is_plain_name(bad)) << bad;
}

TEST(ShareListing, tells_the_instances_of_this_node) {
  EXPECT_EQ(instances_in("table netdev x {\n\tchain arriving {\n\t}\n\tchain instance-12 {\n\t}\n\tchain instance-0 {\n"
                         "jump instance-7\n chain instance-x {\nchain instance--2 {\nchain\n"),
            (std::set<int>{0, 12}));
  EXPECT_TRUE(instances_in("").empty());
}

TEST(ShareListing, lacks_what_was_deleted_and_what_other_parameters_made) {
  const Shares wanted = shares({0});
  const std::string text = making_of(wanted);
  EXPECT_TRUE(missing_rules(wanted, text).empty());
  Shares other = wanted;
  other.cloned.instances = 4;
  EXPECT_EQ(missing_rules(other, text).size(), 1U);
  other = wanted;
  other.nic = "eth1";
  EXPECT_EQ(missing_rules(other, text).size(), 2U);
  EXPECT_EQ(missing_rules(wanted, text.substr(0, text.rfind("add rule"))),
            std::vector<std::string>{"neighbours learn 03:56:0a:00:00:09 for 10.0.0.9 on eth0"});
}

TEST(ShareListing, of_the_interface_names_those_that_were_told_to_hear) {
  const std::string text =
      "2    eth0            1     0     333300000001\n2    eth0            1     1     03560a000009\n"
      "3    eth1            1     0     03560a000009\n4    eth2            2     1     03560a000008\n";
  EXPECT_EQ(hearing_interfaces(text, common_mac(ip("10.0.0.9"))), std::vector<std::string>{"eth0"});
  EXPECT_TRUE(hearing_interfaces("", common_mac(ip("10.0.0.9"))).empty());
}

const Verdict not_here{Ocf::not_running, "10.0.0.9 is not on this node"};

Ocf judged(int instance, bool address, const ShareSeen& seen) {
  return judge_share(options_of(instance), machine(address), address ? Verdict{} : not_here, seen).code;
}

TEST(ClonedMonitor, finds_an_instance_running_with_address_rules_and_ears) {
  EXPECT_EQ(judged(0, true, made(shares({0}))), Ocf::ok);
  EXPECT_EQ(judged(2, true, made(shares({0, 2}))), Ocf::ok);
}

TEST(ClonedMonitor, finds_an_instance_not_running_where_only_others_do) {
  EXPECT_EQ(judged(1, true, made(shares({0, 2}))), Ocf::not_running);
  EXPECT_EQ(judged(1, false, made(shares({0}))), Ocf::not_running);
  EXPECT_EQ(judged(1, false, {}), Ocf::not_running);
}

TEST(ClonedMonitor, takes_half_of_an_instance_for_a_failure) {
  EXPECT_EQ(judged(0, true, {}), Ocf::generic);
  EXPECT_EQ(judged(0, false, made(shares({0}))), Ocf::generic);
  EXPECT_EQ(judged(0, true, made(shares({}))), Ocf::generic);
  ShareSeen seen = made(shares({0}));
  seen.hearing = {"eth1"};
  EXPECT_EQ(judged(0, true, seen), Ocf::generic);
  seen = made(shares({0}));
  seen.listing.resize(seen.listing.rfind("add rule"));
  const Verdict verdict = judge_share(options_of(0), machine(true), {}, seen);
  EXPECT_EQ(verdict.code, Ocf::generic);
  EXPECT_NE(verdict.why.find("neighbours learn"), std::string::npos);
}

TEST(ClonedMonitor, wants_a_stop_where_the_link_of_a_running_instance_is_down) {
  const Verdict dead{Ocf::not_running, "10.0.0.9 is on 'eth0', but that link is down"};
  EXPECT_EQ(judge_share(options_of(0), machine(true), dead, made(shares({0}))).code, Ocf::generic);
  EXPECT_EQ(judge_share(options_of(1), machine(true), dead, made(shares({0}))), dead);
}

}  // namespace
}  // namespace systole::agents::ipaddr
