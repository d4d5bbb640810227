// SPDX-License-Identifier: GPL-2.0-or-later
// See processes.hpp. cgroup.kill came with Linux 5.14; before it each process of the cgroup is killed by its number.
#include "crmd/guardian_process/processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>

#include "common/base/handles.hpp"
#include "common/base/text.hpp"
#include "crmd/guardian_process/addresses.hpp"

namespace systole::guardian {
namespace {

using Folder = std::unique_ptr<DIR, Release<::closedir>>;

constexpr int depth_max = 16;  // of cgroups within a resource's

/// The first bytes of a small file; nullopt: errno says why. Never blocks, not even on a FIFO.
template <std::size_t size = 4096>
std::optional<std::string> read_small(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return std::nullopt;
  std::array<char, size> text;
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  if (got < 0) return std::nullopt;
  return std::string(text.data(), static_cast<std::size_t>(got));
}

struct Life {
  char state = 'X';
  pid_t group = 0;
};

/// From /proc/PID/stat: "PID (NAME) STATE PARENT GROUP …"; the name may hold anything. nullopt: there is no such
/// process.
std::optional<Life> life_of(std::string_view pid) {
  const auto stat = read_small<512>(fmt::format("/proc/{}/stat", pid));
  const std::size_t end = stat ? stat->rfind(')') : std::string::npos;
  if (end == std::string::npos) return std::nullopt;
  const auto fields = words(std::string_view(*stat).substr(end + 1));
  if (fields.size() < 3 || fields[0].size() != 1) return std::nullopt;
  return Life{fields[0][0], parse_int<pid_t>(fields[2]).value_or(0)};
}

bool lives(const std::optional<Life>& life) {
  return life && life->state != 'Z' && life->state != 'X';
}

bool group_lives(pid_t group) {
  if (::kill(-group, 0) != 0 && errno == ESRCH) return false;
  const Folder proc(::opendir("/proc"));
  if (!proc) return true;  // nobody can say that it is gone
  while (const dirent* const entry = ::readdir(proc.get())) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    const auto life = life_of(entry->d_name);
    if (lives(life) && life->group == group) return true;
  }
  return false;
}

void kill_each_in(const std::string& cgroup, int depth) {
  if (const auto procs = read_small<64 << 10>(cgroup + "/cgroup.procs"))
    for (const std::string& line : split(*procs, '\n'))
      if (const auto pid = parse_int<pid_t>(line); pid && *pid > 1 && *pid != ::getpid()) ::kill(*pid, SIGKILL);
  const Folder folder(depth < depth_max ? ::opendir(cgroup.c_str()) : nullptr);
  if (!folder) return;
  while (const dirent* const entry = ::readdir(folder.get()))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
      kill_each_in(fmt::format("{}/{}", cgroup, entry->d_name), depth + 1);
}

void kill_cgroup(const std::string& cgroup) {
  const Fd kill(::open((cgroup + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  if (!kill || ::write(kill.get(), "1", 1) != 1) kill_each_in(cgroup, 0);
}

bool cgroup_lives(const std::string& cgroup) {
  const auto events = read_small(cgroup + "/cgroup.events");
  if (!events) return errno != ENOENT && errno != ENODEV;  // its folder is gone: it was empty when it was removed
  return events->find("populated 0") == std::string::npos;
}

}  // namespace

pid_t read_pid_file(const std::string& path) {
  const auto text = read_small<64>(path);
  if (!text) return 0;
  const auto pid = parse_int<pid_t>(trim(std::string_view(*text).substr(0, text->find('\n'))));
  return pid && *pid > 1 ? *pid : 0;
}

Processes::Processes(const Holding& holding, std::vector<pid_t> spared)
    : cgroup_(complaint_about({holding.resource, {}, holding.cgroup, {}, {}}).empty() ? holding.cgroup : ""),
      spared_(std::move(spared)) {
  std::vector<pid_t> groups = holding.groups;
  for (const std::string& file : holding.pid_files) {
    const pid_t pid = read_pid_file(file);
    if (pid == 0 || std::ranges::find(spared_, pid) != spared_.end()) continue;
    pids_.push_back(pid);
    groups.push_back(::getpgid(pid));  // its supervisor (mysqld_safe) would start it again
  }
  for (const pid_t group : groups)
    if (group > 1 && !is_spared(group)) groups_.push_back(group);
}

bool Processes::is_spared(pid_t group) const {
  return std::ranges::any_of(spared_, [group](pid_t pid) { return pid == group || ::getpgid(pid) == group; });
}

void Processes::kill() const {
  if (!cgroup_.empty()) kill_cgroup(cgroup_);
  for (const pid_t group : groups_) ::kill(-group, SIGKILL);
  for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
}

std::string Processes::left() const {
  std::vector<std::string> left;
  if (!cgroup_.empty() && cgroup_lives(cgroup_)) left.push_back("processes in " + cgroup_);
  for (const pid_t group : groups_)
    if (group_lives(group)) left.push_back(fmt::format("process group {}", group));
  for (const pid_t pid : pids_)
    if (lives(life_of(std::to_string(pid)))) left.push_back(fmt::format("process {}", pid));
  return join(left, ", ");
}

std::string complaint_about(const Holding& holding) {
  for (const std::string& address : holding.addresses)
    if (!parse_held_ip(address)) return fmt::format("'{}' is no address that could be dropped", address);
  for (const pid_t group : holding.groups)
    if (group <= 1) return fmt::format("{} is no process group that could be killed", group);
  if (holding.cgroup.empty()) return "";
  struct statfs about {};
  if (::statfs(holding.cgroup.c_str(), &about) != 0)
    return errno == ENOENT ? "" : fmt::format("cgroup '{}' cannot be looked at", holding.cgroup);
  if (about.f_type != CGROUP2_SUPER_MAGIC || holding.cgroup[0] != '/')
    return fmt::format("'{}' is no cgroup of version 2", holding.cgroup);
  if (::access((holding.cgroup + "/cgroup.events").c_str(), F_OK) != 0)
    return fmt::format("'{}' is the root of all cgroups", holding.cgroup);
  if (const auto procs = read_small<64 << 10>(holding.cgroup + "/cgroup.procs"))
    if (("\n" + *procs).find(fmt::format("\n{}\n", ::getpid())) != std::string::npos)
      return fmt::format("cgroup '{}' holds the guardian itself", holding.cgroup);
  return "";
}

}  // namespace systole::guardian
