// SPDX-License-Identifier: GPL-2.0-or-later
// See leaks.hpp.
#include "tools/agent/leaks.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>

#include "agents/kit/agent.hpp"
#include "agents/kit/paths.hpp"
#include "common/base/handles.hpp"
#include "common/base/text.hpp"

namespace systole::tools {
namespace {

namespace fs = std::filesystem;

void reap() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

/// Parent of each living process.
std::map<pid_t, pid_t> parents() {
  std::map<pid_t, pid_t> all;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const auto pid = parse_int<pid_t>(entry.path().filename().string());
    if (!pid) continue;
    const auto stat = agents::read_file(fmt::format("/proc/{}/stat", *pid));
    if (!stat) continue;
    const std::size_t close = stat->rfind(')');
    if (close == std::string::npos) continue;
    const auto fields = words(std::string_view(*stat).substr(close + 1));
    if (fields.size() < 2 || fields[0] == "Z" || fields[0] == "X") continue;
    all[*pid] = parse_int<pid_t>(fields[1]).value_or(0);
  }
  return all;
}

std::string command_of(pid_t pid) {
  auto line = agents::read_file(fmt::format("/proc/{}/cmdline", pid));
  if (!line || line->empty()) line = agents::read_file(fmt::format("/proc/{}/comm", pid));
  if (!line) return "?";
  std::ranges::replace(*line, '\0', ' ');
  return std::string(trim(*line));
}

bool is_below(const std::map<pid_t, pid_t>& all, pid_t pid, pid_t top) {
  for (std::size_t steps = 0; steps < all.size(); ++steps) {
    const auto found = all.find(pid);
    if (found == all.end()) return false;
    pid = found->second;
    if (pid == top) return true;
  }
  return false;
}

}  // namespace

void adopt_orphans() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

std::vector<Leftover> descendants() {
  reap();
  const auto all = parents();
  std::vector<Leftover> below;
  for (const auto& [pid, parent] : all)
    if (is_below(all, pid, ::getpid())) below.push_back({pid, command_of(pid)});
  return below;
}

std::vector<Leftover> descendants_after(Duration wait) {
  const Time end = agents::boot_now() + wait;
  auto left = descendants();
  while (!left.empty() && agents::pause_for(20ms, end)) left = descendants();
  return left;
}

void end_descendants() {
  // Each round may orphan others that a first look did not see below us.
  for (int round = 0; round < 10; ++round) {
    const auto left = descendants();
    if (left.empty()) return;
    for (const Leftover& one : left) ::kill(one.pid, SIGKILL);
    descendants_after(200ms);
  }
}

std::string in_words(const std::vector<Leftover>& leftovers) {
  std::vector<std::string> all;
  for (const Leftover& one : leftovers) all.push_back(fmt::format("process {} '{}'", one.pid, one.command));
  return join(all, ", ");
}

std::set<std::string> addresses_here() {
  std::set<std::string> all;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return all;
  const std::unique_ptr<ifaddrs, Release<::freeifaddrs>> owner(list);
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    const int family = at->ifa_addr->sa_family;
    const void* bytes = nullptr;
    if (family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr;
    if (family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (bytes == nullptr || ::inet_ntop(family, bytes, text.data(), text.size()) == nullptr) continue;
    if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(static_cast<const in6_addr*>(bytes))) continue;
    all.insert(fmt::format("{} on {}", text.data(), at->ifa_name));
  }
  return all;
}

WorkFolder::WorkFolder() {
  std::error_code error;
  before_ = fs::current_path(error).string();
  std::error_code no_folder;
  std::string pattern = fs::temp_directory_path(no_folder) / "systole-agent-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    made_ = errno_error(fmt::format("cannot make the folder '{}'", pattern));
    return;
  }
  path_ = pattern;
  fs::permissions(path_, fs::perms{0755}, error);  // agents may run as somebody else
  if (::chdir(path_.c_str()) != 0) made_ = errno_error(fmt::format("cannot go to '{}'", path_));
}

WorkFolder::~WorkFolder() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::current_path(before_.empty() ? "/" : before_, ignored);
  fs::remove_all(path_, ignored);
}

std::vector<std::string> WorkFolder::files() const {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path_, ignored)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> WorkFolder::held_by(const std::vector<Leftover>& processes) const {
  std::vector<std::string> held;
  for (const Leftover& process : processes) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", process.pid), ignored)) {
      const std::string target = fs::read_symlink(entry.path(), ignored).string();
      if (target.starts_with(path_ + "/"))
        held.push_back(fmt::format("process {} '{}' has '{}' open", process.pid, process.command,
                                   target.substr(path_.size() + 1)));
    }
  }
  return held;
}

}  // namespace systole::tools
