// SPDX-License-Identifier: GPL-2.0-or-later
// A mark on a database: a file in its datadir, so that it goes wherever the data goes. It is on the disk before a write
// of it returns.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace systole::mysql {

class DatadirMark {
 public:
  /// name: what is said; the file is systole_NAME.
  DatadirMark(const std::string& datadir, std::string_view name);
  bool is_set() const;
  Result<void> set(const std::string& text = {}) const;
  /// Without white space at its ends. not_found: it is not set.
  Result<std::string> text() const;
  /// Ok also when it was not set.
  Result<void> remove() const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace systole::mysql
