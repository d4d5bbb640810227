// SPDX-License-Identifier: GPL-2.0-or-later
// See copied_mark.hpp.
#include "agents/ocf/mysql/copied_mark.hpp"

#include <fmt/format.h>

#include "agents/ocf/mysql/datadir_mark.hpp"

namespace systole::mysql {

namespace {

DatadirMark mark_of_copy(const std::string& datadir) {
  return {datadir, "copied"};
}

}  // namespace

Result<void> mark_as_copied(const std::string& datadir, const GtidList& state) {
  return mark_of_copy(datadir).set(to_string(state) + "\n");
}

Result<std::optional<GtidList>> copied_at(const std::string& datadir) {
  const DatadirMark mark = mark_of_copy(datadir);
  const auto text = mark.text();
  if (!text && text.error().code == Errc::not_found) return std::optional<GtidList>{};
  if (!text) return text.error();
  const auto position = parse_gtids(*text);
  if (position && !position->empty()) return position;
  return Error{Errc::corrupt,
               fmt::format("'{}' does not say from where this copy is to go on: make a new copy", mark.path())};
}

Result<void> forget_copied(const std::string& datadir) {
  return mark_of_copy(datadir).remove();
}

}  // namespace systole::mysql
