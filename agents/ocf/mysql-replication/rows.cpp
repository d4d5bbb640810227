// SPDX-License-Identifier: GPL-2.0-or-later
// See rows.hpp. All of it is one transaction on our side too: it is committed when every row was proven.
#include "agents/ocf/mysql-replication/rows.hpp"

#include <fmt/format.h>

#include <array>

#include "common/base/text.hpp"

namespace systole::mysql_replication {

namespace {

using mysql::Server;

struct Column {
  std::string name;  // quoted
  bool is_unsigned = false;
  bool in_key = false;
};

std::string quoted_name(std::string_view name) {
  std::string out = "`";
  for (const char c : name) out += c == '`' ? std::string("``") : std::string(1, c);
  return out + "`";
}

std::string hex(std::string_view bytes) {
  std::string out = "X'";
  for (const char c : bytes) out += fmt::format("{:02X}", static_cast<unsigned char>(c));
  return out + "'";
}

/// Which of our types of columns hold what the event calls by that number.
bool fits(std::uint8_t type, std::string_view ours) {
  struct Fit {
    std::uint8_t type;
    std::string_view ours;
  };
  static constexpr std::array all{
      Fit{1, "tinyint"},    Fit{2, "smallint"}, Fit{9, "mediumint"},    Fit{3, "int"},
      Fit{8, "bigint"},     Fit{15, "varchar"}, Fit{15, "varbinary"},   Fit{254, "char"},
      Fit{252, "tinyblob"}, Fit{252, "blob"},   Fit{252, "mediumblob"}, Fit{252, "longblob"},
      Fit{252, "tinytext"}, Fit{252, "text"},   Fit{252, "mediumtext"}, Fit{252, "longtext"}};
  return std::ranges::any_of(all, [&](const Fit& fit) { return fit.type == type && fit.ours == ours; });
}

Error refused(const RowTable& table, std::string_view why) {
  return {Errc::refused, fmt::format("{}.{} {}", table.database, table.name, why)};
}

/// Nothing happens in it but what we do.
Result<void> check_table(Server& server, const RowTable& table, Deadline deadline) {
  const auto where = [&](std::string_view schema, std::string_view name) {
    return fmt::format("{} = {} AND {} = {}", schema, server.quoted(table.database), name, server.quoted(table.name));
  };
  const auto answer = server.ask(
      fmt::format(
          "SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE {} AND ENGINE = 'InnoDB' AND TABLE_TYPE "
          "= 'BASE TABLE') AS plain, (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE {}) AS triggers, "
          "(SELECT COUNT(*) FROM information_schema.KEY_COLUMN_USAGE WHERE ({} AND REFERENCED_TABLE_NAME IS NOT "
          "NULL) OR ({})) AS links",
          where("TABLE_SCHEMA", "TABLE_NAME"), where("EVENT_OBJECT_SCHEMA", "EVENT_OBJECT_TABLE"),
          where("TABLE_SCHEMA", "TABLE_NAME"), where("REFERENCED_TABLE_SCHEMA", "REFERENCED_TABLE_NAME")),
      deadline);
  if (!answer) return answer.error();
  if (answer->text(0, "plain") != "1") return refused(table, "is no plain InnoDB table");
  if (answer->text(0, "triggers") != "0") return refused(table, "has triggers");
  if (answer->text(0, "links") != "0") return refused(table, "has foreign keys");
  return {};
}

Result<std::vector<Column>> columns_of(Server& server, const RowTable& table, Deadline deadline) {
  const auto answer = server.ask(
      fmt::format("SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COLUMN_KEY, COALESCE(GENERATION_EXPRESSION, '') AS made "
                  "FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {} ORDER BY "
                  "ORDINAL_POSITION",
                  server.quoted(table.database), server.quoted(table.name)),
      deadline);
  if (!answer) return answer.error();
  if (answer->rows.size() != table.types.size()) return refused(table, "has not the columns that the primary's has");
  std::vector<Column> all;
  bool keyed = false;
  for (std::size_t row = 0; row < answer->rows.size(); ++row) {
    if (!fits(table.types[row], lower(answer->text(row, "DATA_TYPE"))) || !answer->text(row, "made").empty())
      return refused(table, "has a column that is not as on the primary, or is computed");
    const bool in_key = answer->text(row, "COLUMN_KEY") == "PRI";
    keyed = keyed || in_key;
    all.push_back({.name = quoted_name(answer->text(row, "COLUMN_NAME")),
                   .is_unsigned = lower(answer->text(row, "COLUMN_TYPE")).find("unsigned") != std::string::npos,
                   .in_key = in_key});
  }
  if (!keyed) return refused(table, "has no primary key");
  return all;
}

std::string literal(const RowValue& value, const Column& column) {
  if (value.null) return "NULL";
  return value.number ? number_text(value, column.is_unsigned) : hex(value.bytes);
}

/// Every column, byte for byte.
std::string equals(const LoggedRow& row, const std::vector<Column>& columns) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool is_string = !row.values[i].number && !row.values[i].null;
    all.push_back(
        fmt::format("{}{} <=> {}", is_string ? "BINARY " : "", columns[i].name, literal(row.values[i], columns[i])));
  }
  return join(all, " AND ");
}

/// By the key alone. Strings are compared by their bytes: of another spelling of a key nothing is known, and nothing
/// done.
std::string has_key(const LoggedRow& row, const std::vector<Column>& columns) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i].in_key) all.push_back(fmt::format("{} = {}", columns[i].name, literal(row.values[i], columns[i])));
  return join(all, " AND ");
}

class Prover {
 public:
  Prover(Server& server, const RowTransaction& transaction, Deadline deadline)
      : server_(server), transaction_(transaction), deadline_(deadline) {}

  Result<unsigned> run() {
    std::vector<std::vector<Column>> columns;
    for (const RowTable& table : transaction_.tables) {
      if (const auto plain = check_table(server_, table, deadline_); !plain) return plain.error();
      auto found = columns_of(server_, table, deadline_);
      if (!found) return found.error();
      columns.push_back(std::move(*found));
    }
    unsigned changed = 0;
    for (const LoggedRow& row : transaction_.rows) {
      const auto done = prove(row, transaction_.tables[row.table], columns[row.table]);
      if (!done) return done.error();
      changed += *done ? 1 : 0;
    }
    return changed;
  }

 private:
  /// Whether something had to be done.
  Result<bool> prove(const LoggedRow& row, const RowTable& table, const std::vector<Column>& columns) {
    const std::string name = quoted_name(table.database) + "." + quoted_name(table.name);
    const auto same = count(
        fmt::format("SELECT COUNT(*) FROM {} WHERE {} AND {}", name, has_key(row, columns), equals(row, columns)));
    if (!same) return same.error();
    const auto keyed = count(fmt::format("SELECT COUNT(*) FROM {} WHERE {} FOR UPDATE", name, has_key(row, columns)));
    if (!keyed) return keyed.error();
    if (*keyed != *same) return refused(table, fmt::format("holds another row under {}", has_key(row, columns)));
    const bool is_there = *keyed > 0;
    if (is_there != transaction_.inserts) return false;
    std::string change =
        fmt::format("DELETE FROM {} WHERE {} AND {}", name, has_key(row, columns), equals(row, columns));
    if (!transaction_.inserts) {
      std::vector<std::string> values;
      for (std::size_t i = 0; i < columns.size(); ++i) values.push_back(literal(row.values[i], columns[i]));
      change = fmt::format("INSERT INTO {} VALUES ({})", name, join(values, ", "));
    }
    if (const auto done = server_.run(change, deadline_); !done) return done.error();
    const auto after = count(
        fmt::format("SELECT COUNT(*) FROM {} WHERE {} AND {}", name, has_key(row, columns), equals(row, columns)));
    if (!after) return after.error();
    if (*after != (transaction_.inserts ? 0U : 1U)) return refused(table, "does not keep a row as it was given");
    return true;
  }

  Result<std::uint64_t> count(const std::string& statement) {
    const auto answer = server_.ask(statement, deadline_);
    if (!answer) return answer.error();
    const auto number = parse_int<std::uint64_t>(answer->value());
    if (!number) return Error{Errc::io, "a count is no number"};
    return *number;
  }

  Server& server_;
  const RowTransaction& transaction_;
  Deadline deadline_;
};

}  // namespace

Result<std::string> make_applicable(Server& server, const RowTransaction& transaction, Deadline deadline) {
  // Plain rules for what we write and read; our rows are in nobody's binary log but by the transaction itself.
  for (const char* const statement :
       {"SET SESSION sql_log_bin=0", "SET SESSION innodb_lock_wait_timeout=2",
        "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO'", "SET NAMES utf8mb4", "START TRANSACTION"})
    if (const auto done = server.run(statement, deadline); !done) return done.error();
  const auto changed = Prover(server, transaction, deadline).run();
  const auto ended = server.run(changed ? "COMMIT" : "ROLLBACK", deadline);
  if (!changed) return changed.error();
  if (!ended) return ended.error();
  if (const auto back = server.run("SET SESSION sql_log_bin=1", deadline); !back) return back.error();
  return fmt::format("transaction {}: {} of its {} rows {}", mysql::to_string(transaction.gtid), *changed,
                     transaction.rows.size(),
                     transaction.inserts ? "were here already, equal in every column: removed, so that it inserts them"
                                         : "were not here any more: put back as it says, so that it deletes them");
}

}  // namespace systole::mysql_replication
