// SPDX-License-Identifier: GPL-2.0-or-later
// A cluster and what becomes of it in the words of crm_simulate.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/base/text.hpp"
#include "tests/unit/simulate/cluster.hpp"
#include "tools/simulate/show.hpp"
#include "tools/simulate/world.hpp"

namespace systole::tools {
namespace {

using test::cib, test::primitive, test::started, test::status_of, test::world_of;

std::string changes_of(const World& world) {
  return show_changes(scheduler::schedule_in_full(world.view()).picture);
}

TEST(Simulate, shows_where_everything_is) {
  const World world = world_of(cib(primitive("a") + R"(<group id="g">)" + primitive("b") + "</group>", started("b")));
  EXPECT_EQ(status_of(world),
            "  * Node List:\n    * Online: [ n1 n2 ]\n\n  * Full List of Resources:\n"
            "    * a\t(ocf:systole:Dummy):\t Stopped\n    * Resource Group: g:\n"
            "      * b\t(ocf:systole:Dummy):\t Started n1\n");
}

TEST(Simulate, shows_alike_instances_of_a_clone_in_one_line) {
  const World world = world_of(cib(R"(<clone id="c">)" + primitive("a") + "</clone>", started("a")));
  const std::string shown = status_of(world);
  EXPECT_NE(shown.find("    * Clone Set: c [a]:\n      * Started: [ n1 ]\n      * Stopped: [ n2 ]\n"),
            std::string::npos)
      << shown;
}

TEST(Simulate, names_nodes_that_are_not_simply_up) {
  const std::string standby =
      R"(<instance_attributes id="i"><nvpair id="i1" name="standby" value="on"/></instance_attributes>)";
  EXPECT_NE(status_of(world_of(cib("", "", standby))).find("    * Node n2: standby\n    * Online: [ n1 ]\n"),
            std::string::npos);
}

TEST(Simulate, says_in_one_word_what_becomes_of_a_resource) {
  EXPECT_EQ(changes_of(world_of(cib(primitive("a")))), "  * Start      a ( n1 )\n");
  const std::string off =
      R"(<primitive id="a" class="ocf" provider="systole" type="Dummy"><meta_attributes id="m"><nvpair id="m1" )"
      R"(name="target-role" value="Stopped"/></meta_attributes></primitive>)";
  EXPECT_EQ(changes_of(world_of(cib(off, started("a")))), "  * Stop       a ( n1 )  due to node availability\n");
}

TEST(Simulate, plays_what_would_be_done_and_shows_what_comes_of_it) {
  World world = world_of(cib(primitive("a")));
  const auto lines = world.play(schedule(world.view()));
  EXPECT_EQ(join(lines, "\n"),
            "  * Resource action: a               monitor on n2\n  * Resource action: a               monitor on n1\n"
            "  * Resource action: a               start on n1");
  EXPECT_NE(status_of(world).find("a\t(ocf:systole:Dummy):\t Started n1"), std::string::npos);
  EXPECT_EQ(changes_of(world), "") << "all is as it should be";
}

TEST(Simulate, takes_histories_of_numbered_instances_for_those_of_anonymous_ones) {
  World world = world_of(cib(R"(<clone id="c">)" + primitive("a") + "</clone>", started("a:0")));
  EXPECT_NE(status_of(world).find("Started: [ n1 ]"), std::string::npos) << status_of(world);
  world.play(schedule(world.view()));
  EXPECT_NE(status_of(world).find("Started: [ n1 n2 ]"), std::string::npos) << status_of(world);
}

TEST(Simulate, says_what_is_wrong_with_its_input) {
  EXPECT_FALSE(World::of("<cib>", 0));
  EXPECT_FALSE(World::of("", 0));
}

TEST(Simulate, draws_what_is_to_be_done_and_in_red_what_cannot_be) {
  scheduler::Picture picture;
  picture.points = {
      {.name = "a_start_0 n1"}, {.name = "g_running_0", .pseudo = true}, {.name = "b_start_0 n1", .done = false}};
  picture.arrows = {{0, 1}, {0, 2}};
  EXPECT_EQ(show_graph(picture),
            " digraph \"g\" {\n"
            "\"a_start_0 n1\" [ style=bold color=\"green\" fontcolor=\"black\"]\n"
            "\"g_running_0\" [ style=bold color=\"green\" fontcolor=\"orange\"]\n"
            "\"b_start_0 n1\" [ style=dashed color=\"red\" fontcolor=\"black\"]\n"
            "\"a_start_0 n1\" -> \"g_running_0\" [ style = bold]\n"
            "\"a_start_0 n1\" -> \"b_start_0 n1\" [ style = dashed]\n"
            "}\n");
}

TEST(Simulate, names_the_points_of_a_graph_as_pacemaker_does) {
  const World world = world_of(cib(primitive("a"), started("a")));
  const scheduler::Picture picture = scheduler::schedule_in_full(world.view()).picture;
  EXPECT_EQ(show_graph(picture),
            " digraph \"g\" {\n\"a_monitor_0 n2\" [ style=bold color=\"green\" fontcolor=\"black\"]\n}\n");
  EXPECT_NE(show_graph(picture, true).find("\"a_stop_0 n1\" [ style=dashed color=\"blue\" fontcolor=\"black\"]"),
            std::string::npos)
      << "all that was thought of";
}

}  // namespace
}  // namespace systole::tools
