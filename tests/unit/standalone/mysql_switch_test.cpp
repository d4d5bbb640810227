// SPDX-License-Identifier: GPL-2.0-or-later
// What speaks against a planned switch-over, by the record and by what each node says of itself.
#include "tools/agent/mysql_switch.hpp"

#include <gtest/gtest.h>

namespace systole::tools {
namespace {

using mysql::Notice;

MysqlView healthy() {
  const mysql::Record record{.epoch = 3, .sequence = 7, .primary = "n1", .in_sync = "n2"};
  MysqlView view{.resource = "db", .self = "n1", .record = record, .shared = record, .own = record};
  view.notices["n1"].kind = Notice::Kind::primary;
  view.notices["n2"].kind = Notice::Kind::replica;
  view.notices["n2"].streams = true;
  return view;
}

std::string refusal_of(const MysqlView& view, const std::string& wanted = "") {
  const auto target = switch_target(view, wanted);
  return target ? "to " + *target : target.error().what;
}

TEST(MysqlSwitch, goes_to_the_replica_that_is_in_sync) {
  EXPECT_EQ(refusal_of(healthy()), "to n2");
  EXPECT_EQ(refusal_of(healthy(), "n2"), "to n2");
}

TEST(MysqlSwitch, to_where_the_primary_is_already_is_nothing_to_refuse) {
  EXPECT_EQ(refusal_of(healthy(), "n1"), "to n1");
}

TEST(MysqlSwitch, is_refused_to_a_node_that_may_lack_acknowledged_writes) {
  EXPECT_EQ(refusal_of(healthy(), "n3"), "n3 is not in sync, n2 is");
  MysqlView alone = healthy();
  alone.record.in_sync.clear();
  EXPECT_EQ(refusal_of(alone), "no replica is in sync: only n1 has every acknowledged write");
}

TEST(MysqlSwitch, is_refused_while_the_pair_is_not_healthy) {
  MysqlView stalled = healthy();
  stalled.notices["n1"].stalled = true;
  EXPECT_EQ(refusal_of(stalled), "writers wait for n2: repair it first");
  MysqlView broken = healthy();
  broken.notices["n2"].streams = false;
  EXPECT_EQ(refusal_of(broken), "n2 receives nothing, or cannot apply it");
  MysqlView gone = healthy();
  gone.notices.erase("n2");
  EXPECT_EQ(refusal_of(gone), "n2 receives nothing, or cannot apply it");
  MysqlView down = healthy();
  down.notices.erase("n1");
  EXPECT_EQ(refusal_of(down), "n1 should be the primary, and does not serve now");
}

TEST(MysqlSwitch, is_done_when_any_replica_is_in_sync_with_the_target) {
  MysqlView view = healthy();
  EXPECT_FALSE(is_switched(view, "n2"));
  EXPECT_TRUE(is_switched(view, "n1"));
  view.record.in_sync = "n3";  // of three databases the former primary need not be it
  EXPECT_TRUE(is_switched(view, "n1"));
  view.record.in_sync.clear();
  EXPECT_FALSE(is_switched(view, "n1"));
}

TEST(MysqlSwitch, is_refused_without_the_clusters_record) {
  MysqlView unknown = healthy();
  unknown.shared.reset();
  EXPECT_EQ(refusal_of(unknown), "the cluster's record cannot be read");
  MysqlView none = healthy();
  none.record = {};
  EXPECT_EQ(refusal_of(none), "nobody has been promoted yet");
}

}  // namespace
}  // namespace systole::tools
