// SPDX-License-Identifier: GPL-2.0-or-later
// Files that come to their places together: first all of them are written beside their places and are on the disk, then
// each is put into its place by one step that happens or does not. Whatever ends us before that leaves what was there.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::tools {

class StagedFiles {
 public:
  StagedFiles() = default;
  StagedFiles(const StagedFiles&) = delete;
  StagedFiles& operator=(const StagedFiles&) = delete;
  /// What was not put is forgotten.
  ~StagedFiles();

  /// A file that is not there yet, Errc::exists if it is; the folder is made where it is missing.
  Result<void> add_new(const std::string& path, std::string_view content, mode_t mode);
  /// Instead of the file that is there, with its owner and mode; through a symbolic link.
  Result<void> replace(const std::string& path, std::string_view content);

  /// In the order in which they were added. When one fails, the new ones before it are taken away again.
  Result<void> put();

 private:
  struct File {
    std::string path, temporary;
    bool is_new = true, placed = false;
  };
  Result<void> stage(File file, std::string_view content, mode_t mode, uid_t owner, gid_t group);
  static Result<void> place(const File& file);

  std::vector<File> files_;
};

/// Errc::exists, with what to do, if one of them is there.
Result<void> none_exists(const std::vector<std::string>& paths);

}  // namespace systole::tools
