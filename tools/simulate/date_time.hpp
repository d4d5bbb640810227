// SPDX-License-Identifier: GPL-2.0-or-later
// Dates and times as ISO 8601 writes them and as people type them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace systole::tools {

/// Seconds since 1970 UTC of a date (2026-11-30, or the day of a year: 2026-334), which a time may follow after "T" or
/// a blank (12:30, 12:30:15), and after that "Z" or an offset (+01:00). Without an offset it is local time.
Result<std::int64_t> parse_date_time(std::string_view text);

/// "2026-11-30 12:30:15Z".
std::string utc_text(std::int64_t seconds);

}  // namespace systole::tools
