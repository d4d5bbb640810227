// SPDX-License-Identifier: GPL-2.0-or-later
// The memory between monitors survives its way through a file, and any damage to that file.
#include "agents/ocf/mysql-replication/memory.hpp"

#include <gtest/gtest.h>

namespace systole::mysql_replication {
namespace {

constexpr std::int64_t now = 1'000'000;

TEST(Memory, is_the_same_after_its_way_through_a_file) {
  Memory memory;
  memory.readers = {.value = 3, .changed_ms = 10, .marked_ms = 20, .mark_lag_ms = 5000, .asked_ms = 30};
  memory.late = true;
  memory.late_changed_ms = 40;
  memory.fresh_ms = 50;
  memory.offset_us = -1234;
  memory.errant = "9-2-1";
  memory.next_try_ms = now + 5000;
  memory.tries = 3;
  memory.told_score = "-INFINITY";
  memory.reason = "it = so";
  EXPECT_EQ(to_text(parse_memory(to_text(memory), now)), to_text(memory));
  EXPECT_EQ(parse_memory(to_text(memory), now).reason, "it = so");
}

TEST(Memory, of_a_text_that_is_none_is_empty) {
  for (const char* const text :
       {"", "\n\n", "readable", "=1", "readable=x\nlate=2\nchanged=", "\xff\xfe=1", "readable=1000000", "readable=-7"})
    EXPECT_EQ(to_text(parse_memory(text, now)), to_text(Memory{})) << text;
}

TEST(Memory, of_another_boot_knows_no_moments) {
  const Memory memory = parse_memory("changed=2000000\nfresh=99999999999999999\ntold=1000001\nmarked=-5\n", now);
  EXPECT_EQ(memory.readers.changed_ms, -1);
  EXPECT_EQ(memory.fresh_ms, -1);
  EXPECT_EQ(memory.told_ms, -1);
  EXPECT_EQ(memory.readers.marked_ms, -1);
}

TEST(Memory, with_hostile_counts_does_not_stop_repairs_for_ever) {
  const Memory memory = parse_memory("next_try=999999999999\ntries=999999999\nrepairs=-3\n", now);
  EXPECT_EQ(memory.next_try_ms, -1);
  EXPECT_EQ(memory.tries, 1000);
  EXPECT_EQ(memory.repairs, 0);
}

TEST(Memory, writes_one_line_per_value_whatever_a_server_says) {
  Memory memory;
  memory.reason = "a\nreadable=7\r\n" + std::string(9000, 'x');
  const Memory back = parse_memory(to_text(memory), now);
  EXPECT_EQ(back.readers.value, -1);
  EXPECT_EQ(back.reason.size(), 2000U);
}

}  // namespace
}  // namespace systole::mysql_replication
