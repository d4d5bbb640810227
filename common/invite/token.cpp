// SPDX-License-Identifier: GPL-2.0-or-later
// See token.hpp.
#include "common/invite/token.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <cctype>
#include <optional>

namespace systole::invite {
namespace {

constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t digit_bits = 5, digits_total = 28, group_digits = 4;
constexpr std::size_t check_bits = digits_total * digit_bits - token_bytes * 8;
static_assert(check_bits == 12);

/// The token followed by its check, of whose second byte the upper half is used.
using Checked = std::array<unsigned char, token_bytes + 2>;

Checked with_check(const Token& token) {
  std::array<unsigned char, crypto_generichash_BYTES_MIN> hash{};
  crypto_generichash(hash.data(), hash.size(), token.data(), token.size(), nullptr, 0);
  Checked all{};
  std::copy(token.begin(), token.end(), all.begin());
  all[token_bytes] = hash[0];
  all[token_bytes + 1] = static_cast<unsigned char>(hash[1] & 0xf0u);
  return all;
}

std::optional<unsigned> value_of(char written) {
  char c = static_cast<char>(std::toupper(static_cast<unsigned char>(written)));
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  const std::size_t at = digits.find(c);
  if (at == std::string_view::npos) return {};
  return static_cast<unsigned>(at);
}

Error mistyped(std::string_view what) {
  return {Errc::invalid,
          fmt::format("this is no token of an invitation: {}; copy it as 'systole invite' printed it", what)};
}

}  // namespace

std::string to_text(const Token& token) {
  const Checked all = with_check(token);
  std::string text;
  for (std::size_t n = 0; n < digits_total; ++n) {
    unsigned value = 0;
    for (std::size_t bit = n * digit_bits; bit < (n + 1) * digit_bits; ++bit)
      value = value << 1 | (static_cast<unsigned>(all[bit / 8]) >> (7 - bit % 8) & 1u);
    if (n != 0 && n % group_digits == 0) text += '-';
    text += digits[value];
  }
  return text;
}

Result<Token> parse_token(std::string_view text) {
  Checked all{};
  std::size_t bit = 0;
  for (const char c : text) {
    if (c == '-' || std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    const auto value = value_of(c);
    if (!value) return mistyped("it has a character that occurs in none");
    if (bit == digits_total * digit_bits) return mistyped("it is too long");
    for (std::size_t i = digit_bits; i-- > 0; ++bit)
      all[bit / 8] = static_cast<unsigned char>(all[bit / 8] | (*value >> i & 1u) << (7 - bit % 8));
  }
  if (bit != digits_total * digit_bits) return mistyped("it is too short");
  Token token{};
  std::copy_n(all.begin(), token.size(), token.begin());
  if (with_check(token) != all) return mistyped("a character is wrong");
  return token;
}

}  // namespace systole::invite
