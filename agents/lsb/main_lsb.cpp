// SPDX-License-Identifier: GPL-2.0-or-later
// systole-lsb: any OCF agent as an init script. Called through a link, the link's name says which /etc/default/NAME
// holds the agent and its parameters; called by its own name, the first word does.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <optional>
#include <vector>

#include "agents/kit/paths.hpp"
#include "agents/lsb/call.hpp"
#include "agents/lsb/codes.hpp"
#include "agents/lsb/header.hpp"
#include "agents/lsb/install.hpp"
#include "agents/lsb/link_name.hpp"
#include "agents/lsb/service.hpp"
#include "agents/lsb/settings.hpp"

namespace {

using namespace systole;
using namespace systole::lsb;

constexpr std::string_view own_name = "systole-lsb";
constexpr std::string_view help =
    R"(systole-lsb: any OCF agent as an init script, for sysvinit, haresources and scripts

usage: systole-lsb NAME ACTION
       systole-lsb --install NAME AGENT [PARAMETER=VALUE…] [--etc FOLDER]
       systole-lsb --remove NAME [--etc FOLDER]

ACTION     start, stop, restart, try-restart, reload, force-reload or status. A link to this program that is
           called NAME does the same: NAME ACTION.
--install  writes the init script /etc/init.d/NAME and its parameters, /etc/default/NAME (mode 0600). It starts
           nothing and enables nothing: what a cluster starts must not be started at boot as well.
--remove   removes both. It stops nothing.
--etc      another folder in place of /etc, as in an image that is being made.

/etc/default/NAME, which is read and never run:
  OCF_AGENT=ocf:systole:IPaddr      TYPE, PROVIDER:TYPE, ocf:PROVIDER:TYPE or a path
  OCF_TIMEOUT=60s                   each action is killed after this time; default: never
  ip='192.0.2.10'                   a parameter of the agent; quotes as in a shell, variables are refused

exit codes  0 done, 1 failed, 2 wrong words, 3 no such action, 4 not permitted, 5 not installed, 6 not configured,
            7 not running; of status: 0 running, 3 stopped, 4 unknown (also: running, but failed)
)";

int complain_of(const Error& error, Lsb code) {
  complain(fmt::format("{}: {}\n", own_name, error.what));
  return static_cast<int>(code);
}

Lsb code_of(Errc code) {
  if (code == Errc::permission) return Lsb::permission;
  if (code == Errc::io) return ::geteuid() == 0 ? Lsb::generic : Lsb::permission;
  return Lsb::args;
}

/// The file's text, if nobody but its owner and root could have put it there: it decides what root runs.
Result<std::string> trusted(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) {
    if (errno == ENOENT) return Error{Errc::not_found, fmt::format("there is no file '{}'", path)};
    return errno_error(fmt::format("cannot read '{}'", path));
  }
  const bool stranger = about.st_uid != 0 && about.st_uid != ::geteuid();
  if (stranger || (about.st_mode & 0022) != 0)
    return Error{
        Errc::permission,
        fmt::format("'{}' decides what is run, and others than root may write it: chown root, chmod 600", path)};
  if (::access(path.c_str(), R_OK) != 0)
    return Error{Errc::permission, fmt::format("you may not read '{}': its owner and root may", path)};
  return agents::read_file(path);
}

/// Why the service cannot be called, as a code: for status all that is known is that nothing is known.
int unready(const Error& error, Lsb code, bool status) {
  complain_of(error, code);
  return status ? static_cast<int>(LsbStatus::unknown) : static_cast<int>(code);
}

int serve(const std::string& name, const std::vector<std::string>& words, const std::string& folder) {
  if (words.size() != 1 || !is_service_action(words.front())) {
    complain(fmt::format("usage: {} {{{}}}\n", name, service_actions));
    return static_cast<int>(words.size() == 1 ? Lsb::unimplemented : Lsb::args);
  }
  const std::string& action = words.front();
  const bool status = action == "status";
  const std::string file = settings_path(folder, name);
  const auto text = trusted(file);
  if (!text)
    return unready(text.error(), text.error().code == Errc::permission ? Lsb::permission : Lsb::configured, status);
  const auto settings = parse_settings(*text, file);
  if (!settings) return unready(settings.error(), Lsb::configured, status);
  const agents::Environment env = agents::process_environment();
  const auto agent = find_agent(settings->agent, ocf_roots(env));
  if (!agent) return unready(agent.error(), Lsb::installed, status);
  const Resource resource{*agent, name, settings->parameters, settings->timeout};
  const ServiceAnswer answer =
      perform(action, [&](const std::string& ocf_action) { return call_agent(resource, ocf_action, env); });
  if (!answer.word.empty()) say(fmt::format("{}\n", answer.word));
  return answer.code;
}

std::string own_path() {
  std::vector<char> path(PATH_MAX);
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size <= 0 ? std::string(own_name) : std::string(path.data(), static_cast<std::size_t>(size));
}

int add(const std::vector<std::string>& words, const std::string& folder) {
  if (words.size() < 2) return complain_of({Errc::invalid, "--install NAME AGENT [PARAMETER=VALUE…]"}, Lsb::args);
  const agents::Environment env = agents::process_environment();
  const auto name = parse_agent_name(words[1]);
  if (!name) return complain_of(name.error(), Lsb::args);
  const auto agent = find_agent(*name, ocf_roots(env));
  if (!agent) return complain_of(agent.error(), Lsb::installed);
  auto parameters = parse_parameters({words.begin() + 2, words.end()});
  if (!parameters) return complain_of(parameters.error(), Lsb::args);
  const std::string id = name->path.empty() ? agent->id() : agent->program;
  const Installation wanted{folder, words[0], own_path(), id, *parameters};
  if (const auto done = install(wanted); !done) return complain_of(done.error(), code_of(done.error().code));
  say(fmt::format("{} and {} are written\n", script_path(folder, wanted.name), settings_path(folder, wanted.name)));
  const int valid = call_agent({*agent, wanted.name, *parameters, 20s}, "validate-all", env);
  if (valid != 0)
    complain(fmt::format("{}: the agent's validate-all says {} ({}): see to {}\n", own_name, valid, in_words(valid),
                         settings_path(folder, wanted.name)));
  return 0;
}

int take_away(const std::vector<std::string>& words, const std::string& folder) {
  if (words.size() != 1) return complain_of({Errc::invalid, "--remove NAME"}, Lsb::args);
  if (const auto done = uninstall(folder, words[0]); !done)
    return complain_of(done.error(), code_of(done.error().code));
  return 0;
}

/// Takes "--etc FOLDER" out of the words.
std::optional<std::string> folder_in(std::vector<std::string>& words) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] != "--etc") continue;
    std::string folder = words[i + 1];
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(i), words.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    return folder;
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const std::string called = service_of_link(argc > 0 ? argv[0] : own_name);
  if (called != own_name) return serve(called, words, "/etc");
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    words.empty() ? complain(help) : say(help);
    return static_cast<int>(words.empty() ? Lsb::args : Lsb::ok);
  }
  const std::string folder = folder_in(words).value_or("/etc");
  const std::string first = words.empty() ? "" : words.front();
  const std::vector<std::string> rest(words.begin() + (words.empty() ? 0 : 1), words.end());
  if (first == "--install") return add(rest, folder);
  if (first == "--remove") return take_away(rest, folder);
  if (!is_script_name(first))
    return complain_of({Errc::invalid, fmt::format("'{}' is no service (see {} --help)", first, own_name)}, Lsb::args);
  return serve(first, rest, folder);
}
