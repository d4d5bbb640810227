// SPDX-License-Identifier: GPL-2.0-or-later
// Waits here poll the server every few milliseconds: MASTER_GTID_WAIT would wait on after the applier has failed.
#include "agents/ocf/mysql/replication.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "agents/kit/paths.hpp"
#include "agents/ocf/mysql/mapped_file.hpp"
#include "agents/ocf/mysql/must_follow.hpp"

namespace systole::mysql {

namespace {

constexpr Duration poll_pause = 5ms;

/// Until `wanted` is applied. The applier's end before that is an Error with its words.
Result<GtidList> wait_applied(Server& server, const GtidList& wanted, Deadline deadline) {
  for (;;) {
    const auto applied = server.applied(deadline);
    if (!applied) return applied.error();
    if (contains(*applied, wanted)) return *applied;
    const auto status = server.replication(deadline);
    if (!status) return status.error();
    if (!*status || !(*status)->sql_running) {
      const auto last = server.applied(deadline);  // it may have ended after its last transaction
      if (last && contains(*last, wanted)) return *last;
      return Error{Errc::refused,
                   fmt::format("{} received transactions cannot be applied: {}", missing(*applied, wanted),
                               *status && (*status)->sql_errno != 0
                                   ? fmt::format("error {}: {}", (*status)->sql_errno, (*status)->sql_error)
                                   : "the applier has stopped")};
    }
    if (!agents::pause_for(poll_pause, deadline.at()))
      return Error{Errc::timeout,
                   fmt::format("{} received transactions were not applied in time", missing(*applied, wanted))};
  }
}

std::string forgotten(const GtidList& in_tables, const GtidList& in_log) {
  return fmt::format(
      "the binary log has transactions up to {}, the tables only up to {}: the server forgot the rest in a crash "
      "(innodb_flush_log_at_trx_commit must be 1)",
      to_string(in_log), in_tables.empty() ? "none" : to_string(in_tables));
}

/// What the relay log holds comes right behind what the tables hold.
Result<void> follows_without_gap(const Variables& variables, const RelayScan& scan) {
  const auto of_its_domain = [&](const GtidList& list) {
    const auto found = std::ranges::find(list, scan.first->domain, &Gtid::domain);
    return found == list.end() ? GtidList{} : GtidList{*found};
  };
  const GtidList in_log = of_its_domain(variables.binlog_position), in_tables = of_its_domain(variables.replicated);
  if (!contains(in_tables, in_log)) return Error{Errc::corrupt, forgotten(in_tables, in_log)};
  if (!scan.gap) return {};
  return Error{
      Errc::corrupt,
      fmt::format("what was received cannot be applied: {} is applied, and the relay log goes on with {}; what "
                  "was between is gone, as the server had applied it and forgot it in a crash: "
                  "innodb_flush_log_at_trx_commit must be 1",
                  scan.gap->applied ? to_string(*scan.gap->applied) : "nothing", to_string(scan.gap->next))};
}

/// Both threads stand still: begins at the first transaction that is not applied, found in the files by its GTID.
/// `known`: what the server itself remembers to have received (nothing after its restart); it must be in the files.
Result<GtidList> apply_from_files(Server& server, const Settings& settings, const GtidList& known, Deadline deadline) {
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  const auto scan = read_relay_log(*variables, variables->applied(), settings.datadir);
  if (!scan && scan.error().code != Errc::not_found) return scan.error();
  if (!scan || !scan->resume) {
    if (contains(variables->applied(), known)) return variables->applied();
    return Error{Errc::refused,
                 fmt::format("{} received transactions are not applied, and the relay log holds none of them",
                             missing(variables->applied(), known))};
  }
  if (const auto whole = follows_without_gap(*variables, *scan); !whole) return whole.error();
  // MASTER_LOG_FILE means nothing here, but the parallel applier of 10.11 dies of an empty one: it compares the
  // numbers behind the names' dots.
  const std::string change = fmt::format(
      "CHANGE MASTER TO MASTER_USE_GTID=NO, MASTER_LOG_FILE='none.000001', MASTER_LOG_POS=4, "
      "RELAY_LOG_FILE={}, RELAY_LOG_POS={}",
      server.quoted(std::filesystem::path(scan->resume->path).filename().string()), scan->resume->offset);
  if (const auto changed = server.run(change, deadline); !changed) return changed.error();
  if (const auto started = server.run("START SLAVE SQL_THREAD", deadline); !started) return started.error();
  const auto applied = wait_applied(server, merged(scan->received, known), deadline);
  if (!applied) return applied;
  // Back to GTIDs, so that whoever starts the threads next does not fetch from an old file and position.
  if (const auto stopped = server.run("STOP SLAVE SQL_THREAD", deadline); !stopped) return stopped.error();
  if (const auto back = server.run("CHANGE MASTER TO MASTER_USE_GTID=slave_pos", deadline); !back) return back.error();
  return applied;
}

Result<MappedLogs> map_relay_logs(const Variables& variables, const std::string& datadir) {
  std::string index_path = variables.relay_log_index;
  if (index_path.empty()) {  // the server does not tell the name that it chose by itself
    const auto info = agents::read_file(datadir + "/relay-log.info");
    if (!info) return Error{Errc::not_found, "this server has no relay log"};
    index_path = relay_log_name(*info) + ".index";
  }
  return map_logs(index_path, datadir);
}

Error divergence(const Gtid& errant, const PrimaryAddress& primary) {
  return {Errc::refused,
          fmt::format("this database has transaction {} that the primary {} never had: it cannot follow. Save what is "
                      "needed, then give this node a new copy of the primary",
                      to_string(errant), primary.host)};
}

}  // namespace

Result<PeerHistory> ask_peer(const Settings& settings, const PrimaryAddress& peer, Deadline deadline) {
  const sql::Endpoint endpoint{.socket = {}, .host = peer.host, .port = peer.port, .tls = settings.tls};
  auto connection = sql::Connection::open(endpoint, settings.replication, deadline);
  if (!connection) return connection.error();
  const auto answer = connection->query(
      "SELECT @@global.gtid_binlog_state AS state, @@global.gtid_slave_pos AS slave_pos, @@global.gtid_binlog_pos AS "
      "pos, @@global.read_only AS read_only",
      deadline);
  if (!answer) return answer.error();
  const auto list = [&](std::string_view column) { return parse_gtids(answer->text(0, column)).value_or(GtidList{}); };
  PeerHistory history{.state = list("state"),
                      .position = merged(list("slave_pos"), list("pos")),
                      .writable = answer->text(0, "read_only") == "0"};
  for (const Gtid& gtid : list("slave_pos")) history.state.push_back(gtid);
  return history;
}

Result<RelayScan> read_relay_log(const Variables& variables, const GtidList& applied, const std::string& datadir) {
  const auto logs = map_relay_logs(variables, datadir);
  if (!logs) return logs.error();
  return scan_relay_log(logs->files, applied);
}

Result<std::string> forgot_in_crash(const Variables& variables, const std::string& datadir) {
  if (contains(variables.replicated, variables.binlog_position)) return std::string{};
  // What is received moves gtid_slave_pos as it is applied; what is written here does not, and is no proof.
  const auto scan = read_relay_log(variables, variables.replicated, datadir);
  if (!scan && scan.error().code != Errc::not_found) return scan.error();
  if (!scan || !scan->first || !has_transaction(variables.binlog_state, *scan->first)) return std::string{};
  return forgotten(variables.replicated, variables.binlog_position);
}

Result<GtidList> received_here(Server& server, const Settings& settings, Deadline deadline) {
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  const auto status = server.replication(deadline);
  if (!status) return status.error();
  GtidList received = variables->applied();
  if (!*status) return received;
  received = merged(received, (*status)->received);
  if ((*status)->io != IoThread::stopped || (*status)->sql_running) return received;
  const auto scan = read_relay_log(*variables, variables->applied(), settings.datadir);
  if (!scan && scan.error().code != Errc::not_found) return scan.error();
  return scan ? merged(received, scan->received) : received;
}

Result<GtidList> history_here(Server& server, const Settings& settings, Deadline deadline) {
  const auto received = received_here(server, settings, deadline);
  if (!received) return received.error();
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  GtidList history = variables->history();
  history.insert(history.end(), received->begin(), received->end());
  std::ranges::sort(history);
  const auto doubled = std::ranges::unique(history);
  history.erase(doubled.begin(), doubled.end());
  return history;
}

Result<GtidList> drain_received(Server& server, const Settings& settings, Deadline deadline) {
  auto status = server.replication(deadline);
  if (!status) return status.error();
  if (!*status) return server.applied(deadline);
  if (const auto stopped = server.stop_receiver(deadline); !stopped) return stopped.error();
  if (!(*status)->sql_running) return apply_from_files(server, settings, (*status)->received, deadline);
  status = server.replication(deadline);  // what arrived while the receiver was being stopped
  if (!status) return status.error();
  if (!*status) return server.applied(deadline);
  return wait_applied(server, (*status)->received, deadline);
}

Result<std::optional<std::string>> keep_received(Server& server, const Settings& settings, const PeerHistory& peer,
                                                 const std::string& primary, const ReceiptPlace& receipts,
                                                 Deadline deadline) {
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  const auto logs = map_relay_logs(*variables, settings.datadir);
  if (!logs && logs.error().code == Errc::not_found) return std::optional<std::string>{};
  if (!logs) return logs.error();
  const auto tail = scan_received(logs->files, peer.state);
  if (!tail) return tail.error();
  if (!tail->begin) return std::optional<std::string>{};
  const auto folder = keep_tail_once(
      receipts, {.tail = *tail, .files = logs->files, .primary = primary, .fate = Fate::dropped}, deadline);
  if (!folder) return folder.error();
  return std::optional<std::string>{*folder};
}

namespace {

/// What we received of an old primary and have not applied is applied, if the new primary has it too: should it die
/// before we have fetched it again, ours may be the last copy. What it does not have is kept for people.
Result<void> settle_received(Server& server, const Settings& settings, const PeerHistory& peer,
                             const PrimaryAddress& primary, const ReceiptPlace& receipts, Deadline deadline, Log& log) {
  const auto received = received_here(server, settings, deadline);
  if (!received) return received.error();
  const auto applied = server.applied(deadline);
  if (!applied) return applied.error();
  if (contains(*applied, *received)) return {};
  if (const auto foreign = diverged(*received, peer.state)) {
    if (const auto gone = server.stop_receiver(deadline); !gone) return gone;
    const auto kept = keep_received(server, settings, peer, primary.host, receipts, deadline);
    if (!kept) return kept.error();
    log.warning("received and not applied, unknown to the primary {}: up to {}{}", primary.host, to_string(*foreign),
                *kept ? fmt::format(", kept in {}", **kept) : std::string{});
    return {};
  }
  if (const auto drained = drain_received(server, settings, deadline.within(deadline.left() / 2)); !drained) {
    log.warning("{}; they will be fetched from the primary {} again", drained.error().what, primary.host);
    return MustFollow(settings).set();
  }
  return {};
}

}  // namespace

Result<GtidList> follow(Server& server, const Settings& settings, const PrimaryAddress& primary,
                        const ReceiptPlace& receipts, Deadline deadline, Log& log) {
  const auto peer = ask_peer(settings, primary, deadline.within(3s));
  // Clients may have taken all of its connections (1040): that is no refusal to be followed.
  if (!peer && peer.error().code == Errc::refused) return Error{Errc::not_connected, peer.error().what};
  if (!peer) return peer.error();
  if (!peer->writable)
    return Error{Errc::not_connected, fmt::format("{} is read-only: no primary (yet)", primary.host)};
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  if (const auto errant = diverged(variables->applied(), peer->state)) return divergence(*errant, primary);
  // Written here since the start, perhaps with the primary's own transactions behind it.
  for (const Gtid& own : variables->binlog_state)
    if (own.server == variables->server_id && !has_transaction(peer->state, own)) return divergence(own, primary);

  if (const auto done = settle_received(server, settings, *peer, primary, receipts, deadline, log); !done)
    return done.error();
  if (const auto gone = server.stop_receiver(deadline); !gone) return gone.error();
  if (const auto stopped = server.run("STOP SLAVE", deadline); !stopped) return stopped.error();
  const auto settled = server.variables(deadline);
  if (!settled) return settled.error();
  // The applier may have gone on until now.
  if (const auto errant = diverged(settled->applied(), peer->state)) return divergence(*errant, primary);
  // What we wrote as a primary counts as replicated. MASTER_DEMOTE_TO_SLAVE would count only what bears our present
  // server_id, and that is a new one after each start.
  if (!contains(settled->replicated, settled->binlog_position)) {
    const std::string position = to_string(settled->applied());
    const auto set = server.run(fmt::format("SET GLOBAL gtid_slave_pos={}", server.quoted(position)), deadline);
    if (!set) return set.error();
  }
  if (const auto changed =
          server.run(change_primary(server, settings, primary, server.dialect()[Phrase::by_gtid]), deadline);
      !changed)
    return changed.error();
  if (const auto started = server.run("START SLAVE", deadline); !started) return started.error();
  log.info("following {}:{} from {}", primary.host, primary.port, to_string(settled->applied()));
  return peer->position;
}

std::string change_primary(Server& server, const Settings& settings, const PrimaryAddress& primary,
                           std::string_view position) {
  const Dialect& dialect = server.dialect();
  const std::string_view prefix = dialect[Phrase::option_prefix];
  const bool encrypted = settings.tls.required || !settings.tls.ca.empty();
  std::string text = fmt::format(
      "{0} {1}HOST={2}, {1}PORT={3}, {1}USER={4}, {1}PASSWORD={5}, {1}CONNECT_RETRY=1, {1}HEARTBEAT_PERIOD=1, {6}, "
      "{1}SSL={7}",
      dialect[Phrase::change_primary], prefix, server.quoted(primary.host), primary.port,
      server.quoted(settings.replication.user), server.quoted(settings.replication.password), position,
      encrypted ? 1 : 0);
  for (const auto& [name, file] :
       {std::pair{"CA", &settings.tls.ca}, std::pair{"CERT", &settings.tls.cert}, std::pair{"KEY", &settings.tls.key}})
    if (!file->empty()) text += fmt::format(", {}SSL_{}={}", prefix, name, server.quoted(*file));
  // Without TLS an account with caching_sha2_password logs in only with the primary's public key.
  const std::string_view key = encrypted ? std::string_view{} : dialect[Phrase::ask_public_key];
  for (const std::string_view option : {dialect[Phrase::keep_trying], key})
    if (!option.empty()) text += fmt::format(", {}", option);
  return text;
}

bool caught_up(Server& server, const GtidList& position, Deadline deadline) {
  do {
    const auto status = server.replication(deadline);
    const auto applied = server.applied(deadline);
    if (status && *status && applied && (*status)->io == IoThread::running && contains(*applied, position)) return true;
    if (status && *status && says_diverged(**status)) return false;
  } while (agents::pause_for(poll_pause, deadline.at()));
  return false;
}

}  // namespace systole::mysql
