// SPDX-License-Identifier: GPL-2.0-or-later
// Each call names the file in its error, as the person will look for it. close() is not checked: after a successful
// fsync there is nothing left for it to fail on.
#include "cib/store/posix_disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "common/base/ensure.hpp"
#include "common/base/limits.hpp"

namespace systole::cib {

namespace {

constexpr mode_t file_mode = 0600;
constexpr mode_t directory_mode = 0750;
constexpr std::size_t file_bytes_max = limits::message_bytes_max;

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name != "." && name != "..";
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(fmt::format("writing {}", path));
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string bytes;
  std::array<char, 64 << 10> buffer;
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(fmt::format("reading {}", path));
    if (count == 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(count));
    if (bytes.size() > file_bytes_max) {
      return Error{Errc::too_big, fmt::format("{} has more than {} bytes", path, file_bytes_max)};
    }
  }
}

Result<void> sync(int fd, const std::string& path) {
  if (::fsync(fd) != 0) return errno_error(fmt::format("fsync of {}", path));
  return {};
}

}  // namespace

Result<PosixDisk> PosixDisk::open(const std::string& path) {
  if (::mkdir(path.c_str(), directory_mode) != 0 && errno != EEXIST) {
    return errno_error(fmt::format("making the directory {}", path));
  }
  Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno_error(fmt::format("opening the directory {}", path));
  return PosixDisk(path, std::move(directory));
}

Result<std::string> PosixDisk::read(const std::string& name) {
  ensure(is_plain_name(name));
  const Fd file(::openat(directory_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return errno_error(fmt::format("opening {}", full(name)));
  return read_all(file.get(), full(name));
}

Result<void> PosixDisk::write_atomically(const std::string& name, std::string_view bytes) {
  ensure(is_plain_name(name));
  const std::string temporary = "." + name + ".new";
  const std::string path = full(temporary);
  {
    // A leftover of an earlier crash goes first: it might be a link to something else.
    if (::unlinkat(directory_.get(), temporary.c_str(), 0) != 0 && errno != ENOENT) {
      return errno_error(fmt::format("removing {}", path));
    }
    const Fd file(::openat(directory_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode));
    if (!file) return errno_error(fmt::format("creating {}", path));
    auto done = write_all(file.get(), bytes, path);
    if (done) done = sync(file.get(), path);
    if (!done) {
      ::unlinkat(directory_.get(), temporary.c_str(), 0);  // on a full disk, give the space back
      return done.error();
    }
  }
  if (::renameat(directory_.get(), temporary.c_str(), directory_.get(), name.c_str()) != 0) {
    return errno_error(fmt::format("renaming {} to {}", path, name));
  }
  return sync_directory();
}

Result<void> PosixDisk::keep_as(const std::string& name, const std::string& other) {
  ensure(is_plain_name(name) && is_plain_name(other));
  if (const auto gone = remove(other); !gone) return gone.error();
  if (::linkat(directory_.get(), name.c_str(), directory_.get(), other.c_str(), 0) == 0) return {};
  if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK) {
    return errno_error(fmt::format("linking {} as {}", full(name), other));
  }
  const auto bytes = read(name);  // a file system without hard links
  if (!bytes) return bytes.error();
  return write_atomically(other, *bytes);
}

Result<void> PosixDisk::rename(const std::string& from, const std::string& to) {
  ensure(is_plain_name(from) && is_plain_name(to));
  if (::renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()) != 0) {
    return errno_error(fmt::format("renaming {} to {}", full(from), to));
  }
  return sync_directory();
}

Result<void> PosixDisk::remove(const std::string& name) {
  ensure(is_plain_name(name));
  if (::unlinkat(directory_.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return errno_error(fmt::format("removing {}", full(name)));
  }
  return {};
}

Result<std::vector<std::string>> PosixDisk::list() {
  Fd again(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));  // a position of its own
  if (!again) return errno_error(fmt::format("opening the directory {}", path_));
  const std::unique_ptr<DIR, Release<::closedir>> directory(::fdopendir(again.get()));
  if (directory == nullptr) return errno_error(fmt::format("reading the directory {}", path_));
  again.release();  // closedir closes it
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr && errno != 0) return errno_error(fmt::format("reading the directory {}", path_));
    if (entry == nullptr) return names;
    struct stat facts {};
    if (::fstatat(directory_.get(), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode)) {
      names.emplace_back(entry->d_name);
    }
  }
}

Result<void> PosixDisk::sync_directory() {
  return sync(directory_.get(), path_);
}

}  // namespace systole::cib
