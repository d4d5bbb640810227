// SPDX-License-Identifier: GPL-2.0-or-later
// A cgroup for each resource: whatever its agent starts, however often it forks and whatever session it makes, is in it
// and dies by one write. They lie below crmd's own cgroup: <own>/systole-INSTANCE/RESOURCE. No controller is used.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"

namespace systole::io {

/// The folder of this process's cgroup, from the texts of /proc/self/mountinfo and /proc/self/cgroup; "": no cgroup2
/// file system is mounted, or it does not show this process's cgroup.
std::string own_cgroup(std::string_view mountinfo, std::string_view cgroup);

/// A name that may be any text as a folder's name: letters, digits, '_' and '-' as they are, the rest as %XX.
std::string as_folder_name(std::string_view name);

class Cgroups {
 public:
  /// instance: tells apart several nodes on one machine. Errc::not_found: there is no cgroup2; permission and io: it
  /// cannot be written. Then resources are killed by process group and pid file, which a server can leave.
  static Result<Cgroups> open(const std::string& instance);

  /// The resource's cgroup, made anew where it is missing or empty; nullopt: it cannot be made.
  std::optional<std::string> make(const std::string& resource) const;
  /// Removes it when nothing is in it. False: something is, or it was not there.
  bool remove(const std::string& resource) const;
  /// Removes all that are empty, and the folder above them then.
  void remove_empty() const;
  std::string path_of(const std::string& resource) const { return folder_ + "/" + as_folder_name(resource); }

  /// Opens the cgroup at that path for those who are to enter it; an empty Fd: errno says why.
  static Fd door_of(const std::string& path);
  /// The process that calls it, between fork and exec; async-signal-safe. False: errno says why.
  static bool enter(int door) noexcept;

 private:
  explicit Cgroups(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

}  // namespace systole::io
