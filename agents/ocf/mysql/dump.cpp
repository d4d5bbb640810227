// SPDX-License-Identifier: GPL-2.0-or-later
// See dump.hpp; mariadb-dump(1).
#include "agents/ocf/mysql/dump.hpp"

namespace systole::mysql {

std::vector<std::string> dump_command(const std::string& options) {
  // mysql.gtid_slave_pos would be the primary's; the engine's statistics are made anew.
  return {"mariadb-dump",
          "--defaults-file=" + options,
          "--all-databases",
          "--single-transaction",
          "--quick",
          "--gtid",
          "--master-data=2",
          "--routines",
          "--events",
          "--triggers",
          "--dump-history",
          "--max-allowed-packet=1G",
          "--ignore-table=mysql.gtid_slave_pos",
          "--ignore-table=mysql.innodb_index_stats",
          "--ignore-table=mysql.innodb_table_stats"};
}

std::vector<std::string> load_command(const std::string& options) {
  return {"mariadb", "--defaults-file=" + options, "--binary-mode", "--max-allowed-packet=1G"};
}

std::vector<std::string> options_to_load() {
  return {"--skip-log-bin", "--innodb-flush-log-at-trx-commit=2", "--max-allowed-packet=1G"};
}

std::optional<std::string> position_in_dump(std::string_view tail) {
  if (tail.find("\n-- Dump completed") == std::string_view::npos) return {};
  constexpr std::string_view mark = "SET GLOBAL gtid_slave_pos='";
  const std::size_t at = tail.rfind(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = tail.substr(at + mark.size());
  const std::size_t end = rest.find('\'');
  if (end == std::string_view::npos || end == 0) return {};
  return std::string(rest.substr(0, end));
}

}  // namespace systole::mysql
