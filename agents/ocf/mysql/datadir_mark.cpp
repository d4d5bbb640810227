// SPDX-License-Identifier: GPL-2.0-or-later
// See datadir_mark.hpp.
#include "agents/ocf/mysql/datadir_mark.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "agents/kit/paths.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

DatadirMark::DatadirMark(const std::string& datadir, std::string_view name)
    : path_(fmt::format("{}/systole_{}", datadir, name)) {}

bool DatadirMark::is_set() const {
  return ::access(path_.c_str(), F_OK) == 0;
}

Result<void> DatadirMark::set(const std::string& text) const {
  return agents::write_file(path_, text, true);
}

Result<std::string> DatadirMark::text() const {
  const auto text = agents::read_file(path_);
  return text ? Result<std::string>(std::string(trim(*text))) : text.error();
}

Result<void> DatadirMark::remove() const {
  if (::unlink(path_.c_str()) == 0 || errno == ENOENT) return {};
  return errno_error(fmt::format("removing '{}'", path_));
}

}  // namespace systole::mysql
