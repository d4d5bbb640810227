// SPDX-License-Identifier: GPL-2.0-or-later
// A change of keys: after each step two neighbours, one of which has not taken it yet, still open each other's packets.
#include "common/config/key_change.hpp"

#include <gtest/gtest.h>

#include "common/config/key_file.hpp"

namespace systole::config {
namespace {

Key key_of(unsigned char byte) {
  Key key{};
  key.fill(byte);
  return key;
}

const std::string two = "# ours\n" + std::string(64, 'a') + "\n# made on Monday\n" + std::string(64, 'b') + "\n";

TEST(KeyChange, the_last_key_goes_above_the_others_and_comments_stay) {
  const auto text = with_last_key_first(two, "k");
  ASSERT_TRUE(text) << text.error().what;
  EXPECT_EQ(parse_keys(*text, "k").value(), (std::vector<Key>{key_of(0xbb), key_of(0xaa)}));
  EXPECT_EQ(text->rfind("# ours\n", 0), 0U);
  EXPECT_NE(text->find("# made on Monday\n"), std::string::npos);
}

TEST(KeyChange, only_the_sealing_key_is_left_in_the_end) {
  const auto text = with_first_key_only(*with_last_key_first(two, "k"), "k");
  ASSERT_TRUE(text) << text.error().what;
  EXPECT_EQ(parse_keys(*text, "k").value(), std::vector<Key>{key_of(0xbb)});
}

TEST(KeyChange, a_file_with_one_key_has_nothing_to_change_over_to_and_none_to_drop) {
  for (const std::string& one : {std::string(64, 'a'), std::string(32, '\xaa')}) {
    EXPECT_EQ(with_last_key_first(one, "k").error().code, Errc::refused);
    EXPECT_EQ(with_first_key_only(one, "k").error().code, Errc::refused);
  }
  EXPECT_FALSE(with_last_key_first("no key", "k"));
}

TEST(KeyChange, each_step_shares_a_sealing_key_with_the_one_before) {
  std::string before = first_key_text(key_of(1));
  const auto opens = [](const std::string& file, const std::string& of) {
    const auto keys = parse_keys(file, "k").value();
    return std::find(keys.begin(), keys.end(), parse_keys(of, "k")->front()) != keys.end();
  };
  const std::string added = with_added_key(before, key_of(2), "k").value();
  const std::string moved = with_last_key_first(added, "k").value();
  const std::string alone = with_first_key_only(moved, "k").value();
  for (const auto& [one, other] : {std::pair{before, added}, {added, moved}, {moved, alone}}) {
    EXPECT_TRUE(opens(one, other));
    EXPECT_TRUE(opens(other, one));
  }
}

}  // namespace
}  // namespace systole::config
