// SPDX-License-Identifier: GPL-2.0-or-later
// The helper's decisions, event by event.
#include "agents/ocf/mysql/lineage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace systole::mysql {
namespace {

using Effects = std::vector<LineageEffect>;

template <class T>
const T* find(const Effects& effects) {
  for (const LineageEffect& effect : effects)
    if (const T* const found = std::get_if<T>(&effect)) return found;
  return nullptr;
}

template <class T>
std::ptrdiff_t place(const Effects& effects) {
  const auto found = std::ranges::find_if(effects, [](const LineageEffect& e) { return std::holds_alternative<T>(e); });
  return found == effects.end() ? -1 : found - effects.begin();
}

/// n1's helper, with a clock and a cluster of n1 and n2.
class Story : public ::testing::Test {
 protected:
  void begin(const char* record, Durability durability = Durability::lossless, bool majority = true,
             unsigned instances = 2) {
    own_ = parse_record(record).value();
    cluster_.shared = own_;
    cluster_.own = own_;
    cluster_.members = cluster_.seen = {"n1", "n2"};
    cluster_.majority = majority;
    lineage_.emplace(LineageRules{.self = "n1", .durability = durability, .instances = instances}, own_, now_);
  }

  Effects tell(const LineageEvent& event) { return lineage_->step(now_, event); }
  /// Time passes, the server is looked at, and the cluster is read when that is wanted.
  Effects look(Duration later = 100ms) {
    now_ += later;
    Effects out = tell(server_);
    if (find<ReadCluster>(out) != nullptr)
      for (LineageEffect& more : tell(cluster_)) out.push_back(std::move(more));
    return out;
  }

  void make_primary() {
    server_ = {.alive = true, .answers = true, .writable = true};
    look();
    look();
  }
  void make_replica(bool streams = true) {
    server_ = {.alive = true, .answers = true, .streams = streams, .acknowledges = true};
  }
  void replica_streams(std::uint64_t epoch) {
    cluster_.notices["n2"] = {.kind = Notice::Kind::replica, .streams = true, .epoch = epoch, .sequence = 0};
  }
  /// What the helper wrote is what the cluster says from now on.
  Effects written(const WriteRecord& write) {
    cluster_.shared = write.wanted;
    return tell(WriteEnded{.wanted = write.wanted, .outcome = Outcome::done});
  }

  Time now_{1h};
  Record own_;
  SeenServer server_;
  SeenCluster cluster_;
  std::optional<Lineage> lineage_;
};

TEST_F(Story, a_replica_is_written_down_only_after_the_barrier_came_back_and_the_replica_confirmed) {
  begin("e=1 q=0 p=n1 s=-");
  make_primary();
  replica_streams(1);
  EXPECT_EQ(find<SetSource>(look(1s)), nullptr);  // it does not acknowledge yet: it is invited
  server_.clients = 1;
  const Effects joining = look();
  ASSERT_NE(find<SetSource>(joining), nullptr);
  EXPECT_TRUE(find<SetSource>(joining)->on);
  EXPECT_LT(place<SetSource>(joining), place<CommitBarrier>(joining));
  EXPECT_EQ(find<WriteRecord>(joining), nullptr);
  server_.source_on = true;
  EXPECT_EQ(find<WriteRecord>(tell(BarrierEnded{true})), nullptr);
  const Effects back = look();
  ASSERT_NE(find<Confirm>(back), nullptr);
  EXPECT_EQ(find<Confirm>(back)->node, "n2");
  EXPECT_EQ(find<WriteRecord>(back), nullptr);
  const Effects confirmed = tell(Confirmed{true});
  ASSERT_NE(find<WriteRecord>(confirmed), nullptr);
  EXPECT_EQ(to_string(find<WriteRecord>(confirmed)->wanted), "e=1 q=1 p=n1 s=n2");
  EXPECT_TRUE(find<WriteRecord>(confirmed)->own_first);
  EXPECT_EQ(lineage_->state(), LineageState::sync);
}

TEST_F(Story, an_unknown_write_of_a_new_replica_counts_as_written) {
  begin("e=1 q=0 p=n1 s=-");
  make_primary();
  replica_streams(1);
  look(1s);
  server_.clients = 1;
  look();
  server_.source_on = true;
  tell(BarrierEnded{true});
  look();
  tell(Confirmed{true});
  tell(WriteEnded{.wanted = lineage_->record(), .outcome = Outcome::unknown});
  EXPECT_EQ(lineage_->state(), LineageState::sync);
  server_.source_on = true;
  EXPECT_EQ(find<SetSource>(look()), nullptr);
}

TEST_F(Story, a_barrier_that_is_late_ends_the_attempt_and_the_next_one_waits) {
  begin("e=1 q=0 p=n1 s=-");
  make_primary();
  replica_streams(1);
  look(1s);
  server_.clients = 1;
  look();
  server_.source_on = true;
  const Effects late = tell(BarrierEnded{false});
  ASSERT_NE(find<SetSource>(late), nullptr);
  EXPECT_FALSE(find<SetSource>(late)->on);
  server_.source_on = false;
  EXPECT_EQ(find<CommitBarrier>(look(500ms)), nullptr);
  EXPECT_NE(find<CommitBarrier>(look(600ms)), nullptr);
}

TEST_F(Story, a_replica_that_applies_slowly_is_asked_again_for_a_while_and_then_given_up) {
  begin("e=1 q=0 p=n1 s=-");
  make_primary();
  replica_streams(1);
  look(1s);
  server_.clients = 1;
  look();
  server_.source_on = true;
  tell(BarrierEnded{true});
  for (int i = 0; i < 90; ++i) {
    EXPECT_NE(find<Confirm>(look()), nullptr);
    EXPECT_EQ(find<SetSource>(tell(Confirmed{false})), nullptr);
  }
  look(2s);
  const Effects out = tell(Confirmed{false});
  ASSERT_NE(find<SetSource>(out), nullptr);
  EXPECT_FALSE(find<SetSource>(out)->on);
}

TEST_F(Story, two_acknowledging_replicas_are_one_too_many) {
  begin("e=1 q=0 p=n1 s=-");
  make_primary();
  replica_streams(1);
  look(1s);
  server_.clients = 2;
  EXPECT_EQ(find<CommitBarrier>(look()), nullptr);
}

TEST_F(Story, writers_are_released_only_after_the_record_says_that_the_replica_is_out) {
  begin("e=1 q=1 p=n1 s=n2");
  make_primary();
  server_ = {.alive = true, .answers = true, .writable = true, .source_on = true, .clients = 0, .longest_wait = 1100ms};
  cluster_.members = {"n1"};
  Effects out = look();
  while (find<WriteRecord>(out) == nullptr && now_ < Time{2h}) out = look();
  ASSERT_NE(find<WriteRecord>(out), nullptr);
  EXPECT_EQ(find<SetSource>(out), nullptr);
  EXPECT_FALSE(find<WriteRecord>(out)->own_first);
  EXPECT_EQ(lineage_->state(), LineageState::stalled);
  const Effects done = written(*find<WriteRecord>(out));
  ASSERT_NE(find<SetSource>(done), nullptr);
  EXPECT_FALSE(find<SetSource>(done)->on);
  EXPECT_EQ(lineage_->state(), LineageState::solo);
}

TEST_F(Story, an_unknown_or_refused_release_releases_nobody) {
  for (const Outcome outcome : {Outcome::unknown, Outcome::refused}) {
    begin("e=1 q=1 p=n1 s=n2");
    make_primary();
    server_ = {.alive = true, .answers = true, .writable = true, .source_on = true, .longest_wait = 1100ms};
    Effects out = look();
    for (int i = 0; i < 50 && find<WriteRecord>(out) == nullptr; ++i) out = look();
    ASSERT_NE(find<WriteRecord>(out), nullptr);
    const Effects after = tell(WriteEnded{.wanted = find<WriteRecord>(out)->wanted, .outcome = outcome});
    EXPECT_EQ(find<SetSource>(after), nullptr);
    EXPECT_EQ(lineage_->state(), LineageState::stalled);
  }
}

TEST_F(Story, without_evidence_writers_wait_and_it_is_said) {
  begin("e=1 q=1 p=n1 s=n2", Durability::lossless, false);
  make_primary();
  server_ = {.alive = true, .answers = true, .writable = true, .source_on = true, .longest_wait = 1100ms};
  cluster_.members = {"n1"};
  bool said = false;
  for (int i = 0; i < 1000; ++i) {
    const Effects out = look();
    EXPECT_EQ(find<WriteRecord>(out), nullptr);
    EXPECT_EQ(find<SetSource>(out), nullptr);
    const Say* const say = find<Say>(out);
    said = said || (say != nullptr && say->level == Say::Level::error);
  }
  EXPECT_TRUE(said);
}

TEST_F(Story, a_commit_that_is_acknowledged_in_time_changes_nothing) {
  begin("e=1 q=1 p=n1 s=n2");
  make_primary();
  server_ = {.alive = true, .answers = true, .writable = true, .source_on = true, .clients = 1, .longest_wait = 900ms};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(find<WriteRecord>(look()), nullptr);
  EXPECT_EQ(lineage_->state(), LineageState::sync);
}

TEST_F(Story, who_learns_that_another_was_promoted_is_killed_at_once) {
  begin("e=1 q=1 p=n1 s=n2");
  make_primary();
  server_ = {.alive = true, .answers = true, .writable = true, .source_on = true, .clients = 1};
  look();
  cluster_.shared = parse_record("e=2 q=0 p=n2 s=-");
  Effects out = look(1s);
  for (int i = 0; i < 20 && find<KillServer>(out) == nullptr; ++i) out = look();
  EXPECT_NE(find<KillServer>(out), nullptr);
  EXPECT_EQ(find<SetSource>(out), nullptr);
  EXPECT_EQ(lineage_->state(), LineageState::outdated);
}

TEST_F(Story, a_server_that_was_just_promoted_is_not_judged_by_an_old_record) {
  begin("e=1 q=1 p=n2 s=n1");
  make_replica();
  look();
  cluster_.shared = parse_record("e=2 q=0 p=n1 s=-");
  cluster_.own = *cluster_.shared;
  server_ = {.alive = true, .answers = true, .writable = true};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(find<KillServer>(look()), nullptr);
  EXPECT_EQ(lineage_->state(), LineageState::solo);
}

TEST_F(Story, a_replica_whose_server_ends_gives_up_its_place_while_its_primary_lives) {
  begin("e=1 q=1 p=n2 s=n1");
  make_replica();
  cluster_.notices["n2"] = {.kind = Notice::Kind::primary, .epoch = 1, .sequence = 1};
  look();
  server_ = {.alive = false};
  const Effects out = look();
  ASSERT_NE(find<WriteRecord>(out), nullptr);
  EXPECT_EQ(to_string(find<WriteRecord>(out)->wanted), "e=1 q=2 p=n2 s=-");
  EXPECT_TRUE(find<WriteRecord>(out)->own_first);
}

TEST_F(Story, a_replica_whose_primary_is_gone_keeps_its_place) {
  begin("e=1 q=1 p=n2 s=n1");
  make_replica(false);
  cluster_.members = {"n1"};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(find<WriteRecord>(look()), nullptr);
  server_ = {.alive = false};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(find<WriteRecord>(look()), nullptr);
}

TEST_F(Story, a_replica_that_receives_nothing_gives_up_its_place_when_it_is_asked_and_a_new_connection_did_not_help) {
  begin("e=1 q=1 p=n2 s=n1", Durability::lossless, false);
  make_replica();
  cluster_.notices["n2"] = {.kind = Notice::Kind::primary, .stalled = true, .invites = "n1", .epoch = 1, .sequence = 1};
  look();
  make_replica(false);
  bool restarted = false;
  Effects out;
  for (int i = 0; i < 100 && find<WriteRecord>(out) == nullptr; ++i) {
    out = look();
    if (find<Acknowledge>(out) != nullptr) restarted = true;
    if (find<WriteRecord>(out) != nullptr) {
      EXPECT_TRUE(restarted);
    }
  }
  ASSERT_NE(find<WriteRecord>(out), nullptr);
  EXPECT_EQ(to_string(find<WriteRecord>(out)->wanted), "e=1 q=2 p=n2 s=-");
}

TEST_F(Story, only_the_invited_replica_acknowledges) {
  begin("e=1 q=0 p=n2 s=-");
  make_replica();
  cluster_.notices["n2"] = {.kind = Notice::Kind::primary, .invites = "n3", .epoch = 1, .sequence = 0};
  look();
  const Effects off = look();
  ASSERT_NE(find<Acknowledge>(off), nullptr);
  EXPECT_FALSE(find<Acknowledge>(off)->on);
  server_.acknowledges = false;
  cluster_.notices["n2"].invites = "n1";
  look(1s);
  const Effects on = look();
  ASSERT_NE(find<Acknowledge>(on), nullptr);
  EXPECT_TRUE(find<Acknowledge>(on)->on);
}

TEST_F(Story, the_right_to_acknowledge_is_of_one_connection) {
  begin("e=1 q=1 p=n2 s=n1");
  make_replica();
  server_.will_acknowledge = true;
  EXPECT_NE(find<BindRight>(look()), nullptr) << "a connection that the server makes by itself must not have it";
  server_.will_acknowledge = false;
  EXPECT_EQ(find<BindRight>(look()), nullptr);
  EXPECT_EQ(find<Acknowledge>(look(1s)), nullptr);
  // The connection broke, and the server made a new one.
  server_.acknowledges = false;
  now_ += 100ms;
  Effects out = tell(server_);
  EXPECT_EQ(find<Acknowledge>(out), nullptr) << "by what the cluster said before the connection broke";
  ASSERT_NE(find<ReadCluster>(out), nullptr);
  out = tell(cluster_);
  for (int i = 0; i < 2 && find<Acknowledge>(out) == nullptr; ++i) out = look();
  ASSERT_NE(find<Acknowledge>(out), nullptr);
  EXPECT_TRUE(find<Acknowledge>(out)->on);
}

TEST_F(Story, of_two_databases_a_slow_machine_has_its_time_to_ask_before_it_acknowledges) {
  begin("e=1 q=0 p=n2 s=-");
  make_replica();
  server_.acknowledges = false;
  cluster_.notices["n2"] = {.kind = Notice::Kind::primary, .invites = "n1", .epoch = 1, .sequence = 0};
  ASSERT_NE(find<ReadCluster>(tell(server_)), nullptr);
  const Time then = now_;
  now_ += 4s;
  const Effects fresh = tell(cluster_);
  ASSERT_NE(find<Acknowledge>(fresh), nullptr);
  EXPECT_LE(find<Acknowledge>(fresh)->until, then + 5s);
  ASSERT_NE(find<ReadCluster>(look(3s)), nullptr);
  now_ += 6s;
  EXPECT_EQ(find<Acknowledge>(tell(cluster_)), nullptr);
}

TEST_F(Story, of_three_databases_a_replica_begins_to_acknowledge_only_by_what_it_asked_just_before) {
  begin("e=1 q=0 p=n2 s=-", Durability::lossless, true, 3);
  make_replica();
  server_.acknowledges = false;
  cluster_.notices["n2"] = {.kind = Notice::Kind::primary, .invites = "n1", .epoch = 1, .sequence = 0};
  const Effects asked = tell(server_);
  ASSERT_NE(find<ReadCluster>(asked), nullptr);
  const Time then = now_;
  now_ += 700ms;  // the answer was long under way
  EXPECT_EQ(find<Acknowledge>(tell(cluster_)), nullptr);
  ASSERT_NE(find<ReadCluster>(tell(server_)), nullptr);
  now_ += 50ms;
  const Effects fresh = tell(cluster_);
  ASSERT_NE(find<Acknowledge>(fresh), nullptr);
  EXPECT_GT(find<Acknowledge>(fresh)->until, then + 700ms);
  EXPECT_LE(find<Acknowledge>(fresh)->until, then + 1200ms);
}

TEST_F(Story, a_primary_of_several_replicas_lets_the_one_that_was_invited_before_hear_of_it) {
  begin("e=1 q=0 p=n1 s=-", Durability::lossless, true, 3);
  make_primary();
  look(2s);
  replica_streams(1);
  server_.clients = 1;
  Effects out;
  Duration waited{};
  for (; find<SetSource>(out) == nullptr && waited < 5s; waited += 100ms) out = look();
  EXPECT_GE(waited, 1s);
  EXPECT_LT(waited, 3s);
}

TEST_F(Story, the_connection_of_a_lost_replica_is_not_counted_beside_the_one_that_takes_its_place) {
  begin("e=1 q=2 p=n1 s=-", Durability::lossless, true, 3);
  make_primary();
  replica_streams(1);
  server_.clients = 1;  // n3's, whose machine is gone: n2 has not been invited yet
  EXPECT_NE(find<EndStreams>(look(1s)), nullptr);
  server_.clients = 0;
  EXPECT_EQ(find<EndStreams>(look()), nullptr);
  server_.clients = 1;  // n2's
  Effects out;
  for (int i = 0; i < 50 && find<CommitBarrier>(out) == nullptr; ++i) {
    EXPECT_EQ(find<EndStreams>(out), nullptr);
    out = look();
  }
  EXPECT_NE(find<CommitBarrier>(out), nullptr);
}

TEST_F(Story, two_acknowledging_replicas_of_several_are_ended_again_and_again_until_there_is_one) {
  begin("e=1 q=2 p=n1 s=-", Durability::lossless, true, 3);
  make_primary();
  replica_streams(1);
  look(1s);
  server_.clients = 2;
  int ended = 0;
  for (int i = 0; i < 50; ++i) {
    const Effects out = look();
    ended += find<EndStreams>(out) != nullptr ? 1 : 0;
    EXPECT_EQ(find<CommitBarrier>(out), nullptr);
  }
  EXPECT_GE(ended, 2);
  EXPECT_LE(ended, 6);
}

TEST_F(Story, of_two_databases_no_connection_is_ended) {
  begin("e=1 q=2 p=n1 s=-");
  make_primary();
  replica_streams(1);
  server_.clients = 2;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(find<EndStreams>(look()), nullptr);
}

TEST_F(Story, a_replica_flushes_what_it_receives_as_long_as_it_is_the_one_in_sync) {
  begin("e=1 q=0 p=n2 s=-");
  lineage_.emplace(LineageRules{.self = "n1", .instances = 2, .flushes = true}, own_, now_);
  make_replica();
  cluster_.notices["n2"] = {.kind = Notice::Kind::primary, .invites = "n1", .epoch = 1, .sequence = 0};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(find<Flush>(look()), nullptr) << "it still catches up";
  cluster_.shared = parse_record("e=1 q=1 p=n2 s=n1");
  Effects out;
  for (int i = 0; i < 20 && find<Flush>(out) == nullptr; ++i) out = look();
  ASSERT_NE(find<Flush>(out), nullptr);
  EXPECT_TRUE(find<Flush>(out)->on);
  server_.flushes = true;
  cluster_.shared = parse_record("e=1 q=2 p=n2 s=-");
  out.clear();
  for (int i = 0; i < 20 && find<Flush>(out) == nullptr; ++i) out = look();
  ASSERT_NE(find<Flush>(out), nullptr);
  EXPECT_FALSE(find<Flush>(out)->on);
}

TEST_F(Story, a_replica_that_lost_its_place_behind_a_cut_acknowledges_no_more) {
  begin("e=1 q=1 p=n2 s=n1");
  make_replica();
  look();
  server_.acknowledges = false;
  cluster_.shared = parse_record("e=1 q=3 p=n2 s=n3");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(find<Acknowledge>(look()), nullptr);
  cluster_.shared.reset();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(find<Acknowledge>(look()), nullptr);
}

TEST_F(Story, whoever_was_out_when_it_was_given_up_must_be_out_still_when_the_record_says_so) {
  begin("e=1 q=1 p=n1 s=n2", Durability::lossless, false);
  make_primary();
  server_.source_on = true;
  cluster_.members = {"n1"};
  cluster_.fenced = {"n2"};
  server_.longest_wait = 2s;
  Effects out;
  for (int i = 0; i < 50 && find<WriteRecord>(out) == nullptr; ++i) out = look();
  ASSERT_NE(find<WriteRecord>(out), nullptr);
  const WriteRecord release = *find<WriteRecord>(out);
  // It took long: n2 was back meanwhile, and is gone once more, by whatever record.
  cluster_.fenced.clear();
  now_ += 5s;
  EXPECT_EQ(find<SetSource>(written(release)), nullptr);
  for (int i = 0; i < 50; ++i) {
    const Effects waiting = look();
    EXPECT_EQ(find<SetSource>(waiting), nullptr);
    EXPECT_EQ(find<KeepOwn>(waiting), nullptr) << "a helper that begins anew would not ask";
  }
  cluster_.fenced = {"n2"};
  Effects done;
  for (int i = 0; i < 3 && find<SetSource>(done) == nullptr; ++i) done = look();
  ASSERT_NE(find<SetSource>(done), nullptr);
  EXPECT_LT(place<KeepOwn>(done), place<SetSource>(done));
}

TEST_F(Story, a_helper_that_begins_after_a_release_was_written_asks_as_well) {
  begin("e=1 q=1 p=n1 s=n2", Durability::lossless, false);
  cluster_.shared = parse_record("e=1 q=2 p=n1 s=-");
  cluster_.members = {"n1"};
  server_ = {.alive = true, .answers = true, .writable = true, .source_on = true};
  for (int i = 0; i < 50; ++i) EXPECT_EQ(find<SetSource>(look()), nullptr);
  cluster_.members = {"n1", "n2"};
  cluster_.notices["n2"] = {.kind = Notice::Kind::replica, .streams = true, .epoch = 1, .sequence = 2};
  Effects done;
  for (int i = 0; i < 3 && find<SetSource>(done) == nullptr; ++i) done = look();
  ASSERT_NE(find<SetSource>(done), nullptr) << "n2 itself goes by the record that does not name it";
  EXPECT_FALSE(find<SetSource>(done)->on);
}

TEST_F(Story, a_first_record_that_names_this_node_is_kept_by_its_promotion_alone) {
  begin("e=1 q=0 p=n1 s=-");
  lineage_.emplace(LineageRules{.self = "n1", .instances = 2}, Record{}, now_);
  cluster_.own = Record{};
  cluster_.shared = parse_record("e=1 q=0 p=n1 s=-");
  make_replica();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(find<KeepOwn>(look()), nullptr);
}

TEST_F(Story, nobody_acknowledges_alone_before_it_has_told_by_which_record) {
  begin("e=1 q=2 p=n1 s=-");
  make_primary();
  server_.source_on = true;
  const Effects out = look();
  ASSERT_NE(find<SetSource>(out), nullptr);
  EXPECT_FALSE(find<SetSource>(out)->on);
  ASSERT_TRUE(find<SetSource>(out)->first);
  EXPECT_EQ(find<SetSource>(out)->first->sequence, 2U);
}

TEST_F(Story, a_replica_that_applies_late_says_so_in_few_steps_and_is_not_invited) {
  begin("e=1 q=0 p=n2 s=-");
  make_replica();
  look();
  std::vector<unsigned> told;
  for (const unsigned behind : {5, 9, 10, 11, 15, 19, 20, 39, 45, 30, 12, 8, 6, 5, 4, 8}) {
    server_.behind = std::chrono::seconds(behind);
    const Effects out = look();
    if (const auto* const publish = find<Publish>(out)) told.push_back(publish->notice.behind_s);
  }
  EXPECT_EQ(told, (std::vector<unsigned>{10, 20, 40, 20, 10, 0}));
  begin("e=1 q=0 p=n1 s=-");
  make_primary();
  replica_streams(1);
  cluster_.notices["n2"].behind_s = 10;
  server_.clients = 1;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(find<SetSource>(look()), nullptr);
  cluster_.notices["n2"].behind_s = 0;
  bool invited = false;
  for (int i = 0; i < 50; ++i) invited = invited || find<SetSource>(look()) != nullptr;
  EXPECT_TRUE(invited);
}

TEST_F(Story, an_older_record_of_the_cluster_is_mended_by_our_copy) {
  begin("e=3 q=0 p=n2 s=-");
  cluster_.shared = parse_record("e=2 q=5 p=n1 s=n2");
  make_replica();
  const Effects out = look(1s);
  ASSERT_NE(find<WriteRecord>(out), nullptr);
  EXPECT_EQ(to_string(find<WriteRecord>(out)->from), "e=2 q=5 p=n1 s=n2");
  EXPECT_EQ(to_string(find<WriteRecord>(out)->wanted), "e=3 q=0 p=n2 s=-");
}

TEST_F(Story, commits_that_were_acknowledged_alone_are_told_loudly) {
  begin("e=1 q=1 p=n1 s=n2");
  make_primary();
  server_ = {.alive = true, .answers = true, .writable = true, .source_on = true, .clients = 1, .alone = 4};
  look();
  look();
  server_.alone = 5;
  const Effects out = look();
  ASSERT_NE(find<Say>(out), nullptr);
  EXPECT_EQ(find<Say>(out)->level, Say::Level::error);
  EXPECT_NE(find<Say>(out)->text.find("1 commits were acknowledged that no replica has"), std::string::npos);
}

TEST_F(Story, a_primary_that_was_promoted_before_records_were_kept_writes_the_first_one) {
  begin("");
  server_ = {.alive = true, .answers = true, .writable = true};
  const Effects out = look();
  ASSERT_NE(find<WriteRecord>(out), nullptr);
  EXPECT_EQ(to_string(find<WriteRecord>(out)->wanted), "e=1 q=0 p=n1 s=-");
}

TEST_F(Story, the_operators_word_counts_for_the_record_that_it_was_given_for) {
  begin("e=1 q=1 p=n1 s=n2", Durability::lossless, false);
  make_primary();
  server_ = {.alive = true, .answers = true, .writable = true, .source_on = true, .longest_wait = 1100ms};
  cluster_.members = {"n1"};
  look(1s);
  tell(OperatorWord{parse_record("e=1 q=0 p=n1 s=n2").value()});
  for (int i = 0; i < 30; ++i) EXPECT_EQ(find<WriteRecord>(look()), nullptr);
  Effects out = tell(OperatorWord{lineage_->record()});
  for (int i = 0; i < 30 && find<WriteRecord>(out) == nullptr; ++i) out = look();
  EXPECT_NE(find<WriteRecord>(out), nullptr);
}

}  // namespace
}  // namespace systole::mysql
