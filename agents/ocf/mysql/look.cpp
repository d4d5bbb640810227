// SPDX-License-Identifier: GPL-2.0-or-later
// See look.hpp.
#include "agents/ocf/mysql/look.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

// Heartbeats come each second (MASTER_HEARTBEAT_PERIOD): after three that are missing nothing comes any more. The
// server itself says "Yes" of a connection that was cut silently for slave_net_timeout.
constexpr Duration receiver_silence_max = 3s;
constexpr Duration connecting_pause = 5ms, connecting_patience = 1s;

std::string table_cells(const sql::Table& table, const std::vector<std::string_view>& columns) {
  std::string all;
  for (const std::string_view column : columns) all += table.text(0, column) + "/";
  return all;
}

}  // namespace

Server* Look::server(Deadline deadline) {
  if (server_) return &*server_;
  auto opened = Server::connect(settings_, deadline);
  if (!opened) {
    why_not_ = opened.error().what;
    return nullptr;
  }
  server_.emplace(std::move(*opened));
  return &*server_;
}

SeenServer Look::at(bool alive, Duration patience) {
  SeenServer seen{.alive = alive};
  if (!alive) {
    server_.reset();
    return seen;
  }
  const Deadline deadline = Deadline::in(patience);
  Server* const own = server(deadline);
  if (own == nullptr) return seen;
  auto told = source_facts(*own, seen, deadline);
  if (told && !seen.writable) told = replica_facts(*own, seen, deadline);
  if (!told) {
    why_not_ = told.error().what;
    server_.reset();
    return {.alive = alive};
  }
  seen.answers = true;
  return seen;
}

Result<void> Look::source_facts(Server& server, SeenServer& seen, Deadline deadline) {
  const auto answer = server.ask(
      "SELECT @@global.read_only AS ro, @@global.rpl_semi_sync_master_enabled AS source, "
      "@@global.rpl_semi_sync_slave_enabled AS may, @@global.sync_relay_log AS flush, (SELECT VARIABLE_VALUE FROM "
      "information_schema.GLOBAL_STATUS WHERE "
      "VARIABLE_NAME = 'RPL_SEMI_SYNC_SLAVE_STATUS') AS acks, (SELECT VARIABLE_VALUE FROM "
      "information_schema.GLOBAL_STATUS "
      "WHERE VARIABLE_NAME = 'RPL_SEMI_SYNC_MASTER_CLIENTS') AS clients, (SELECT VARIABLE_VALUE FROM "
      "information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'RPL_SEMI_SYNC_MASTER_NO_TX') AS alone, (SELECT "
      "MAX(CAST(TIME_MS AS UNSIGNED)) FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for semi-sync ACK "
      "from slave') AS wait",
      deadline);
  if (!answer) return answer.error();
  const auto number = [&](std::string_view column) { return parse_int<std::uint64_t>(answer->text(0, column)); };
  const auto read_only = number("ro");
  if (!read_only) return Error{Errc::invalid, "the server did not say whether it is read-only"};
  seen.writable = *read_only == 0;
  seen.source_on = number("source").value_or(0) != 0;
  seen.acknowledges = answer->text(0, "acks") == "ON";
  seen.flushes = number("flush").value_or(0) == 1;
  seen.will_acknowledge = number("may").value_or(0) != 0;
  seen.clients = static_cast<unsigned>(number("clients").value_or(0));
  seen.alone = number("alone").value_or(0);
  seen.longest_wait = std::chrono::milliseconds(number("wait").value_or(0));
  return {};
}

Result<void> Look::replica_facts(Server& server, SeenServer& seen, Deadline deadline) {
  const auto answer = server.ask("SHOW ALL SLAVES STATUS", deadline);
  if (!answer) return answer.error();
  if (answer->rows.empty()) return {};
  const auto text = [&](std::string_view column) { return answer->text(0, column); };
  seen.applier_failed = parse_int<unsigned>(text("Last_SQL_Errno")).value_or(0) != 0;
  seen.behind = std::chrono::seconds(parse_int<std::uint32_t>(text("Seconds_Behind_Master")).value_or(0));
  const std::string progress =
      table_cells(*answer, {"Master_Log_File", "Read_Master_Log_Pos", "Slave_received_heartbeats", "Master_Host"});
  const Time now = boot_time();
  if (progress != progress_) {
    progress_ = progress;
    progressed_ = now;
  }
  seen.streams = text("Slave_IO_Running") == "Yes" && text("Slave_SQL_Running") == "Yes" &&
                 now - progressed_ < receiver_silence_max;
  return {};
}

Result<void> Look::set_source(bool on, Duration patience) {
  const Deadline deadline = Deadline::in(patience);
  Server* const own = server(deadline);
  if (own == nullptr) return Error{Errc::not_connected, "the server does not answer"};
  return own->set_semi_sync(on, settings_, deadline);
}

Result<void> Look::acknowledge(bool on, Duration patience) {
  const Deadline deadline = Deadline::in(patience);
  Server* const own = server(deadline);
  if (own == nullptr) return Error{Errc::not_connected, "the server does not answer"};
  if (const auto set = own->set_may_acknowledge(on, deadline); !set) return set;
  if (const auto anew = receiver_anew(*own, on, deadline); !anew) return anew;
  return on ? own->set_may_acknowledge(false, deadline) : Result<void>{};
}

Result<void> Look::flush(bool on, Duration patience) {
  const Deadline deadline = Deadline::in(patience);
  Server* const own = server(deadline);
  if (own == nullptr) return Error{Errc::not_connected, "the server does not answer"};
  return own->run(fmt::format("SET GLOBAL sync_relay_log={}", on ? "1" : "DEFAULT"), deadline);
}

/// The applier runs on, so that what was received stays. Where it does not, a receiver that begins anew would throw
/// that away: it is only stopped, and the monitor follows anew.
Result<void> Look::receiver_anew(Server& server, bool acknowledges, Deadline deadline) {
  const auto status = server.replication(deadline);
  if (!status) return status.error();
  if (!*status || (*status)->io == IoThread::stopped || (acknowledges && !(*status)->sql_running)) return {};
  if (const auto stopped = server.stop_receiver(deadline); !stopped) return stopped;
  if (!(*status)->sql_running) return {};
  if (const auto started = server.run("START SLAVE IO_THREAD", deadline); !started) return started;
  // A connection takes the right along when it is made.
  const Deadline connecting = deadline.within(connecting_patience);
  while (acknowledges && agents::pause_for(connecting_pause, connecting.at())) {
    const auto now = server.ask(
        "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = "
        "'RPL_SEMI_SYNC_SLAVE_STATUS'",
        deadline);
    if (!now) return now.error();
    if (now->value() == "ON") break;
  }
  return {};
}

Result<void> Look::end_streams(Duration patience) {
  const Deadline deadline = Deadline::in(patience);
  Server* const own = server(deadline);
  if (own == nullptr) return Error{Errc::not_connected, "the server does not answer"};
  const auto threads =
      own->ask("SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump'", deadline);
  if (!threads) return threads.error();
  for (std::size_t row = 0; row < threads->rows.size(); ++row)
    [[maybe_unused]]  // one that has gone by itself is no failure
    const auto ended = own->run("KILL CONNECTION " + threads->text(row, "ID"), deadline);
  return {};
}

Result<void> Look::bind_right(Duration patience) {
  const Deadline deadline = Deadline::in(patience);
  Server* const own = server(deadline);
  if (own == nullptr) return Error{Errc::not_connected, "the server does not answer"};
  return own->set_may_acknowledge(false, deadline);
}

Result<void> write_row(Server& server, const Record& record, Deadline deadline) {
  const std::string row = fmt::format(
      "INSERT INTO systole.lineage VALUES (1, {0}, 0) ON DUPLICATE KEY UPDATE record = {0}, barrier = barrier + 1",
      server.quoted(to_string(record)));
  const auto written = server.run(row, deadline);
  if (written || written.error().code != Errc::invalid) return written;  // else there is no such table yet
  // Not each time: a statement that changes nothing would be replicated all the same.
  for (const char* const statement :
       {"CREATE DATABASE IF NOT EXISTS systole",
        "CREATE TABLE IF NOT EXISTS systole.lineage (id INT PRIMARY KEY, record VARCHAR(600) NOT NULL, barrier BIGINT "
        "UNSIGNED NOT NULL) ENGINE=InnoDB COMMENT='which database is the true one; kept by Systole'"})
    if (const auto made = server.run(statement, deadline); !made) return made;
  return server.run(row, deadline);
}

Result<GtidList> Look::commit_barrier(const Record& record, Deadline deadline) {
  auto own = Server::connect(settings_, deadline);
  if (!own) return own.error();
  if (const auto written = write_row(*own, record, deadline); !written) return written.error();
  const auto gtid = own->ask("SELECT @@last_gtid", deadline);
  if (!gtid) return gtid.error();
  const auto list = parse_gtids(gtid->value());
  if (list && !list->empty()) return *list;
  return Error{Errc::invalid, fmt::format("the barrier's transaction has no GTID: '{}'", gtid->value())};
}

Result<PeerAnswer> ask_replica(const Settings& settings, const std::string& host, Deadline deadline) {
  const sql::Endpoint endpoint{.socket = {}, .host = host, .port = settings.peer_port(), .tls = settings.tls};
  auto connection = sql::Connection::open(endpoint, settings.replication, deadline);
  if (!connection) return connection.error();
  const auto answer = connection->query(
      "SELECT @@global.gtid_slave_pos AS slave_pos, @@global.gtid_binlog_pos AS pos, (SELECT VARIABLE_VALUE FROM "
      "information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'RPL_SEMI_SYNC_SLAVE_STATUS') AS acks",
      deadline);
  if (!answer) return answer.error();
  const auto list = [&](std::string_view column) { return parse_gtids(answer->text(0, column)).value_or(GtidList{}); };
  return PeerAnswer{.applied = merged(list("slave_pos"), list("pos")), .acknowledges = answer->text(0, "acks") == "ON"};
}

}  // namespace systole::mysql
