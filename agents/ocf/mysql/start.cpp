// SPDX-License-Identifier: GPL-2.0-or-later
// start: the server comes up read-only with no replication thread running; then what was received before
// is saved, or a primary is followed.
#include <fmt/format.h>

#include <filesystem>

#include "agents/ocf/mysql/copied_mark.hpp"
#include "agents/ocf/mysql/copy_places.hpp"
#include "agents/ocf/mysql/dangers.hpp"
#include "agents/ocf/mysql/durability.hpp"
#include "agents/ocf/mysql/mysql_agent.hpp"
#include "agents/ocf/mysql/prepare.hpp"
#include "agents/ocf/mysql/rejoin_mark.hpp"
#include "agents/ocf/mysql/rejoin_process.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

using agents::Call;
using agents::Ocf;

std::string relay_log_of(const Settings& settings) {
  const auto info = agents::read_file(settings.datadir + "/relay-log.info");
  return relay_log_name(info ? *info : std::string{});
}

/// The server's own last words in its log after `from`, for the exit reason.
std::string last_error_in_log(const std::string& path, std::uintmax_t from) {
  const auto text = agents::read_file(path, 64 << 20);
  if (!text || text->size() <= from) return "its log is empty";
  std::string last, error;
  for (const std::string& line : split(std::string_view(*text).substr(from), '\n')) {
    if (trim(line).empty() || line.find("Aborting") != std::string::npos) continue;
    last = trim(line);
    if (const std::size_t at = line.find("[ERROR]"); at != std::string::npos) error = trim(line.substr(at + 7));
  }
  return fmt::format("{} (log: {})", error.empty() ? last : error, path);
}

/// Runs the server until it answers. Errc::io: it ended by itself. timeout: it lives, but does not answer.
Result<Server> launch(const Settings& settings, const ServerOptions& options, Deadline deadline) {
  std::error_code none;
  const std::uintmax_t log_before =
      std::filesystem::exists(settings.log, none) ? std::filesystem::file_size(settings.log, none) : 0;
  const auto process = ServerProcess::spawn(command_line(options), settings.log);
  if (!process) return process.error();
  give_log_to_user(settings);
  for (;;) {
    auto server = Server::connect(settings, deadline.within(2s));
    if (server) return server;
    if (server.error().code == Errc::permission) return server;  // it is up; waiting helps nothing
    if (process->ended_by(deadline.within(10ms)))
      return Error{Errc::io,
                   fmt::format("the server ended while starting: {}", last_error_in_log(settings.log, log_before))};
    if (deadline.over())
      return Error{Errc::timeout, fmt::format("the server did not answer in time: {}", server.error().what)};
  }
}

/// In the role that suits its future; a tail that cannot be cut off (DDL, MyISAM) makes the server refuse the replica's
/// role, then it is started with everything it has, and the comparison of histories tells.
Result<Server> launch_in_role(const Settings& settings, const std::vector<std::string>& configured, Call& call,
                              const StartPlan& plan, const Dialect& dialect, Deadline deadline) {
  ServerOptions options{.binary = settings.binary,
                        .config = settings.config,
                        .datadir = settings.datadir,
                        .user = settings.user,
                        .log = settings.log,
                        .pid = settings.pid,
                        .socket = settings.socket,
                        .additional = settings.additional,
                        .hidden_folders = CopyPlaces(settings).hidden_folders(),
                        .role = plan.cut_tail ? Role::replica : Role::primary,
                        .log_bin_configured = !settings.promotable || sets_option(configured, "log-bin"),
                        .log_rows = settings.promotable && !sets_option(configured, "binlog-format"),
                        .relay_log = sets_option(configured, "relay-log") ? std::string{} : relay_log_of(settings),
                        .semi_sync_timeout_ms = settings.commit_wait_ms(),
                        .acknowledges = plan.in_sync,
                        .extra_port = settings.extra_port,
                        .extra_connections_configured = sets_option(configured, "extra-max-connections"),
                        .sync_relay_log = plan.sync_relay_log,
                        .dialect = dialect,
                        .by_file = settings.replicate_by == Settings::Positions::file,
                        .server_id_configured = sets_option(configured, "server-id")};
  if (plan.cut_tail)
    if (const auto marked = MustFollow(settings).set(); !marked) return marked.error();
  auto server = launch(settings, options, deadline);
  if (server || !plan.cut_tail || server.error().code != Errc::io) return server;
  call.log().warning("{}; starting it with the tail that it cannot remove", server.error().what);
  options.role = Role::primary;
  return launch(settings, options, deadline);
}

/// With a record it says what to do; without one, whoever starts while another is promoted is a replica.
Result<StartPlan> plan_of(Call& call, const Settings& settings, Cluster& cluster, const Dialect& dialect,
                          Deadline deadline) {
  const bool promotable = call.meta().is_promotable();
  if (promotable && settings.keeps_record())
    return plan_start(call, settings, cluster.self(), deadline.within(10s).at());
  // Only who goes by MariaDB's GTIDs fetches again what is cut off too much; and only MariaDB cuts.
  const bool may_cut = !dialect.is_mysql() && settings.replicate_by != Settings::Positions::file;
  return StartPlan{.record = {},
                   .cut_tail = promotable && may_cut && !cluster.primary_elsewhere().empty(),
                   .in_sync = true,
                   .sync_relay_log = settings.sync_relay_log.value_or(false)};
}

/// Not one of a promotion of this node that did not come to its end: that wants its evidence again.
Result<void> keep_record(Call& call, const StartPlan& plan, const std::string& self) {
  const OwnCopy own(call.paths(), call.meta().resource());
  const auto present = own.read();
  if (!present) return present.error();
  const bool promotes_us = plan.record.primary == self && plan.record.epoch > present->epoch;
  return plan.record.exists() && !promotes_us ? own.keep(plan.record) : Result<void>();
}

/// Who is promoted, or is being promoted now; without notifications the address that the last primary published.
std::string primary_to_follow(Call& call, const Settings& settings, Cluster& cluster) {
  const std::string node = cluster.primary_elsewhere();
  const std::string recorded = settings.keeps_record() ? cluster.own_copy().primary : std::string{};
  if (!node.empty() && recorded != cluster.self()) return cluster.address_of(node);
  if (!recorded.empty()) return recorded == cluster.self() ? std::string{} : cluster.address_of(recorded);
  if (call.meta().has_notify() || !call.meta().is_promotable()) return {};
  const std::string published = cluster.published_primary();
  return published == cluster.address_of(cluster.self()) ? std::string{} : published;
}

Result<void> without_value(const Result<GtidList>& result) {
  return result ? Result<void>{} : result.error();
}

/// What a person should know of a server that is not MariaDB.
void warn_of_dialect(const Server& server, const Settings& settings, const Variables& variables, Call& call) {
  const Dialect& dialect = server.dialect();
  if (!dialect.is_mysql()) return;
  call.log().warning("the server is MySQL {}: support for it is experimental", to_string(dialect.version()));
  if (settings.semi_sync && !variables.has_semi_sync)
    call.log().warning(
        "the semi-sync plugins are not loaded, so no commit waits for a replica: plugin-load-add={};{} in the server's "
        "configuration, or semi_sync=false",
        dialect[Phrase::semi_sync_source_plugin], dialect[Phrase::semi_sync_replica_plugin]);
}

Ocf join(Server& server, const Settings& settings, Call& call, Cluster& cluster, Deadline deadline) {
  const std::string host = primary_to_follow(call, settings, cluster);
  const auto track = track_now(server, settings, deadline);
  if (!track) return call.explain(Ocf::configured, track.error().what);
  if (!host.empty()) {
    const PrimaryAddress primary{.host = host, .port = settings.peer_port()};
    const auto followed = follow_and_wait(server, settings, cluster, primary, deadline, 2s, call.log());
    if (!followed && followed.error().code == Errc::refused) {
      if (*track != Track::mariadb_gtid) return call.explain(Ocf::generic, followed.error().what);
      const auto instead = rejoin_instead(call, settings, server, primary, followed.error(), deadline);
      if (!instead) return call.explain(Ocf::generic, instead.error().what);
      call.log().notice("{}", *instead);
      return Ocf::ok;
    }
    if (!followed)
      call.log().warning("replication is not set up yet: {}; the monitor tries again", followed.error().what);
    return Ocf::ok;
  }
  if (RejoinMark(settings).is_set()) return Ocf::ok;  // goes on when there is a primary again
  // Alone: what was received before this start is applied now, before anything can delete it.
  const auto saved = *track == Track::mariadb_gtid ? without_value(drain_received(server, settings, deadline))
                                                   : drain_plain(server, settings, *track, deadline);
  if (!saved) call.log().warning("what was received before the start could not be applied: {}", saved.error().what);
  return Ocf::ok;
}

/// A database that was copied from another node goes on from where the copy was made. May be done again.
Result<void> adopt_copy(Server& server, const Settings& settings, Deadline deadline) {
  const auto state = copied_at(settings.datadir);
  if (!state) return state.error();
  if (!*state) return {};
  for (const std::string& statement :
       {std::string("RESET MASTER"), "SET GLOBAL gtid_slave_pos=" + server.quoted(to_string(position_of(**state))),
        "SET GLOBAL gtid_binlog_state=" + server.quoted(to_string(**state))})
    if (auto done = server.run(statement, deadline); !done) return done;
  return forget_copied(settings.datadir);
}

Ocf ready(Server& server, const Settings& settings, Call& call, Cluster& cluster, Deadline deadline) {
  const auto variables = server.variables(deadline);
  if (!variables) return call.explain(Ocf::generic, variables.error().what);
  if (!call.meta().is_promotable()) {
    const auto writable = server.run(Phrase::set_writable, deadline);
    return writable ? Ocf::ok : call.explain(Ocf::generic, writable.error().what);
  }
  if (!variables->log_bin)
    return call.fail(Ocf::configured, "the server writes no binary log: remove skip-log-bin from its configuration");
  if (!variables->read_only)  // it ran already, started by somebody else
    if (const auto closed = server.make_read_only(settings, deadline, Duration::zero()); !closed)
      return call.fail(Ocf::generic, "the server runs and cannot be made read-only: {}", closed.error().what);
  if (const auto adopted = adopt_copy(server, settings, deadline); !adopted)
    return call.explain(Ocf::generic, adopted.error().what);
  if (const auto id = server.take_fresh_server_id(deadline); !id) return call.explain(Ocf::generic, id.error().what);
  if (const Ocf joined = join(server, settings, call, cluster, deadline); joined != Ocf::ok) return joined;
  Facts facts = gather(settings, deadline, true);
  facts.must_follow = MustFollow(settings).is_set();
  if (settings.keeps_record()) bring_helper_back(call, settings);
  const auto track = track_now(server, settings, deadline);
  cluster.publish(judge(facts, {.max_slave_lag_s = settings.max_slave_lag_s,
                                .semi_sync = settings.semi_sync,
                                .by_file = track && *track == Track::file}),
                  true);
  warn_of_dialect(server, settings, *variables, call);
  warn_of_dangers(server, settings, call, deadline);
  return Ocf::ok;
}

}  // namespace

Ocf MysqlAgent::start(Call& call) {
  const Settings settings = settings_of(call);
  const Deadline deadline(call.deadline());
  if (settings.binary_was_wrapper)
    call.log().warning(
        "the parameter binary names mysqld_safe, which restarts a dead server by itself: {} is started instead",
        settings.binary);
  Cluster cluster(call, settings);
  const auto plan = plan_of(call, settings, cluster, dialect_, deadline);
  if (!plan) return call.explain(Ocf::generic, plan.error().what);
  if (ServerProcess::find(settings.place())) {
    if (const auto kept = keep_record(call, *plan, cluster.self()); !kept)
      return call.explain(Ocf::generic, kept.error().what);
    auto running = Server::connect(settings, deadline);
    return running ? ready(*running, settings, call, cluster, deadline)
                   : call.explain(Ocf::generic, running.error().what);
  }
  const auto adopted = CopyPlaces(settings).adopt();
  if (!adopted) return call.explain(Ocf::generic, adopted.error().what);
  if (*adopted)
    call.log().notice(
        "the copy takes the place of the database, which stays beside it as .systole-old until the copy follows");
  if (const Ocf prepared = prepare(settings, call, cluster, plan->record, deadline); prepared != Ocf::ok)
    return prepared;
  cluster.memo() = Memo{};
  if (const auto ended = end_rejoin(call); !ended) return call.explain(Ocf::generic, ended.error().what);
  auto server = launch_in_role(settings, configured_, call, *plan, dialect_, deadline);
  if (!server) return call.explain(Ocf::generic, server.error().what);
  // Only now: as long as it says that we were the primary, a start removes what nobody acknowledged.
  if (const auto kept = keep_record(call, *plan, cluster.self()); !kept)
    return call.explain(Ocf::generic, kept.error().what);
  return ready(*server, settings, call, cluster, deadline);
}

}  // namespace systole::mysql
