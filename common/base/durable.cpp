// SPDX-License-Identifier: GPL-2.0-or-later
// See durable.hpp.
#include "common/base/durable.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

namespace systole {

Result<void> write_durably(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error(fmt::format("cannot write {}", path));
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(fd) != 0) return errno_error(fmt::format("cannot write {} to the disk", path));
  return {};
}

}  // namespace systole
