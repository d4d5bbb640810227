// SPDX-License-Identifier: GPL-2.0-or-later
// The tool crm_simulate: options, sources, what it prints and what it writes.
#include "tools/simulate/crm_simulate.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/simulate/cluster.hpp"
#include "tests/unit/tools/fake_daemon.hpp"
#include "tools/simulate/what_if.hpp"

namespace systole::tools {
namespace {

using test::cib, test::monitored, test::primitive, test::started;

class CrmSimulate : public testing::Test {
 protected:
  CrmSimulate() {
    std::filesystem::create_directories(folder_);
    here_.daemon = &daemon_;
    here_.environment = [](std::string_view) { return std::nullopt; };
  }
  ~CrmSimulate() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  std::string text_of(const std::string& name) const {
    std::ifstream in(path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  int run(std::vector<std::string> words) {
    here_.words = std::move(words);
    here_.out.clear();
    here_.err.clear();
    return crm_simulate(here_);
  }
  bool says(std::string_view text) const { return here_.out.find(text) != std::string::npos; }

  test::FakeDaemon daemon_;
  Surroundings here_;
  const std::string folder_ = testing::TempDir() + "crm_simulate." + std::to_string(::getpid());
};

TEST_F(CrmSimulate, without_an_operation_shows_only_what_is) {
  ASSERT_EQ(run({"-x", file("a.xml", cib(primitive("a")))}), 0) << here_.err;
  EXPECT_TRUE(says("Current cluster status:")) << here_.out;
  EXPECT_FALSE(says("Transition Summary:"));
}

TEST_F(CrmSimulate, asks_the_cluster_itself_with_bundled_letters) {
  ASSERT_EQ(run({"-SL"}), 0) << here_.err;
  EXPECT_TRUE(says("Revised Cluster Status:")) << here_.out;
  daemon_.gone = true;
  EXPECT_EQ(run({"-LS"}), exit_code::not_connected);
}

TEST_F(CrmSimulate, shows_scores_as_pacemaker_does) {
  ASSERT_EQ(run({"-sQ", "-x", file("a.xml", cib(primitive("a"), started("a")))}), 0) << here_.err;
  EXPECT_EQ(here_.out,
            "pcmk__primitive_assign: a allocation score on n1: 0\n"
            "pcmk__primitive_assign: a allocation score on n2: 0\n");
}

TEST_F(CrmSimulate, says_why) {
  ASSERT_EQ(run({"-R", "--why", "-x", file("a.xml", cib(primitive("a"), started("a")))}), 0) << here_.err;
  EXPECT_TRUE(says("Reasons:\n  * a: runs on n1: score 0 (no preference); n2 has 0 (no preference)")) << here_.out;
}

TEST_F(CrmSimulate, writes_what_was_imagined_and_what_came_of_it) {
  ASSERT_EQ(run({"-S", "-x", file("a.xml", cib(monitored("a"), started("a"))), "-i", "a_monitor_10000@n1=7", "-I",
                 path("in.xml"), "-O", path("out.xml"), "-G", path("graph.xml"), "-D", path("graph.dot")}),
            0)
      << here_.err;
  EXPECT_TRUE(says("Performing Requested Modifications:")) << here_.out;
  EXPECT_NE(text_of("in.xml").find("fail-count-a#monitor_10000"), std::string::npos);
  EXPECT_NE(text_of("graph.xml").find(R"(operation="stop" operation_key="a_stop_0" on_node="n1")"), std::string::npos)
      << text_of("graph.xml");
  EXPECT_NE(text_of("graph.dot").find(R"("a_stop_0 n1" -> "a_start_0 n1")"), std::string::npos);
  ASSERT_EQ(run({"-R", "-x", path("out.xml")}), 0) << here_.err;
  EXPECT_TRUE(says("Started n1")) << here_.out;
  EXPECT_TRUE(says("Transition Summary:\n")) << here_.out;
  EXPECT_FALSE(says("  * Recover")) << here_.out;
}

TEST_F(CrmSimulate, writes_in_place_only_where_it_is_told_to) {
  const std::string before = cib(primitive("a"));
  file("a.xml", before);
  ASSERT_EQ(run({"-S", "-x", path("a.xml")}), 0);
  EXPECT_EQ(text_of("a.xml"), before);
  EXPECT_EQ(run({"-X"}), exit_code::usage);
  ASSERT_EQ(run({"-X", "-x", path("a.xml")}), 0);
  EXPECT_NE(text_of("a.xml").find("a_start_0"), std::string::npos);
}

TEST_F(CrmSimulate, shows_attributes_and_fail_counts) {
  const std::string source = file("a.xml", cib(monitored("a"), started("a")));
  ASSERT_EQ(run({"-X", "-i", "a_monitor_10000@n1=7", "-F", "a_start_0@n1=1", "-x", source}), 0) << here_.err;
  ASSERT_EQ(run({"-Ac", "-x", source}), 0) << here_.err;
  EXPECT_TRUE(says("  * Migration Summary:\n    * Node: n1:\n      * a: migration-threshold=1000000 fail-count=2"))
      << here_.out;
}

TEST_F(CrmSimulate, says_what_is_wrong_and_ends_with_a_code_for_it) {
  const std::string source = file("a.xml", cib(primitive("a")));
  EXPECT_EQ(run({"-x", path("missing")}), exit_code::no_such);
  EXPECT_EQ(run({"-x", file("b.xml", "<cib>")}), exit_code::data) << here_.err;
  EXPECT_EQ(run({"-x", source, "-d", "n9"}), exit_code::no_such) << here_.err;
  EXPECT_EQ(run({"-x", source, "-q", "perhaps"}), exit_code::data) << here_.err;
  EXPECT_EQ(run({"-x", source, "-t", "soon"}), exit_code::data) << here_.err;
  EXPECT_EQ(run({"-x", source, "more"}), exit_code::usage);
  EXPECT_EQ(run({"--no-such"}), exit_code::usage);
  EXPECT_EQ(run({"-S", "-x", source, "-O", folder_ + "/no/such"}), exit_code::io) << here_.err;
  EXPECT_EQ(run({"--help"}), 0);
}

TEST_F(CrmSimulate, measures_what_it_is_told_to) {
  file("a.xml", cib(primitive("a")));
  ASSERT_EQ(run({"-P", folder_, "-N", "3"}), 0) << here_.err;
  EXPECT_TRUE(says("Timings:\n  * Testing ")) << here_.out;
  EXPECT_EQ(run({"-P", folder_ + "/none"}), exit_code::io);
}

class WhatIf : public CrmSimulate {
 protected:
  int simulate(const std::string& source, std::vector<Step> steps) {
    here_.out.clear();
    here_.err.clear();
    return what_if(here_, {.cib_file = source, .steps = std::move(steps), .quorum = {}});
  }
};

TEST_F(WhatIf, a_node_that_dies_leaves_its_resources_to_the_other_one) {
  ASSERT_EQ(simulate(file("a.xml", cib(monitored("a"), started("a"))), {{Step::What::node_dies, "n1"}}), 0)
      << here_.err << here_.out;
  EXPECT_TRUE(says("1. node n1 dies:\n  * start a on n2")) << here_.out;
  EXPECT_TRUE(says("In the end:\n  a: Started on n2")) << here_.out;
  EXPECT_TRUE(says("Assumed: quorum")) << here_.out;
}

TEST_F(WhatIf, several_things_happen_one_after_the_other) {
  ASSERT_EQ(simulate(file("a.xml", cib(monitored("a"), started("a"))), {{Step::What::node_leaves, "n1"},
                                                                        {Step::What::node_returns, "n1"},
                                                                        {Step::What::resource_fails, "a"},
                                                                        {Step::What::attribute, "n2:standby=on"},
                                                                        {Step::What::time_passes, "10min"}}),
            0)
      << here_.err << here_.out;
  EXPECT_TRUE(says("1. node n1 is shut down:\n  * stop a on n1")) << here_.out;
  EXPECT_TRUE(says("3. a fails:\n  the monitor on n2 finds a not running, after 10s at most\n  * stop a on n2"))
      << here_.out;
  EXPECT_TRUE(says("4. attribute n2:standby=on:\n  * stop a on n2")) << here_.out;
  EXPECT_TRUE(says("Assumed: quorum")) << "n1 is back, but had gone";
  EXPECT_TRUE(says("5. 10min pass:\n  nothing is done")) << here_.out;
}

TEST_F(WhatIf, a_failure_that_nobody_would_notice_is_said_so) {
  ASSERT_EQ(simulate(file("a.xml", cib(primitive("a"), started("a"))), {{Step::What::resource_fails, "a"}}), 0);
  EXPECT_TRUE(says("nobody would notice")) << here_.out;
}

TEST_F(WhatIf, another_configuration_can_be_tried) {
  const std::string next = file("next.xml", cib(primitive("a") + primitive("b")));
  ASSERT_EQ(simulate(file("a.xml", cib(primitive("a"), started("a"))), {{Step::What::apply, next}}), 0) << here_.err;
  EXPECT_TRUE(says("  + b on n2 (Started)")) << here_.out;
}

TEST_F(WhatIf, what_is_not_there_is_refused) {
  const std::string source = file("a.xml", cib(primitive("a")));
  EXPECT_EQ(simulate(source, {{Step::What::node_dies, "n9"}}), exit_code::no_such);
  EXPECT_EQ(simulate(source, {{Step::What::node_returns, "n1"}}), exit_code::error) << here_.err;
  EXPECT_EQ(simulate(source, {{Step::What::resource_fails, "b"}}), exit_code::no_such);
  EXPECT_EQ(simulate(source, {{Step::What::attribute, "n1"}}), exit_code::data);
  EXPECT_EQ(simulate(source, {{Step::What::time_passes, "soon"}}), exit_code::data);
  EXPECT_EQ(simulate(source, {{Step::What::apply, path("missing")}}), exit_code::no_such);
  EXPECT_EQ(simulate(path("missing"), {}), exit_code::no_such);
}

TEST_F(WhatIf, says_why_a_resource_is_not_on_a_node) {
  const std::string rule = R"(<constraints><rsc_location id="l" rsc="a" node="n2" score="-INFINITY"/></constraints>)";
  const std::string source = file("a.xml", cib(primitive("a"), started("a"), "", rule));
  EXPECT_EQ(why_not_on(here_, source, "a", "n2"), 0);
  EXPECT_EQ(here_.out, "a: not on n2: location l\n");
  EXPECT_EQ(why_not_on(here_, source, "a", "n9"), exit_code::no_such);
  EXPECT_EQ(why_not_on(here_, source, "b", "n2"), exit_code::no_such);
}

}  // namespace
}  // namespace systole::tools
