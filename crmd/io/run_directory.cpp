// SPDX-License-Identifier: GPL-2.0-or-later
// See run_directory.hpp.
#include "crmd/io/run_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/text.hpp"

namespace systole::io {

Result<void> make_directory(const std::string& path, unsigned mode) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const bool last = at == std::string::npos;
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), last ? mode : 0755) != 0 && errno != EEXIST)
      return errno_error(fmt::format("cannot make the directory {}", part));
    if (last) break;
  }
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return errno_error(fmt::format("cannot look at {}", path));
  if (!S_ISDIR(about.st_mode)) return Error{Errc::invalid, fmt::format("{} is no directory", path)};
  return {};
}

Result<PidFile> PidFile::take(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return errno_error(fmt::format("cannot open the pid file {}", path));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error(fmt::format("cannot lock the pid file {}", path));
    char text[32] = {};
    const ssize_t got = ::pread(fd.get(), text, sizeof text - 1, 0);
    const std::string_view pid = trim(std::string_view(text, got > 0 ? static_cast<std::size_t>(got) : 0));
    return Error{Errc::exists,
                 fmt::format("already running (pid {}): {} is locked", pid.empty() ? "unknown" : pid, path)};
  }
  const std::string text = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return errno_error(fmt::format("cannot write the pid file {}", path));
  return PidFile(std::move(fd));
}

PidFile::~PidFile() {
  // Emptied, not removed: another daemon may be waiting for the lock of this very file.
  if (fd_ && ::ftruncate(fd_.get(), 0) != 0) return;
}

}  // namespace systole::io
