// SPDX-License-Identifier: GPL-2.0-or-later
// See logging.hpp.
#include "agents/kit/logging.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace systole::agents {

namespace {

bool is_there(const std::string& socket) {
  return ::access(socket.c_str(), W_OK) == 0;
}

/// Foreign text in a place where a line feed would begin another field.
std::string on_one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

}  // namespace

void open_log(Log& log, const Environment& env, std::string_view agent, const LogSurroundings& surroundings) {
  if (value_or(env, "HA_debug", "0") != "0") log.limit(Level::debug);
  const std::string instance = on_one_line(Meta(env).instance());
  const std::string name = fmt::format("{}({})", agent, instance);
  const std::string tag = fmt::format("{}[{}]", name, ::getpid());
  if (surroundings.stderr_is_terminal) {
    log.add(make_stderr_sink(tag));
    return;
  }
  const auto facility = value_or(env, "HA_LOGFACILITY", value_or(env, "HA_logfacility", "none"));
  const auto file = value_or(env, "HA_LOGFILE", value_or(env, "HA_logfile", "none"));
  if (facility != "none") log.add(make_syslog_sink(tag, std::string(facility), surroundings.syslog));
  if (file != "none" && file != "/dev/null") log.add(make_file_sink(tag, std::string(file)));
  if (log.has_sinks() || file == "/dev/null") return;
  if (is_there(surroundings.journal))
    log.add(make_journal_sink(name, surroundings.journal, {"OCF_RESOURCE_INSTANCE=" + instance}));
  else if (is_there(surroundings.syslog))
    log.add(make_syslog_sink(tag, "daemon", surroundings.syslog));
  else
    log.add(make_stderr_sink(tag));
}

}  // namespace systole::agents
