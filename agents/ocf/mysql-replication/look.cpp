// SPDX-License-Identifier: GPL-2.0-or-later
// See look.hpp.
#include "agents/ocf/mysql-replication/look.hpp"

#include <fmt/format.h>
#include <time.h>

#include "agents/ocf/mysql-replication/peer.hpp"
#include "common/base/text.hpp"

namespace systole::mysql_replication {

namespace {

using mysql::GtidList;
using mysql::IoThread;
using mysql::Phrase;

constexpr std::int64_t peer_is_old_ms = 60'000;
constexpr Duration peer_patience = 2s;

GtidList gtids(const std::string& text) {
  return mysql::parse_gtids(text).value_or(GtidList{});
}

Contact contact_of(const Error& error) {
  // A full backlog of the socket (EAGAIN) is somebody who does not answer.
  if (error.code == Errc::not_connected)
    return error.what.find("(11)") != std::string::npos || error.what.find("temporarily") != std::string::npos
               ? Contact::hung
               : Contact::down;
  if (error.code == Errc::refused) return Contact::overloaded;
  return error.code == Errc::permission || error.code == Errc::not_found || error.code == Errc::invalid
             ? Contact::refused
             : Contact::hung;
}

std::string statement_for(const Settings& settings, const mysql::Dialect& dialect) {
  const std::string status =
      fmt::format("(SELECT VARIABLE_VALUE FROM {} WHERE VARIABLE_NAME", dialect[Phrase::global_status]);
  std::string text =
      fmt::format("SELECT @@global.read_only AS ro, @@global.server_id AS id, {}, list.full, list.hung",
                  dialect.is_mysql() ? "@@global.gtid_executed AS executed"
                                     : "@@global.gtid_binlog_pos AS pos, @@global.gtid_slave_pos AS slave_pos");
  if (settings.semi_sync_expected)
    text += fmt::format(", {} = 'R{}_status') AS acks", status, dialect[Phrase::semi_sync_replica].substr(1));
  if (settings.type == ClusterType::galera)
    text += fmt::format(", {0} = 'wsrep_local_state') AS state, {0} = 'wsrep_ready') AS ready", status);
  // A session of ours that hangs goes on hanging when we have given it up.
  return text + fmt::format(
                    " FROM (SELECT SUM(STATE LIKE '{}%') AS full, SUM(INFO = '{}' AND {}) AS hung FROM "
                    "information_schema.PROCESSLIST) AS list",
                    dialect[Phrase::waits_for_space], dialect[Phrase::show_connections],
                    dialect[Phrase::above_a_second]);
}

Result<void> ask_variables(mysql::Server& server, const Settings& settings, Facts& facts, Deadline deadline) {
  const auto answer = server.ask(statement_for(settings, server.dialect()), deadline);
  if (!answer) return answer.error();
  const auto read_only = parse_int<unsigned>(answer->text(0, "ro"));
  if (!read_only) return Error{Errc::io, "the server did not say whether it is read-only"};
  facts.read_only = *read_only != 0;
  facts.server_id = parse_int<std::uint32_t>(answer->text(0, "id")).value_or(0);
  facts.on_mysql = server.dialect().is_mysql();
  if (facts.on_mysql) {
    const auto executed = mysql::GtidSet::parse(answer->text(0, "executed"));
    if (!executed) return Error{Errc::io, "gtid_executed is no set of GTIDs"};
    facts.applied_set = *executed;
  }
  facts.applied = mysql::merged(gtids(answer->text(0, "slave_pos")), gtids(answer->text(0, "pos")));
  const auto some = [&](std::string_view column) {
    return parse_int<unsigned>(answer->text(0, column)).value_or(0) > 0;
  };
  facts.waits_for_space = some("full");
  facts.status_hangs = some("hung");
  if (settings.semi_sync_expected) facts.acknowledges = answer->text(0, "acks") == "ON";
  facts.synced = answer->text(0, "state") == "4" && answer->text(0, "ready") == "ON";
  return {};
}

/// No such table yet, or none for us: then there is no heartbeat.
void ask_heartbeat(mysql::Server& server, const Settings& settings, Facts& facts, Deadline deadline) {
  const auto answer = server.ask(fmt::format("SELECT ts FROM {} ORDER BY server_id = {} DESC, ts DESC LIMIT 1",
                                             settings.heartbeat_table, facts.channel->primary_id),
                                 deadline);
  facts.wall_us = wall_us();
  if (answer) facts.beat_us = parse_int<std::int64_t>(answer->value());
}

/// What only the primary knows is asked now and then, and each time while it matters.
bool wants_peer(const Facts& facts, const Memory& memory, const Settings& settings, std::int64_t now_ms) {
  if (!settings.has_account || !facts.channel || !facts.channel->name.empty()) return false;
  // A server that takes writes beside a replication that stands still: was it promoted, or is it a replica that
  // somebody left writable? That hangs on whether the other one takes writes too.
  const bool doubtful_role = !facts.read_only && facts.channel->io == IoThread::stopped && !facts.channel->sql_running;
  if (facts.channel->io != IoThread::running && !doubtful_role) return false;
  if (facts.read_only && !memory.errant.empty()) return true;
  // What it was a minute ago does not count against one that has just been promoted.
  if (doubtful_role && memory.other_writes && memory.told_writable != "1") return true;
  if (memory.asked_peer_ms < 0 || now_ms - memory.asked_peer_ms >= peer_is_old_ms) return true;
  if (!settings.heartbeat) return false;
  return lag_is_doubtful(facts, memory, to_ms(settings.max_lag));
}

}  // namespace

std::int64_t wall_us() {
  timespec at{};
  ::clock_gettime(CLOCK_REALTIME, &at);
  return std::int64_t{at.tv_sec} * 1'000'000 + at.tv_nsec / 1000;
}

std::int64_t boot_ms() {
  return to_ms(boot_time().time_since_epoch());
}

std::optional<Channel> channel_in(const sql::Table& answer, const mysql::Dialect& dialect, const Facts& facts) {
  if (answer.rows.empty()) return std::nullopt;
  const std::string_view name_column = dialect.is_mysql() ? "Channel_Name" : "Connection_name";
  std::size_t row = 0;
  for (std::size_t each = 0; each < answer.rows.size(); ++each)
    if (answer.text(each, name_column).empty()) {
      row = each;
      break;
    }
  const sql::Table one{.columns = answer.columns, .rows = {answer.rows[row]}};
  const auto common = mysql::replication_in(one, dialect);
  const auto said = [&](Phrase column) { return one.text(0, dialect[column]); };
  Channel channel{.name = one.text(0, name_column),
                  .host = common->host,
                  .port = common->port,
                  .io = common->io,
                  .sql_running = common->sql_running,
                  .by_gtid = common->by_gtid,
                  .drain_interrupted = !common->by_gtid && common->received_to.file == "none.000001",
                  .all_read = said(Phrase::applier_state).find("has read all relay log") != std::string::npos,
                  .io_errno = common->io_errno,
                  .sql_errno = common->sql_errno,
                  .io_error = common->io_error,
                  .sql_error = common->sql_error,
                  .received = common->received,
                  .received_set = common->received_set,
                  .behind_s = common->behind_s,
                  .delay_s = parse_int<std::uint32_t>(one.text(0, "SQL_Delay")).value_or(0),
                  .primary_id = parse_int<std::uint32_t>(said(Phrase::primary_id)).value_or(0)};
  const bool by_set = channel.by_gtid && facts.on_mysql;
  channel.all_applied = by_set ? facts.applied_set.contains(channel.received_set)
                        : channel.by_gtid && !channel.received.empty()
                            ? mysql::contains(facts.applied, channel.received)
                            : common->applied_to == common->received_to;
  return channel;
}

Seen look(const Settings& settings, Memory& memory, Deadline deadline) {
  Seen seen;
  Facts& facts = seen.facts;
  const Deadline bound = deadline.within(settings.server.sql_timeout);
  auto server = mysql::Server::connect(settings.server, bound);
  const auto silent = [&](const Error& error) {
    facts.contact = contact_of(error);
    facts.silence = error.what;
  };
  if (!server) {
    silent(server.error());
    return seen;
  }
  if (const auto asked = ask_variables(*server, settings, facts, bound); !asked) {
    silent(asked.error());
    return seen;
  }
  facts.contact = Contact::answers;
  if (settings.type == ClusterType::replication) {
    const std::string question(server->dialect()[Phrase::show_connections]);
    const auto status = facts.status_hangs
                            ? Error{Errc::timeout, fmt::format("an earlier {} has no answer yet", question)}
                            : server->ask(question, bound);
    facts.status_known = status.has_value();
    if (!status && status.error().code == Errc::permission) {
      silent(status.error());  // without SLAVE MONITOR nothing is known of its replication
      return seen;
    }
    if (!status) {
      facts.silence = status.error().what;
      if (status.error().code == Errc::timeout || status.error().code == Errc::io) return seen;
    } else {
      facts.channel = channel_in(*status, server->dialect(), facts);
    }
    if (settings.heartbeat && facts.channel) ask_heartbeat(*server, settings, facts, bound);
    if (const std::int64_t now = boot_ms(); wants_peer(facts, memory, settings, now)) {
      memory.asked_peer_ms = now;
      memory.other_writes = false;
      if (auto peer = ask_primary(settings, facts, deadline.within(peer_patience))) facts.peer = std::move(*peer);
    }
  }
  seen.server.emplace(std::move(*server));
  return seen;
}

}  // namespace systole::mysql_replication
