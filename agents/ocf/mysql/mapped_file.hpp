// SPDX-License-Identifier: GPL-2.0-or-later
// A file mapped to read, and the logs that an index file names.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "agents/ocf/mysql/log_events.hpp"
#include "common/base/result.hpp"

namespace systole::mysql {

class MappedFile {
 public:
  /// Empty for an empty file.
  static Result<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();
  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(data_), data_ == nullptr ? 0 : size_};
  }

 private:
  MappedFile() = default;
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

struct MappedLogs {
  std::vector<MappedFile> maps;
  std::vector<LogFile> files;  // into the maps
};
/// Those of an index file, which may be named relative to the datadir.
Result<MappedLogs> map_logs(const std::string& index_path, const std::string& datadir);

}  // namespace systole::mysql
