// SPDX-License-Identifier: GPL-2.0-or-later
// Small files, read and written whole.
#include "agents/kit/paths.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "common/base/handles.hpp"

namespace systole::agents {

namespace {

std::string or_default(const Environment& env, std::string_view name, std::string_view otherwise) {
  const auto value = lookup(env, name);
  return std::string(value && !value->empty() ? *value : otherwise);
}

Result<void> write_all(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(fmt::format("write '{}'", path));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Paths paths_from(const Environment& env) {
  return {.state = or_default(env, "HA_RSCTMP", "/run/resource-agents"),
          .rundir = or_default(env, "SYSTOLE_RUNDIR", "/run/systole"),
          .kept = or_default(env, "SYSTOLE_STATEDIR", "/var/lib/systole")};
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> flush_folder(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error(fmt::format("open the folder '{}'", path));
  if (::fsync(fd.get()) == 0 || errno == EINVAL) return {};
  return errno_error(fmt::format("flush the folder '{}'", path));
}

bool is_writable_folder(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode) && ::access(path.c_str(), W_OK | X_OK) == 0;
}

Result<void> make_folder(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    static_cast<void>(::mkdir(path.substr(0, slash).c_str(), 0755));
  }
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return errno_error(fmt::format("make the folder '{}'", path));
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    const int why = errno;
    if (why == ENOENT) return Error{Errc::not_found, fmt::format("there is no file '{}'", path)};
    return errno_error(fmt::format("open '{}'", path), why);
  }
  std::string text;
  std::array<char, 8192> part;
  for (;;) {
    const ssize_t n = ::read(fd.get(), part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(fmt::format("read '{}'", path));
    if (n == 0) return text;
    if (text.size() + static_cast<std::size_t>(n) > limit) {
      return Error{Errc::too_big, fmt::format("'{}' is larger than {} bytes", path, limit)};
    }
    text.append(part.data(), static_cast<std::size_t>(n));
  }
}

std::string temporary_of(const std::string& path, pid_t writer) {
  return fmt::format("{}.{}.new", path, writer);
}

Result<void> write_file(const std::string& path, std::string_view text, bool durable, unsigned mode) {
  const std::string temporary = temporary_of(path, ::getpid());
  const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return errno_error(fmt::format("create '{}'", temporary));
  Result<void> done = write_all(fd.get(), temporary, text);
  if (done && durable && ::fsync(fd.get()) != 0) done = errno_error(fmt::format("sync '{}'", temporary));
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0) done = errno_error(fmt::format("rename to '{}'", path));
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  return durable ? flush_folder(folder_of(path)) : Result<void>();
}

}  // namespace systole::agents
