// SPDX-License-Identifier: GPL-2.0-or-later
// See cgroups.hpp; cgroups(7), proc(5). Systemd mounts cgroup2 at /sys/fs/cgroup, or, where controllers of version 1
// are in use too, at /sys/fs/cgroup/unified: so it is looked up, not assumed.
#include "crmd/io/cgroups.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/base/text.hpp"

namespace systole::io {
namespace {

std::string read_all(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// mountinfo writes blanks, tabs, line feeds and backslashes as \OOO.
std::string plain(std::string_view field) {
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    int value = 0;
    const auto digits = field.substr(i + 1, 3);
    const bool coded =
        field[i] == '\\' && digits.size() == 3 && digits.find_first_not_of("01234567") == std::string_view::npos;
    if (coded) {
      for (const char digit : digits) value = value * 8 + (digit - '0');
      i += 3;
    }
    out += coded ? static_cast<char>(value) : field[i];
  }
  return out;
}

bool makes(const std::string& path) {
  return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

}  // namespace

std::string own_cgroup(std::string_view mountinfo, std::string_view cgroup) {
  std::optional<std::string> own;
  for (const std::string& line : split(cgroup, '\n'))
    if (line.starts_with("0::/")) own = line.substr(3);
  if (!own) return "";
  std::string found;  // the last one that fits: a later mount may hide an earlier one, never the other way round
  for (const std::string& line : split(mountinfo, '\n')) {
    // "31 23 0:28 ROOT MOUNT-POINT options [more]… - TYPE source options"
    const std::size_t dash = line.find(" - ");
    const auto fields = words(std::string_view(line).substr(0, dash));
    if (dash == std::string::npos || fields.size() < 5 || !line.substr(dash + 3).starts_with("cgroup2 ")) continue;
    const std::string root = plain(fields[3]), mount = plain(fields[4]);
    if (root == "/")
      found = *own == "/" ? mount : mount + *own;
    else if (*own == root)  // only a part of the tree is mounted here, as in containers
      found = mount;
    else if (own->starts_with(root + "/"))
      found = mount + own->substr(root.size());
  }
  return found;
}

std::string as_folder_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool harmless =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (harmless)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out.empty() ? "%" : out;
}

Result<Cgroups> Cgroups::open(const std::string& instance) {
  const std::string own = own_cgroup(read_all("/proc/self/mountinfo"), read_all("/proc/self/cgroup"));
  if (own.empty())
    return Error{Errc::not_found, "no cgroup2 file system shows this process: resources have no cgroups"};
  const std::string folder = own + "/systole-" + as_folder_name(instance);
  if (!makes(folder)) return errno_error(fmt::format("cannot make the cgroup {}", folder));
  return Cgroups(folder);
}

std::optional<std::string> Cgroups::make(const std::string& resource) const {
  std::string path = path_of(resource);
  // Anew, where nothing is in it: once cgroup.kill was written, Linux (seen with 6.18) kills whoever is born into it by
  // clone3(2), for ever. The guardian writes it when a lease ends.
  ::rmdir(path.c_str());
  // The folder above may have been swept away with the last resource.
  if (!makes(folder_) || !makes(path)) return std::nullopt;
  return path;
}

bool Cgroups::remove(const std::string& resource) const {
  return ::rmdir(path_of(resource).c_str()) == 0;
}

void Cgroups::remove_empty() const {
  std::error_code code;
  std::filesystem::directory_iterator entries(folder_, code);
  for (; !code && entries != std::filesystem::directory_iterator(); entries.increment(code)) {
    std::error_code ignored;
    if (entries->is_directory(ignored)) ::rmdir(entries->path().c_str());  // refuses one that is in use
  }
  ::rmdir(folder_.c_str());
}

Fd Cgroups::door_of(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

bool Cgroups::enter(int door) noexcept {
  const int processes = ::openat(door, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  return processes >= 0 && ::write(processes, "0", 1) == 1;  // 0: the process that writes
}

}  // namespace systole::io
