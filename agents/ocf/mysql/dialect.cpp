// SPDX-License-Identifier: GPL-2.0-or-later
// The table. Sources: MySQL 5.7, 8.0 and 8.4 Reference Manuals (dev.mysql.com/doc/refman), there "SQL Statements for
// Controlling Replica Servers", "SHOW REPLICA STATUS", "Configuring Semisynchronous Replication" (the plugins' two sets
// of names), "Privileges Provided by MySQL", "What Is New in MySQL 8.4 since MySQL 8.0" (what is gone), worklog 14171
// (REPLICA for SLAVE); MariaDB's knowledge base (mariadb.com/kb): "SHOW REPLICA STATUS", "Privileges", "Semisynchronous
// Replication". MariaDB understands its older words in all versions, so it needs no second line for them.
#include "agents/ocf/mysql/dialect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr Version oldest_mariadb{10, 5, 0}, oldest_mysql{5, 7, 0};

struct Line {
  Phrase phrase;
  Product product;
  Version since;
  std::string_view text;
};

constexpr Product a = Product::mariadb, y = Product::mysql;
constexpr Version any{};

// Of several lines for one phrase and product the one with the newest `since` that the server has reached counts.
constexpr std::array table{
    Line{Phrase::show_replication, a, any, "SHOW SLAVE STATUS"},
    Line{Phrase::show_replication, y, any, "SHOW SLAVE STATUS"},
    Line{Phrase::show_replication, y, {8, 0, 22}, "SHOW REPLICA STATUS"},
    Line{Phrase::show_connections, a, any, "SHOW ALL SLAVES STATUS"},
    Line{Phrase::show_connections, y, any, "SHOW SLAVE STATUS"},
    Line{Phrase::show_connections, y, {8, 0, 22}, "SHOW REPLICA STATUS"},
    Line{Phrase::start_both, a, any, "START SLAVE"},
    Line{Phrase::start_both, y, any, "START SLAVE"},
    Line{Phrase::start_both, y, {8, 0, 22}, "START REPLICA"},
    Line{Phrase::start_receiver, a, any, "START SLAVE IO_THREAD"},
    Line{Phrase::start_receiver, y, any, "START SLAVE IO_THREAD"},
    Line{Phrase::start_receiver, y, {8, 0, 22}, "START REPLICA IO_THREAD"},
    Line{Phrase::start_applier, a, any, "START SLAVE SQL_THREAD"},
    Line{Phrase::start_applier, y, any, "START SLAVE SQL_THREAD"},
    Line{Phrase::start_applier, y, {8, 0, 22}, "START REPLICA SQL_THREAD"},
    Line{Phrase::stop_both, a, any, "STOP SLAVE"},
    Line{Phrase::stop_both, y, any, "STOP SLAVE"},
    Line{Phrase::stop_both, y, {8, 0, 22}, "STOP REPLICA"},
    Line{Phrase::stop_receiver, a, any, "STOP SLAVE IO_THREAD"},
    Line{Phrase::stop_receiver, y, any, "STOP SLAVE IO_THREAD"},
    Line{Phrase::stop_receiver, y, {8, 0, 22}, "STOP REPLICA IO_THREAD"},
    Line{Phrase::stop_applier, a, any, "STOP SLAVE SQL_THREAD"},
    Line{Phrase::stop_applier, y, any, "STOP SLAVE SQL_THREAD"},
    Line{Phrase::stop_applier, y, {8, 0, 22}, "STOP REPLICA SQL_THREAD"},
    Line{Phrase::forget_replication, a, any, "RESET SLAVE ALL"},
    Line{Phrase::forget_replication, y, any, "RESET SLAVE ALL"},
    Line{Phrase::forget_replication, y, {8, 0, 22}, "RESET REPLICA ALL"},
    Line{Phrase::change_primary, a, any, "CHANGE MASTER TO"},
    Line{Phrase::change_primary, y, any, "CHANGE MASTER TO"},
    Line{Phrase::change_primary, y, {8, 0, 23}, "CHANGE REPLICATION SOURCE TO"},
    Line{Phrase::reset_log, a, any, "RESET MASTER"},
    Line{Phrase::reset_log, y, any, "RESET MASTER"},
    Line{Phrase::reset_log, y, {8, 2, 0}, "RESET BINARY LOGS AND GTIDS"},
    Line{Phrase::show_log_position, a, any, "SHOW MASTER STATUS"},
    Line{Phrase::show_log_position, y, any, "SHOW MASTER STATUS"},
    Line{Phrase::show_log_position, y, {8, 2, 0}, "SHOW BINARY LOG STATUS"},
    Line{Phrase::set_read_only, a, any, "SET GLOBAL read_only=ON"},
    // It binds accounts with SUPER, and sets read_only too.
    Line{Phrase::set_read_only, y, any, "SET GLOBAL super_read_only=ON"},
    Line{Phrase::set_writable, a, any, "SET GLOBAL read_only=OFF"},
    Line{Phrase::set_writable, y, any, "SET GLOBAL read_only=OFF"},  // ends super_read_only too

    Line{Phrase::option_prefix, a, any, "MASTER_"},
    Line{Phrase::option_prefix, y, any, "MASTER_"},
    Line{Phrase::option_prefix, y, {8, 0, 23}, "SOURCE_"},
    Line{Phrase::by_gtid, a, any, "MASTER_USE_GTID=slave_pos"},
    Line{Phrase::by_gtid, y, any, "MASTER_AUTO_POSITION=1"},
    Line{Phrase::by_gtid, y, {8, 0, 23}, "SOURCE_AUTO_POSITION=1"},
    Line{Phrase::by_file, a, any, "MASTER_USE_GTID=no"},
    Line{Phrase::by_file, y, any, "MASTER_AUTO_POSITION=0"},
    Line{Phrase::by_file, y, {8, 0, 23}, "SOURCE_AUTO_POSITION=0"},
    Line{Phrase::keep_trying, a, any, ""},
    Line{Phrase::keep_trying, y, any, "MASTER_RETRY_COUNT=86400"},
    Line{Phrase::keep_trying, y, {8, 0, 23}, "SOURCE_RETRY_COUNT=86400"},  // 8.4 gives up after 10 s else
    Line{Phrase::ask_public_key, a, any, ""},
    Line{Phrase::ask_public_key, y, any, ""},
    Line{Phrase::ask_public_key, y, {8, 0, 4}, "GET_MASTER_PUBLIC_KEY=1"},
    Line{Phrase::ask_public_key, y, {8, 0, 23}, "GET_SOURCE_PUBLIC_KEY=1"},

    Line{Phrase::host, a, any, "Master_Host"},
    Line{Phrase::host, y, any, "Master_Host"},
    Line{Phrase::host, y, {8, 0, 22}, "Source_Host"},
    Line{Phrase::port, a, any, "Master_Port"},
    Line{Phrase::port, y, any, "Master_Port"},
    Line{Phrase::port, y, {8, 0, 22}, "Source_Port"},
    Line{Phrase::receiver_runs, a, any, "Slave_IO_Running"},
    Line{Phrase::receiver_runs, y, any, "Slave_IO_Running"},
    Line{Phrase::receiver_runs, y, {8, 0, 22}, "Replica_IO_Running"},
    Line{Phrase::applier_runs, a, any, "Slave_SQL_Running"},
    Line{Phrase::applier_runs, y, any, "Slave_SQL_Running"},
    Line{Phrase::applier_runs, y, {8, 0, 22}, "Replica_SQL_Running"},
    Line{Phrase::applier_state, a, any, "Slave_SQL_Running_State"},
    Line{Phrase::applier_state, y, any, "Slave_SQL_Running_State"},
    Line{Phrase::applier_state, y, {8, 0, 22}, "Replica_SQL_Running_State"},
    Line{Phrase::primary_log, a, any, "Master_Log_File"},
    Line{Phrase::primary_log, y, any, "Master_Log_File"},
    Line{Phrase::primary_log, y, {8, 0, 22}, "Source_Log_File"},
    Line{Phrase::received_to, a, any, "Read_Master_Log_Pos"},
    Line{Phrase::received_to, y, any, "Read_Master_Log_Pos"},
    Line{Phrase::received_to, y, {8, 0, 22}, "Read_Source_Log_Pos"},
    Line{Phrase::applied_log, a, any, "Relay_Master_Log_File"},
    Line{Phrase::applied_log, y, any, "Relay_Master_Log_File"},
    Line{Phrase::applied_log, y, {8, 0, 22}, "Relay_Source_Log_File"},
    Line{Phrase::applied_to, a, any, "Exec_Master_Log_Pos"},
    Line{Phrase::applied_to, y, any, "Exec_Master_Log_Pos"},
    Line{Phrase::applied_to, y, {8, 0, 22}, "Exec_Source_Log_Pos"},
    Line{Phrase::primary_id, a, any, "Master_Server_Id"},
    Line{Phrase::primary_id, y, any, "Master_Server_Id"},
    Line{Phrase::primary_id, y, {8, 0, 22}, "Source_Server_Id"},
    Line{Phrase::behind, a, any, "Seconds_Behind_Master"},
    Line{Phrase::behind, y, any, "Seconds_Behind_Master"},
    Line{Phrase::behind, y, {8, 0, 22}, "Seconds_Behind_Source"},
    Line{Phrase::follows_by, a, any, "Using_Gtid"},
    Line{Phrase::follows_by, y, any, "Auto_Position"},
    Line{Phrase::received_gtids, a, any, "Gtid_IO_Pos"},
    Line{Phrase::received_gtids, y, any, "Retrieved_Gtid_Set"},

    Line{Phrase::global_status, a, any, "information_schema.GLOBAL_STATUS"},
    Line{Phrase::global_status, y, any, "performance_schema.global_status"},
    Line{Phrase::above_a_second, a, any, "TIME_MS > 1000"},
    Line{Phrase::above_a_second, y, any, "TIME > 1"},
    Line{Phrase::waits_for_space, a, any, "Waiting for someone to free space"},
    Line{Phrase::waits_for_space, y, any, "Waiting for disk space"},
    Line{Phrase::semi_sync_source, a, any, "rpl_semi_sync_master"},
    Line{Phrase::semi_sync_source, y, any, "rpl_semi_sync_master"},
    Line{Phrase::semi_sync_source, y, {8, 0, 26}, "rpl_semi_sync_source"},
    Line{Phrase::semi_sync_replica, a, any, "rpl_semi_sync_slave"},
    Line{Phrase::semi_sync_replica, y, any, "rpl_semi_sync_slave"},
    Line{Phrase::semi_sync_replica, y, {8, 0, 26}, "rpl_semi_sync_replica"},
    Line{Phrase::semi_sync_alone, a, any, "rpl_semi_sync_master_wait_no_slave"},
    Line{Phrase::semi_sync_alone, y, any, "rpl_semi_sync_master_wait_no_slave"},
    Line{Phrase::semi_sync_alone, y, {8, 0, 26}, "rpl_semi_sync_source_wait_no_replica"},
    Line{Phrase::semi_sync_source_plugin, a, any, ""},
    Line{Phrase::semi_sync_source_plugin, y, any, "semisync_master.so"},
    Line{Phrase::semi_sync_source_plugin, y, {8, 0, 26}, "semisync_source.so"},
    Line{Phrase::semi_sync_replica_plugin, a, any, ""},
    Line{Phrase::semi_sync_replica_plugin, y, any, "semisync_slave.so"},
    Line{Phrase::semi_sync_replica_plugin, y, {8, 0, 26}, "semisync_replica.so"},
    Line{Phrase::waits_for_replica, a, any, "Waiting for semi-sync ACK from slave"},
    Line{Phrase::waits_for_replica, y, any, "Waiting for semi-sync ACK from slave"},
    Line{Phrase::waits_for_replica, y, {8, 0, 26}, "Waiting for semi-sync ACK from replica"},

    Line{Phrase::skip_start, a, any, "skip-slave-start"},
    Line{Phrase::skip_start, y, any, "skip-slave-start"},
    Line{Phrase::skip_start, y, {8, 0, 26}, "skip-replica-start"},
    Line{Phrase::log_updates, a, any, "log-slave-updates"},
    Line{Phrase::log_updates, y, any, "log-slave-updates"},
    Line{Phrase::log_updates, y, {8, 0, 26}, "log-replica-updates"},
    Line{Phrase::net_timeout, a, any, "slave-net-timeout"},
    Line{Phrase::net_timeout, y, any, "slave-net-timeout"},
    Line{Phrase::net_timeout, y, {8, 0, 26}, "replica-net-timeout"},
    Line{Phrase::keep_place, a, any, ""},
    Line{Phrase::keep_place, y, any, "relay-log-info-repository=TABLE"},
    Line{Phrase::keep_place, y, {8, 0, 2}, ""},  // the default since then, and the only one since 8.3

    Line{Phrase::may_see_replication, a, any, "REPLICATION SLAVE ADMIN"},
    Line{Phrase::may_see_replication, a, {10, 5, 9}, "SLAVE MONITOR"},
    Line{Phrase::may_see_replication, y, any, "REPLICATION CLIENT"},
    Line{Phrase::may_see_log_position, a, any, "BINLOG MONITOR"},
    Line{Phrase::may_see_log_position, y, any, "REPLICATION CLIENT"},
    Line{Phrase::may_change_replication, a, any, "REPLICATION SLAVE ADMIN"},
    Line{Phrase::may_change_replication, y, any, "SUPER"},
    Line{Phrase::may_change_replication, y, {8, 0, 0}, "REPLICATION_SLAVE_ADMIN"},
};

/// "8.0.36-28" → 8.0.36; what stands behind the digits may be anything. MariaDB's greeting may have "5.5.5-" before it.
std::optional<Version> version_in(std::string_view text) {
  if (text.starts_with("5.5.5-") && text.size() > 6) text.remove_prefix(6);
  Version version;
  unsigned* const parts[] = {&version.major, &version.minor, &version.patch};
  for (unsigned* const part : parts) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parse_int<unsigned>(text.substr(0, digits));
    if (!number) return std::nullopt;
    *part = *number;
    text.remove_prefix(digits);
    if (part == parts[2]) break;
    if (!text.starts_with('.')) return std::nullopt;
    text.remove_prefix(1);
  }
  return version;
}

bool says_mariadb(std::string_view text) {
  return lower(text).find("mariadb") != std::string::npos;
}

}  // namespace

std::string_view to_string(Product product) {
  return product == Product::mariadb ? "MariaDB" : "MySQL";
}

std::string series_of(const Version& version) {
  return fmt::format("{}.{}", version.major, version.minor);
}

std::string to_string(const Version& version) {
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

bool names_product(std::string_view version) {
  return says_mariadb(version);
}

std::string_view Dialect::operator[](Phrase phrase) const {
  const Line* best = nullptr;
  for (const Line& line : table)
    if (line.phrase == phrase && line.product == product_ && line.since <= version_ &&
        (best == nullptr || best->since < line.since))
      best = &line;
  return best == nullptr ? std::string_view{} : best->text;
}

Result<Dialect> Dialect::of(std::string_view version, std::string_view comment) {
  const auto found = version_in(trim(version));
  if (!found) return Error{Errc::invalid, fmt::format("the server's version '{}' is none that is known", version)};
  // Whoever hides the name is known by the number: MariaDB never was a 5.7 or 8.
  const bool says_mysql = lower(comment).find("mysql") != std::string::npos;
  const bool mariadb = says_mariadb(version) || says_mariadb(comment) || (found->major >= 10 && !says_mysql);
  if (mariadb && !says_mariadb(version) && found->major < 10) return usual();  // it says another's number
  const Dialect dialect(mariadb ? Product::mariadb : Product::mysql, *found);
  const Version& oldest = mariadb ? oldest_mariadb : oldest_mysql;
  if (*found >= oldest) return dialect;
  return Error{Errc::invalid, fmt::format("the server is {} {}, and the oldest that is supported is {}.{}: upgrade it",
                                          to_string(dialect.product()), to_string(*found), oldest.major, oldest.minor)};
}

Result<Dialect> Dialect::of_program(std::string_view printed) {
  const std::size_t at = printed.find("Ver ");
  if (at == std::string_view::npos)
    return Error{Errc::invalid, fmt::format("'{}' tells no version", trim(printed.substr(0, 80)))};
  const std::string_view rest = trim(printed.substr(at + 4));
  return of(rest.substr(0, rest.find_first_of(" \n")), rest);
}

}  // namespace systole::mysql
