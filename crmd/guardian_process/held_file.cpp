// SPDX-License-Identifier: GPL-2.0-or-later
// See held_file.hpp.
#include "crmd/guardian_process/held_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/base/handles.hpp"
#include "crmd/guardian/protocol.hpp"

namespace systole::guardian {

Result<void> HeldFile::save(const std::vector<Holding>& holdings) const {
  if (holdings.empty()) {
    remove();
    return {};
  }
  const auto bytes = encode(FromCrmd{HoldList{0, holdings}});
  if (!bytes) return bytes.error();
  const std::string fresh = path_ + ".new";
  const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || ::write(file.get(), bytes->data(), bytes->size()) != static_cast<ssize_t>(bytes->size()) ||
      std::rename(fresh.c_str(), path_.c_str()) != 0)
    return errno_error(fmt::format("cannot write {}", path_));
  return {};
}

Result<std::vector<Holding>> HeldFile::load() const {
  const Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return std::vector<Holding>{};
  std::string bytes(message_bytes_max + 1, '\0');
  const ssize_t got = file ? ::read(file.get(), bytes.data(), bytes.size()) : -1;
  if (got < 0) return errno_error(fmt::format("cannot read {}", path_));
  const auto message = decode_from_crmd(std::string_view(bytes).substr(0, static_cast<std::size_t>(got)));
  if (!message) return message.error();
  const auto* const list = std::get_if<HoldList>(&*message);
  if (list == nullptr) return Error{Errc::protocol, fmt::format("{} is no list of what is held", path_)};
  return list->holdings;
}

void HeldFile::remove() const {
  ::unlink(path_.c_str());
}

}  // namespace systole::guardian
