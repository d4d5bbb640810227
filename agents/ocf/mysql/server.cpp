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
std::string client_threads(const Dialect& dialect, bool spare_waiters) {
  const std::string_view waits = dialect[Phrase::waits_for_replica];
  return fmt::format(
      "SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER NOT IN ('system user', "
      "'event_scheduler') AND COMMAND NOT IN ('Binlog Dump', 'Binlog Dump GTID', 'Daemon', 'Slave_IO', 'Slave_SQL', "
      "'Slave_worker') {}ORDER BY STATE = '{}'",
      spare_waiters ? fmt::format("AND (STATE IS NULL OR NOT STATE IN ('{}', 'Commit')) ", waits) : std::string{},
      waits);
}

GtidSet gtid_set(const std::string& text) {
  return GtidSet::parse(text).value_or(GtidSet{});
}

Coordinates coordinates(const std::string& host, const std::string& file, const std::string& position) {
  return {.host = host, .file = file, .position = parse_int<std::uint64_t>(position).value_or(0)};
}

/// Whom it follows by GTID, the row says in one of three words of two products.
bool follows_by_gtid(const Dialect& dialect, const std::string& word) {
  return dialect.is_mysql() ? word == "1" : word != "No";
}

}  // namespace

Result<Dialect> dialect_of(sql::Connection& connection, Deadline deadline) {
  const std::string greeting = connection.server_version();
  if (names_product(greeting)) return Dialect::of(greeting);
  const auto asked = connection.query("SELECT VERSION() AS version, @@version_comment AS comment", deadline);
  if (!asked) return asked.error();
  return Dialect::of(asked->text(0, "version"), asked->text(0, "comment"));
}

Result<Server> Server::connect(const Settings& settings, Deadline deadline) {
  if (settings.credentials_fault) return *settings.credentials_fault;
  bool second_account = false;
  for (;;) {
    auto opened =
        sql::Connection::open(settings.local(), second_account ? settings.replication : settings.control, deadline);
    if (opened) {
      const auto dialect = dialect_of(*opened, deadline);
      if (!dialect) return dialect.error();
      return Server(std::move(*opened), *dialect);
    }
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

Result<Variables> Server::variables_of_mysql(Deadline deadline) {
  const auto answer =
      ask(fmt::format(
              "SELECT @@global.read_only AS ro, @@global.log_bin AS log_bin, @@global.server_id AS id, "
              "@@global.gtid_mode AS gtid_mode, @@global.gtid_executed AS executed, @@global.gtid_purged AS purged, "
              "(SELECT VARIABLE_VALUE FROM performance_schema.global_variables WHERE VARIABLE_NAME = '{}_enabled') "
              "AS semi, (SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%') AS "
              "dumps",
              dialect_[Phrase::semi_sync_source]),
          deadline);
  if (!answer) return answer.error();
  const auto number = [&](std::string_view column) { return parse_int<std::uint32_t>(answer->text(0, column)); };
  const auto read_only = number("ro");
  if (!read_only) return Error{Errc::invalid, "the server did not say whether it is read-only"};
  Variables all;
  all.read_only = *read_only != 0;
  all.log_bin = number("log_bin").value_or(0) != 0;
  all.server_id = number("id").value_or(0);
  all.has_gtids = answer->text(0, "gtid_mode") == "ON";
  all.has_semi_sync = !answer->text(0, "semi").empty();
  all.semi_sync_source = answer->text(0, "semi") == "ON";
  all.dump_threads = number("dumps").value_or(0);
  // A set that is not understood must not be taken for an empty one.
  const auto executed = GtidSet::parse(answer->text(0, "executed")), purged = GtidSet::parse(answer->text(0, "purged"));
  if (!executed || !purged)
    return Error{Errc::invalid, fmt::format("gtid_executed is no set of GTIDs: '{}'", answer->text(0, "executed"))};
  all.executed = *executed;
  all.purged = *purged;
  return all;
}

Result<Variables> Server::variables(Deadline deadline) {
  if (dialect_.is_mysql()) return variables_of_mysql(deadline);
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
  const auto answer = ask(std::string(dialect_[Phrase::show_replication]), deadline);
  if (!answer) return answer.error();
  return replication_in(*answer, dialect_);
}

std::optional<Replication> replication_in(const sql::Table& answer, const Dialect& dialect) {
  if (answer.rows.empty()) return std::nullopt;
  const auto text = [&](std::string_view column) { return answer.text(0, column); };
  const auto said = [&](Phrase column) { return answer.text(0, dialect[column]); };
  const auto number = [](const std::string& word) { return parse_int<unsigned>(word).value_or(0); };
  const std::string host = said(Phrase::host);
  return Replication{
      .host = host,
      .port = number(said(Phrase::port)),
      .io = io_state(said(Phrase::receiver_runs)),
      .sql_running = said(Phrase::applier_runs) == "Yes",
      .by_gtid = follows_by_gtid(dialect, said(Phrase::follows_by)),
      .io_errno = number(text("Last_IO_Errno")),
      .sql_errno = number(text("Last_SQL_Errno")),
      .io_error = text("Last_IO_Error"),
      .sql_error = text("Last_SQL_Error"),
      .received = dialect.is_mysql() ? GtidList{} : gtids(said(Phrase::received_gtids)),
      .behind_s = parse_int<long>(said(Phrase::behind)),
      .received_set = dialect.is_mysql() ? gtid_set(said(Phrase::received_gtids)) : GtidSet{},
      .received_to = coordinates(host, said(Phrase::primary_log), said(Phrase::received_to)),
      .applied_to = coordinates(host, said(Phrase::applied_log), said(Phrase::applied_to)),
  };
}

Result<GtidList> Server::applied(Deadline deadline) {
  const auto answer =
      ask("SELECT CONCAT_WS(',', NULLIF(@@global.gtid_slave_pos, ''), NULLIF(@@global.gtid_binlog_pos, ''))", deadline);
  if (!answer) return answer.error();
  return position_of(gtids(answer->value()));
}

Result<unsigned> Server::disconnect_clients(Deadline deadline, bool spare_waiters, unsigned long also_spare) {
  const auto threads = ask(client_threads(dialect_, spare_waiters), deadline);
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
  const auto done = connection_.query(std::string(dialect_[Phrase::set_read_only]), deadline, 20ms, push);
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
  return run(Phrase::stop_receiver, deadline);
}

Result<void> Server::set_semi_sync(bool on, const Settings& settings, Deadline deadline) {
  const std::string_view name = dialect_[Phrase::semi_sync_source];
  if (dialect_.is_mysql()) {
    const auto known = variables(deadline);
    if (!known) return known.error();
    if (!known->has_semi_sync) return {};
  }
  if (!on) return run(fmt::format("SET GLOBAL {}_enabled=OFF", name), deadline);
  return run(fmt::format("SET GLOBAL {0}_wait_point='AFTER_SYNC', GLOBAL {1}=ON, GLOBAL {0}_timeout={2}, GLOBAL "
                         "{0}_enabled=ON",
                         name, dialect_[Phrase::semi_sync_alone], settings.commit_wait_ms()),
             deadline);
}

Result<void> Server::set_may_acknowledge(bool may, Deadline deadline) {
  return run(fmt::format("SET GLOBAL {}_enabled={}", dialect_[Phrase::semi_sync_replica], may ? "ON" : "OFF"),
             deadline);
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
