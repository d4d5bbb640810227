// SPDX-License-Identifier: GPL-2.0-or-later
// The token as people copy, type and misread it.
#include "common/invite/token.hpp"

#include <gtest/gtest.h>

#include "common/base/dice.hpp"
#include "common/base/text.hpp"

namespace systole::invite {
namespace {

Token some(std::uint64_t seed) {
  Dice dice(seed);
  Token token{};
  for (unsigned char& byte : token) byte = static_cast<unsigned char>(dice.below(256));
  return token;
}

TEST(Token, comes_back_as_it_was_however_it_is_written) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Token token = some(seed);
    const std::string text = to_text(token);
    EXPECT_EQ(text.size(), 28u + 6u);
    EXPECT_EQ(parse_token(text).value(), token);
    EXPECT_EQ(parse_token(" " + lower(text) + "\n").value(), token);
    std::string bare, misread;
    for (const char c : text) {
      if (c != '-') bare += c;
      misread += c == '0' ? 'o' : c == '1' ? 'l' : c;
    }
    EXPECT_EQ(parse_token(bare).value(), token);
    EXPECT_EQ(parse_token(misread).value(), token);
  }
}

TEST(Token, nearly_every_wrong_character_is_found_before_anything_is_sent) {
  const std::string text = to_text(some(1));
  int accepted = 0, tried = 0;
  for (std::size_t at = 0; at < text.size(); ++at)
    for (const char c : std::string("0123456789ABCDEFGHJKMNPQRSTVWXYZ")) {
      if (text[at] == '-' || text[at] == c) continue;
      std::string wrong = text;
      wrong[at] = c;
      ++tried;
      accepted += parse_token(wrong) ? 1 : 0;
    }
  EXPECT_EQ(tried, 28 * 31);
  EXPECT_LE(accepted, 3);
}

TEST(Token, what_is_none_is_refused_without_being_repeated) {
  for (const std::string& text : {std::string(), std::string("AAAA"), to_text(some(2)) + "0", std::string("UUUU-UUUU"),
                                  std::string("\xff\0x", 3)}) {
    const auto token = parse_token(text);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().what.rfind("this is no token of an invitation: ", 0), 0u);
    EXPECT_TRUE(text.size() < 4 || token.error().what.find(text) == std::string::npos);
  }
}

}  // namespace
}  // namespace systole::invite
