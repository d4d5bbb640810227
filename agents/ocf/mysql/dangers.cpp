// SPDX-License-Identifier: GPL-2.0-or-later
// Three questions. The server itself ends one that takes too long (max_statement_time): to hang up would leave it at
// work.
#include "agents/ocf/mysql/dangers.hpp"

namespace systole::mysql {

namespace {

/// First cells, the first few of them; "" when there is no row or no answer.
std::string listed(Server& server, const std::string& question, Deadline deadline) {
  // MySQL bounds a SELECT by a hint behind its first word.
  const std::string bounded = server.dialect().is_mysql()
                                  ? "SELECT /*+ MAX_EXECUTION_TIME(1000) */" + question.substr(question.find(' '))
                                  : "SET STATEMENT max_statement_time=1 FOR " + question;
  const auto answer = server.ask(bounded, deadline.within(1500ms));
  if (!answer) return {};
  std::vector<std::string> names;
  for (const auto& row : answer->rows) names.push_back(row.empty() ? "" : row.front().value_or(""));
  return named(std::move(names));
}

/// Who may be free from read_only.
std::vector<std::string> our_users(Server& server, const Settings& settings) {
  std::vector<std::string> ours;
  for (const std::string& user : {std::string("root"), std::string("mysql.sys"), std::string("mariadb.sys"),
                                  settings.user, settings.control.user, settings.replication.user})
    ours.push_back(server.quoted(user));
  return ours;
}

}  // namespace

std::vector<std::string> dangers_of(Server& server, const Settings& settings, Deadline deadline) {
  std::vector<std::string> all;
  const auto format =
      server.ask("SELECT @@global.binlog_format AS f, @@global.binlog_row_image AS i, VERSION() AS v", deadline);
  if (!format) return {"the server was not asked for what may be unsafe in it: " + format.error().what};
  if (std::string danger = danger_of_format(format->text(0, "f"), format->text(0, "i")); !danger.empty())
    all.push_back(std::move(danger));
  if (const std::string tables = listed(server, tables_question(), deadline); !tables.empty())
    all.push_back(tables_danger(tables));
  if (server.dialect().is_mysql()) return all;  // super_read_only binds everybody
  const bool with_super = super_is_free(format->text(0, "v"));
  const std::string question = accounts_question(our_users(server, settings), with_super);
  if (const std::string accounts = listed(server, question, deadline); !accounts.empty())
    all.push_back(accounts_danger(accounts, with_super));
  return all;
}

void warn_of_dangers(Server& server, const Settings& settings, agents::Call& call, Deadline deadline) {
  for (const std::string& danger : dangers_of(server, settings, deadline)) call.log().warning("{}", danger);
}

}  // namespace systole::mysql
