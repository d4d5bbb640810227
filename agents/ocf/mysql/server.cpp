// SPDX-License-Identifier: GPL-2.0-or-later
// The statements. Those of a monitor are chosen among the ones that never wait for a blocked commit or a full disk.
#include "agents/ocf/mysql/server.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include "agents/kit/agent.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

GtidList gtids(const std::string& text) {
  return parse_gtids(text).value_or(GtidList{});
}

IoThread io_state(const std::string& word) {
  if (word == "Yes") return IoThread::running;
  return word == "No" ? IoThread::stopped : IoThread::connecting;
}

std::uint32_t random_bits() {
  std::uint32_t bits = 0;
  while (::getrandom(&bits, sizeof bits, 0) != sizeof bits) continue;
  return bits;
}

/// Threads of clients: not ours, not the server's own, not the replicas' dump threads. Followers of a group commit
/// first (state Commit): were the leader ended before them, they could be told OK.
std::string client_threads(bool spare_waiters) {
  static constexpr std::string_view waits = "STATE IN ('Waiting for semi-sync ACK from slave', 'Commit')";
  return fmt::format(
      "SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER NOT IN ('system user', "
      "'event_scheduler') AND COMMAND NOT IN ('Binlog Dump', 'Daemon', 'Slave_IO', 'Slave_SQL', 'Slave_worker') {} "
      "ORDER BY STATE = 'Waiting for semi-sync ACK from slave'",
      spare_waiters ? fmt::format("AND (STATE IS NULL OR NOT {})", waits) : std::string{});
}

}  // namespace

Result<Server> Server::connect(const Settings& settings, Deadline deadline) {
  if (settings.credentials_fault) return *settings.credentials_fault;
  bool second_account = false;
  for (;;) {
    auto opened =
        sql::Connection::open(settings.local(), second_account ? settings.replication : settings.control, deadline);
    if (opened) return Server(std::move(*opened));
    const Error error = opened.error();
    const bool other = settings.replication.user != settings.control.user;
    if (error.code == Errc::permission && !second_account && other) {
      second_account = true;
      continue;
    }
    if (error.code != Errc::refused || !agents::pause_for(50ms, deadline.at())) return error;
  }
}

Result<sql::Table> Server::ask(const std::string& statement, Deadline deadline) {
  return connection_.query(statement, deadline);
}

Result<void> Server::run(const std::string& statement, Deadline deadline) {
  const auto answer = connection_.query(statement, deadline);
  if (!answer) return answer.error();
  return {};
}

Result<Variables> Server::variables(Deadline deadline) {
  const auto answer =
      ask("SELECT @@global.read_only AS ro, @@global.log_bin AS log_bin, @@global.server_id AS id, "
          "@@global.gtid_binlog_pos AS pos, @@global.gtid_binlog_state AS state, @@global.gtid_slave_pos AS slave_pos, "
          "@@global.rpl_semi_sync_master_enabled AS semi, @@global.relay_log_index AS relay, (SELECT COUNT(*) FROM "
          "information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump') AS dumps",
          deadline);
  if (!answer) return answer.error();
  const auto number = [&](std::string_view column) { return parse_int<std::uint32_t>(answer->text(0, column)); };
  const auto read_only = number("ro");
  if (!read_only) return Error{Errc::invalid, "the server did not say whether it is read-only"};
  return Variables{.read_only = *read_only != 0,
                   .log_bin = number("log_bin").value_or(0) != 0,
                   .server_id = number("id").value_or(0),
                   .binlog_position = gtids(answer->text(0, "pos")),
                   .binlog_state = gtids(answer->text(0, "state")),
                   .replicated = gtids(answer->text(0, "slave_pos")),
                   .semi_sync_source = number("semi").value_or(0) != 0,
                   .dump_threads = number("dumps").value_or(0),
                   .relay_log_index = answer->text(0, "relay")};
}

Result<std::optional<Replication>> Server::replication(Deadline deadline) {
  const auto answer = ask("SHOW SLAVE STATUS", deadline);
  if (!answer) return answer.error();
  if (answer->rows.empty()) return std::optional<Replication>{};
  const auto text = [&](std::string_view column) { return answer->text(0, column); };
  const auto number = [&](std::string_view column) { return parse_int<unsigned>(text(column)).value_or(0); };
  return std::optional(Replication{.host = text("Master_Host"),
                                   .port = number("Master_Port"),
                                   .io = io_state(text("Slave_IO_Running")),
                                   .sql_running = text("Slave_SQL_Running") == "Yes",
                                   .by_gtid = text("Using_Gtid") != "No",
                                   .io_errno = number("Last_IO_Errno"),
                                   .sql_errno = number("Last_SQL_Errno"),
                                   .io_error = text("Last_IO_Error"),
                                   .sql_error = text("Last_SQL_Error"),
                                   .received = gtids(text("Gtid_IO_Pos")),
                                   .behind_s = parse_int<long>(text("Seconds_Behind_Master"))});
}

Result<GtidList> Server::applied(Deadline deadline) {
  const auto answer =
      ask("SELECT CONCAT_WS(',', NULLIF(@@global.gtid_slave_pos, ''), NULLIF(@@global.gtid_binlog_pos, ''))", deadline);
  if (!answer) return answer.error();
  return position_of(gtids(answer->value()));
}

Result<unsigned> Server::disconnect_clients(Deadline deadline, bool spare_waiters, unsigned long also_spare) {
  const auto threads = ask(client_threads(spare_waiters), deadline);
  if (!threads) return threads.error();
  unsigned ended = 0;
  for (std::size_t row = 0; row < threads->rows.size(); ++row) {
    const std::string id = threads->text(row, "ID");
    if (id == std::to_string(also_spare)) continue;
    if (run("KILL CONNECTION " + id, deadline)) ++ended;  // one that has gone by itself is no failure
  }
  return ended;
}

Result<void> Server::make_read_only(const Settings& settings, Deadline deadline, Duration spare_waiters) {
  auto helper = connect(settings, deadline);
  if (!helper) return helper.error();
  const Deadline grace = deadline.within(50ms);  // usually it is done within a millisecond
  const Deadline waiters_end = deadline.within(spare_waiters);
  const unsigned long ours = connection_.thread_id();
  const auto push = [&] {
    if (grace.over()) [[maybe_unused]]
      const auto ended = helper->disconnect_clients(deadline, !waiters_end.over(), ours);
  };
  const auto done = connection_.query("SET GLOBAL read_only=ON", deadline, 20ms, push);
  if (!done) return done.error();
  return {};
}

Result<void> Server::stop_receiver(Deadline deadline) {
  // Woken from its wait, a semi-sync receiver asks the primary to close its side too; a silent primary makes that a
  // second wait. KILL ends the first one and STOP SLAVE the second, if the receiver has come so far: else STOP SLAVE
  // takes as long as the second wait does.
  const auto receivers = ask("SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Slave_IO'", deadline);
  if (!receivers) return receivers.error();
  const Deadline second_wait = deadline.within(50ms);
  for (std::size_t row = 0; row < receivers->rows.size(); ++row) {
    const std::string id = receivers->text(row, "ID");
    if (!run("KILL " + id, deadline)) continue;  // gone by itself
    const auto still_there = [&] {
      const auto found = ask("SELECT ID FROM information_schema.PROCESSLIST WHERE ID = " + id, deadline);
      return found && !found->rows.empty();
    };
    while (still_there() && agents::pause_for(2ms, second_wait.at())) {
    }
  }
  return run("STOP SLAVE IO_THREAD", deadline);
}

Result<void> Server::set_semi_sync(bool on, const Settings& settings, Deadline deadline) {
  if (!on) return run("SET GLOBAL rpl_semi_sync_master_enabled=OFF", deadline);
  return run(fmt::format("SET GLOBAL rpl_semi_sync_master_wait_point='AFTER_SYNC', "
                         "GLOBAL rpl_semi_sync_master_wait_no_slave=ON, GLOBAL rpl_semi_sync_master_timeout={}, "
                         "GLOBAL rpl_semi_sync_master_enabled=ON",
                         settings.commit_wait_ms()),
             deadline);
}

Result<void> Server::set_may_acknowledge(bool may, Deadline deadline) {
  return run(fmt::format("SET GLOBAL rpl_semi_sync_slave_enabled={}", may ? "ON" : "OFF"), deadline);
}

Result<std::uint32_t> Server::take_fresh_server_id(Deadline deadline) {
  const auto known = variables(deadline);
  if (!known) return known.error();
  GtidList used = known->binlog_state;
  used.insert(used.end(), known->replicated.begin(), known->replicated.end());
  used.push_back({.domain = 0, .server = known->server_id, .sequence = 0});
  const std::uint32_t id = fresh_server_id(used, random_bits);
  if (const auto set = run(fmt::format("SET GLOBAL server_id={}", id), deadline); !set) return set.error();
  return id;
}

Facts gather(const Settings& settings, Deadline deadline, bool process_alive, std::optional<Server>* keep) {
  Facts facts{.alive = process_alive};
  if (!facts.alive) return facts;
  const Deadline bound = deadline.within(settings.sql_timeout);
  auto server = Server::connect(settings, bound);
  if (!server) {
    facts.silence = server.error().what;
    return facts;
  }
  const auto variables = server->variables(bound);
  if (!variables) {
    facts.silence = variables.error().what;
    return facts;
  }
  facts.variables = *variables;
  if (keep != nullptr && !variables->read_only) keep->emplace(std::move(*server));
  if (!variables->read_only) return facts;  // whom a primary follows changes no answer
  const auto replication = server->replication(bound);
  facts.replication_known = replication.has_value();
  if (replication) {
    facts.replication = *replication;
  } else {
    facts.silence = replication.error().what;
  }
  if (keep != nullptr) keep->emplace(std::move(*server));
  return facts;
}

}  // namespace systole::mysql
