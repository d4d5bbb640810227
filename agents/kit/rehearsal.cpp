// SPDX-License-Identifier: GPL-2.0-or-later
// See rehearsal.hpp. The notes are a help, never a reason to fail: a file that cannot be written is a warning.
#include "agents/kit/rehearsal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "common/base/handles.hpp"
#include "common/base/text.hpp"

namespace systole::agents {

namespace {

std::string without_clone_number(const std::string& instance) {
  const std::size_t colon = instance.rfind(':');
  return colon != std::string::npos && parse_int<unsigned>(std::string_view(instance).substr(colon + 1))
             ? instance.substr(0, colon)
             : instance;
}

std::string now_in_words() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 32> text{};
  return std::string(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts));
}

void append(Call& call, const std::string& path, const std::string& text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || ::write(file.get(), text.data(), text.size()) < 0)  // one write: calls side by side do not mix
    call.log().warning("{}; proceeding", errno_error(fmt::format("write to '{}'", path)).what);
}

}  // namespace

std::vector<Param> rehearsal_params() {
  return {
      {.name = "state",
       .unique = true,
       .brief = "State file",
       .about = "Where the resource's state is kept. Without it: AGENT-RESOURCE.state in /run/resource-agents."},
      {.name = "envfile",
       .reloadable = true,
       .brief = "Environment dump file",
       .about = "The environment of every call is appended to this file."},
      {.name = "trace_file",
       .reloadable = true,
       .brief = "Trace of calls",
       .about = "A line for every call is appended to this file: time, resource, action and exit code."},
      {.name = "degraded",
       .type = ParamType::boolean,
       .fallback = "false",
       .reloadable = true,
       .brief = "Report a degraded service",
       .about = "A monitor that would say running says running but degraded (exit code 190, promoted 191)."},
  };
}

std::string state_file_of(const Call& call) {
  if (call.params().given("state")) return call.params().text("state");
  const bool unique = parse_bool(call.meta().text("globally_unique")).value_or(false);
  const std::string instance = call.meta().instance();
  return fmt::format("{}/{}-{}.state", call.paths().state, call.agent_name(),
                     unique ? instance : without_clone_number(instance));
}

Result<std::optional<std::string>> read_state(const Call& call) {
  const auto text = read_file(state_file_of(call));
  if (text) return std::optional<std::string>(trim(*text));
  if (text.error().code == Errc::not_found) return std::optional<std::string>{};
  return text.error();
}

Result<void> write_state(const Call& call, std::string_view text) {
  if (!call.params().given("state")) {
    if (const auto made = make_folder(call.paths().state); !made) return made;
  }
  return write_file(state_file_of(call), text);
}

Result<void> remove_state(const Call& call) {
  const std::string path = state_file_of(call);
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return errno_error(fmt::format("remove '{}'", path));
}

void dump_environment(Call& call) {
  if (!call.params().given("envfile")) return;
  std::string text = fmt::format("### {} @ {} ###\n", call.action(), now_in_words());
  for (const auto& [name, value] : call.environment()) text += name + "=" + value + "\n";
  append(call, call.params().text("envfile"), text + "###\n");
}

Ocf traced(Call& call, Ocf code) {
  if (call.params().given("trace_file"))
    append(call, call.params().text("trace_file"),
           fmt::format("{} {} {} {}\n", now_in_words(), call.meta().instance(), call.action(), static_cast<int>(code)));
  return code;
}

Ocf check_rehearsal_folders(Call& call) {
  std::vector<std::string> files{state_file_of(call)};
  for (const std::string_view name : {"envfile", "trace_file"})
    if (call.params().given(name)) files.push_back(call.params().text(name));
  for (const std::string& file : files) {
    const std::string folder = folder_of(file);
    if (is_writable_folder(folder)) continue;
    if (folder == call.paths().state && ::access(folder.c_str(), F_OK) != 0) continue;  // start makes it
    return call.fail(Ocf::args, "the folder '{}' cannot be written to", folder);
  }
  return Ocf::ok;
}

Ocf degraded_if_wanted(const Call& call, Ocf code) {
  if (!call.params().flag("degraded")) return code;
  if (code == Ocf::ok) return Ocf::degraded;
  return code == Ocf::running_promoted ? Ocf::degraded_promoted : code;
}

}  // namespace systole::agents
