// SPDX-License-Identifier: GPL-2.0-or-later
// The scheduler's rules, one sentence each. Whole transitions with their reasons are in tests/golden/scheduler.
#include <gtest/gtest.h>

#include <algorithm>

#include "crmd/scheduler/plan.hpp"
#include "tests/golden/scheduler/story.hpp"

namespace systole::scheduler::testing {
namespace {

/// A story and what the scheduler makes of it, with questions in the words of print.cpp's labels.
class Outcome {
 public:
  explicit Outcome(std::string_view text) {
    auto story = parse_story(text);
    if (!story) {
      ADD_FAILURE() << story.error().what;
      return;
    }
    story_ = *story;
    transition_ = schedule(story_.view());
  }

  const Action* find(std::string_view wanted) const {
    for (const Action& action : transition_.actions) {
      if (label(action) == wanted) return &action;
    }
    return nullptr;
  }
  bool does(std::string_view wanted) const { return find(wanted) != nullptr; }

  bool before(std::string_view first, std::string_view then) const {
    const Action *a = find(first), *b = find(then);
    return a != nullptr && b != nullptr && reaches(*b, a->id);
  }

  std::string where(std::string_view resource) const {
    for (const Decision& decision : transition_.decisions) {
      if (decision.resource.value == resource) return decision.role + " " + decision.node.value;
    }
    return "unknown";
  }
  std::string sentence(std::string_view resource) const {
    for (const Decision& decision : transition_.decisions) {
      if (decision.resource.value == resource) return decision.sentence;
    }
    return "";
  }

  const Transition& transition() const { return transition_; }
  const Story& story() const { return story_; }
  std::string all() const { return print(transition_, story_); }

 private:
  bool reaches(const Action& from, int id) const {
    const auto any = [&](const std::vector<int>& ids) {
      return std::ranges::any_of(
          ids, [&](int each) { return each == id || reaches(transition_.actions[std::size_t(each)], id); });
    };
    return any(from.after) || any(from.after_any);
  }

  Story story_;
  Transition transition_;
};

constexpr const char* two_nodes = "node n1\nnode n2\n";
constexpr const char* dummy = " ocf:heartbeat:Dummy op monitor interval=10s\n";

std::string mysql(const std::string& rest) {
  return std::string(two_nodes) +
         "primitive db ocf:systole:mysql op monitor interval=10s role=Promoted op monitor interval=11s "
         "role=Unpromoted\n"
         "clone db-clone db meta promotable=true notify=true\n"
         "primitive vip ocf:systole:IPaddr op monitor interval=10s\n"
         "colocation vip-with-primary INFINITY vip db-clone:Promoted\n"
         "order promote-then-vip db-clone:promote vip:start\n" +
         rest;
}

constexpr const char* both_replicas =
    "history n1 db probe=7 start=0 monitor/11000=0\nhistory n2 db probe=7 start=0 monitor/11000=0\n"
    "history n1 vip probe=7\nhistory n2 vip probe=7\n";

TEST(Probes, nothing_starts_before_every_online_node_was_asked) {
  const Outcome outcome(std::string(two_nodes) + "primitive a" + dummy);
  EXPECT_TRUE(outcome.before("probe a n1", "start a n1")) << outcome.all();
  EXPECT_TRUE(outcome.before("probe a n2", "start a n1"));
}

/// Nothing starts here, so no start holds the promotion back: node n2 is to be freed, and may have the primary.
TEST(Probes, nothing_is_promoted_before_every_online_node_was_asked) {
  const Outcome outcome(
      mysql("attribute n1 master-db=5\nattribute n2 standby=on\n"
            "history n1 db probe=7 start=0 monitor/11000=0\nhistory n1 vip probe=7\n"));
  EXPECT_FALSE(outcome.does("start db:1 n2"));
  EXPECT_TRUE(outcome.before("probe db:0 n2", "promote db:0 n1")) << outcome.all();
}

TEST(Probes, a_node_whose_history_knows_the_resource_is_not_asked_again) {
  const Outcome outcome(std::string(two_nodes) + "primitive a" + dummy + "history n1 a probe=7\n");
  EXPECT_FALSE(outcome.does("probe a n1"));
  EXPECT_TRUE(outcome.does("probe a n2"));
}

TEST(Probes, none_are_made_when_they_are_switched_off) {
  const Outcome outcome(std::string("property enable-startup-probes=false\n") + two_nodes + "primitive a" + dummy);
  EXPECT_FALSE(outcome.does("probe a n1"));
  EXPECT_TRUE(outcome.does("start a n1"));
}

TEST(Probes, a_resource_found_running_is_taken_over_where_it_is) {
  const Outcome outcome(std::string(two_nodes) + "primitive a" + dummy +
                        "history n2 a probe=0\nhistory n1 a probe=7\n");
  EXPECT_EQ(outcome.where("a"), "Started n2");
  EXPECT_FALSE(outcome.does("start a n2"));
  EXPECT_TRUE(outcome.does("monitor/10s a n2"));
}

TEST(Probes, expect_that_it_does_not_run) {
  const Outcome outcome(std::string(two_nodes) + "primitive a" + dummy);
  const Action* probe = outcome.find("probe a n1");
  ASSERT_NE(probe, nullptr);
  EXPECT_TRUE(probe->probe);
  EXPECT_EQ(probe->expected_rc, 7);
}

TEST(Operations, take_their_timeout_from_op_then_defaults_then_20_seconds) {
  const Outcome outcome(
      "node n1\nop-default timeout=45s\n"
      "primitive a ocf:heartbeat:Dummy op start timeout=90s op monitor interval=10s\nhistory n1 a probe=7\n");
  EXPECT_EQ(outcome.find("start a n1")->timeout, 90s);
  EXPECT_EQ(outcome.find("start a n1")->meta.at("timeout"), "90000");
  EXPECT_EQ(outcome.find("monitor/10s a n1")->timeout, 45s);
  const Outcome plain("node n1\nprimitive a ocf:heartbeat:Dummy\nhistory n1 a probe=7\n");
  EXPECT_EQ(plain.find("start a n1")->timeout, 20s);
}

TEST(Operations, carry_parameters_and_the_meta_values_that_agents_read) {
  const Outcome outcome(mysql("attribute n2 master-db=100\n" + std::string(both_replicas)));
  const Action* promote = outcome.find("promote db:1 n2");
  ASSERT_NE(promote, nullptr) << outcome.all();
  const cib::Pairs& meta = promote->meta;
  EXPECT_EQ(meta.at("clone"), "1");
  EXPECT_EQ(meta.at("clone_max"), "2");
  EXPECT_EQ(meta.at("clone_node_max"), "1");
  EXPECT_EQ(meta.at("globally_unique"), "false");
  EXPECT_EQ(meta.at("master_max"), "1");
  EXPECT_EQ(meta.at("promoted_node_max"), "1");
  EXPECT_EQ(meta.at("notify"), "true");
  EXPECT_EQ(meta.at("on_node"), "n2");
  EXPECT_EQ(meta.at("on_node_uuid"), "2");
  EXPECT_EQ(meta.at("notify_promote_uname"), "n2");
  EXPECT_EQ(meta.at("notify_promote_resource"), "db:1");
  EXPECT_EQ(meta.at("notify_demote_uname"), " ") << "an empty list is one space";
  EXPECT_EQ(meta.at("notify_slave_uname"), "n1 n2");
  EXPECT_EQ(meta.at("notify_active_resource"), "db:0 db:1");
  EXPECT_EQ(promote->resource.value, "db") << "anonymous instances share the primitive's id";
}

TEST(Operations, a_monitor_of_a_promoted_instance_expects_8) {
  const Outcome outcome(mysql("attribute n2 master-db=100\n" + std::string(both_replicas)));
  EXPECT_EQ(outcome.find("monitor/10s db:1 n2")->expected_rc, 8);
  EXPECT_EQ(outcome.find("monitor/10s db:1 n2")->meta.at("role"), "Promoted");
}

TEST(Promotion, nobody_is_promoted_before_an_agent_gave_a_score) {
  const Outcome outcome(mysql(both_replicas));
  EXPECT_TRUE(outcome.transition().empty()) << outcome.all();
  EXPECT_EQ(outcome.where("db:0"), "Unpromoted n1");
  EXPECT_NE(outcome.sentence("db:0").find("no promotion score (master-db)"), std::string::npos);
}

TEST(Promotion, the_highest_score_wins_and_the_address_starts_after_it) {
  const Outcome outcome(mysql("attribute n1 master-db=5\nattribute n2 master-db=6\n" + std::string(both_replicas)));
  EXPECT_TRUE(outcome.before("promote db:1 n2", "start vip n2")) << outcome.all();
  EXPECT_FALSE(outcome.does("promote db:0 n1"));
}

TEST(Promotion, a_negative_score_is_a_no) {
  const Outcome outcome(
      mysql("attribute n1 master-db=-1\nattribute n2 master-db=-INFINITY\n" + std::string(both_replicas)));
  EXPECT_TRUE(outcome.transition().empty()) << outcome.all();
}

TEST(Promotion, of_equal_scores_the_present_primary_stays) {
  const Outcome outcome(
      mysql("attribute n1 master-db=100\nattribute n2 master-db=100\nhistory n1 db probe=7 start=0 monitor/11000=0\n"
            "history n2 db probe=7 start=0 promote=0 monitor/10000!8=8\nhistory n1 vip probe=7\n"
            "history n2 vip probe=7 start=0 monitor/10000=0\n"));
  EXPECT_TRUE(outcome.transition().empty()) << outcome.all();
}

TEST(Promotion, promoted_max_two_promotes_two) {
  const Outcome outcome(
      "node n1\nnode n2\nprimitive db ocf:systole:mysql\n"
      "clone c db meta promotable=true promoted-max=2\nattribute n1 master-db=5\nattribute n2 master-db=6\n"
      "history n1 db probe=7 start=0\nhistory n2 db probe=7 start=0\n");
  EXPECT_TRUE(outcome.does("promote db:0 n1"));
  EXPECT_TRUE(outcome.does("promote db:1 n2"));
}

TEST(Promotion, monitors_of_the_old_role_end_before_the_new_role_begins) {
  const Outcome outcome(mysql("attribute n2 master-db=100\n" + std::string(both_replicas)));
  EXPECT_TRUE(outcome.before("cancel monitor/11s db:1 n2", "promote db:1 n2")) << outcome.all();
  EXPECT_FALSE(outcome.does("cancel monitor/11s db:0 n1"));
}

constexpr const char* primary_on_n1 =
    "history n1 db probe=7 start=0 promote=0 monitor/10000!8=8\nhistory n2 db probe=7 start=0 monitor/11000=0\n"
    "history n1 vip probe=7 start=0 monitor/10000=0\nhistory n2 vip probe=7\n";

TEST(Promotion, a_planned_move_takes_the_address_off_first_and_puts_it_on_last) {
  const Outcome outcome(
      mysql("attribute n1 master-db=100\nattribute n2 master-db=10\n"
            "location move db-clone role=Promoted n1 -INFINITY\n" +
            std::string(primary_on_n1)));
  EXPECT_TRUE(outcome.before("stop vip n1", "demote db:0 n1")) << outcome.all();
  EXPECT_TRUE(outcome.before("demote db:0 n1", "promote db:1 n2"));
  EXPECT_TRUE(outcome.before("promote db:1 n2", "start vip n2"));
  EXPECT_FALSE(outcome.does("stop db:0 n1")) << "the old primary stays up as a replica";
}

TEST(Promotion, the_address_of_a_lost_primary_moves_without_a_demotion) {
  std::string text = mysql("attribute n2 master-db=10\n" + std::string(primary_on_n1));
  text.replace(text.find("node n1\n"), 8, "node n1 lost\n");
  const Outcome outcome(text);
  EXPECT_TRUE(outcome.before("promote db:0 n2", "start vip n2")) << outcome.all();
  EXPECT_FALSE(outcome.does("demote db:0 n1"));
  EXPECT_FALSE(outcome.does("stop vip n1"));
}

TEST(Promotion, notifications_surround_it_in_order) {
  const Outcome outcome(mysql("attribute n2 master-db=100\n" + std::string(both_replicas)));
  EXPECT_TRUE(outcome.before("notify(pre-promote) db:0 n1", "promote db:1 n2")) << outcome.all();
  EXPECT_TRUE(outcome.before("promote db:1 n2", "notify(post-promote) db:0 n1"));
  EXPECT_TRUE(outcome.before("notify(post-promote) db:0 n1", "start vip n2"));
  EXPECT_TRUE(outcome.find("notify(post-promote) db:0 n1")->may_fail);
}

TEST(Promotion, a_failed_notification_holds_nothing_up) {
  const Outcome outcome(mysql("attribute n2 master-db=100\n" + std::string(both_replicas)));
  for (const Action& action : outcome.transition().actions) {
    for (const int id : action.after) {
      EXPECT_NE(outcome.transition().actions[std::size_t(id)].operation, "notify") << label(action);
    }
  }
}

TEST(Placing, stickiness_keeps_a_resource_against_a_weaker_wish) {
  const std::string common = std::string(two_nodes) + "rsc-default resource-stickiness=100\nprimitive a" + dummy +
                             "history n1 a start=0 monitor/10000=0\nhistory n2 a probe=7\n";
  EXPECT_TRUE(Outcome(common + "location l a n2 99\n").transition().empty());
  EXPECT_TRUE(Outcome(common + "location l a n2 101\n").before("stop a n1", "start a n2"));
}

TEST(Placing, minus_infinity_beats_infinity) {
  const Outcome outcome(
      "node n1\nprimitive a ocf:heartbeat:Dummy\nlocation yes a n1 INFINITY\nlocation no a n1 -INFINITY\n");
  EXPECT_EQ(outcome.where("a"), "Stopped ");
}

TEST(Placing, a_rule_on_an_attribute_counts_where_it_matches) {
  const Outcome outcome("node n1\nnode n2 site=b\nprimitive a ocf:heartbeat:Dummy\nlocation l a rule 100 site eq b\n");
  EXPECT_EQ(outcome.where("a"), "Started n2");
  EXPECT_NE(outcome.sentence("a").find("100 location l"), std::string::npos) << outcome.sentence("a");
}

TEST(Placing, the_more_important_resource_chooses_first) {
  const Outcome outcome(
      "node n1\nprimitive a ocf:heartbeat:Dummy\nprimitive b ocf:heartbeat:Dummy meta priority=1\n"
      "colocation apart -INFINITY a b\n");
  EXPECT_EQ(outcome.where("a"), "Stopped ");
  EXPECT_EQ(outcome.where("b"), "Started n1");
}

TEST(Placing, a_resource_listens_to_where_its_dependents_may_run) {
  const Outcome outcome(
      "node n1\nnode n2\nprimitive a ocf:heartbeat:Dummy\nprimitive b ocf:heartbeat:Dummy\n"
      "colocation b-with-a INFINITY b a\nlocation b-not-n1 b n1 -INFINITY\n");
  EXPECT_EQ(outcome.where("a"), "Started n2");
  EXPECT_EQ(outcome.where("b"), "Started n2");
}

TEST(Placing, a_wish_that_leaves_no_node_is_not_granted) {
  const Outcome outcome(
      "node n1\nprimitive a ocf:heartbeat:Dummy\nprimitive b ocf:heartbeat:Dummy\ncolocation apart -100 b a\n");
  EXPECT_EQ(outcome.where("b"), "Started n1");
}

TEST(Failures, below_the_threshold_are_repaired_where_they_happened) {
  const Outcome outcome(std::string(two_nodes) + "rsc-default migration-threshold=3\nprimitive a" + dummy +
                        "attribute n1 fail-count-a#monitor_10000=2\nhistory n1 a start=0 monitor/10000=7\n"
                        "history n2 a probe=7\n");
  EXPECT_TRUE(outcome.before("stop a n1", "start a n1")) << outcome.all();
  EXPECT_TRUE(outcome.before("start a n1", "monitor/10s a n1"));
  EXPECT_EQ(outcome.find("stop a n1")->reason, "recovery: monitor failed: not running");
}

TEST(Failures, at_the_threshold_drive_the_resource_away) {
  const Outcome outcome(std::string(two_nodes) + "rsc-default migration-threshold=3\nprimitive a" + dummy +
                        "attribute n1 fail-count-a#monitor_10000=3\nhistory n1 a start=0 monitor/10000=7\n"
                        "history n2 a probe=7\n");
  EXPECT_TRUE(outcome.before("stop a n1", "start a n2")) << outcome.all();
  EXPECT_NE(outcome.find("stop a n1")->reason.find("a failed 3 times on n1 (migration-threshold 3)"), std::string::npos)
      << outcome.find("stop a n1")->reason;
}

TEST(Failures, run_out_with_failure_timeout_and_the_clock_is_set_for_it) {
  const std::string common = std::string(two_nodes) +
                             "rsc-default migration-threshold=1 failure-timeout=60s\nprimitive a" + dummy +
                             "attribute n1 fail-count-a#monitor_10000=1 last-failure-a#monitor_10000=1000\n"
                             "history n1 a start=0 monitor/10000@1000=7 stop=0\nhistory n2 a start=0 monitor/10000=0\n";
  const Outcome before(common + "time 1059\n");
  EXPECT_EQ(before.transition().recheck_at, 1060);
  EXPECT_FALSE(before.does("clear failures of a n1"));
  const Outcome after(common + "time 1060\n");
  EXPECT_TRUE(after.does("clear failures of a n1"));
  EXPECT_EQ(after.transition().recheck_at, std::nullopt);
}

TEST(Failures, a_failed_stop_without_fencing_blocks_and_says_what_to_do) {
  const Outcome outcome(std::string(two_nodes) + "primitive a" + dummy + "history n1 a start=0 stop=1\n");
  EXPECT_FALSE(outcome.does("start a n2"));
  ASSERT_FALSE(outcome.transition().problems.empty());
  EXPECT_NE(outcome.transition().problems[0].find("systole cleanup a"), std::string::npos);
}

TEST(Failures, a_broken_configuration_stops_the_resource_everywhere) {
  const Outcome outcome(std::string(two_nodes) + "primitive a" + dummy +
                        "history n1 a probe=7 start=6\nhistory n2 a probe=7\n");
  EXPECT_TRUE(outcome.does("stop a n1"));
  EXPECT_FALSE(outcome.does("start a n2"));
}

TEST(Failures, a_missing_agent_only_excludes_its_node) {
  const Outcome outcome(std::string(two_nodes) + "primitive a" + dummy +
                        "history n1 a probe=5\nhistory n2 a probe=7\n");
  EXPECT_TRUE(outcome.does("start a n2")) << outcome.all();
  EXPECT_FALSE(outcome.does("stop a n1"));
}

TEST(Quorum, without_it_everything_stops_by_default) {
  const Outcome outcome("no-quorum\nnode n1\nprimitive a ocf:heartbeat:Dummy\nhistory n1 a start=0\n");
  EXPECT_TRUE(outcome.does("stop a n1")) << outcome.all();
}

TEST(Quorum, freeze_keeps_what_runs_and_starts_nothing) {
  const Outcome outcome(
      "no-quorum\nproperty no-quorum-policy=freeze\nnode n1\nprimitive a ocf:heartbeat:Dummy\n"
      "primitive b ocf:heartbeat:Dummy\nhistory n1 a start=0\nhistory n1 b probe=7\n");
  EXPECT_TRUE(outcome.transition().empty()) << outcome.all();
}

TEST(Fencing, without_a_device_nothing_is_touched_and_the_way_out_is_named) {
  const Outcome outcome(
      "property stonith-enabled=true\nnode n1\nprimitive a ocf:heartbeat:Dummy\nhistory n1 a probe=7\n");
  EXPECT_TRUE(outcome.transition().empty());
  ASSERT_FALSE(outcome.transition().problems.empty());
  EXPECT_NE(outcome.transition().problems[0].find("set stonith-enabled=false"), std::string::npos);
}

TEST(Orders, contradicting_constraints_are_reported_and_never_deadlock) {
  const Outcome outcome(
      "node n1\nprimitive a ocf:heartbeat:Dummy\nprimitive b ocf:heartbeat:Dummy\nhistory n1 a probe=7\n"
      "history n1 b probe=7\norder one a b\norder two b a\n");
  Story story = outcome.story();
  EXPECT_TRUE(play(outcome.transition(), story)) << outcome.all();
  ASSERT_FALSE(outcome.transition().problems.empty());
  EXPECT_NE(outcome.transition().problems[0].find("contradict"), std::string::npos);
}

TEST(Constraints, that_name_nothing_are_ignored_and_reported) {
  const Outcome outcome(
      "node n1\nprimitive a ocf:heartbeat:Dummy\nlocation l ghost n1 100\ncolocation c INFINITY a ghost\norder o ghost "
      "a\n");
  EXPECT_EQ(outcome.transition().problems.size(), 3U);
  EXPECT_TRUE(outcome.does("start a n1"));
}

TEST(Observation, tells_role_failure_and_node_fitness) {
  const Outcome outcome(mysql(
      "history n1 db probe=7 start=0 promote=0 monitor/10000!8=9\nhistory n2 db probe=7 start=0 monitor/11000=0\n"));
  const auto active = observe_active(outcome.story().view());
  ASSERT_EQ(active.size(), 2U);
  EXPECT_EQ(active[0].role, Role::promoted);
  EXPECT_TRUE(active[0].failed);
  EXPECT_EQ(active[0].failure, "monitor failed: promoted (failed)");
  EXPECT_EQ(active[1].role, Role::unpromoted);
  const Outcome standby("node n1 standby=on\nnode n2 maintenance=true\nnode n3 lost\n");
  const auto nodes = observe_nodes(standby.story().view());
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_TRUE(nodes[0].online && nodes[0].standby);
  EXPECT_TRUE(nodes[1].maintenance);
  EXPECT_FALSE(nodes[2].online);
}

TEST(Scheduler, an_empty_cluster_needs_nothing) {
  EXPECT_TRUE(Outcome("").transition().empty());
  EXPECT_TRUE(Outcome("node n1\n").transition().empty());
  EXPECT_EQ(Outcome("primitive a ocf:heartbeat:Dummy\n").where("a"), "Stopped ");
}

TEST(Nodes, are_in_the_order_of_the_numbers_in_their_names) {
  const auto before = [](const char* a, const char* b) { return comes_before(NodeName{a}, NodeName{b}); };
  for (const auto& [a, b] : {std::pair("n2", "n10"), std::pair("a", "b"), std::pair("n", "n1"),
                             std::pair("n2a1", "n2a3"), std::pair("n9", "na"), std::pair("n02", "n2")}) {
    EXPECT_TRUE(before(a, b)) << a << " " << b;
    EXPECT_FALSE(before(b, a)) << a << " " << b;
  }
  EXPECT_FALSE(before("n7", "n7"));
}

}  // namespace
}  // namespace systole::scheduler::testing
