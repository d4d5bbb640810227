// SPDX-License-Identifier: GPL-2.0-or-later
// The Disk port on a real directory: write to a temporary name, fsync, rename, fsync of the directory. Files are 0600,
// since a CIB may hold passwords.
#pragma once

#include "common/base/handles.hpp"
#include "common/ports/disk.hpp"

namespace systole::cib {

class PosixDisk final : public ports::Disk {
 public:
  /// Opens the directory; makes it (0750) where only its last part is missing.
  static Result<PosixDisk> open(const std::string& path);

  Result<std::string> read(const std::string& name) override;
  Result<void> write_atomically(const std::string& name, std::string_view bytes) override;
  Result<void> keep_as(const std::string& name, const std::string& other) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& name) override;
  Result<std::vector<std::string>> list() override;

 private:
  PosixDisk(std::string path, Fd directory) : path_(std::move(path)), directory_(std::move(directory)) {}
  Result<void> sync_directory();
  std::string full(const std::string& name) const { return path_ + "/" + name; }

  std::string path_;
  Fd directory_;
};

}  // namespace systole::cib
