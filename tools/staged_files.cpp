// SPDX-License-Identifier: GPL-2.0-or-later
// See staged_files.hpp. A new file comes by link(2), which, unlike rename(2), never replaces one that somebody made
// meanwhile.
#include "tools/staged_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "common/base/durable.hpp"
#include "common/base/handles.hpp"

namespace systole::tools {
namespace {

Error exists(const std::string& path) {
  return {Errc::exists,
          fmt::format("{} exists already and is left alone. If this machine is to leave the cluster that it "
                      "belongs to, move it away first: mv {} {}.old",
                      path, path, path)};
}

/// A new name is on the disk only once its folder is.
Result<void> sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  const Fd fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return errno_error(fmt::format("cannot write the folder {} to the disk", folder));
  return {};
}

}  // namespace

StagedFiles::~StagedFiles() {
  for (const File& file : files_) ::unlink(file.temporary.c_str());
}

Result<void> StagedFiles::stage(File file, std::string_view content, mode_t mode, uid_t owner, gid_t group) {
  file.temporary = fmt::format("{}.{}.new", file.path, ::getpid());
  const Fd fd(::open(file.temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return errno_error(fmt::format("cannot create {}", file.temporary));
  const std::string temporary = file.temporary;
  files_.push_back(std::move(file));  // from here on the destructor cleans up
  // Not only by open(2): the umask must have no say in it.
  if (::fchmod(fd.get(), mode) != 0) return errno_error(fmt::format("cannot set the mode of {}", temporary));
  if ((owner != ::geteuid() || group != ::getegid()) && ::fchown(fd.get(), owner, group) != 0)
    return errno_error(fmt::format("cannot set the owner of {}", temporary));
  return write_durably(fd.get(), content, temporary);
}

Result<void> StagedFiles::add_new(const std::string& path, std::string_view content, mode_t mode) {
  if (const auto none = none_exists({path}); !none) return none.error();
  std::error_code problem;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, problem);
  if (problem) return errno_error(fmt::format("cannot make the folder {}", folder.string()), problem.value());
  return stage({path, "", true, false}, content, mode, ::geteuid(), ::getegid());
}

Result<void> StagedFiles::replace(const std::string& path, std::string_view content) {
  std::error_code problem;
  const std::string target = std::filesystem::canonical(path, problem);
  struct stat about {};
  if (problem) return errno_error(fmt::format("cannot find {}", path), problem.value());
  if (::stat(target.c_str(), &about) != 0) return errno_error(fmt::format("cannot look at {}", target));
  return stage({target, "", false, false}, content, about.st_mode & 07777u, about.st_uid, about.st_gid);
}

Result<void> StagedFiles::place(const File& file) {
  if (file.is_new) {
    if (::link(file.temporary.c_str(), file.path.c_str()) != 0) {
      const int why = errno;
      if (why == EEXIST) return exists(file.path);
      return errno_error(fmt::format("cannot create {}", file.path), why);
    }
    ::unlink(file.temporary.c_str());
  } else if (::rename(file.temporary.c_str(), file.path.c_str()) != 0) {
    return errno_error(fmt::format("cannot replace {}", file.path));
  }
  return {};
}

Result<void> StagedFiles::put() {
  Result<void> done;
  for (File& file : files_) {
    done = place(file);
    if (!done) break;
    file.placed = true;
    done = sync_folder_of(file.path);
    if (!done) break;
  }
  if (done) return done;
  for (const File& file : files_)
    if (file.placed && file.is_new) ::unlink(file.path.c_str());
  return done;
}

Result<void> none_exists(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    struct stat about {};
    if (::lstat(path.c_str(), &about) == 0) return exists(path);
    if (errno != ENOENT && errno != ENOTDIR) return errno_error(fmt::format("cannot look at {}", path));
  }
  return {};
}

}  // namespace systole::tools
