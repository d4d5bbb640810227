// SPDX-License-Identifier: GPL-2.0-or-later
// A disk that keeps only what was synced. Every operation is split into the steps that a kernel would take; each step
// can fail (an Error comes back) or be the moment of a power cut (PowerCut is thrown). After a cut the disk may or may
// not have written what was not synced: the test says which of the two it wants to see, and sees both.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/ports/disk.hpp"

namespace systole::fakes {

struct PowerCut {};

class FakeDisk final : public ports::Disk {
 public:
  static constexpr std::uint64_t nowhere = std::numeric_limits<std::uint64_t>::max();

  // Faults by number of step, counted from 0 since the last restart.
  std::uint64_t fail_at = nowhere;
  std::uint64_t cut_at = nowhere;
  bool full = false;        // every write of bytes fails
  bool unreadable = false;  // the directory and every file
  std::uint64_t steps() const { return steps_; }

  /// What a machine finds when it is back. lucky: unsynced names did reach the disk (their unsynced bytes never do).
  void restart(bool lucky) {
    if (lucky) {
      on_disk_ = names_;
    } else {
      names_ = on_disk_;
    }
    for (auto& [name, file] : names_) file->bytes = file->synced;
    forget_faults();
  }
  void forget_faults() {
    fail_at = cut_at = nowhere;
    full = unreadable = false;
    steps_ = 0;
  }

  /// Changes bytes behind everybody's back.
  void damage(const std::string& name, std::size_t at) {
    File& file = *names_.at(name);
    file.bytes.at(at) = static_cast<char>(file.bytes.at(at) ^ 0x20);
    file.synced = file.bytes;
  }
  void cut_short(const std::string& name, std::size_t size) {
    File& file = *names_.at(name);
    file.bytes.resize(size);
    file.synced = file.bytes;
  }
  bool has(const std::string& name) const { return names_.contains(name); }

  Result<std::string> read(const std::string& name) override {
    if (unreadable) return Error{Errc::io, "reading " + name + ": Input/output error"};
    const auto found = names_.find(name);
    if (found == names_.end()) return Error{Errc::not_found, name + ": No such file or directory"};
    return found->second->bytes;
  }

  Result<void> write_atomically(const std::string& name, std::string_view bytes) override {
    const std::string temporary = "." + name + ".new";
    auto file = std::make_shared<File>();
    if (auto ok = step("creating " + temporary); !ok) return ok;
    names_[temporary] = file;
    file->bytes = bytes.substr(0, bytes.size() / 2);
    if (auto ok = step("writing " + temporary); !ok || full) {
      names_.erase(temporary);
      return full ? Error{Errc::io, "writing " + temporary + ": No space left on device"} : ok;
    }
    file->bytes = bytes;
    if (auto ok = step("fsync of " + temporary); !ok) return ok;
    file->synced = file->bytes;
    if (auto ok = step("renaming " + temporary); !ok) return ok;
    names_[name] = file;
    names_.erase(temporary);
    return sync_directory();
  }

  Result<void> keep_as(const std::string& name, const std::string& other) override {
    if (auto ok = step("removing " + other); !ok) return ok;
    names_.erase(other);
    if (auto ok = step("linking " + other); !ok) return ok;
    const auto found = names_.find(name);
    if (found == names_.end()) return Error{Errc::not_found, name + ": No such file or directory"};
    names_[other] = found->second;
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (auto ok = step("renaming " + from); !ok) return ok;
    const auto found = names_.find(from);
    if (found == names_.end()) return Error{Errc::not_found, from + ": No such file or directory"};
    names_[to] = found->second;
    names_.erase(from);
    return sync_directory();
  }

  Result<void> remove(const std::string& name) override {
    if (auto ok = step("removing " + name); !ok) return ok;
    names_.erase(name);
    return {};
  }

  Result<std::vector<std::string>> list() override {
    if (unreadable) return Error{Errc::io, "reading the directory: Input/output error"};
    std::vector<std::string> found;
    for (const auto& [name, file] : names_) found.push_back(name);
    return found;
  }

 private:
  struct File {
    std::string bytes, synced;
  };

  Result<void> step(const std::string& what) {
    const std::uint64_t now = steps_++;
    if (now == cut_at) throw PowerCut{};
    if (now == fail_at) return Error{Errc::io, what + ": Input/output error"};
    return {};
  }
  Result<void> sync_directory() {
    if (auto ok = step("fsync of the directory"); !ok) return ok;
    on_disk_ = names_;
    return {};
  }

  std::map<std::string, std::shared_ptr<File>> names_, on_disk_;
  std::uint64_t steps_ = 0;
};

}  // namespace systole::fakes
