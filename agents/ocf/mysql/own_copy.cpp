// SPDX-License-Identifier: GPL-2.0-or-later
// See own_copy.hpp.
#include "agents/ocf/mysql/own_copy.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::mysql {

OwnCopy::OwnCopy(const agents::Paths& paths, const std::string& resource)
    : path_(fmt::format("{}/lineage/{}", paths.kept, resource)),
      word_path_(path_ + ".forced"),
      seen_path_(fmt::format("{}/systole-mysql-{}.seen", paths.state, resource)) {}

Result<Record> OwnCopy::read() const {
  const auto text = agents::read_file(path_);
  if (!text) return text.error().code == Errc::not_found ? Result<Record>(Record{}) : text.error();
  const auto record = parse_record(trim(*text));
  if (record && record->exists()) return *record;
  return Error{Errc::corrupt,
               fmt::format("'{}' is damaged: it must say which database is the true one. When the other nodes are up "
                           "and this one shall follow, remove the file",
                           path_)};
}

Result<void> OwnCopy::keep(const Record& record) const {
  const auto present = read();
  if (present && is_newer(*present, record)) return {};
  if (present && *present == record) return {};
  if (const auto made = agents::make_folder(agents::folder_of(path_)); !made) return made;
  return agents::write_file(path_, to_string(record) + "\n", true);
}

std::optional<Record> OwnCopy::operator_word() const {
  const auto text = agents::read_file(word_path_);
  return text ? parse_record(trim(*text)) : std::nullopt;
}

Result<void> OwnCopy::give_operator_word(const Record& record) const {
  if (const auto made = agents::make_folder(agents::folder_of(word_path_)); !made) return made;
  return agents::write_file(word_path_, to_string(record) + "\n", true);
}

void OwnCopy::forget_operator_word() const {
  ::unlink(word_path_.c_str());
}

std::vector<std::string> OwnCopy::seen_members() const {
  const auto text = agents::read_file(seen_path_);
  return text ? words(*text) : std::vector<std::string>{};
}

void OwnCopy::note_members(const std::vector<std::string>& members) const {
  std::vector<std::string> all = seen_members();
  const std::size_t before = all.size();
  for (const std::string& node : members)
    if (std::ranges::find(all, node) == all.end()) all.push_back(node);
  if (all.size() == before) return;
  if (agents::make_folder(agents::folder_of(seen_path_))) [[maybe_unused]]
    const auto kept = agents::write_file(seen_path_, join(all, " ") + "\n");
}

}  // namespace systole::mysql
