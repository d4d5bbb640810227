// SPDX-License-Identifier: GPL-2.0-or-later
// See own_copy.hpp.
#include "agents/ocf/mysql/own_copy.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <ctime>

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

std::map<std::string, std::int64_t> OwnCopy::seen_members() const {
  std::map<std::string, std::int64_t> seen;
  const auto text = agents::read_file(seen_path_);
  for (const std::string& line : split(text ? *text : std::string{}, '\n')) {
    const auto parts = words(line);
    if (parts.size() != 2) continue;
    if (const auto time = parse_int<std::int64_t>(parts[1])) seen[parts[0]] = *time;
  }
  return seen;
}

void OwnCopy::note_members(const std::vector<std::string>& heard, const std::vector<std::string>& members) const {
  const auto before = seen_members();
  auto all = before;
  const std::int64_t now = std::time(nullptr);
  for (const std::string& node : heard) all[node] = now;
  for (const std::string& node : members)
    if (const auto found = all.find(node); found != all.end()) found->second = now;
  if (all == before) return;
  std::string text;
  for (const auto& [node, time] : all) text += fmt::format("{} {}\n", node, time);
  if (agents::make_folder(agents::folder_of(seen_path_))) [[maybe_unused]]
    const auto kept = agents::write_file(seen_path_, text);
}

}  // namespace systole::mysql
