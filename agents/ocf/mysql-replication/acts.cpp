// SPDX-License-Identifier: GPL-2.0-or-later
// Each act looks again first: somebody may have done meanwhile what would now do harm.
#include "agents/ocf/mysql-replication/acts.hpp"

#include <fmt/format.h>

#include "agents/ocf/mysql-replication/rows.hpp"
#include "agents/ocf/mysql/mapped_file.hpp"
#include "agents/ocf/mysql/must_follow.hpp"
#include "agents/ocf/mysql/plain_replication.hpp"
#include "agents/ocf/mysql/replication.hpp"

namespace systole::mysql_replication {

namespace {

using mysql::IoThread;
using mysql::Phrase;
using mysql::PrimaryAddress;
using mysql::Server;

constexpr Duration settling = 500ms;

Result<std::optional<mysql::Replication>> state_now(Server& server, Deadline deadline) {
  return server.replication(deadline);
}

Result<void> start_receiver(Server& server, Deadline deadline) {
  const auto now = state_now(server, deadline);
  if (!now) return now.error();
  // Beside an applier that stands still it may delete what was received.
  if (!*now || (*now)->io != IoThread::stopped || !(*now)->sql_running) return {};
  return server.run(Phrase::start_receiver, deadline);
}

Result<void> start_applier(Server& server, Deadline deadline) {
  const auto now = state_now(server, deadline);
  if (!now) return now.error();
  if (!*now || (*now)->io == IoThread::stopped || (*now)->sql_running) return {};
  return server.run(Phrase::start_applier, deadline);
}

/// What relay_log.hpp and the mark need.
Result<mysql::Settings> with_datadir(Server& server, const Settings& settings, Deadline deadline) {
  const auto answer = server.ask("SELECT @@global.datadir", deadline);
  if (!answer) return answer.error();
  mysql::Settings placed = settings.server;
  placed.datadir = answer->value();
  while (placed.datadir.size() > 1 && placed.datadir.ends_with('/')) placed.datadir.pop_back();
  return placed;
}

Result<void> back_to_gtids(Server& server, Deadline deadline) {
  return server.run("CHANGE MASTER TO MASTER_USE_GTID=slave_pos", deadline);
}

/// The binary log must not hold what is fetched and logged a second time.
Result<void> forget_in_log(Server& server, const mysql::Variables& variables, Deadline deadline) {
  if (variables.dump_threads > 0)
    return Error{Errc::refused, "other replicas read this server's binary log, which would have to go: they first"};
  if (const auto emptied = server.run("RESET MASTER", deadline); !emptied) return emptied;
  const std::string held = server.quoted(to_string(variables.replicated));
  return server.run("SET GLOBAL gtid_binlog_state=" + held, deadline);
}

/// What the relay log holds does not follow what the tables hold (`gap`). A primary that has all of it gives it again,
/// and what is between; the relay log is deleted by the start.
Result<void> fetch_over_gap(Server& server, const Settings& settings, const PrimaryAddress& primary,
                            const mysql::GtidList& received, const Error& gap, Deadline deadline, Log& log) {
  if (!settings.has_account)
    return Error{gap.code, gap.what +
                               "; with the parameters replication_user and replication_passwd the primary would "
                               "be asked whether it has it all"};
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  const auto peer = mysql::ask_peer(settings.server, primary, deadline.within(2s));
  if (!peer) return Error{gap.code, fmt::format("{}; and {}", gap.what, peer.error().what)};
  const mysql::GtidList here = mysql::merged(variables->applied(), received);
  if (!mysql::contains(peer->position, here) || mysql::diverged(variables->applied(), peer->state))
    return Error{gap.code,
                 fmt::format("{}; the primary {} has not all that was received here either ({}): nothing is deleted",
                             gap.what, primary.host, mysql::to_string(here))};
  log.warning("{}; the primary {} has it all and gives it again", gap.what, primary.host);
  if (!mysql::contains(variables->replicated, variables->binlog_position))
    if (const auto emptied = forget_in_log(server, *variables, deadline); !emptied) return emptied;
  if (const auto back = back_to_gtids(server, deadline); !back) return back;
  return server.run(Phrase::start_both, deadline);
}

/// From a standstill a start deletes the relay log: what it holds is applied first. MySQL keeps it.
Result<void> start_both(Server& server, const Settings& settings, const PrimaryAddress& primary, bool drain_interrupted,
                        Deadline deadline, Log& log) {
  if (server.dialect().is_mysql()) return server.run(Phrase::start_both, deadline);
  const auto placed = with_datadir(server, settings, deadline);
  if (!placed) return placed.error();
  if (drain_interrupted)
    if (const auto stopped = server.run(Phrase::stop_applier, deadline); !stopped) return stopped.error();
  const auto now = state_now(server, deadline);
  if (!now) return now.error();
  if (!*now || (*now)->io != IoThread::stopped || (*now)->sql_running) return {};
  if (!(*now)->by_gtid && !drain_interrupted)
    return server.run(Phrase::start_both, deadline);  // keeps file and position
  const auto received = mysql::received_here(server, *placed, deadline);
  if (!received) return received.error();
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  const auto forgot = mysql::forgot_in_crash(*variables, placed->datadir);
  if (!forgot) return forgot.error();
  if (!forgot->empty())
    return fetch_over_gap(server, settings, primary, *received, {Errc::corrupt, *forgot}, deadline, log);
  if (const std::uint64_t rest = mysql::missing(variables->applied(), *received); rest > 0) {
    log.notice("{} received transactions are applied before replication is started", rest);
    const auto drained = mysql::drain_received(server, *placed, deadline);
    if (!drained && drained.error().code == Errc::corrupt)
      return fetch_over_gap(server, settings, primary, *received, drained.error(), deadline, log);
    if (!drained) return drained.error();
  }
  if (drain_interrupted)
    if (const auto back = back_to_gtids(server, deadline); !back) return back.error();
  return server.run(Phrase::start_both, deadline);
}

Result<void> follow(Server& server, const Settings& settings, const PrimaryAddress& primary,
                    const mysql::ReceiptPlace& receipts, Deadline deadline, Log& log) {
  const auto placed = with_datadir(server, settings, deadline);
  if (!placed) return placed.error();
  const auto track = mysql::track_now(server, *placed, deadline);
  if (!track) return track.error();
  if (*track == mysql::Track::file)
    return Error{Errc::io, "without GTIDs nobody can tell where to begin: replication is not set up"};
  if (*track == mysql::Track::mysql_gtid) return follow_plain(server, *placed, *track, {}, primary, deadline, log);
  const auto position = mysql::follow(server, *placed, primary, receipts, deadline, log);
  if (!position) return position.error();
  const mysql::MustFollow mark(*placed);
  mark.aim(*position);
  if (mysql::caught_up(server, *position, deadline.within(settling))) mark.clear_when_reached(*position);
  return {};
}

/// There it is deleted by a change of the position while both threads stand still.
Result<void> fetch_again_on_mysql(Server& server, const Settings& settings, const PrimaryAddress& primary,
                                  const mysql::Replication& status, Deadline deadline) {
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  const auto theirs = mysql::executed_by(settings.server, primary, deadline.within(2s));
  if (!theirs) return theirs.error();
  if (!theirs->contains(variables->executed.with(status.received_set)))
    return Error{Errc::io,
                 fmt::format("the primary {} has not all that was received here: nothing is deleted", primary.host)};
  if (const auto stopped = server.run(Phrase::stop_both, deadline); !stopped) return stopped;
  const auto changed = server.run(
      fmt::format("{} {}", server.dialect()[Phrase::change_primary], server.dialect()[Phrase::by_gtid]), deadline);
  if (!changed) return changed;
  return server.run(Phrase::start_both, deadline);
}

/// The relay log is deleted by the start, and fetched anew. Nothing else of the replication's setting is touched.
Result<void> fetch_again(Server& server, const Settings& settings, const PrimaryAddress& primary, Deadline deadline) {
  const auto status = state_now(server, deadline);
  if (!status) return status.error();
  const auto applied = server.applied(deadline);
  if (!applied) return applied.error();
  if (!*status || !(*status)->by_gtid) return Error{Errc::io, "it does not replicate by GTID any more"};
  if (server.dialect().is_mysql()) return fetch_again_on_mysql(server, settings, primary, **status, deadline);
  // Before anything is touched: a primary that is gone may leave this relay log the only copy.
  if (const auto alive = mysql::ask_peer(settings.server, primary, deadline.within(2s)); !alive) return alive.error();
  if (const auto gone = server.stop_receiver(deadline); !gone) return gone;
  const auto last = state_now(server, deadline);  // what arrived meanwhile
  if (!last || !*last) return Error{Errc::io, "the replication status cannot be read"};
  const auto peer = mysql::ask_peer(settings.server, primary, deadline.within(2s));
  if (!peer) return peer.error();
  const mysql::GtidList here = mysql::merged(*applied, mysql::merged((*status)->received, (*last)->received));
  if (!mysql::contains(peer->position, here))
    return Error{Errc::io, fmt::format("the primary {} has not all that was received here ({}): nothing is deleted",
                                       primary.host, mysql::to_string(here))};
  if (const auto stopped = server.run(Phrase::stop_both, deadline); !stopped) return stopped;
  return server.run(Phrase::start_both, deadline);
}

std::string account_change(Server& server, const Settings& settings) {
  return fmt::format("{0} {1}USER={2}, {1}PASSWORD={3}", server.dialect()[Phrase::change_primary],
                     server.dialect()[Phrase::option_prefix], server.quoted(settings.server.replication.user),
                     server.quoted(settings.server.replication.password));
}

/// While the applier runs, it keeps its relay log.
Result<void> set_account_on_mysql(Server& server, const Settings& settings, const PrimaryAddress& primary,
                                  Deadline deadline) {
  if (const auto taken = mysql::executed_by(settings.server, primary, deadline.within(2s)); !taken)
    return taken.error();
  const auto now = state_now(server, deadline);
  if (!now) return now.error();
  if (!*now || !(*now)->sql_running) return Error{Errc::io, "the applier stands still: its relay log would be deleted"};
  if (const auto stopped = server.stop_receiver(deadline); !stopped) return stopped;
  if (const auto changed = server.run(account_change(server, settings), deadline); !changed) return changed;
  return server.run(Phrase::start_receiver, deadline);
}

/// A change of the account deletes the relay log too: what it holds is applied first.
Result<void> set_account(Server& server, const Settings& settings, const PrimaryAddress& primary, Deadline deadline) {
  if (server.dialect().is_mysql()) return set_account_on_mysql(server, settings, primary, deadline);
  const auto peer = mysql::ask_peer(settings.server, primary, deadline.within(2s));
  if (!peer) return peer.error();
  const auto placed = with_datadir(server, settings, deadline);
  if (!placed) return placed.error();
  if (const auto drained = mysql::drain_received(server, *placed, deadline); !drained) return drained.error();
  if (const auto stopped = server.run(Phrase::stop_both, deadline); !stopped) return stopped;
  if (const auto changed = server.run(account_change(server, settings), deadline); !changed) return changed;
  return server.run(Phrase::start_both, deadline);
}

/// Read from where it lies: it may be larger than we want to hold.
Result<RowTransaction> read_transaction(const std::string& path, const mysql::GtidList& applied) {
  const auto file = mysql::MappedFile::open(path);
  if (!file) return file.error();
  return first_unapplied(file->bytes(), applied);
}

Result<void> same_rows(Server& server, Deadline deadline, Log& log) {
  const auto status = server.ask("SHOW SLAVE STATUS", deadline);
  if (!status) return status.error();
  const std::string error = status->text(0, "Last_SQL_Errno");
  if (status->text(0, "Slave_SQL_Running") != "No" || (error != "1062" && error != "1032")) return {};
  const auto applied = server.applied(deadline);
  if (!applied) return applied.error();
  const auto base = server.ask("SELECT @@global.relay_log_basename", deadline);
  if (!base) return base.error();
  const std::string folder = base->value().substr(0, base->value().rfind('/'));
  const auto transaction = read_transaction(fmt::format("{}/{}", folder, status->text(0, "Relay_Log_File")), *applied);
  if (!transaction) return Error{Errc::io, fmt::format("not proven the same: {}", transaction.error().what)};
  const auto done = make_applicable(server, *transaction, deadline);
  if (!done) return Error{Errc::io, fmt::format("not proven the same: {}", done.error().what)};
  log.warning("{}", *done);
  return start_applier(server, deadline);
}

}  // namespace

Result<void> act(Repair repair, Server& server, const Settings& settings, const Channel* channel,
                 const std::string& partner, const mysql::ReceiptPlace& receipts, Deadline deadline, Log& log) {
  const PrimaryAddress followed =
      channel == nullptr ? PrimaryAddress{} : PrimaryAddress{.host = channel->host, .port = channel->port};
  switch (repair) {
    case Repair::none:
      return {};
    case Repair::start_receiver:
      return start_receiver(server, deadline);
    case Repair::start_applier:
      return start_applier(server, deadline);
    case Repair::start_both:
      return start_both(server, settings, followed, channel->drain_interrupted, deadline, log);
    case Repair::account:
      return set_account(server, settings, followed, deadline);
    case Repair::fetch_again:
      return fetch_again(server, settings, followed, deadline);
    case Repair::same_rows:
      return same_rows(server, deadline, log);
    case Repair::follow:
      return follow(server, settings, {.host = partner, .port = settings.server.replication_port}, receipts, deadline,
                    log);
  }
  return {};
}

}  // namespace systole::mysql_replication
