// SPDX-License-Identifier: GPL-2.0-or-later
// One line per decision. A Log gives each line to its sinks; where the lines go is said once, by whoever composes the
// program. Nothing below main() and the daemon's shell holds a Log: libraries return Errors, the core returns effects.
// A line stays one line: control characters in foreign text are replaced, so that nobody forges a second one.
#pragma once

#include <fmt/core.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace systole {

/// From worst to least; the order is used by Log::limit.
enum class Level { error, warning, notice, info, debug };

/// "error", "warning", "notice", "info", "debug".
std::string_view to_text(Level level);
/// syslog(3)'s number: error 3, warning 4, notice 5, info 6, debug 7.
int syslog_priority(Level level);

/// Where lines go. A sink never throws and never blocks for long: a log that cannot be written must not stop a
/// fail-over.
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// line has no line feed at its end and none within.
  virtual void write(Level level, std::string_view line) noexcept = 0;
};

class Log {
 public:
  Log() = default;
  void add(std::unique_ptr<LogSink> sink);
  bool has_sinks() const { return !sinks_.empty(); }
  /// Lines that matter less than this are not written; info at the start.
  void limit(Level least) { least_ = least; }
  bool wants(Level level) const { return level <= least_; }

  void line(Level level, std::string_view text);
  template <class... A>
  void error(fmt::format_string<A...> text, A&&... values) {
    say(Level::error, text, std::forward<A>(values)...);
  }
  template <class... A>
  void warning(fmt::format_string<A...> text, A&&... values) {
    say(Level::warning, text, std::forward<A>(values)...);
  }
  template <class... A>
  void notice(fmt::format_string<A...> text, A&&... values) {
    say(Level::notice, text, std::forward<A>(values)...);
  }
  template <class... A>
  void info(fmt::format_string<A...> text, A&&... values) {
    say(Level::info, text, std::forward<A>(values)...);
  }
  template <class... A>
  void debug(fmt::format_string<A...> text, A&&... values) {
    say(Level::debug, text, std::forward<A>(values)...);
  }

 private:
  template <class... A>
  void say(Level level, fmt::format_string<A...> text, A&&... values) {
    if (wants(level)) line(level, fmt::format(text, std::forward<A>(values)...));
  }

  std::vector<std::unique_ptr<LogSink>> sinks_;
  Level least_ = Level::info;
};

}  // namespace systole
