// SPDX-License-Identifier: GPL-2.0-or-later
// See danger_words.hpp.
#include "agents/ocf/mysql/danger_words.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "common/base/text.hpp"

namespace systole::mysql {

std::string tables_question() {
  return fmt::format(
      "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, ' (', ENGINE, ')') FROM information_schema.TABLES WHERE TABLE_TYPE "
      "= 'BASE TABLE' AND ENGINE <> 'InnoDB' AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', "
      "'performance_schema') LIMIT {}",
      dangers_named_max + 1);
}

std::string accounts_question(const std::vector<std::string>& quoted_users, bool with_super) {
  return fmt::format(
      "SELECT DISTINCT GRANTEE FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE IN ('READ_ONLY ADMIN', "
      "'READ ONLY ADMIN'{}) AND TRIM(BOTH '''' FROM SUBSTRING_INDEX(GRANTEE, '@', 1)) NOT IN ({}) LIMIT {}",
      with_super ? ", 'SUPER'" : "", join(quoted_users, ", "), dangers_named_max + 1);
}

std::string named(std::vector<std::string> answers) {
  const bool more = answers.size() > dangers_named_max;
  if (more) answers.resize(dangers_named_max);
  return join(answers, ", ") + (more ? " and more" : "");
}

std::string tables_danger(const std::string& tables) {
  return fmt::format(
      "tables without transactions: {}: read_only and crash recovery do not hold for them as for InnoDB, so after a "
      "fail-over they may differ between the nodes; ALTER TABLE … ENGINE=InnoDB",
      tables);
}

std::string accounts_danger(const std::string& accounts, bool with_super) {
  return fmt::format(
      "accounts that read_only does not bind: {}: they can write to a replica, and to a primary that is being "
      "demoted, and what they write there is on no other node; REVOKE READ_ONLY ADMIN{} ON *.* FROM them (ALL "
      "PRIVILEGES on *.* holds it too)",
      accounts, with_super ? ", SUPER" : "");
}

std::string danger_of_format(std::string_view format, std::string_view row_image) {
  const bool rows = format.empty() || lower(format) == "row", full = row_image.empty() || lower(row_image) == "full";
  if (rows && full) return {};
  return fmt::format(
      "{}: what a former primary committed and no replica received can be undone (mariadb-binlog --flashback) only "
      "from "
      "whole rows in the binary log; otherwise such a node needs a new copy of the primary; set binlog-format=ROW and "
      "binlog-row-image=FULL",
      rows ? fmt::format("binlog-row-image is {}", row_image) : fmt::format("binlog-format is {}", format));
}

bool super_is_free(std::string_view version) {
  const std::vector<std::string> parts = split(version, '.');
  const auto major = parse_int<int>(parts.front());
  const auto minor = parts.size() > 1 ? parse_int<int>(parts[1]) : std::nullopt;
  if (!major || !minor) return true;
  return std::pair(*major, *minor) < std::pair(10, 11);
}

}  // namespace systole::mysql
