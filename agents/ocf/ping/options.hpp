// SPDX-License-Identifier: GPL-2.0-or-later
// The parameter "options" holds words of ping(8). No ping(8) runs here, so those that can be meant for us are
// understood, and the others are named.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/icmp/echo.hpp"

namespace systole::agents::ping {

struct Options {
  std::string through;                // -I: interface or source address; empty: the routes decide
  std::optional<int> attempts;        // -c
  std::optional<Duration> timeout;    // -W, seconds there
  std::size_t payload_bytes = 56;     // -s
  std::optional<int> ttl;             // -t
  std::optional<icmp::Family> only;   // -4, -6: for names that have addresses of both
  std::vector<std::string> unheeded;  // words that mean nothing here
};

/// invalid: a word that is understood has no value that makes sense.
Result<Options> parse_options(std::string_view text);

}  // namespace systole::agents::ping
