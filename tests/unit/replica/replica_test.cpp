// SPDX-License-Identifier: GPL-2.0-or-later
// The replicated document: when a write is safe, who may say so, and what becomes of documents that lost.
#include "crmd/replica/replica.hpp"

#include <gtest/gtest.h>

namespace systole::replica {
namespace {

using membership::Mode;

constexpr NodeId a{1}, b{2}, c{3};

template <class T>
const T* first(const std::vector<Effect>& effects) {
  for (const Effect& effect : effects)
    if (const auto* found = std::get_if<T>(&effect)) return found;
  return nullptr;
}

template <class T>
std::size_t count(const std::vector<Effect>& effects) {
  std::size_t found = 0;
  for (const Effect& effect : effects) found += std::holds_alternative<T>(effect) ? 1 : 0;
  return found;
}

Stamped document(Term term, std::uint64_t index, std::string text, std::vector<Stamp> history = {}) {
  return {{term, index}, std::move(text), std::move(history)};
}

/// Node a, leading term 3 of three nodes, ready.
Replica ready_leader() {
  Replica replica(a, 3, Mode::majority, document({2, b}, 7, "old"));
  replica.lead({3, a}, {a, b, c});
  replica.stored(replica.head().stamp);
  replica.message(b, Kept{{3, a}, replica.head().stamp});
  return replica;
}

TEST(Replica, a_new_leader_stamps_its_document_anew_and_serves_only_when_that_is_at_a_majority) {
  Replica replica(a, 3, Mode::majority, document({2, b}, 7, "old"));
  const auto effects = replica.lead({3, a}, {a, b, c});
  ASSERT_NE(first<Store>(effects), nullptr);
  EXPECT_EQ(first<Store>(effects)->document.stamp, (Stamp{{3, a}, 8}));
  EXPECT_EQ(count<Send>(effects), 2U);
  EXPECT_FALSE(replica.ready());
  EXPECT_EQ(first<Ready>(replica.stored({{3, a}, 8})), nullptr);  // one disk of three
  const auto safe = replica.message(c, Kept{{3, a}, {{3, a}, 8}});
  EXPECT_NE(first<Ready>(safe), nullptr);
  EXPECT_TRUE(replica.ready());
}

TEST(Replica, a_write_is_committed_when_a_majority_has_it_on_disk_the_leaders_own_included_or_not) {
  Replica replica = ready_leader();
  const auto proposed = replica.propose("new");
  EXPECT_EQ(count<Committed>(replica.message(b, Kept{{3, a}, {{3, a}, proposed.index}})), 0U);
  const auto safe = replica.message(c, Kept{{3, a}, {{3, a}, proposed.index}});
  ASSERT_NE(first<Committed>(safe), nullptr);
  EXPECT_EQ(first<Committed>(safe)->index, proposed.index);
}

TEST(Replica, an_acknowledgement_of_another_term_counts_for_nothing) {
  Replica replica = ready_leader();
  const auto proposed = replica.propose("new");
  replica.stored({{3, a}, proposed.index});
  EXPECT_EQ(count<Committed>(replica.message(b, Kept{{2, b}, {{2, b}, proposed.index}})), 0U);
  EXPECT_EQ(count<Committed>(replica.message(b, Kept{{3, a}, {{2, b}, proposed.index}})), 0U);
  EXPECT_EQ(count<Committed>(replica.message(b, Kept{{3, a}, {{3, a}, proposed.index + 5}})), 0U);  // never sent
}

TEST(Replica, a_follower_acknowledges_after_the_store_and_only_in_the_term_it_is_in) {
  Replica replica(b, 3, Mode::majority, {});
  replica.follow({3, a}, a);
  const auto taken = replica.message(a, Keep{{3, a}, document({3, a}, 4, "x")});
  EXPECT_NE(first<Store>(taken), nullptr);
  EXPECT_EQ(count<Send>(taken), 0U);
  ASSERT_NE(first<Send>(replica.stored({{3, a}, 4})), nullptr);
  replica.message(a, Keep{{3, a}, document({3, a}, 5, "y")});
  replica.follow({4, {}}, {});  // it voted in term 4 while the disk worked
  EXPECT_EQ(count<Send>(replica.stored({{3, a}, 5})), 0U);
}

TEST(Replica, a_follower_refuses_what_is_not_of_its_leaders_term) {
  Replica replica(b, 3, Mode::majority, {});
  replica.follow({3, a}, a);
  EXPECT_TRUE(replica.message(c, Keep{{3, a}, document({3, a}, 4, "x")}).empty());  // not the leader
  EXPECT_TRUE(replica.message(a, Keep{{2, a}, document({2, a}, 4, "x")}).empty());  // an older term
  EXPECT_TRUE(replica.message(a, Keep{{3, a}, document({2, a}, 4, "x")}).empty());  // an older stamp
  EXPECT_TRUE(replica.head().document.empty());
}

TEST(Replica, a_member_that_comes_back_is_sent_the_newest_document_and_answers_at_once_when_it_has_it) {
  Replica leader = ready_leader();
  leader.members({a, b});
  const auto effects = leader.members({a, b, c});
  ASSERT_EQ(count<Send>(effects), 1U);
  EXPECT_EQ(first<Send>(effects)->to, c);
  Replica follower(c, 3, Mode::majority, leader.head());
  follower.follow({3, a}, a);
  const auto answer = follower.message(a, first<Send>(effects)->message);
  EXPECT_EQ(count<Store>(answer), 0U);
  EXPECT_EQ(count<Send>(answer), 1U);
}

TEST(Replica, in_mode_none_a_write_waits_for_every_present_member_and_for_nobody_else) {
  Replica replica(a, 2, Mode::none, {});
  replica.lead({1, a}, {a, b});
  replica.stored({{1, a}, 1});
  EXPECT_FALSE(replica.ready());
  const auto effects = replica.members({a});  // b is gone
  EXPECT_NE(first<Ready>(effects), nullptr);
  const auto proposed = replica.propose("alone");
  EXPECT_NE(first<Committed>(replica.stored({{1, a}, proposed.index})), nullptr);
}

TEST(Replica, a_member_that_was_forsaken_is_waited_for_again_once_it_has_stored_the_newest_document) {
  Replica replica(a, 2, Mode::none, document({2, b}, 7, "old"));
  replica.lead({3, a}, {a, b});
  EXPECT_FALSE(replica.ready()) << "b has not stored it";
  EXPECT_EQ(count<Ready>(replica.stored(replica.head().stamp)), 0U);
  EXPECT_EQ(count<Ready>(replica.forsake(b)), 1U);
  replica.message(b, Kept{{3, a}, replica.head().stamp});
  const auto next = replica.propose("new");
  EXPECT_EQ(count<Committed>(replica.stored({{3, a}, next.index})), 0U);
  EXPECT_EQ(count<Committed>(replica.message(b, Kept{{3, a}, {{3, a}, next.index}})), 1U);
}

TEST(Replica, proposals_that_are_not_committed_are_dropped_with_the_leadership) {
  Replica replica = ready_leader();
  const std::uint64_t safe = replica.committed();
  replica.propose("one");
  const auto effects = replica.follow({4, b}, b);
  ASSERT_NE(first<Dropped>(effects), nullptr);
  EXPECT_EQ(first<Dropped>(effects)->after_index, safe);
  EXPECT_FALSE(replica.ready());
}

TEST(Replica, a_leader_whose_disk_fails_serves_no_more) {
  Replica replica = ready_leader();
  const auto proposed = replica.propose("one");
  EXPECT_NE(first<Dropped>(replica.store_failed({{3, a}, proposed.index})), nullptr);
  EXPECT_FALSE(replica.ready());
}

TEST(Replica, a_follower_whose_disk_failed_stores_again_when_told_to_and_then_acknowledges) {
  Replica replica(b, 3, Mode::majority, {});
  replica.follow({3, a}, a);
  replica.message(a, Keep{{3, a}, document({3, a}, 4, "x")});
  EXPECT_TRUE(replica.store_failed({{3, a}, 4}).empty());
  const auto again = replica.retry();
  ASSERT_NE(first<Store>(again), nullptr);
  EXPECT_TRUE(replica.retry().empty());
  EXPECT_EQ(count<Send>(replica.stored({{3, a}, 4})), 1U);
}

TEST(Replica, two_histories_that_meet_in_mode_none_keep_the_later_term_and_put_the_other_document_aside) {
  // Both were at (1, a, 5). Then each led alone.
  Replica loser(a, 2, Mode::none, document({2, a}, 9, "mine", {{{1, a}, 5}}));
  loser.follow({3, b}, b);
  const auto effects = loser.message(b, Keep{{3, b}, document({3, b}, 8, "theirs", {{{1, a}, 5}, {{2, b}, 7}})});
  ASSERT_NE(first<Aside>(effects), nullptr);
  EXPECT_EQ(first<Aside>(effects)->document.document, "mine");
  EXPECT_EQ(loser.head().document, "theirs");
}

TEST(Replica, a_document_that_the_leaders_was_made_from_is_replaced_without_ado) {
  Replica follower(a, 2, Mode::none, document({2, a}, 9, "older", {{{1, a}, 5}}));
  follower.follow({4, b}, b);
  const auto effects =
      follower.message(b, Keep{{4, b}, document({4, b}, 12, "newer", {{{1, a}, 5}, {{2, a}, 9}, {{3, b}, 10}})});
  EXPECT_EQ(first<Aside>(effects), nullptr);
  EXPECT_NE(first<Adopted>(effects), nullptr);
}

TEST(Replica, a_document_put_there_by_hand_is_kept_aside_when_a_leader_has_another) {
  Replica follower(c, 3, Mode::majority, document({}, 0, "by hand"));
  follower.follow({3, a}, a);
  EXPECT_NE(first<Aside>(follower.message(a, Keep{{3, a}, document({3, a}, 1, "the cluster's")})), nullptr);
}

TEST(Replica, history_stays_bounded_and_still_tells_ancestors) {
  Replica replica(a, 1, Mode::majority, {});
  for (std::uint64_t term = 1; term <= 100; ++term) {
    replica.lead({term, a}, {a});
    replica.stored(replica.head().stamp);
  }
  EXPECT_EQ(replica.head().history.size(), history_terms_max);
  EXPECT_TRUE(descends(replica.head(), {{90, a}, 90}));
  EXPECT_FALSE(descends(replica.head(), {{90, a}, 91}));
  EXPECT_FALSE(descends(replica.head(), {{90, b}, 90}));
  EXPECT_TRUE(descends(replica.head(), {{3, a}, 3}));  // older than all that is remembered
}

}  // namespace
}  // namespace systole::replica
