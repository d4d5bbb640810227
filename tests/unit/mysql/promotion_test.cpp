// SPDX-License-Identifier: GPL-2.0-or-later
// Who may be promoted and whom a primary may give up: a row for each situation.
#include "agents/ocf/mysql/promotion.hpp"

#include <gtest/gtest.h>

#include "agents/ocf/mysql/judge.hpp"

namespace systole::mysql {
namespace {

/// As n1 stands; the record is the cluster's and this node's.
Standing standing(const char* record) {
  Standing made{.self = "n1", .shared = parse_record(record), .own = parse_record(record).value_or(Record{})};
  made.wanted = 2;
  made.present = 1;
  return made;
}

constexpr OtherNode member{.member = true, .agrees = true, .seen = true}, silent{.seen = true}, never_seen{};

TEST(Promotion, a_primary_without_a_replica_resumes_by_itself) {
  const Permission permission = may_promote(standing("e=3 q=1 p=n1 s=-"));
  EXPECT_EQ(permission.by, Evidence::nobody_else);
  EXPECT_EQ(to_string(permission.next), "e=4 q=0 p=n1 s=-");
}

TEST(Promotion, a_primary_keeps_its_in_sync_replica_when_it_resumes) {
  Standing now = standing("e=3 q=1 p=n1 s=n2");
  now.other = member;
  const Permission permission = may_promote(now);
  EXPECT_EQ(permission.by, Evidence::member);
  EXPECT_EQ(to_string(permission.next), "e=4 q=0 p=n1 s=n2");
}

TEST(Promotion, a_primary_that_returns_alone_waits_for_its_in_sync_replica) {
  Standing now = standing("e=3 q=1 p=n1 s=n2");
  now.other = never_seen;
  for (const Durability each : {Durability::lossless, Durability::crash_safe}) {
    now.durability = each;
    const Permission permission = may_promote(now);
    EXPECT_FALSE(permission.granted());
    EXPECT_NE(permission.why.find("n2 has not been seen since this node was started"), std::string::npos)
        << permission.why;
  }
}

TEST(Promotion, silence_is_evidence_in_crash_safe_only_and_only_of_a_node_that_was_a_member) {
  Standing now = standing("e=3 q=1 p=n2 s=n1");
  now.other = silent;
  EXPECT_FALSE(may_promote(now).granted());
  now.durability = Durability::crash_safe;
  EXPECT_EQ(may_promote(now).by, Evidence::silence);
  now.other = never_seen;
  EXPECT_FALSE(may_promote(now).granted());
}

TEST(Promotion, the_in_sync_replica_takes_over_by_each_kind_of_evidence) {
  Standing now = standing("e=3 q=1 p=n2 s=n1");
  now.other = member;
  EXPECT_EQ(may_promote(now).by, Evidence::member);
  EXPECT_EQ(to_string(may_promote(now).next), "e=4 q=0 p=n1 s=-");
  now.other = silent;
  now.majority = true;
  EXPECT_EQ(may_promote(now).by, Evidence::majority);
  now.majority = false;
  now.other.fenced = true;
  EXPECT_EQ(may_promote(now).by, Evidence::fenced);
  now.other.fenced = false;
  now.operator_word = true;
  EXPECT_EQ(may_promote(now).by, Evidence::operator_word);
}

TEST(Promotion, a_member_counts_only_after_it_has_said_that_it_knows_no_newer_record) {
  Standing now = standing("e=3 q=1 p=n2 s=n1");
  now.durability = Durability::crash_safe;
  now.other = member;
  now.other.agrees = false;
  EXPECT_FALSE(may_promote(now).granted());
  EXPECT_NE(may_promote(now).why.find("n2 is here, but has not said"), std::string::npos) << may_promote(now).why;
}

TEST(Promotion, never_beside_an_instance_that_is_still_promoted) {
  Standing now = standing("e=3 q=1 p=n2 s=n1");
  now.other = {.member = true, .promoted = true, .agrees = true, .fenced = false, .seen = true};
  now.majority = true;
  EXPECT_FALSE(may_promote(now).granted());
}

TEST(Promotion, a_replica_that_is_not_in_sync_is_never_promoted_without_a_person) {
  for (const char* const record : {"e=3 q=1 p=n2 s=-", "e=3 q=1 p=n2 s=n3"}) {
    Standing now = standing(record);
    now.majority = true;
    now.other = member;
    EXPECT_FALSE(may_promote(now).granted()) << record;
    EXPECT_EQ(promotion_score(now), std::nullopt) << record;
    now.operator_word = true;
    EXPECT_EQ(may_promote(now).by, Evidence::operator_word) << record;
  }
}

TEST(Promotion, the_higher_copy_decides_wherever_it_is) {
  Standing now = standing("e=3 q=1 p=n2 s=n1");
  now.majority = true;
  now.own = *parse_record("e=3 q=2 p=n2 s=-");  // it has given its place up, and the cluster has not heard of it
  EXPECT_FALSE(may_promote(now).granted());
  now.own = *parse_record("e=2 q=0 p=n1 s=n2");
  EXPECT_TRUE(may_promote(now).granted());
}

TEST(Promotion, nobody_is_promoted_while_the_record_cannot_be_read) {
  Standing now = standing("e=3 q=1 p=n1 s=-");
  now.shared.reset();
  EXPECT_FALSE(may_promote(now).granted());
  EXPECT_EQ(promotion_score(now), std::nullopt);
}

TEST(Promotion, a_server_that_must_follow_first_is_not_promoted) {
  Standing now = standing("e=3 q=1 p=n1 s=-");
  now.must_follow = true;
  EXPECT_FALSE(may_promote(now).granted());
  EXPECT_EQ(promotion_score(now), std::nullopt);
}

TEST(Promotion, the_first_record_wants_all_instances) {
  Standing now = standing("");
  EXPECT_FALSE(may_promote(now).granted());
  EXPECT_NE(may_promote(now).why.find("only 1 of 2 instances"), std::string::npos) << may_promote(now).why;
  now.present = 2;
  EXPECT_EQ(may_promote(now).by, Evidence::founding);
  EXPECT_EQ(to_string(may_promote(now).next), "e=1 q=0 p=n1 s=-");
  EXPECT_EQ(promotion_score(now), score_unrelated);
}

TEST(Promotion, a_first_promotion_that_never_reached_the_disk_wants_all_instances_again) {
  Standing now = standing("e=1 q=0 p=n1 s=-");
  now.own = {};
  EXPECT_FALSE(may_promote(now).granted()) << "n2 may have stored the same of itself, on its side of a cut";
  now.present = 2;
  const Permission permission = may_promote(now);
  EXPECT_EQ(permission.by, Evidence::founding);
  EXPECT_EQ(to_string(permission.next), "e=2 q=0 p=n1 s=-");
}

TEST(Promotion, scores_are_for_those_whom_the_record_names) {
  EXPECT_EQ(promotion_score(standing("e=3 q=1 p=n1 s=n2")), score_promoted);
  EXPECT_EQ(promotion_score(standing("e=3 q=1 p=n2 s=n1")), score_replica);
  EXPECT_EQ(promotion_score(standing("e=3 q=1 p=n2 s=n3")), std::nullopt);
}

TEST(Release, a_primary_gives_up_its_replica_by_evidence_only) {
  Standing now = standing("e=3 q=1 p=n1 s=n2");
  now.other = silent;
  EXPECT_EQ(may_release(now), Evidence::none);
  now.durability = Durability::crash_safe;
  EXPECT_EQ(may_release(now), Evidence::silence);
  now.other = never_seen;
  EXPECT_EQ(may_release(now), Evidence::none);
  now.durability = Durability::lossless;
  now.majority = true;
  EXPECT_EQ(may_release(now), Evidence::majority);
  now.majority = false;
  now.other.fenced = true;
  EXPECT_EQ(may_release(now), Evidence::fenced);
}

TEST(Release, that_the_replica_is_a_member_proves_nothing) {
  Standing now = standing("e=3 q=1 p=n1 s=n2");
  now.durability = Durability::crash_safe;
  now.other = member;
  EXPECT_EQ(may_release(now), Evidence::none);
  now.majority = true;  // but then it cannot be promoted without a majority's knowledge
  EXPECT_EQ(may_release(now), Evidence::majority);
}

TEST(Release, nobody_but_the_primary_releases) {
  Standing now = standing("e=3 q=1 p=n2 s=n1");
  now.majority = true;
  EXPECT_EQ(may_release(now), Evidence::none);
}

}  // namespace
}  // namespace systole::mysql
