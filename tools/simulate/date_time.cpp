// SPDX-License-Identifier: GPL-2.0-or-later
// See date_time.hpp.
#include "tools/simulate/date_time.hpp"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <optional>
#include <regex>

#include "common/base/text.hpp"

namespace systole::tools {

namespace {

int number(const std::csub_match& digits) {
  return digits.matched ? parse_int<int>(digits.str()).value_or(0) : 0;
}

std::optional<std::chrono::sys_days> day_of(const std::cmatch& parts) {
  using namespace std::chrono;
  const year y(number(parts[1]));
  if (parts[4].matched) {  // the day of the year
    const int day = number(parts[4]);
    if (day < 1 || day > (y.is_leap() ? 366 : 365)) return std::nullopt;
    return sys_days(y / January / 1) + days(day - 1);
  }
  const year_month_day date = y / number(parts[2]) / number(parts[3]);
  if (!date.ok()) return std::nullopt;
  return sys_days(date);
}

std::int64_t as_local(std::chrono::sys_days day, int hour, int minute, int second) {
  const std::chrono::year_month_day date(day);
  std::tm local{};
  local.tm_year = int(date.year()) - 1900;
  local.tm_mon = int(unsigned(date.month())) - 1;
  local.tm_mday = int(unsigned(date.day()));
  local.tm_hour = hour;
  local.tm_min = minute;
  local.tm_sec = second;
  local.tm_isdst = -1;
  return std::mktime(&local);
}

}  // namespace

Result<std::int64_t> parse_date_time(std::string_view text) {
  static const std::regex shape(
      R"(^(\d{4})-(?:(\d{2})-(\d{2})|(\d{3}))(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?\s*(Z|([+-])(\d{2}):?(\d{2}))?$)");
  std::cmatch parts;
  const Error wrong{Errc::invalid, fmt::format("'{}' is no date and time, as 2026-11-30 or '2026-11-30 12:30:15' is; a "
                                               "'Z' or +01:00 may follow",
                                               text)};
  if (!std::regex_match(text.data(), text.data() + text.size(), parts, shape)) return wrong;
  const auto day = day_of(parts);
  const int hour = number(parts[5]), minute = number(parts[6]), second = number(parts[7]);
  if (!day || hour > 24 || minute > 59 || second > 60) return wrong;
  if (!parts[8].matched) return as_local(*day, hour, minute, second);
  const std::int64_t midnight = std::chrono::sys_seconds(*day).time_since_epoch().count();
  const int offset = (number(parts[10]) * 60 + number(parts[11])) * 60;
  return midnight + (hour * 60 + minute) * 60 + second - (parts[9] == "-" ? -offset : offset);
}

std::string utc_text(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace systole::tools
