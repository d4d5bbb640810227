// SPDX-License-Identifier: GPL-2.0-or-later
// Three questions. The server itself ends one that takes too long (max_statement_time): to hang up would leave it at
// work.
#include "agents/ocf/mysql/dangers.hpp"

#include <fmt/format.h>

#include <array>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::size_t named_max = 5;

/// First cells, the first few of them; "" when there is no row or no answer.
std::string listed(Server& server, const std::string& question, Deadline deadline) {
  const auto answer = server.ask("SET STATEMENT max_statement_time=1 FOR " + question, deadline.within(1500ms));
  if (!answer || answer->rows.empty()) return {};
  std::vector<std::string> names;
  for (const auto& row : answer->rows)
    if (names.size() < named_max) names.push_back(row.empty() ? "" : row.front().value_or(""));
  return join(names, ", ") + (answer->rows.size() > named_max ? " and more" : "");
}

std::string tables_question() {
  return fmt::format(
      "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, ' (', ENGINE, ')') FROM information_schema.TABLES WHERE TABLE_TYPE "
      "= 'BASE TABLE' AND ENGINE <> 'InnoDB' AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', "
      "'performance_schema') LIMIT {}",
      named_max + 1);
}

std::string accounts_question(Server& server, const Settings& settings, bool with_super) {
  std::vector<std::string> ours;
  for (const std::string& user : {std::string("root"), std::string("mysql.sys"), std::string("mariadb.sys"),
                                  settings.user, settings.control.user, settings.replication.user})
    ours.push_back(server.quoted(user));
  return fmt::format(
      "SELECT DISTINCT GRANTEE FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE IN ('READ_ONLY ADMIN', "
      "'READ ONLY ADMIN'{}) AND TRIM(BOTH '''' FROM SUBSTRING_INDEX(GRANTEE, '@', 1)) NOT IN ({}) LIMIT {}",
      with_super ? ", 'SUPER'" : "", join(ours, ", "), named_max + 1);
}

}  // namespace

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

std::vector<std::string> dangers_of(Server& server, const Settings& settings, Deadline deadline) {
  std::vector<std::string> all;
  const auto format =
      server.ask("SELECT @@global.binlog_format AS f, @@global.binlog_row_image AS i, VERSION() AS v", deadline);
  if (!format) return {"the server was not asked for what may be unsafe in it: " + format.error().what};
  if (std::string danger = danger_of_format(format->text(0, "f"), format->text(0, "i")); !danger.empty())
    all.push_back(std::move(danger));
  if (const std::string tables = listed(server, tables_question(), deadline); !tables.empty())
    all.push_back(fmt::format(
        "tables without transactions: {}: read_only and crash recovery do not hold for them as for InnoDB, so after a "
        "fail-over they may differ between the nodes; ALTER TABLE … ENGINE=InnoDB",
        tables));
  const bool with_super = super_is_free(format->text(0, "v"));
  if (const std::string accounts = listed(server, accounts_question(server, settings, with_super), deadline);
      !accounts.empty())
    all.push_back(fmt::format(
        "accounts that read_only does not bind: {}: they can write to a replica, and to a primary that is being "
        "demoted, and what they write there is on no other node; REVOKE READ_ONLY ADMIN{} ON *.* FROM them (ALL "
        "PRIVILEGES on *.* holds it too)",
        accounts, with_super ? ", SUPER" : ""));
  return all;
}

void warn_of_dangers(Server& server, const Settings& settings, agents::Call& call, Deadline deadline) {
  for (const std::string& danger : dangers_of(server, settings, deadline)) call.log().warning("{}", danger);
}

}  // namespace systole::mysql
