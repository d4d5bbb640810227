// SPDX-License-Identifier: GPL-2.0-or-later
// Sealing: what opens, what does not, and as what it is counted.
#include "crmd/io/seal.hpp"

#include <gtest/gtest.h>

#include "common/base/dice.hpp"

namespace systole::io {
namespace {

config::Key key_of(unsigned char fill) {
  config::Key key;
  key.fill(fill);
  return key;
}

TEST(Sealer, what_was_sealed_opens_and_looks_different_each_time) {
  const Sealer sealer({key_of(1)});
  const std::string one = sealer.seal("hello"), two = sealer.seal("hello");
  EXPECT_NE(one, two);
  EXPECT_EQ(one.find("hello"), std::string::npos);
  EXPECT_EQ(one.size(), 5 + seal_bytes);
  EXPECT_EQ(sealer.open(one).plain, "hello");
  EXPECT_FALSE(sealer.open(two).refusal);
}

TEST(Sealer, every_changed_bit_is_noticed) {
  const Sealer sealer({key_of(1)});
  const std::string sealed = sealer.seal("hello");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    const auto opened = sealer.open(changed);
    ASSERT_TRUE(opened.refusal) << "byte " << i;
    EXPECT_EQ(opened.plain, "");
    EXPECT_EQ(*opened.refusal, i < 2 ? Sealer::Refusal::foreign : Sealer::Refusal::tampered) << "byte " << i;
  }
}

TEST(Sealer, another_key_is_foreign_and_pieces_are_truncated) {
  const Sealer ours({key_of(1)}), theirs({key_of(2)});
  EXPECT_EQ(ours.open(theirs.seal("hello")).refusal, Sealer::Refusal::foreign);
  EXPECT_EQ(ours.open("").refusal, Sealer::Refusal::truncated);
  EXPECT_EQ(ours.open(std::string(seal_bytes - 1, 'x')).refusal, Sealer::Refusal::truncated);
  EXPECT_EQ(ours.open(ours.seal("hello").substr(0, seal_bytes + 2)).refusal, Sealer::Refusal::tampered);
  EXPECT_EQ(ours.open(std::string(limits::packet_bytes_max + 1, 'x')).refusal, Sealer::Refusal::oversized);
}

TEST(Sealer, keys_are_changed_node_by_node_whatever_the_order_of_lines) {
  const Sealer old_only({key_of(1)}), old_first({key_of(1), key_of(2)}), new_first({key_of(2), key_of(1)}),
      new_only({key_of(2)});
  EXPECT_EQ(old_first.open(old_only.seal("a")).plain, "a");
  EXPECT_EQ(old_only.open(old_first.seal("a")).plain, "a");
  EXPECT_EQ(old_first.open(new_first.seal("a")).plain, "a");
  EXPECT_EQ(new_first.open(old_first.seal("a")).plain, "a");
  EXPECT_EQ(new_first.open(new_only.seal("a")).plain, "a");
  EXPECT_TRUE(new_only.open(old_only.seal("a")).refusal);
}

TEST(Sealer, noise_never_opens) {
  const Sealer sealer({key_of(7)});
  Dice dice(3);
  for (int i = 0; i < 2'000; ++i) {
    std::string noise(static_cast<std::size_t>(dice.below(200)), '\0');
    for (char& c : noise) c = static_cast<char>(dice.below(256));
    EXPECT_TRUE(sealer.open(noise).refusal);
  }
}

}  // namespace
}  // namespace systole::io
