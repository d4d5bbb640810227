// SPDX-License-Identifier: GPL-2.0-or-later
// The secret of one invitation, as a person carries it from one terminal to the other: 128 random bits and a check of
// 12 bits, in 28 letters and digits of which none looks like another (Crockford's alphabet). The check finds a mistyped
// token before anything is sent, so that typing errors cost no try.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace systole::invite {

inline constexpr std::size_t token_bytes = 16;
using Token = std::array<unsigned char, token_bytes>;

/// "XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX"
std::string to_text(const Token& token);

/// Any case; hyphens and blanks do not count; O is 0, I and L are 1. The error never repeats the text.
Result<Token> parse_token(std::string_view text);

}  // namespace systole::invite
