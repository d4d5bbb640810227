// SPDX-License-Identifier: GPL-2.0-or-later
// What an action finds out about its node's standing, and what it does to the record, against fake tools.
#include "agents/ocf/mysql/durability.hpp"

#include "agents/ocf/mysql/must_follow.hpp"
#include "tests/unit/mysql/fake_cluster.hpp"

namespace systole::mysql {
namespace {

class Action : public InTheCluster {
 protected:
  void SetUp() override {
    InTheCluster::SetUp();
    env_.insert({{"OCF_RESOURCE_INSTANCE", "db"},
                 {"OCF_RESKEY_CRM_meta_clone_max", "2"},
                 {"OCF_RESKEY_CRM_meta_promotable", "true"},
                 {"OCF_RESKEY_datadir", folder_}});
    cluster_says("e=3 q=7 p=n2 s=n1");
    fake("crm_node", "echo n1 n2");
    notices_are("replica 3.7 streams", "primary 3.7");
  }
  /// stonith-enabled is false, so that nothing is known of fencing.
  void cluster_says(const std::string& record) {
    fake("crm_attribute", "case $* in *stonith-enabled*) echo false;; *) " +
                              (record.empty() ? std::string("exit 105") : "echo '" + record + "'") + ";; esac");
  }
  void notices_are(const std::string& n1, const std::string& n2) {
    fake("attrd_updater", "echo 'name=\"db-lineage\" host=\"n1\" value=\"" + n1 +
                              "\"'\necho 'name=\"db-lineage\" host=\"n2\" value=\"" + n2 + "\"'");
  }
  void keep(const char* record) { ASSERT_TRUE(own().keep(parse_record(record).value())); }
  OwnCopy own() const { return {agents::paths_from(env_), "db"}; }
  agents::Call call() const { return {about_mysql(), env_, "start", agents::boot_now()}; }
  Result<Standing> standing() {
    agents::Call now = call();
    return standing_now(now, settings_of(now), "n1", soon());
  }
  Result<StartPlan> plan() {
    agents::Call now = call();
    return plan_start(now, settings_of(now), "n1", soon());
  }
};

TEST_F(Action, knows_of_the_other_node_what_the_manager_and_its_helper_say) {
  keep("e=3 q=7 p=n2 s=n1");
  EXPECT_EQ(standing().value().other, (OtherNode{.member = true, .agrees = true, .seen = true}));
  EXPECT_EQ(standing().value().present, 2U);
  EXPECT_EQ(standing().value().wanted, 2U);
  notices_are("replica 3.7 streams", "primary 4.0");
  EXPECT_FALSE(standing().value().other.agrees) << "it knows a newer record";
  fake("crm_node", "echo n1");
  EXPECT_FALSE(standing().value().other.member);
  EXPECT_EQ(standing().value().present, 1U) << "its notice may be of before it was lost";
}

TEST_F(Action, takes_an_instance_for_promoted_unless_it_is_being_demoted_or_stopped) {
  keep("e=3 q=7 p=n2 s=n1");
  env_["OCF_RESKEY_CRM_meta_notify_promoted_uname"] = "n2";
  EXPECT_TRUE(standing().value().other.promoted);
  env_["OCF_RESKEY_CRM_meta_notify_demote_uname"] = "n2";
  EXPECT_FALSE(standing().value().other.promoted);
}

TEST_F(Action, goes_by_the_operators_word_for_the_record_that_it_was_given_for_only) {
  keep("e=3 q=7 p=n2 s=n1");
  ASSERT_TRUE(own().give_operator_word(parse_record("e=3 q=7 p=n2 s=n1").value()));
  EXPECT_TRUE(standing().value().operator_word);
  cluster_says("e=3 q=8 p=n2 s=-");
  EXPECT_FALSE(standing().value().operator_word);
}

TEST_F(Action, stops_at_a_damaged_copy_of_the_record) {
  ASSERT_TRUE(agents::make_folder(folder_ + "/kept/lineage"));
  ASSERT_TRUE(agents::write_file(folder_ + "/kept/lineage/db", "e=3 q", true));
  EXPECT_EQ(standing().error().code, Errc::corrupt);
  EXPECT_EQ(plan().error().code, Errc::corrupt);
}

TEST_F(Action, start_removes_an_unacknowledged_tail_only_where_another_was_promoted_since) {
  keep("e=3 q=7 p=n1 s=n2");
  cluster_says("e=3 q=7 p=n1 s=n2");
  EXPECT_FALSE(plan().value().cut_tail) << "it is still the primary, and its replica has what was acknowledged";
  cluster_says("e=4 q=0 p=n2 s=-");
  EXPECT_TRUE(plan().value().cut_tail);
  fake("crm_attribute", "exit 102");
  EXPECT_FALSE(plan().value().cut_tail) << "nobody knows";
  cluster_says("e=2 q=0 p=n2 s=-");
  EXPECT_FALSE(plan().value().cut_tail) << "the cluster has kept an older record than this disk";
}

TEST_F(Action, start_of_the_replica_in_sync_acknowledges_and_flushes_where_nothing_may_be_lost) {
  EXPECT_TRUE(plan().value().in_sync);
  EXPECT_FALSE(plan().value().sync_relay_log) << "crash-safe";
  env_["OCF_RESKEY_durability"] = "lossless";
  EXPECT_TRUE(plan().value().sync_relay_log);
  env_["OCF_RESKEY_sync_relay_log"] = "off";
  EXPECT_FALSE(plan().value().sync_relay_log);
  cluster_says("e=3 q=8 p=n2 s=-");
  env_["OCF_RESKEY_sync_relay_log"] = "on";
  EXPECT_FALSE(plan().value().in_sync);
  EXPECT_FALSE(plan().value().sync_relay_log) << "what it receives now is acknowledged to nobody";
}

TEST_F(Action, stop_gives_the_place_in_sync_up_here_before_the_cluster_hears_of_it) {
  keep("e=3 q=7 p=n2 s=n1");
  fake("cibadmin", "cat $SYSTOLE_STATEDIR/lineage/db >>$LOG");
  agents::Call now = call();
  give_up_place_before_stop(now, "n1", soon());
  EXPECT_EQ(to_string(own().read().value()), "e=3 q=8 p=n2 s=-");
  const std::string after = calls().substr(calls().find("cibadmin"));
  EXPECT_NE(after.find("value=\"e=3 q=8 p=n2 s=-\""), std::string::npos) << after;
  EXPECT_NE(after.find("\ne=3 q=8 p=n2 s=-\n"), std::string::npos) << "the disk had it first: " << after;
}

TEST_F(Action, stop_keeps_the_place_in_sync_while_the_primary_is_gone) {
  keep("e=3 q=7 p=n2 s=n1");
  for (const char* const members : {"echo n1", "exit 102"}) {
    fake("crm_node", members);
    agents::Call now = call();
    give_up_place_before_stop(now, "n1", soon());
    EXPECT_EQ(to_string(own().read().value()), "e=3 q=7 p=n2 s=n1") << "it may be the one that takes over";
  }
}

TEST_F(Action, promises_the_best_that_the_cluster_can_keep_unless_told_otherwise) {
  agents::Call now = call();
  Settings settings = settings_of(now);
  EXPECT_EQ(durability_of(settings, shared(), soon()), Durability::crash_safe);
  fake("crm_attribute", "echo true");
  EXPECT_EQ(durability_of(settings, shared(), soon()), Durability::lossless) << "fencing";
  env_["SYSTOLE_RUNDIR"] = folder_;
  fake("systole", "echo '\"mode\": \"none\"'");
  EXPECT_EQ(durability_of(settings, shared(), soon()), Durability::crash_safe);
  fake("systole", "echo '\"mode\": \"witness\"'");
  EXPECT_EQ(durability_of(settings, shared(), soon()), Durability::lossless);
  settings.durability = Durability::available;
  EXPECT_EQ(durability_of(settings, shared(), soon()), Durability::available);
}

TEST_F(Action, says_whether_a_change_of_the_record_is_refused_or_unknown) {
  const Record from = parse_record("e=3 q=7 p=n2 s=n1").value(), to = after_promotion_of("n1", from);
  EXPECT_TRUE(share_record(shared(), from, to, soon()));
  fake("cibadmin", "exit 105");
  EXPECT_EQ(share_record(shared(), from, to, soon()).error().code, Errc::refused);
  fake("cibadmin", "exit 102");
  EXPECT_EQ(share_record(shared(), from, to, soon()).error().code, Errc::timeout);
}

}  // namespace
}  // namespace systole::mysql
