// SPDX-License-Identifier: GPL-2.0-or-later
// What a health check may ask: the target of its request line, as a value. Pure, and total: any bytes may come.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/result.hpp"

namespace systole::endpoint {

enum class Subject { primary, replica, read_only, health };

struct Question {
  Subject subject = Subject::health;
  std::optional<std::int64_t> lag_ms_max = {};  // how far a replica may be behind; nullopt: any distance
  bool operator==(const Question&) const = default;
};

/// A bound beyond this is a slip of the pen: 24 days.
inline constexpr std::int64_t lag_bound_ms_max = 2'147'483'647;

/// "/replica?lag_ms=500". Errc::not_found: no such path. Errc::invalid: a path that we know, and what follows it has a
/// fault: a bound that was not understood must never count as none.
Result<Question> parse_question(std::string_view target);

}  // namespace systole::endpoint
