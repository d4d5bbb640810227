// SPDX-License-Identifier: GPL-2.0-or-later
// The facade: what every line goes through before it reaches a sink.
#include "common/log/log.hpp"

#include <algorithm>

namespace systole {

std::string_view to_text(Level level) {
  switch (level) {
    case Level::error:
      return "error";
    case Level::warning:
      return "warning";
    case Level::notice:
      return "notice";
    case Level::info:
      return "info";
    case Level::debug:
      return "debug";
  }
  return "error";
}

int syslog_priority(Level level) {
  constexpr int first = 3;  // LOG_ERR; the more severe ones are not for us
  return first + static_cast<int>(level);
}

void Log::add(std::unique_ptr<LogSink> sink) {
  sinks_.push_back(std::move(sink));
}

void Log::line(Level level, std::string_view text) {
  if (!wants(level)) return;
  std::string clean(text);
  while (!clean.empty() && clean.back() == '\n') clean.pop_back();
  std::ranges::replace_if(
      clean, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  for (const auto& sink : sinks_) sink->write(level, clean);
}

}  // namespace systole
