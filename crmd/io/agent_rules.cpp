// SPDX-License-Identifier: GPL-2.0-or-later
// See agent_rules.hpp.
#include "crmd/io/agent_rules.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace systole::io {
namespace {

using cib::OpStatus;
using executor::Outcome;

Outcome ended(cib::Rc rc, OpStatus status, std::string reason) {
  Outcome outcome;
  outcome.rc = static_cast<std::int32_t>(rc);
  outcome.status = status;
  outcome.exit_reason = std::move(reason);
  return outcome;
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

/// Names of the daemon's environment that mean the same to an agent. Everything else (NOTIFY_SOCKET, LD_PRELOAD, what
/// the person who started the daemon by hand had set) stays outside.
bool is_inherited(std::string_view name) {
  static constexpr std::string_view whole[] = {"HOME", "USER", "LOGNAME", "TZ", "LANG", "TERM"};
  static constexpr std::string_view prefixes[] = {"SYSTOLE_", "ASAN_", "UBSAN_", "LSAN_"};
  return std::ranges::find(whole, name) != std::end(whole) ||
         std::ranges::any_of(prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

/// Exit codes of init scripts (LSB Core, "Init Script Actions") as OCF's. 150 and 151 are Pacemaker's additions.
int ocf_code_of_lsb(std::string_view action, int code) {
  if (action != "monitor" && action != "status") return code <= 7 ? code : 1;
  switch (code) {
    case 0:
      return 0;
    case 1:
    case 2:
    case 3:
      return static_cast<int>(cib::Rc::not_running);
    case 150:
      return static_cast<int>(cib::Rc::not_installed);
    case 151:
      return static_cast<int>(cib::Rc::permission);
    default:
      return 1;
  }
}

int known_ocf_code(int code) {
  return (code >= 0 && code <= 9) || code == 190 || code == 191 ? code : 1;
}

}  // namespace

Outcome cannot_run(const std::string& program, int errno_value) {
  const std::string why = fmt::format("cannot run '{}': {}", program, std::strerror(errno_value));
  switch (errno_value) {
    case ENOENT:
    case EISDIR:
    case ENOTDIR:
    case ENOEXEC:
      return ended(cib::Rc::not_installed, OpStatus::not_installed, why);
    case EACCES:
    case EPERM:
      return ended(cib::Rc::permission, OpStatus::error, why);
    default:
      return ended(cib::Rc::error, OpStatus::error, why);
  }
}

std::vector<std::string> call_environment(const AgentSettings& settings, const executor::RunAgent& run,
                                          const char* const* inherited) {
  std::map<std::string, std::string> all;
  for (; inherited != nullptr && *inherited != nullptr; ++inherited) {
    const std::string_view entry = *inherited;
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos || !is_inherited(entry.substr(0, equals))) continue;
    all[std::string(entry.substr(0, equals))] = entry.substr(equals + 1);
  }
  all["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  if (!settings.tools_folder.empty()) all["PATH"] = settings.tools_folder + ":" + all["PATH"];
  all["SHELL"] = "/bin/bash";  // the shell library runs "$SHELL" -c with process substitution
  all["LC_ALL"] = "C";
  all["OCF_ROOT"] = settings.ocf_root;
  if (!settings.run_directory.empty()) all["SYSTOLE_RUNDIR"] = settings.run_directory;
  for (const auto& [name, value] : run.environment)
    if (!name.empty() && name.find('=') == std::string::npos) all[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : all) entries.push_back(name + "=" + value);
  return entries;
}

std::variant<AgentCommand, Outcome> prepare_call(const AgentSettings& settings, const executor::RunAgent& run,
                                                 const char* const* inherited) {
  AgentCommand command{
      .program = "", .action = run.action, .environment = call_environment(settings, run, inherited), .cgroup = ""};
  if (!is_plain_name(run.type))
    return ended(cib::Rc::not_configured, OpStatus::error, fmt::format("'{}' is no name of an agent", run.type));
  if (run.standard == "ocf") {
    if (!is_plain_name(run.provider))
      return ended(cib::Rc::not_configured, OpStatus::error,
                   fmt::format("'{}' is no name of a provider", run.provider));
    command.program = fmt::format("{}/resource.d/{}/{}", settings.ocf_root, run.provider, run.type);
  } else if (run.standard == "lsb" || run.standard == "service") {
    command.program = fmt::format("{}/{}", settings.init_folder, run.type);
    if (command.action == "monitor") command.action = "status";
  } else {
    return ended(cib::Rc::unimplemented, OpStatus::not_supported,
                 fmt::format("resources of class '{}' are not supported yet", run.standard));
  }
  struct stat about {};
  if (::stat(command.program.c_str(), &about) != 0) return cannot_run(command.program, errno);
  if (S_ISDIR(about.st_mode)) return cannot_run(command.program, EISDIR);
  return command;
}

Outcome judge_ending(std::string_view standard, std::string_view action, int status, std::string_view errors) {
  if (WIFSIGNALED(status))
    return ended(cib::Rc::error, OpStatus::error,
                 fmt::format("Resource agent interrupted by {} signal", ::strsignal(WTERMSIG(status))));
  Outcome outcome;
  outcome.status = OpStatus::done;
  if (standard == "ocf") {
    outcome.rc = known_ocf_code(WEXITSTATUS(status));
    outcome.exit_reason = exit_reason_of(errors);
  } else {
    outcome.rc = ocf_code_of_lsb(action, WEXITSTATUS(status));
  }
  return outcome;
}

Outcome judge_timeout(Duration timeout) {
  return ended(cib::Rc::error, OpStatus::timed_out,
               fmt::format("Resource agent did not complete within {}", to_text(timeout)));
}

bool offers_watch(std::string_view meta_data) {
  for (std::size_t at = meta_data.find("<action "); at != std::string_view::npos;
       at = meta_data.find("<action ", at + 1)) {
    const std::string_view element = meta_data.substr(at, meta_data.find('>', at) - at);
    if (element.find(" name=\"watch\"") != std::string_view::npos) return true;
  }
  return false;
}

std::string exit_reason_of(std::string_view errors) {
  static constexpr std::string_view prefix = "ocf-exit-reason:";
  const std::size_t at = errors.rfind(prefix);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = errors.substr(at + prefix.size());
  std::size_t size = std::min({rest.find('\n'), rest.size(), limits::exit_reason_bytes_max});
  // Not in the middle of a UTF-8 character: the reason goes into XML.
  if (size < rest.size())
    while (size > 0 && (static_cast<unsigned char>(rest[size]) & 0xc0) == 0x80) --size;
  return std::string(rest.substr(0, size));
}

void BoundedOutput::add(std::string_view bytes) {
  kept_ += bytes;
  if (kept_.size() <= 2 * limits::agent_output_bytes_max) return;
  const std::size_t surplus = kept_.size() - limits::agent_output_bytes_max;
  kept_.erase(0, surplus);
  dropped_ += surplus;
}

}  // namespace systole::io
