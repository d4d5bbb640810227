// SPDX-License-Identifier: GPL-2.0-or-later
// See plain_replication.hpp.
#include "agents/ocf/mysql/plain_replication.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr Duration poll_pause = 5ms;

bool all_applied(const Replication& status, Track track, const Variables& variables) {
  if (track == Track::mysql_gtid) return variables.executed.contains(status.received_set);
  return status.applied_to == status.received_to;
}

std::string lag_in_words(const Replication& status, Track track, const Variables& variables) {
  if (track == Track::mysql_gtid)
    return fmt::format("{} received transactions", status.received_set.without(variables.executed).count());
  return fmt::format("what was received between {} and {}", to_string(status.applied_to),
                     to_string(status.received_to));
}

Result<Coordinates> log_end(Server& server, const std::string& self, Deadline deadline) {
  const auto answer = server.ask(std::string(server.dialect()[Phrase::show_log_position]), deadline);
  if (!answer) return answer.error();
  const auto position = parse_int<std::uint64_t>(answer->text(0, "Position"));
  if (!position) return Error{Errc::invalid, "the server writes no binary log"};
  return Coordinates{.host = self, .file = answer->text(0, "File"), .position = *position};
}

/// Marks of the server in its own log, which are no transactions.
bool is_mark(const std::string& event) {
  static const std::vector<std::string> marks{
      "Rotate", "Stop", "Format_desc", "Gtid_list", "Binlog_checkpoint", "Previous_gtids", "Start_encryption"};
  return has(marks, event);
}

/// What this server's log has behind `from`, or why that cannot be told; "": no transaction.
std::string written_after(Server& server, const Coordinates& from, Deadline deadline) {
  const auto logs = server.ask("SHOW BINARY LOGS", deadline);
  if (!logs) return logs.error().what;
  bool behind = false;
  for (std::size_t row = 0; row < logs->rows.size(); ++row) {
    const std::string file = logs->text(row, "Log_name");
    const bool begins = file == from.file;
    if (begins && parse_int<std::uint64_t>(logs->text(row, "File_size")).value_or(0) < from.position)
      return fmt::format("this server's log {} is shorter: it has lost what the other received", file);
    behind = behind || begins;
    if (!behind) continue;
    const auto events = server.ask(fmt::format("SHOW BINLOG EVENTS IN {}{} LIMIT 20", server.quoted(file),
                                               begins ? fmt::format(" FROM {}", from.position) : std::string{}),
                                   deadline);
    if (!events) return events.error().what;
    for (std::size_t event = 0; event < events->rows.size(); ++event)
      if (const std::string type = events->text(event, "Event_type"); !is_mark(type))
        return fmt::format("its log has more, first at {}:{} ({})", file, events->text(event, "Pos"), type);
  }
  return behind ? "" : fmt::format("this server has deleted its log {}, and what came after cannot be seen", from.file);
}

struct OtherServer {
  sql::Connection connection;
  Dialect dialect;
};

Result<OtherServer> connect_to(const Settings& settings, const PrimaryAddress& peer, Deadline deadline) {
  const sql::Endpoint endpoint{.socket = {}, .host = peer.host, .port = peer.port, .tls = settings.tls};
  auto connection = sql::Connection::open(endpoint, settings.replication, deadline);
  if (!connection) return connection.error();
  const auto dialect = dialect_of(*connection, deadline);
  if (!dialect) return dialect.error();
  return OtherServer{std::move(*connection), *dialect};
}

Result<GtidSet> set_of(sql::Connection& connection, const char* variable, Deadline deadline) {
  const auto answer = connection.query(fmt::format("SELECT @@global.{}", variable), deadline);
  if (!answer) return answer.error();
  const auto set = GtidSet::parse(answer->value());
  if (set) return *set;
  return Error{Errc::invalid, fmt::format("{} is no set of GTIDs: '{}'", variable, answer->value())};
}

/// It is a primary, of the same product. It may be full (1040): that is no refusal to be followed.
Result<OtherServer> ask_primary(Server& server, const Settings& settings, const PrimaryAddress& primary,
                                Deadline deadline) {
  auto other = connect_to(settings, primary, deadline);
  if (!other && other.error().code == Errc::refused) return Error{Errc::not_connected, other.error().what};
  if (!other) return other;
  if (other->dialect.product() != server.dialect().product())
    return Error{Errc::refused,
                 fmt::format("the primary {} is {}, this server is {}: install the same on both nodes", primary.host,
                             to_string(other->dialect.product()), to_string(server.dialect().product()))};
  const auto writable = other->connection.query("SELECT @@global.read_only", deadline);
  if (!writable) return writable.error();
  if (writable->value() == "0") return other;
  return Error{Errc::not_connected, fmt::format("{} is read-only: no primary (yet)", primary.host)};
}

/// Errors: refused: this server has what the primary never had, or needs what it has deleted.
Result<void> compare_sets(OtherServer& primary, const std::string& host, const Variables& variables,
                          Deadline deadline) {
  const auto theirs = set_of(primary.connection, "gtid_executed", deadline);
  if (!theirs) return theirs.error();
  if (const GtidSet errant = variables.executed.without(*theirs); !errant.empty())
    return Error{Errc::refused,
                 fmt::format("this database has {} transactions that the primary {} never had ({}): it cannot follow, "
                             "and on MySQL they are not undone by the agent. Save what is needed, then give this node "
                             "a new copy of the primary",
                             errant.count(), host, to_string(errant))};
  const auto purged = set_of(primary.connection, "gtid_purged", deadline);
  if (!purged) return purged.error();
  if (const GtidSet gone = purged->without(variables.executed); !gone.empty())
    return Error{Errc::refused, fmt::format("the primary {} has deleted the binary logs with {} transactions that are "
                                            "needed here ({}): give this node a new copy of the primary",
                                            host, gone.count(), to_string(gone))};
  return {};
}

/// What CHANGE MASTER shall say of the position; "": it stands right.
Result<std::string> position_option(Server& server, Track track, const Surroundings& cluster,
                                    const PrimaryAddress& primary, const std::optional<Replication>& status,
                                    Deadline deadline) {
  const Dialect& dialect = server.dialect();
  if (track == Track::mysql_gtid) return std::string(dialect[Phrase::by_gtid]);
  const auto published = parse_takeover(cluster.published);
  Follower follower{.self = cluster.self, .applied = {}, .surplus = {}};
  if (status && !status->applied_to.file.empty()) follower.applied = status->applied_to;
  const bool was_primary = published && published->former && published->former->host == cluster.self;
  if (!follower.applied && was_primary) follower.surplus = written_after(server, *published->former, deadline);
  Entry entry = entry_point(primary.host, published, follower);
  if (entry.kind == Entry::Kind::later) return Error{Errc::not_connected, entry.why};
  if (entry.kind == Entry::Kind::refuse) return Error{Errc::refused, entry.why};
  if (entry.kind == Entry::Kind::keep) {
    if (status->port == primary.port && !status->by_gtid) return std::string{};
    entry.from = *follower.applied;
  }
  const std::string_view prefix = dialect[Phrase::option_prefix];
  return fmt::format("{0}, {1}LOG_FILE={2}, {1}LOG_POS={3}", dialect[Phrase::by_file], prefix,
                     server.quoted(entry.from.file), entry.from.position);
}

}  // namespace

Result<Track> track_of(const Settings& settings, const Server& server, const Variables& variables) {
  if (settings.replicate_by == Settings::Positions::file) return Track::file;
  if (!server.dialect().is_mysql()) return Track::mariadb_gtid;
  if (variables.has_gtids) return Track::mysql_gtid;
  if (settings.replicate_by == Settings::Positions::automatic) return Track::file;
  return Error{Errc::invalid,
               "replicate_by is gtid, but the server's gtid_mode is not ON: set gtid-mode=ON and "
               "enforce-gtid-consistency=ON in its configuration, or replicate_by=file"};
}

Result<Track> track_now(Server& server, const Settings& settings, Deadline deadline) {
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  return track_of(settings, server, *variables);
}

Result<void> drain_plain(Server& server, const Settings& settings, Track track, Deadline deadline) {
  auto status = server.replication(deadline);
  if (!status) return status.error();
  if (!*status) return {};
  if (!server.dialect().is_mysql() &&
      (*status)->by_gtid) {  // it went by GTID until now: a start may delete what it has
    const auto drained = drain_received(server, settings, deadline);
    return drained ? Result<void>{} : drained.error();
  }
  if (const auto stopped = server.stop_receiver(deadline); !stopped) return stopped;
  if (!(*status)->sql_running) {
    // An applier that is started reads the head of the next relay log, and shows a position from before all that is
    // applied from then on: what stands still has to be asked first.
    const auto still = server.variables(deadline);
    if (!still) return still.error();
    if (all_applied(**status, track, *still)) return {};
    // A start of the applier alone keeps the relay log; it goes on where it was.
    if (const auto started = server.run(Phrase::start_applier, deadline); !started) return started;
  }
  for (;;) {
    status = server.replication(deadline);
    if (!status) return status.error();
    const auto variables = server.variables(deadline);  // after the status: what is received is not more by now
    if (!variables) return variables.error();
    if (!*status || all_applied(**status, track, *variables)) return {};
    const std::string rest = lag_in_words(**status, track, *variables);
    if ((*status)->sql_errno != 0 || !(*status)->sql_running)
      return Error{Errc::refused,
                   fmt::format("{} cannot be applied: {}", rest,
                               (*status)->sql_errno != 0
                                   ? fmt::format("error {}: {}", (*status)->sql_errno, (*status)->sql_error)
                                   : "the applier has stopped")};
    if (!agents::pause_for(poll_pause, deadline.at()))
      return Error{Errc::timeout, fmt::format("{} was not applied in time", rest)};
  }
}

Result<void> follow_plain(Server& server, const Settings& settings, Track track, const Surroundings& cluster,
                          const PrimaryAddress& primary, Deadline deadline, Log& log) {
  auto other = ask_primary(server, settings, primary, deadline.within(3s));
  if (!other) return other.error();
  // What was received of the old primary is applied first: CHANGE MASTER deletes it, and it decides where to go on.
  if (const auto drained = drain_plain(server, settings, track, deadline.within(deadline.left() / 2)); !drained) {
    if (track == Track::file) return Error{Errc::not_connected, drained.error().what};
    log.warning("{}; it will be fetched from the primary {} again, if it has it", drained.error().what, primary.host);
  }
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  if (track == Track::mysql_gtid)
    if (const auto related = compare_sets(*other, primary.host, *variables, deadline); !related) return related;
  const auto status = server.replication(deadline);
  if (!status) return status.error();
  const auto position = position_option(server, track, cluster, primary, *status, deadline);
  if (!position) return position.error();
  if (!position->empty()) {
    if (const auto stopped = server.run(Phrase::stop_both, deadline); !stopped) return stopped;
    if (const auto changed = server.run(change_primary(server, settings, primary, *position), deadline); !changed)
      return changed;
  }
  if (const auto started = server.run(Phrase::start_both, deadline); !started) return started;
  log.info("following {}:{}{}{}", primary.host, primary.port, position->empty() ? "" : " by ", *position);
  return {};
}

bool caught_up_plain(Server& server, Track track, Deadline deadline) {
  do {
    const auto status = server.replication(deadline);
    const auto variables = server.variables(deadline);
    if (!status || !*status || !variables) continue;
    if ((*status)->io == IoThread::running && all_applied(**status, track, *variables)) return true;
    if (says_diverged(**status)) return false;
  } while (agents::pause_for(poll_pause, deadline.at()));
  return false;
}

Result<std::string> progress_here(Server& server, Track track, const Surroundings& cluster, Deadline deadline) {
  const auto status = server.replication(deadline);
  if (!status) return status.error();
  if (track == Track::mysql_gtid) {
    const auto variables = server.variables(deadline);
    if (!variables) return variables.error();
    return to_string(*status ? variables->executed.with((*status)->received_set) : variables->executed);
  }
  if (*status && !(*status)->received_to.file.empty()) return to_text((*status)->received_to);
  const auto end = log_end(server, cluster.self, deadline);
  if (!end) return end.error();
  return to_text(*end);
}

Result<std::string> who_has_more(Track track, const std::string& own,
                                 const std::vector<std::pair<std::string, std::string>>& others) {
  if (track == Track::file) {
    const auto self = parse_coordinates(own);
    if (!self) return Error{Errc::invalid, fmt::format("'{}' is no place in a log", own)};
    std::vector<CoordinateCandidate> candidates;
    for (const auto& [node, text] : others)
      if (auto place = parse_coordinates(text)) candidates.push_back({.node = node, .received = std::move(*place)});
    return better_candidate({.node = {}, .received = *self}, candidates);
  }
  const auto self = GtidSet::parse(own);
  if (!self) return Error{Errc::invalid, fmt::format("'{}' is no set of GTIDs", own)};
  GtidSet most = *self;
  std::string better;
  for (const auto& [node, text] : others) {
    const auto set = GtidSet::parse(text);
    if (!set || most.contains(*set)) continue;
    if (!set->contains(most))
      return Error{Errc::refused,
                   fmt::format("the databases here and on {} have different histories, neither is the beginning of the "
                               "other: stop the instance on the node whose data may be given up",
                               node)};
    most = *set;
    better = node;
  }
  return better;
}

Result<GtidSet> executed_by(const Settings& settings, const PrimaryAddress& peer, Deadline deadline) {
  auto other = connect_to(settings, peer, deadline);
  if (!other) return other.error();
  return set_of(other->connection, "gtid_executed", deadline);
}

Result<std::string> lacks(Server& server, const Settings& settings, Track track, const Surroundings& cluster,
                          const PrimaryAddress& peer, Deadline deadline) {
  if (track == Track::mysql_gtid) {
    const auto mine = server.variables(deadline);
    if (!mine) return mine.error();
    const auto theirs = executed_by(settings, peer, deadline);
    if (!theirs) return theirs.error();
    const std::uint64_t count = mine->executed.without(*theirs).count();
    return count == 0 ? std::string{} : fmt::format("{} transactions behind", count);
  }
  const auto end = log_end(server, cluster.self, deadline);
  if (!end) return end.error();
  auto other = connect_to(settings, peer, deadline);
  if (!other) return other.error();
  const auto answer = other->connection.query(std::string(other->dialect[Phrase::show_replication]), deadline);
  if (!answer)
    return Error{answer.error().code, fmt::format("{} (replication_user needs {} for this question)",
                                                  answer.error().what, other->dialect[Phrase::may_see_replication])};
  const auto status = replication_in(*answer, other->dialect);
  if (!status) return std::string("it replicates from nobody");
  if (status->applied_to == *end) return std::string{};
  return fmt::format("it is at {}, not at {}", to_string(status->applied_to), to_string(*end));
}

Result<Takeover> takeover_here(Server& server, const Surroundings& cluster, Deadline deadline) {
  const auto status = server.replication(deadline);
  if (!status) return status.error();
  const auto published = parse_takeover(cluster.published);
  const bool follows = *status && !(*status)->applied_to.file.empty();
  if (!follows && published && published->own.host == cluster.self) return *published;
  const std::string last = cluster.published.substr(0, cluster.published.find('|'));
  const std::string followed = follows ? (*status)->host : std::string{};
  if (!last.empty() && last != cluster.self && last != followed)
    return Error{Errc::refused,
                 fmt::format("this server follows {}, and without GTIDs nobody can tell whether it has what the last "
                             "primary {} had: promote that one, or remove the property RESOURCE_REPL_INFO "
                             "(crm_attribute -t crm_config -s mysql_replication -n RESOURCE_REPL_INFO -D) if its data "
                             "may be given up",
                             follows ? followed : "nobody", last)};
  const auto end = log_end(server, cluster.self, deadline);
  if (!end) return end.error();
  return Takeover{.own = *end, .former = follows ? std::optional((*status)->applied_to) : std::nullopt};
}

}  // namespace systole::mysql
