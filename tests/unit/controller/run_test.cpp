// SPDX-License-Identifier: GPL-2.0-or-later
// A transition under way obeys its order, survives failures and lost nodes, and tells the news of what was done.
#include "crmd/controller/run.hpp"

#include <gtest/gtest.h>

namespace systole::controller {
namespace {

scheduler::Action action(int id, std::string operation, std::vector<int> after = {}, std::vector<int> after_any = {}) {
  scheduler::Action a;
  a.id = id;
  a.resource = ResourceId{"r" + std::to_string(id)};
  a.operation = std::move(operation);
  a.node = NodeName{"n1"};
  a.timeout = 20s;
  a.after = std::move(after);
  a.after_any = std::move(after_any);
  return a;
}

scheduler::Transition transition(std::vector<scheduler::Action> actions) {
  scheduler::Transition t;
  t.actions = std::move(actions);
  return t;
}

std::vector<int> ids(const std::vector<const scheduler::Action*>& actions) {
  std::vector<int> found;
  for (const auto* a : actions) found.push_back(a->id);
  return found;
}

TEST(Run, an_action_begins_when_all_before_it_have_succeeded) {
  controller::Run run(transition({action(0, "stop"), action(1, "stop"), action(2, "start", {0, 1})}));
  EXPECT_EQ(ids(run.next(Time{})), (std::vector{0, 1}));
  run.ended(0, true);
  EXPECT_TRUE(run.next(Time{}).empty());
  run.ended(1, true);
  EXPECT_EQ(ids(run.next(Time{})), std::vector{2});
  run.ended(2, true);
  EXPECT_TRUE(run.done());
  EXPECT_FALSE(run.failed());
}

TEST(Run, what_waits_for_a_failed_action_never_begins_and_what_only_wants_it_over_does) {
  controller::Run run(transition({action(0, "stop"), action(1, "start", {0}), action(2, "start", {}, {1})}));
  static_cast<void>(run.next(Time{}));
  run.ended(0, false);
  EXPECT_EQ(ids(run.next(Time{})), std::vector{2});
  run.ended(2, true);
  EXPECT_TRUE(run.done());
  EXPECT_TRUE(run.failed());
}

TEST(Run, pseudo_actions_are_passed_by_themselves) {
  scheduler::Action pseudo = action(1, "group_started", {0});
  pseudo.kind = scheduler::ActionKind::pseudo;
  controller::Run run(transition({action(0, "start"), pseudo, action(2, "start", {1})}));
  static_cast<void>(run.next(Time{}));
  run.ended(0, true);
  EXPECT_EQ(ids(run.next(Time{})), std::vector{2});
}

TEST(Run, after_an_abort_nothing_new_begins_but_what_was_done_is_announced) {
  scheduler::Action announce = action(1, "notify", {0});
  announce.meta["notify_type"] = "post";
  controller::Run run(transition({action(0, "promote"), announce, action(2, "start", {0})}));
  static_cast<void>(run.next(Time{}));
  run.abort("the world changed");
  EXPECT_FALSE(run.done()) << "the promotion still runs";
  run.ended(0, true);
  EXPECT_EQ(ids(run.next(Time{})), std::vector{1});
  run.ended(1, true);
  EXPECT_TRUE(run.done());
}

TEST(Run, actions_on_a_lost_node_count_as_failed) {
  controller::Run run(transition({action(0, "start"), action(1, "start", {0})}));
  static_cast<void>(run.next(Time{}));
  run.node_lost(NodeName{"n1"});
  EXPECT_TRUE(run.failed());
  EXPECT_TRUE(run.next(Time{}).empty());
  EXPECT_TRUE(run.done());
}

TEST(Run, an_action_without_a_result_is_overdue_after_its_timeout_and_the_cluster_delay) {
  controller::Run run(transition({action(0, "start")}));
  static_cast<void>(run.next(Time{}));
  EXPECT_TRUE(run.overdue(Time{} + 79s).empty());
  EXPECT_EQ(run.overdue(Time{} + 80s), std::vector{0});
  EXPECT_EQ(run.next_deadline(), Time{} + 80s);
}

}  // namespace
}  // namespace systole::controller
