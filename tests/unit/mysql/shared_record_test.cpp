// SPDX-License-Identifier: GPL-2.0-or-later
// The cluster's copy of the record, against fake tools in PATH that answer as told and write down how they were called.
#include "agents/ocf/mysql/shared_record.hpp"

#include "tests/unit/mysql/fake_cluster.hpp"

namespace systole::mysql {
namespace {

const Record old_one{.epoch = 3, .sequence = 7, .primary = "n1", .in_sync = "n2"};
const Record new_one{.epoch = 3, .sequence = 8, .primary = "n1", .in_sync = ""};

TEST_F(InTheCluster, none_is_a_record_that_does_not_exist_and_an_unreadable_one_is_an_error) {
  fake("crm_attribute", "exit 105");
  EXPECT_EQ(shared().read(soon()).value(), Record{});
  fake("crm_attribute", "echo 'e=3 q=7 p=n1 s=n2'");
  EXPECT_EQ(shared().read(soon()).value(), old_one);
  fake("crm_attribute", "echo 'e=3 q=7'");
  EXPECT_EQ(shared().read(soon()).error().code, Errc::invalid) << "taken for none it would be founded anew";
  fake("crm_attribute", "exit 102");
  EXPECT_FALSE(shared().read(soon())) << "a cluster that does not answer has not said that there is none";
}

TEST_F(InTheCluster, it_is_replaced_only_where_the_old_value_stands) {
  EXPECT_EQ(shared().swap(old_one, new_one, soon()), Outcome::done);
  EXPECT_EQ(
      calls(),
      "cibadmin --replace --xpath //crm_config/cluster_property_set[@id='systole-lineage']/nvpair[@name='db']"
      "[@value='e=3 q=7 p=n1 s=n2'] --xml-text <nvpair id=\"systole-lineage-db\" name=\"db\" value=\"e=3 q=8 p=n1 "
      "s=-\"/>\n");
}

TEST_F(InTheCluster, a_write_that_was_not_answered_counts_neither_as_done_nor_as_refused) {
  fake("cibadmin", "exit 105");
  EXPECT_EQ(shared().swap(old_one, new_one, soon()), Outcome::refused);
  fake("cibadmin", "exit 102");
  EXPECT_EQ(shared().swap(old_one, new_one, soon()), Outcome::unknown);
  fake("cibadmin", "sleep 60");
  EXPECT_EQ(shared().swap(old_one, new_one, agents::boot_now() + 200ms), Outcome::unknown);
}

TEST_F(InTheCluster, the_first_one_is_created_and_never_overwrites_another_first_one) {
  const Record first{.epoch = 1, .sequence = 0, .primary = "n1", .in_sync = ""};
  EXPECT_EQ(shared().swap(Record{}, first, soon()), Outcome::done);
  EXPECT_NE(calls().find("cibadmin --create --scope crm_config"), std::string::npos) << calls();
  fake("cibadmin", "exit 108");
  fake("crm_attribute", "echo 'e=1 q=0 p=n2 s=-'");
  EXPECT_EQ(shared().swap(Record{}, first, soon()), Outcome::refused);
}

TEST_F(InTheCluster, the_first_record_joins_that_of_another_database) {
  const Record first{.epoch = 1, .sequence = 0, .primary = "n1", .in_sync = ""};
  fake("cibadmin", "case $1 in --create) exit 108;; esac");
  fake("crm_attribute", "exit 105");
  EXPECT_EQ(shared().swap(Record{}, first, soon()), Outcome::done);
  EXPECT_NE(calls().find("cibadmin --modify --allow-create --scope crm_config"), std::string::npos) << calls();
}

TEST_F(InTheCluster, only_members_that_know_no_newer_record_count_as_seen) {
  fake("crm_attribute", "echo 'e=3 q=7 p=n1 s=n2'");
  fake("crm_node", "echo n1 n2 n3 n4");
  fake("attrd_updater",
       "echo 'name=\"db-lineage\" host=\"n1\" value=\"primary 3.7\"'\n"
       "echo 'name=\"db-lineage\" host=\"n2\" value=\"replica 3.7 streams\"'\n"
       "echo 'name=\"db-lineage\" host=\"n3\" value=\"replica 4.0\"'\n"
       "echo 'name=\"db-lineage\" host=\"n4\" value=\"no notice at all\"'\n"
       "echo 'name=\"db-lineage\" host=\"n5\" value=\"replica 3.7\"'");
  const OwnCopy own(agents::paths_from(env_), "db");
  const SeenCluster seen = look_at_cluster(shared(), own, soon());
  EXPECT_EQ(seen.shared, old_one);
  EXPECT_EQ(seen.members, (std::vector<std::string>{"n1", "n2", "n3", "n4"}));
  EXPECT_EQ(seen.notices.size(), 4U);
  EXPECT_EQ(seen.seen, (std::vector<std::string>{"n1", "n2"}));
  EXPECT_FALSE(seen.majority);
}

/// n2 is gone. What the tools say of its end is put together by the two arguments.
class AfterALoss : public InTheCluster {
 protected:
  void SetUp() override {
    InTheCluster::SetUp();
    fake("crm_attribute", "case $* in *stonith-enabled*) echo true;; *) echo 'e=3 q=7 p=n1 s=n2';; esac");
    fake("crm_node", "echo n1 n2");
    fake("attrd_updater",
         "echo 'name=\"db-lineage\" host=\"n1\" value=\"primary 3.7\"'\n"
         "echo 'name=\"db-lineage\" host=\"n2\" value=\"replica 3.7 streams\"'");
    ASSERT_EQ(look().seen.size(), 2U);
    fake("crm_node", "echo n1");
  }
  SeenCluster look() { return look_at_cluster(shared(), OwnCopy(agents::paths_from(env_), "db"), soon()); }
  void tools_say(const std::string& expected, const std::string& status, std::int64_t ago_s = 0) {
    fake("cibadmin",
         "echo '<node_state id=\"2\" uname=\"n2\" in_ccm=\"false\" crmd=\"offline\" expected=\"" + expected + "\"/>'");
    fake("stonith_admin",
         "[ \"$TZ $3\" = 'UTC0 --verbose' ] || exit 1\necho '<fence_event action=\"reboot\" target=\"n2\" status=\"" +
             status + "\" completed=\"'\"$(date -u -d '-" + std::to_string(ago_s) +
             " seconds' '+%Y-%m-%d %H:%M:%SZ')\"'\"/>'");
  }
};

TEST_F(AfterALoss, a_node_that_was_fenced_is_known_to_be_out) {
  tools_say("down", "success");
  EXPECT_EQ(look().fenced, std::vector<std::string>{"n2"});
}

TEST_F(AfterALoss, fencing_that_failed_or_is_older_than_the_loss_or_is_awaited_is_no_evidence) {
  tools_say("down", "failed");
  EXPECT_TRUE(look().fenced.empty());
  tools_say("down", "success", 3600);
  EXPECT_TRUE(look().fenced.empty()) << "it was a member since: it may have been shut down in maintenance mode";
  tools_say("member", "success");
  EXPECT_TRUE(look().fenced.empty()) << "the cluster itself does not count it as down yet";
}

TEST_F(AfterALoss, crmd_which_drives_no_devices_is_not_asked) {
  tools_say("down", "success");
  env_["SYSTOLE_RUNDIR"] = "/run/systole";
  EXPECT_TRUE(look().fenced.empty());
}

TEST_F(AfterALoss, a_tool_that_fails_does_not_look_like_silence) {
  fake("crm_node", "exit 102");
  EXPECT_TRUE(look().seen.empty()) << "seen and no member any more would be evidence in crash-safe mode";
}

TEST_F(AfterALoss, where_lost_nodes_are_fenced_the_best_promise_can_be_kept) {
  EXPECT_TRUE(shared().fencing(soon()));
  fake("crm_attribute", "exit 105");
  EXPECT_TRUE(shared().fencing(soon())) << "Pacemaker's default";
  fake("crm_attribute", "echo false");
  EXPECT_FALSE(shared().fencing(soon()));
  fake("crm_attribute", "exit 102");
  EXPECT_FALSE(shared().fencing(soon()));
}

TEST_F(InTheCluster, nothing_is_made_up_when_no_tool_answers) {
  for (const char* const tool : {"crm_attribute", "attrd_updater", "crm_node"}) fake(tool, "exit 102");
  const OwnCopy own(agents::paths_from(env_), "db");
  const SeenCluster seen = look_at_cluster(shared(), own, soon());
  EXPECT_FALSE(seen.shared);
  EXPECT_TRUE(seen.members.empty());
  EXPECT_TRUE(seen.notices.empty());
  EXPECT_TRUE(seen.seen.empty());
}

}  // namespace
}  // namespace systole::mysql
