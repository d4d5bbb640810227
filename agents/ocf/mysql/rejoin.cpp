// SPDX-License-Identifier: GPL-2.0-or-later
// See rejoin.hpp.
#include "agents/ocf/mysql/rejoin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>

#include "agents/ocf/mysql/mapped_file.hpp"
#include "agents/ocf/mysql/undo_file.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

/// More is not worth the memory that turning it around takes: a new copy is as fast.
constexpr std::uint64_t tail_bytes_max = 512ULL << 20;

std::uint64_t size_of(const Tail& tail, const std::vector<LogFile>& files) {
  std::uint64_t size = 0;
  for (const LogFile& file : files) {
    if (size > 0) size += file.bytes.size();
    if (file.path == tail.begin->path) size += file.bytes.size() - tail.begin->offset;
  }
  return size;
}

Result<bool> has_undone(Server& server, Deadline deadline) {
  const auto found = server.ask(
      "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'systole' AND TABLE_NAME = 'rejoin'",
      deadline);
  if (!found) return found.error();
  if (found->value() == "0") return false;
  const auto rows = server.ask("SELECT COUNT(*) FROM systole.rejoin", deadline);
  if (!rows) return rows.error();
  return rows->value() != "0";
}

}  // namespace

Result<Relation> relation_to(Server& server, const Settings& settings, const PrimaryAddress& primary,
                             Deadline deadline) {
  const auto peer = ask_peer(settings, primary, deadline);
  if (!peer) return peer.error();
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  const GtidList history = variables->history();
  const auto is_common = [&](const Gtid& gtid) {
    return std::ranges::any_of(
        peer->state, [&](const Gtid& theirs) { return theirs.domain == gtid.domain && theirs.server == gtid.server; });
  };
  if (history.empty()) return Relation::part;  // of everything
  if (std::ranges::none_of(history, is_common)) return Relation::stranger;
  const bool whole = std::ranges::all_of(history, [&](const Gtid& own) { return has_transaction(peer->state, own); });
  return whole ? Relation::part : Relation::ahead;
}

Result<void> Rejoin::run_all(Server& server, std::initializer_list<std::string> statements, Deadline deadline) {
  for (const std::string& statement : statements) {
    at_.place.between_steps();
    if (auto done = server.run(statement, deadline); !done) return done;
  }
  at_.place.between_steps();
  return {};
}

Result<void> Rejoin::run(const PrimaryAddress& primary, Deadline deadline) {
  auto server = Server::connect(settings_, deadline.within(settings_.sql_timeout));
  if (!server) return server.error();
  const auto variables = server->variables(deadline.within(settings_.sql_timeout));
  if (!variables) return variables.error();
  if (!variables->read_only)
    return Error{Errc::not_connected, "this server is writable: a primary is not made a replica"};
  // One whose process was killed may still be at work in the server: its last statement is not to be overtaken.
  const auto alone = server->ask("SELECT GET_LOCK('systole.rejoin', 0)", deadline);
  if (!alone) return alone.error();
  if (alone->value() != "1") return Error{Errc::timeout, "another session is at the same work"};
  const auto undone = has_undone(*server, deadline);
  if (!undone) return undone.error();
  if (!*undone) {
    const auto peer = ask_peer(settings_, primary, deadline.within(3s));
    if (!peer) return Error{Errc::not_connected, peer.error().what};
    if (!peer->writable)
      return Error{Errc::not_connected, fmt::format("{} is read-only: no primary (yet)", primary.host)};
    if (const auto done = undo_tail(*server, primary, *peer, deadline); !done) {
      if (done.error().code == Errc::refused)
        if (const auto gone = RejoinMark(settings_).remove(); !gone) return gone;  // nothing was changed
      return done;
    }
  }
  if (const auto set = set_positions(*server, deadline); !set) return set;
  return RejoinMark(settings_).remove();
}

Result<void> Rejoin::undo_tail(Server& server, const PrimaryAddress& primary, const PeerHistory& peer,
                               Deadline deadline) {
  if (const auto gone = server.stop_receiver(deadline); !gone) return gone;
  if (const auto stopped = server.run("STOP SLAVE", deadline); !stopped) return stopped;
  const auto index = server.ask("SELECT @@global.log_bin_index", deadline);
  if (!index) return index.error();
  const auto logs = map_logs(index->value(), settings_.datadir);
  if (!logs) return logs.error();
  const auto tail = scan_tail(logs->files, peer.state);
  if (!tail && tail.error().code != Errc::io) return Error{Errc::refused, tail.error().what};
  if (!tail) return tail.error();
  if (!tail->begin) return {};
  if (!tail->obstacle.empty()) return Error{Errc::refused, tail->obstacle};
  if (size_of(*tail, logs->files) > tail_bytes_max)
    return Error{Errc::refused, fmt::format("it has {} MiB of such transactions, too many to undo them",
                                            size_of(*tail, logs->files) >> 20)};
  const auto obstacle = obstacle_in_schema(server, *tail, deadline);
  if (!obstacle) return obstacle.error();
  if (!obstacle->empty()) return Error{Errc::refused, *obstacle};
  const auto name = RejoinMark(settings_).set_once(fmt::format("{}-{}", utc(std::time(nullptr)), at_.place.resource));
  if (!name) return name.error();
  at_.tell(
      fmt::format("saving {} transactions that the primary {} does not have", tail->transactions.size(), primary.host));
  const auto folder =
      keep_tail(at_.place, *name, {.tail = *tail, .files = logs->files, .primary = primary.host}, deadline);
  if (!folder) return folder.error();
  at_.tell(fmt::format("undoing {} transactions; they are kept in {}", tail->transactions.size(), *folder));
  if (const auto undone = apply_undo(server, *folder + "/undo.sql", state_up_to(tail->base, peer.state), deadline);
      !undone)
    return undone;
  log_.notice("{} transactions that the primary {} does not have were undone; they are kept in {}",
              tail->transactions.size(), primary.host, *folder);
  return {};
}

/// What the log does not show: rows that the server itself changed along with them, and engines that undo nothing.
Result<std::string> Rejoin::obstacle_in_schema(Server& server, const Tail& tail, Deadline deadline) {
  for (const auto& [schema, table] : tail.tables()) {
    const std::string where =
        fmt::format("TABLE_SCHEMA = {} AND TABLE_NAME = {}", server.quoted(schema), server.quoted(table));
    const auto kind = server.ask(
        "SELECT ENGINE AS engine, TABLE_TYPE AS type FROM information_schema.TABLES WHERE " + where, deadline);
    if (!kind) return kind.error();
    const std::string name = fmt::format("{}.{}", schema, table);
    if (kind->rows.empty()) return fmt::format("the table {}, which it changes, is not here", name);
    if (kind->text(0, "engine") != "InnoDB")
      return fmt::format("the table {} is kept by {}: its changes cannot be undone as one", name,
                         kind->text(0, "engine"));
    if (kind->text(0, "type") != "BASE TABLE")
      return fmt::format("{} is a {}: its changes cannot be undone", name, lower(kind->text(0, "type")));
    const auto cascades = server.ask(
        fmt::format(
            "SELECT CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME) FROM information_schema.REFERENTIAL_CONSTRAINTS "
            "WHERE UNIQUE_CONSTRAINT_SCHEMA = {} AND REFERENCED_TABLE_NAME = {} AND (DELETE_RULE IN ('CASCADE', "
            "'SET NULL', 'SET DEFAULT') OR UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))",
            server.quoted(schema), server.quoted(table)),
        deadline);
    if (!cascades) return cascades.error();
    if (!cascades->rows.empty())
      return fmt::format("changes of {} changed rows of {} too (foreign key), which no log tells", name,
                         cascades->value());
  }
  return std::string{};
}

/// In one transaction, and with it the row that says that it is done and what the positions are to be.
Result<void> Rejoin::apply_undo(Server& server, const std::string& file, const GtidList& state, Deadline deadline) {
  if (auto ready = run_all(
          server,
          {"SET SESSION sql_log_bin=0", "CREATE DATABASE IF NOT EXISTS systole", "DROP TABLE IF EXISTS systole.rejoin",
           "CREATE TABLE systole.rejoin (state MEDIUMTEXT NOT NULL) ENGINE=InnoDB", "START TRANSACTION"},
          deadline);
      !ready)
    return ready;
  std::ifstream text(file);
  std::size_t statements = 0;
  for (;;) {
    const auto statement = next_undo_statement(text);
    if (!statement) return Error{Errc::refused, statement.error().what};
    if (!*statement) break;
    if (const auto done = server.run(**statement, deadline); !done)
      return Error{done.error().code == Errc::invalid ? Errc::refused : done.error().code,
                   fmt::format("its changes could not be undone: {}", done.error().what)};
    ++statements;
    at_.place.between_steps();
  }
  if (statements < 2) return Error{Errc::refused, fmt::format("'{}' undoes nothing", file)};
  return run_all(server,
                 {fmt::format("INSERT INTO systole.rejoin VALUES ({})", server.quoted(to_string(state))), "COMMIT"},
                 deadline);
}

/// May be done again: as long as the row is there, the database is what it was at this position.
Result<void> Rejoin::set_positions(Server& server, Deadline deadline) {
  const auto undone = has_undone(server, deadline);
  if (!undone) return undone.error();
  if (!*undone) return {};  // there was no tail
  const auto text = server.ask("SELECT state FROM systole.rejoin", deadline);
  if (!text) return text.error();
  const auto state = parse_gtids(text->value());
  if (!state) return Error{Errc::refused, fmt::format("systole.rejoin holds '{}', which is no state", text->value())};
  at_.tell("setting positions");
  return run_all(
      server,
      {"SET SESSION sql_log_bin=0", "STOP SLAVE", "RESET MASTER",
       fmt::format("SET GLOBAL gtid_slave_pos={}", server.quoted(to_string(position_of(*state)))),
       fmt::format("SET GLOBAL gtid_binlog_state={}", server.quoted(to_string(*state))), "DROP TABLE systole.rejoin"},
      deadline);
}

}  // namespace systole::mysql
