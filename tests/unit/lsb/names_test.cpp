// SPDX-License-Identifier: GPL-2.0-or-later
// Names of agents, links and parameters, and which one was probably meant.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agents/lsb/agent_name.hpp"
#include "agents/lsb/link_name.hpp"
#include "agents/lsb/nearest.hpp"

namespace systole::lsb {
namespace {

TEST(AgentNames, have_four_forms) {
  EXPECT_EQ(*parse_agent_name("IPaddr"), (AgentName{"", "IPaddr", ""}));
  EXPECT_EQ(*parse_agent_name("systole:IPaddr"), (AgentName{"systole", "IPaddr", ""}));
  EXPECT_EQ(*parse_agent_name("ocf:heartbeat:IPaddr2"), (AgentName{"heartbeat", "IPaddr2", ""}));
  EXPECT_EQ(*parse_agent_name("./a/Dummy"), (AgentName{"", "Dummy", "./a/Dummy"}));
  for (const char* const wrong : {"", ":", "a:", "lsb:x:y", "ocf:a:b:c", "..", "ocf:..:x", "a/", "a/.."})
    EXPECT_FALSE(parse_agent_name(wrong)) << wrong;
}

TEST(AgentNames, our_provider_comes_first_then_the_known_ones) {
  EXPECT_EQ(in_provider_order({"zeta", "pacemaker", "alpha", "heartbeat", "systole", "alpha"}),
            (std::vector<std::string>{"systole", "heartbeat", "pacemaker", "alpha", "zeta"}));
}

/// Two OCF roots with agents in them, gone at the end.
class Roots : public ::testing::Test {
 protected:
  void SetUp() override {
    base_ = ::testing::TempDir() + "systole-roots-" + std::to_string(::getpid());
    for (const char* const agent : {"one/resource.d/heartbeat/Dummy", "one/resource.d/heartbeat/IPaddr",
                                    "two/resource.d/systole/IPaddr", "two/resource.d/heartbeat/Dummy"}) {
      const std::filesystem::path path = std::filesystem::path(base_) / agent;
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path) << "#!/bin/sh\n";
      ::chmod(path.c_str(), 0755);
    }
    std::ofstream(base_ + "/one/resource.d/heartbeat/README") << "no agent\n";
    roots_ = {base_ + "/one", base_ + "/two"};
  }
  void TearDown() override { std::filesystem::remove_all(base_); }

  std::string found(std::string_view name) {
    const auto agent = find_agent(*parse_agent_name(name), roots_);
    return agent ? agent->program.substr(base_.size()) : agent.error().what;
  }

  std::string base_;
  std::vector<std::string> roots_;
};

TEST_F(Roots, are_searched_for_the_provider_first_and_each_agent_is_listed_once) {
  EXPECT_EQ(found("IPaddr"), "/two/resource.d/systole/IPaddr");
  EXPECT_EQ(found("heartbeat:IPaddr"), "/one/resource.d/heartbeat/IPaddr");
  EXPECT_EQ(found("Dummy"), "/one/resource.d/heartbeat/Dummy");
  std::string all;
  for (const FoundAgent& agent : agents_of(roots_)) all += agent.id() + " ";
  EXPECT_EQ(all, "ocf:systole:IPaddr ocf:heartbeat:Dummy ocf:heartbeat:IPaddr ");
}

TEST_F(Roots, a_path_has_the_provider_and_root_of_its_folder) {
  const auto agent = find_agent(*parse_agent_name(base_ + "/two/resource.d/systole/IPaddr"), {"/usr/lib/ocf"});
  ASSERT_TRUE(agent) << agent.error().what;
  EXPECT_EQ(agent->id(), "ocf:systole:IPaddr");
  EXPECT_EQ(agent->root, std::filesystem::canonical(base_ + "/two").string());
  EXPECT_EQ(find_agent(*parse_agent_name(base_ + "/one/resource.d/heartbeat/README"), roots_).error().code,
            Errc::permission);
}

TEST_F(Roots, what_is_not_there_is_answered_with_the_nearest) {
  EXPECT_NE(found("IPadr").find("did you mean ocf:systole:IPaddr?"), std::string::npos) << found("IPadr");
  EXPECT_NE(found("heartbeat:Dumy").find("did you mean ocf:heartbeat:Dummy?"), std::string::npos);
  EXPECT_EQ(found("completely-different").find("did you mean"), std::string::npos);
}

TEST(Links, of_run_levels_lose_their_order_and_others_keep_their_name) {
  EXPECT_EQ(service_of_link("/etc/init.d/vip"), "vip");
  EXPECT_EQ(service_of_link("vip"), "vip");
  EXPECT_EQ(service_of_link("/etc/rc2.d/S20vip"), "vip");
  EXPECT_EQ(service_of_link("../rcS.d/K01vip"), "vip");
  EXPECT_EQ(service_of_link("/etc/init.d/S20vip"), "S20vip");
  EXPECT_EQ(service_of_link("/etc/rc2.d/S20"), "S20");
}

TEST(Nearest, counts_letters_and_swaps_and_forgives_case) {
  EXPECT_EQ(distance("nic", "nci"), 1U);
  EXPECT_EQ(distance("", "abc"), 3U);
  EXPECT_EQ(distance("IP", "ip"), 0U);
  EXPECT_EQ(distance("kitten", "sitting"), 3U);
  EXPECT_EQ(nearest("cidr_mask", {"ip", "cidr_netmask", "nic"}), "cidr_netmask");
  EXPECT_EQ(nearest("cidr", {"ip", "cidr_netmask", "nic"}), "cidr_netmask");
  EXPECT_EQ(nearest("zzz", {"ip", "nic"}), "");
}

}  // namespace
}  // namespace systole::lsb
