// SPDX-License-Identifier: GPL-2.0-or-later
// See copy_places.hpp. Two folders beside each other are exchanged by one rename. A mounted
// datadir's name cannot move, so its contents do, entry by entry; systole_exchange in it says where to.
#include "agents/ocf/mysql/copy_places.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "agents/kit/paths.hpp"
#include "agents/ocf/mysql/datadir_mark.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

namespace fs = std::filesystem;

constexpr unsigned replaced_max = 9;
constexpr std::string_view hidden = ".systole-";

std::string without_links(const std::string& datadir) {
  std::error_code none;
  const fs::path real = fs::canonical(datadir, none);
  return real.empty() ? datadir : real.string();
}

std::string parent_of(const std::string& path) {
  return fs::path(path).parent_path().string();
}

/// Also one that is mounted from elsewhere on the same disk: its name cannot move either.
bool is_mounted(const std::string& folder) {
  struct statx seen {};
  return ::statx(AT_FDCWD, folder.c_str(), 0, STATX_TYPE, &seen) == 0 &&
         (seen.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

Result<void> remove_folder(const std::string& path) {
  std::error_code failed;
  fs::remove_all(path, failed);
  if (failed) return Error{Errc::io, fmt::format("removing '{}': {}", path, failed.message())};
  return {};
}

Result<void> rename_to(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return errno_error(fmt::format("naming '{}' '{}'", from, to));
}

Result<void> make_empty_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return errno_error(fmt::format("making '{}'", path));
}

/// All but what is ours, or the file system's.
Result<void> move_contents(const std::string& from, const std::string& to, std::string_view but) {
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(from, failed)) names.push_back(entry.path().filename().string());
  if (failed) return Error{Errc::io, fmt::format("reading '{}': {}", from, failed.message())};
  for (const std::string& name : names) {
    if (name.starts_with(hidden) || name == "lost+found" || name == but) continue;
    if (auto moved = rename_to(from + "/" + name, to + "/" + name); !moved) return moved;
  }
  if (auto flushed = agents::flush_folder(to); !flushed) return flushed;
  return agents::flush_folder(from);
}

/// In a database of which all that the primary does not have is kept.
DatadirMark mark_of_kept(const std::string& datadir) {
  return {datadir, "kept"};
}

DatadirMark mark_of_exchange(const std::string& datadir) {
  return {datadir, "exchange"};
}

}  // namespace

CopyPlaces::CopyPlaces(const Settings& settings)
    : datadir_(without_links(settings.datadir)), mounted_(is_mounted(datadir_)) {}

std::string CopyPlaces::named(const std::string& name) const {
  return mounted_ ? fmt::format("{}/{}{}", datadir_, hidden, name) : fmt::format("{}{}{}", datadir_, hidden, name);
}

std::string CopyPlaces::replaced_name(unsigned number) const {
  return named(number == 1 ? "old" : fmt::format("old-{}", number));
}

std::string CopyPlaces::room() const {
  return mounted_ ? datadir_ : parent_of(datadir_);
}

std::vector<std::string> CopyPlaces::hidden_folders() const {
  std::vector<std::string> names;
  if (!mounted_) return names;
  for (const std::string& path : {incoming(), ready(), named("leaving"), named("entering")})
    names.push_back(fs::path(path).filename());
  for (unsigned number = 1; number <= replaced_max; ++number)
    names.push_back(fs::path(replaced_name(number)).filename());
  return names;
}

Result<void> CopyPlaces::begin_incoming() const {
  if (auto gone = remove_folder(incoming()); !gone) return gone;
  if (::mkdir(incoming().c_str(), 0700) != 0) return errno_error(fmt::format("making '{}'", incoming()));
  return {};
}

Result<void> CopyPlaces::make_ready() const {
  if (auto gone = remove_folder(ready()); !gone) return gone;
  if (auto named = rename_to(incoming(), ready()); !named) return named;
  return agents::flush_folder(parent_of(ready()));
}

Result<std::string> CopyPlaces::free_name() const {
  for (unsigned number = 1; number <= replaced_max; ++number)
    if (!exists(replaced_name(number))) return replaced_name(number);
  return Error{Errc::exists,
               fmt::format("'{}' and those before it are in the way of one more: look at them, and remove what is not "
                           "needed",
                           replaced_name(replaced_max))};
}

Result<bool> CopyPlaces::adopt() const {
  const DatadirMark mark = mark_of_exchange(datadir_);
  if (!exists(ready()) && !mark.is_set()) return false;
  if (!mark.is_set()) {
    const auto old = free_name();
    if (!old) return old.error();
    if (!mounted_) {
      const auto done = exchange_folders(*old);
      return done ? Result<bool>(true) : done.error();
    }
    if (const auto marked = mark.set(*old + "\n"); !marked) return marked.error();
  }
  const auto done = exchange_contents();
  return done ? Result<bool>(true) : done.error();
}

Result<void> CopyPlaces::exchange_folders(const std::string& old) const {
  if (::renameat2(AT_FDCWD, ready().c_str(), AT_FDCWD, datadir_.c_str(), RENAME_EXCHANGE) != 0)
    return errno_error(fmt::format("putting the copy '{}' in the place of '{}'", ready(), datadir_));
  if (auto named = rename_to(ready(), old); !named) return named;
  return agents::flush_folder(parent_of(datadir_));
}

/// As long as the copy has its name, the old database leaves; then the copy enters.
Result<void> CopyPlaces::exchange_contents() const {
  const DatadirMark mark = mark_of_exchange(datadir_);
  const std::string entering = named("entering");
  const auto old = mark.text();
  if (!old) return old.error();
  if (parent_of(*old) != datadir_ || !fs::path(*old).filename().string().starts_with(hidden))
    return Error{Errc::corrupt,
                 fmt::format("'{}' names '{}', which is no place for a replaced database", mark.path(), *old)};
  if (exists(ready())) {
    if (auto made = make_empty_folder(*old); !made) return made;
    if (auto left = move_contents(datadir_, *old, fs::path(mark.path()).filename().string()); !left) return left;
    if (auto named = rename_to(ready(), entering); !named) return named;
    if (auto flushed = agents::flush_folder(datadir_); !flushed) return flushed;
  }
  if (exists(entering)) {
    if (auto entered = move_contents(entering, datadir_, {}); !entered) return entered;
    if (auto gone = remove_folder(entering); !gone) return gone;
  }
  if (auto gone = mark.remove(); !gone) return gone;
  return agents::flush_folder(datadir_);
}

std::vector<CopyPlaces::Replaced> CopyPlaces::replaced() const {
  std::vector<Replaced> all;
  for (unsigned number = 1; number <= replaced_max; ++number) {
    const std::string path = replaced_name(number);
    if (exists(path)) all.push_back({.path = path, .kept = mark_of_kept(path).is_set()});
  }
  return all;
}

Result<void> CopyPlaces::mark_as_kept(const std::string& receipts) const {
  return mark_of_kept(datadir_).set(receipts);
}

Result<void> CopyPlaces::unmark_as_kept() const {
  return mark_of_kept(datadir_).remove();
}

bool CopyPlaces::can_remove_replaced() const {
  return exists(named("leaving")) || std::ranges::any_of(replaced(), &Replaced::kept);
}

Result<void> CopyPlaces::remove_replaced() const {
  // Under a name of its own: half of a database must not be taken for one.
  const std::string leaving = named("leaving");
  for (const Replaced& old : replaced()) {
    if (!old.kept) continue;
    if (auto gone = remove_folder(leaving); !gone) return gone;
    if (auto renamed = rename_to(old.path, leaving); !renamed) return renamed;
  }
  return remove_folder(leaving);
}

}  // namespace systole::mysql
