// SPDX-License-Identifier: GPL-2.0-or-later
// The sinks. The journal is spoken to by its own datagram protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL: one datagram of
// NAME=value lines) and syslog by RFC 3164's; linking libsystemd would triple the start-up time of each agent.
// A sink whose socket or file is not there drops lines; it tries again at the next line, because
// journald may be restarted under us.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/log/log.hpp"

namespace systole {

inline constexpr std::string_view journal_socket = "/run/systemd/journal/socket";
inline constexpr std::string_view syslog_socket = "/dev/log";

/// tag becomes SYSLOG_IDENTIFIER. fields: more of them for each line, as "NAME=value" without line feeds.
std::unique_ptr<LogSink> make_journal_sink(std::string tag, std::string path = std::string(journal_socket),
                                           const std::vector<std::string>& fields = {});

/// facility: syslog(3)'s name ("daemon", "local0" …); an unknown one counts as "daemon".
std::unique_ptr<LogSink> make_syslog_sink(std::string tag, std::string facility,
                                          std::string path = std::string(syslog_socket));

/// Appends "Nov 23 02:45:01 TAG: line"; the shell agents' form. Opened for each line, so that logrotate needs no
/// signal.
std::unique_ptr<LogSink> make_file_sink(std::string tag, std::string path);

/// "TAG: line" on standard error.
std::unique_ptr<LogSink> make_stderr_sink(std::string tag);

/// For tests: lines land in the vector as "level: line". lines must outlive the sink.
std::unique_ptr<LogSink> make_capture_sink(std::vector<std::string>& lines);

/// The number of a facility's name, times 8; nullopt: no such name.
std::optional<int> syslog_facility(std::string_view name);

}  // namespace systole
