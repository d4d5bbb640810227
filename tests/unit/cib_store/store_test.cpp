// SPDX-License-Identifier: GPL-2.0-or-later
// The store over a disk that fails and loses power: each step of each operation once, with both outcomes for what was
// not synced. Whatever happens, loading gives the old or the new document, and the new one if saving said so.
#include "cib/store/store.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/fakes/fake_disk.hpp"

namespace systole::cib {
namespace {

using fakes::FakeDisk;
using fakes::PowerCut;

Stamped document(std::uint64_t index) {
  return {{{1, NodeId{1}}, index}, "<cib epoch=\"" + std::to_string(index) + "\"/>\n", {{{0, NodeId{2}}, index - 1}}};
}

Stamped loaded_from(FakeDisk& disk) {
  const auto loaded = Store(disk).load("when");
  EXPECT_TRUE(loaded) << loaded.error().what;
  EXPECT_TRUE(loaded && loaded->newest) << "no document at all";
  EXPECT_TRUE(loaded && !loaded->may_have_forgotten);
  return loaded && loaded->newest ? *loaded->newest : Stamped{};
}

TEST(Store, that_is_new_holds_nothing_and_has_forgotten_nothing) {
  FakeDisk disk;
  Store store(disk);
  const auto loaded = store.load("when");
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(loaded->newest);
  EXPECT_FALSE(loaded->may_have_forgotten);
  EXPECT_TRUE(loaded->notes.empty());
  EXPECT_EQ(*store.load_vote(), Vote{});
}

TEST(Store, keeps_the_newest_document_and_a_bounded_history) {
  FakeDisk disk;
  Store store(disk, 3);
  for (std::uint64_t i = 1; i <= 10; ++i) ASSERT_TRUE(store.save(document(i)));
  EXPECT_EQ(loaded_from(disk), document(10));
  EXPECT_EQ(*disk.list(), (std::vector<std::string>{"cib-7.xml", "cib-8.xml", "cib-9.xml", "cib.xml"}));
}

TEST(Store, that_was_not_loaded_before_still_keeps_the_previous_document) {
  FakeDisk disk;
  ASSERT_TRUE(Store(disk).save(document(1)));
  ASSERT_TRUE(Store(disk).save(document(2)));
  EXPECT_TRUE(disk.has("cib-1.xml"));
}

/// Runs one save with a fault at each step in turn; the number of steps it has.
template <class Arrange>
std::uint64_t for_each_step(const Arrange& arrange, const std::function<void(FakeDisk&, Store&, bool saved)>& check) {
  for (std::uint64_t step = 0;; ++step) {
    FakeDisk disk;
    Store store(disk);
    EXPECT_TRUE(store.save(document(1)));
    EXPECT_TRUE(store.save(document(2)));
    disk.forget_faults();
    arrange(disk, step);
    bool saved = false;
    try {
      saved = static_cast<bool>(store.save(document(3)));
    } catch (const PowerCut&) {
    }
    const bool reached = disk.steps() > step;
    check(disk, store, saved);
    if (!reached) return step;
  }
}

TEST(Store, a_power_cut_at_any_step_leaves_the_old_or_the_new_document) {
  for (const bool lucky : {false, true}) {
    bool saw_old = false, saw_new = false;
    const auto steps = for_each_step([](FakeDisk& disk, std::uint64_t step) { disk.cut_at = step; },
                                     [&](FakeDisk& disk, Store&, bool saved) {
                                       disk.restart(lucky);
                                       const Stamped found = loaded_from(disk);
                                       EXPECT_TRUE(found == document(2) || found == document(3));
                                       if (saved) {
                                         EXPECT_EQ(found, document(3)) << "an acknowledged write is lost";
                                       }
                                       (found == document(2) ? saw_old : saw_new) = true;
                                     });
    EXPECT_GE(steps, 7U);
    EXPECT_TRUE(saw_old && saw_new);
  }
}

TEST(Store, a_failure_at_any_step_is_said_and_the_next_save_works) {
  const auto steps = for_each_step([](FakeDisk& disk, std::uint64_t step) { disk.fail_at = step; },
                                   [&](FakeDisk& disk, Store& store, bool saved) {
                                     const Stamped found = loaded_from(disk);
                                     EXPECT_TRUE(found == document(2) || found == document(3));
                                     if (saved) {
                                       EXPECT_EQ(found, document(3));
                                     }
                                     disk.forget_faults();
                                     ASSERT_TRUE(store.save(document(4)));
                                     EXPECT_EQ(loaded_from(disk), document(4));
                                   });
  EXPECT_GE(steps, 7U);
}

TEST(Store, a_power_cut_after_a_failure_still_leaves_a_document) {
  for (const bool lucky : {false, true}) {
    for_each_step([](FakeDisk& disk, std::uint64_t step) { disk.fail_at = step; },
                  [&](FakeDisk& disk, Store&, bool saved) {
                    disk.restart(lucky);
                    const Stamped found = loaded_from(disk);
                    EXPECT_TRUE(found == document(2) || found == document(3));
                    if (saved) {
                      EXPECT_EQ(found, document(3));
                    }
                  });
  }
}

TEST(Store, on_a_full_disk_keeps_the_old_document_and_says_why) {
  FakeDisk disk;
  Store store(disk);
  ASSERT_TRUE(store.save(document(1)));
  disk.full = true;
  const auto saved = store.save(document(2));
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().what.find("No space left on device"), std::string::npos);
  EXPECT_EQ(loaded_from(disk), document(1));
  disk.full = false;
  EXPECT_TRUE(store.save(document(2)));
}

TEST(Store, that_cannot_be_read_is_an_error_and_not_an_empty_store) {
  FakeDisk disk;
  ASSERT_TRUE(Store(disk).save(document(1)));
  disk.unreadable = true;
  Store store(disk);
  EXPECT_FALSE(store.load("when"));
  EXPECT_FALSE(store.load_vote());
}

TEST(Store, puts_a_damaged_document_aside_and_takes_the_newest_sound_one_and_says_so) {
  FakeDisk disk;
  Store store(disk);
  for (std::uint64_t i = 1; i <= 4; ++i) ASSERT_TRUE(store.save(document(i)));
  disk.damage("cib.xml", 3);
  disk.cut_short("cib-3.xml", 10);
  Store again(disk);
  const auto loaded = again.load("20260102-030405");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->newest, document(2));
  EXPECT_TRUE(loaded->may_have_forgotten);
  EXPECT_TRUE(disk.has("cib-damaged-20260102-030405.xml"));
  ASSERT_EQ(loaded->notes.size(), 3U);
  EXPECT_EQ(loaded->notes[0],
            "cib.xml is damaged (its digest does not fit: damaged, or edited by hand); it is kept as "
            "cib-damaged-20260102-030405.xml");
  EXPECT_EQ(loaded->notes[2], "using the earlier configuration in cib-2.xml");
  ASSERT_TRUE(again.save(document(5)));
  EXPECT_EQ(loaded_from(disk), document(5));
}

TEST(Store, a_power_cut_while_damage_is_put_aside_loses_nothing) {
  for (std::uint64_t step = 0; step < 3; ++step) {
    for (const bool lucky : {false, true}) {
      FakeDisk disk;
      Store store(disk);
      for (std::uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(store.save(document(i)));
      disk.damage("cib.xml", 3);
      disk.forget_faults();
      disk.cut_at = step;
      try {
        (void)Store(disk).load("a");
      } catch (const PowerCut&) {
      }
      disk.restart(lucky);
      const auto loaded = Store(disk).load("b");
      ASSERT_TRUE(loaded);
      EXPECT_EQ(loaded->newest, document(2));
      EXPECT_TRUE(loaded->may_have_forgotten);
    }
  }
}

TEST(Store, without_any_sound_document_says_that_it_may_have_forgotten) {
  FakeDisk disk;
  ASSERT_TRUE(Store(disk).save(document(1)));
  disk.damage("cib.xml", 0);
  const auto loaded = Store(disk).load("when");
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(loaded->newest);
  EXPECT_TRUE(loaded->may_have_forgotten);
}

TEST(Store, that_may_have_forgotten_says_so_after_each_restart_until_it_has_saved_again) {
  for (const std::uint64_t earlier : {0U, 1U}) {
    FakeDisk disk;
    Store store(disk);
    for (std::uint64_t i = 0; i <= earlier; ++i) ASSERT_TRUE(store.save(document(i + 1)));
    disk.damage("cib.xml", 0);
    for (const char* when : {"a", "b", "c"}) {
      const auto loaded = Store(disk).load(when);
      ASSERT_TRUE(loaded);
      EXPECT_TRUE(loaded->may_have_forgotten) << when;
    }
    ASSERT_TRUE(Store(disk).save(document(9)));
    EXPECT_EQ(loaded_from(disk), document(9));
  }
}

TEST(Store, that_lost_only_its_newest_file_uses_an_earlier_one_and_may_have_forgotten) {
  FakeDisk disk;
  Store store(disk);
  ASSERT_TRUE(store.save(document(1)));
  ASSERT_TRUE(store.save(document(2)));
  ASSERT_TRUE(disk.remove("cib.xml"));
  const auto loaded = Store(disk).load("when");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->newest, document(1));
  EXPECT_TRUE(loaded->may_have_forgotten);
}

TEST(Store, never_forgets_a_vote_that_it_said_it_kept) {
  for (const bool lucky : {false, true}) {
    for (std::uint64_t step = 0; step < 8; ++step) {
      FakeDisk disk;
      Store store(disk);
      ASSERT_TRUE(store.save_vote({1, NodeId{1}}));
      disk.forget_faults();
      disk.cut_at = step;
      bool kept = false;
      try {
        kept = static_cast<bool>(store.save_vote({2, NodeId{3}}));
      } catch (const PowerCut&) {
      }
      disk.restart(lucky);
      const auto vote = Store(disk).load_vote();
      ASSERT_TRUE(vote);
      if (kept) {
        EXPECT_EQ(*vote, (Vote{2, NodeId{3}}));
      }
      EXPECT_TRUE(*vote == (Vote{2, NodeId{3}}) || *vote == (Vote{1, NodeId{1}}));
    }
  }
}

TEST(Store, a_damaged_vote_is_an_error_and_not_a_fresh_start) {
  FakeDisk disk;
  ASSERT_TRUE(Store(disk).save_vote({5, NodeId{2}}));
  disk.damage("term", 6);
  const auto vote = Store(disk).load_vote();
  ASSERT_FALSE(vote);
  EXPECT_EQ(vote.error().code, Errc::corrupt);
}

TEST(Store, keeps_an_overruled_configuration_under_a_name_of_its_own) {
  FakeDisk disk;
  Store store(disk);
  const auto name = store.keep_lost(document(9), "20260102-030405");
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, "cib-lost-20260102-030405.xml");
  EXPECT_EQ(*decode(*disk.read(*name)), document(9));
  EXPECT_EQ(store.lost(), std::vector<std::string>{*name});
  ASSERT_TRUE(disk.remove(*name));
  EXPECT_TRUE(store.lost().empty());
}

}  // namespace
}  // namespace systole::cib
