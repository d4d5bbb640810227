// SPDX-License-Identifier: GPL-2.0-or-later
// What somebody imagines, from the words for it to the status that it leaves.
#include <gtest/gtest.h>

#include "common/base/text.hpp"
#include "tests/unit/simulate/cluster.hpp"
#include "tools/simulate/date_time.hpp"
#include "tools/simulate/events.hpp"
#include "tools/simulate/show.hpp"
#include "tools/simulate/world.hpp"

namespace systole::tools {
namespace {

using test::cib, test::monitored, test::primitive, test::started, test::status_of, test::world_of;

TEST(ImaginedResult, is_read_from_the_right_so_that_names_may_have_underscores) {
  const auto read = parse_imagined_result("my_db:0_monitor_10000@n_1.example.com=7");
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->resource.value, "my_db:0");
  EXPECT_EQ(read->operation, "monitor");
  EXPECT_EQ(to_ms(read->interval), 10000);
  EXPECT_EQ(read->node.value, "n_1.example.com");
  EXPECT_EQ(read->rc, 7);
}

TEST(ImaginedResult, that_is_none_is_refused_with_the_part_that_is_wrong) {
  for (const char* text :
       {"", "@", "a@n1=1", "a_start@n1=1", "_start_0@n1=1", "a__0@n1=1", "a_start_x@n1=1", "a_start_-1@n1=1",
        "a_start_0@n1", "a_start_0@=1", "a_start_0@n1=", "a_start_0@n1=256", "a_start_0=1@n1"}) {
    const auto read = parse_imagined_result(text);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().what.find("db_monitor_10000@n1=7"), std::string::npos);
  }
}

TEST(Events, a_failed_monitor_counts_and_its_resource_is_recovered) {
  World world = world_of(cib(monitored("a"), started("a")));
  Events events;
  events.results = {*parse_imagined_result("a_monitor_10000@n1=7")};
  const auto lines = world.happen(events);
  ASSERT_TRUE(lines) << lines.error().what;
  EXPECT_EQ(join(*lines, "\n"),
            "  * Injecting a_monitor_10000@n1=7 into the configuration\n"
            "  * Injecting attribute fail-count-a#monitor_10000=value++ into /node_state '1'\n"
            "  * Injecting attribute last-failure-a#monitor_10000=1000000 into /node_state '1'");
  EXPECT_NE(status_of(world).find("FAILED n1"), std::string::npos) << status_of(world);
  EXPECT_EQ(show_changes(scheduler::schedule_in_full(world.view()).picture), "  * Recover    a ( n1 )\n");
}

TEST(Events, a_node_that_left_runs_nothing_and_one_that_failed_is_gone) {
  World left = world_of(cib(primitive("a"), started("a")));
  Events down;
  down.down = {NodeName{"n1"}};
  ASSERT_TRUE(left.happen(down));
  EXPECT_NE(status_of(left).find("OFFLINE: [ n1 ]"), std::string::npos);
  EXPECT_NE(status_of(left).find("Stopped"), std::string::npos);
  Events up;
  up.up = {NodeName{"n1"}};
  ASSERT_TRUE(left.happen(up));
  EXPECT_NE(status_of(left).find("Online: [ n1 n2 ]"), std::string::npos);
  World failed = world_of(cib(primitive("a"), started("a")));
  Events fails;
  fails.fails = {NodeName{"n1"}};
  ASSERT_TRUE(failed.happen(fails));
  EXPECT_EQ(show_changes(scheduler::schedule_in_full(failed.view()).picture), "  * Start      a ( n2 )\n");
}

TEST(Events, a_name_that_nothing_bears_is_refused) {
  World world = world_of(cib(primitive("a")));
  Events nowhere;
  nowhere.down = {NodeName{"n9"}};
  const auto done = world.happen(nowhere);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().what, "no node is named 'n9'; there are: n1 n2");
  Events nothing;
  nothing.results = {*parse_imagined_result("b_start_0@n1=1")};
  EXPECT_FALSE(world.happen(nothing));
}

TEST(Events, an_action_that_fails_ends_the_transition) {
  World world = world_of(cib(primitive("a")));
  const auto lines = world.play(schedule(world.view()), {*parse_imagined_result("a_start_0@n1=1")});
  ASSERT_GE(lines.size(), 4U);
  EXPECT_EQ(lines[3], "Pretending action 3 failed with rc=1") << join(lines, "\n");
  EXPECT_EQ(lines.back(), "  * Injecting attribute last-failure-a#start_0=1000000 into /node_state '1'");
  // One failure of a start alone is no ban, for Debian's crm_simulate neither: the controller makes it INFINITY.
  EXPECT_EQ(show_changes(scheduler::schedule_in_full(world.view()).picture), "  * Recover    a ( n1 )\n");
}

TEST(Events, what_comes_of_it_can_be_written_and_read_again) {
  World world = world_of(cib(primitive("a")));
  Events events;
  events.watchdog = true;
  events.quorum = false;
  ASSERT_TRUE(world.happen(events));
  world.play(schedule(world.view()));
  const auto text = world.document();
  ASSERT_TRUE(text) << text.error().what;
  EXPECT_NE(text->find(R"(name="have-watchdog" value="true")"), std::string::npos);
  EXPECT_NE(text->find(R"(have-quorum="0")"), std::string::npos);
  EXPECT_EQ(status_of(world_of(*text)), status_of(world));
}

TEST(DateTime, is_read_as_iso_8601_writes_it) {
  EXPECT_EQ(parse_date_time("1970-01-02T00:00:10Z").value(), 86410);
  EXPECT_EQ(parse_date_time("1970-002 00:01Z").value(), 86460);
  EXPECT_EQ(parse_date_time("1970-01-01 01:00+01:00").value(), 0);
  EXPECT_EQ(parse_date_time("1970-01-01 00:00:00-0030").value(), 1800);
  EXPECT_EQ(parse_date_time("2024-366Z").value() - parse_date_time("2024-12-31Z").value(), 0);
  EXPECT_EQ(utc_text(1'796'073'285), "2026-11-30 21:14:45Z");
}

TEST(DateTime, that_is_none_is_refused) {
  for (const char* text : {"", "now", "2026", "2026-13-01", "2026-02-30", "2025-366", "2026-000", "2026-11-30T25:00",
                           "2026-11-30T12:60", "2026-11-30T12", "2026-11-30 12:30X"})
    EXPECT_FALSE(parse_date_time(text)) << text;
}

}  // namespace
}  // namespace systole::tools
