// SPDX-License-Identifier: GPL-2.0-or-later
// See rejoin_process.hpp.
#include "agents/ocf/mysql/rejoin_process.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "agents/kit/attributes.hpp"
#include "agents/kit/logging.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/helper.hpp"
#include "agents/ocf/mysql/mysql_agent.hpp"
#include "agents/ocf/mysql/rejoin.hpp"
#include "agents/ocf/mysql/reseed.hpp"

namespace systole::mysql {

namespace {

constexpr Duration first_pause = 500ms, last_pause = 30s;
// A helper reads a request within seconds; without one it is the primary's next monitor that does.
constexpr Duration helper_patience = 30s, monitor_patience = 3min;
constexpr Duration patience_for_all = 24h, tool_patience = 5s, stop_patience = 60s;

class Worker {
 public:
  Worker(agents::Call& call, const Settings& settings, PrimaryAddress primary)
      : call_(call), settings_(settings), cluster_(call, settings), primary_(std::move(primary)) {}

  int run() {
    const auto process = ServerProcess::find(settings_.place());
    if (!process) return 0;
    if (EmptyMark(settings_).is_set()) return replace(*process, "its database was made new and empty");
    Duration pause = first_pause;
    while (!process->ended_by(Deadline::in(Duration::zero()))) {
      const auto done = attempt();
      if (done) {
        ::unlink(state_file().c_str());
        return 0;
      }
      if (done.error().code == Errc::refused) return replace(*process, done.error().what);
      if (done.error().what != complaint_) call_.log().warning("not rejoined yet: {}", done.error().what);
      complaint_ = done.error().what;
      note({.text = fmt::format("waiting: {}", complaint_)});
      agents::pause_for(pause, agents::boot_now() + pause);
      pause = std::min<Duration>(pause * 2, last_pause);
    }
    return 0;
  }

 private:
  /// It cannot be done by undoing. Returns when there is nothing more to do here.
  int replace(const ServerProcess& process, const std::string& why) {
    call_.log().error("this node needs a new copy of the primary: {}", why);
    note({.needs_copy = true, .text = why});
    if (const auto obstacle = obstacle_to_copy(); !obstacle.empty()) {
      note({.needs_copy = true, .text = fmt::format("{} ({})", why, obstacle)});
      return 0;
    }
    Duration pause = first_pause;
    while (!process.ended_by(Deadline::in(Duration::zero()))) {
      const auto copied = fetch();
      if (copied) return start_from_copy(process);
      call_.log().warning("no copy yet: {}", copied.error().what);
      note({.needs_copy = true, .text = fmt::format("{}; no copy yet: {}", why, copied.error().what)});
      if (copied.error().code == Errc::refused) return 0;
      agents::pause_for(pause, agents::boot_now() + pause);
      pause = std::min<Duration>(pause * 2, last_pause);
    }
    return 0;
  }

  std::string obstacle_to_copy() {
    if (settings_.reseed == Settings::Copies::never) return "reseed=never";
    const bool asked = copy_is_asked_for(call_.paths(), call_.meta().resource());
    if (settings_.reseed == Settings::Copies::asked_for && !asked)
      return "reseed=ask: run 'systole mysql reseed' here to have it";
    return {};
  }

  Result<void> fetch() {
    const std::string giver = settings_.keeps_record() ? cluster_.own_copy().primary : primary_.host;
    if (giver.empty() || giver == cluster_.self()) return Error{Errc::not_connected, "nobody is known as the primary"};
    if (!settings_.keeps_record())
      if (const auto stopped = stop_following(); !stopped) return stopped;
    const agents::Attributes attributes(call_.environment());
    const std::string name = copy_request_name(call_.meta().resource());
    return Reseed(
               settings_,
               {.giver = giver,
                .patience = settings_.keeps_record() ? helper_patience : monitor_patience,
                .primary = primary_now(),
                .address = cluster_.address_of(cluster_.self()),
                .scratch = rejoin_file(call_.paths(), call_.meta().resource(), "server"),
                .receipts = receipt_place(call_),
                .tell =
                    [this](const std::string& text) { note({.needs_copy = true, .wants_copy = true, .text = text}); },
                .publish =
                    [&](const std::string& text) {
                      return attributes.set_private(name, text, {}, agents::boot_now() + tool_patience);
                    }},
               call_.log())
        .run(Deadline::in(patience_for_all));
  }

  /// A primary that misses no replica looks for nobody's request.
  Result<void> stop_following() {
    auto server = Server::connect(settings_, Deadline::in(settings_.sql_timeout));
    return server ? server->run(Phrase::stop_receiver, Deadline::in(settings_.sql_timeout)) : server.error();
  }

  /// Only start launches servers: this one ends, and the manager finds out.
  int start_from_copy(const ServerProcess& process) {
    ::unlink(rejoin_file(call_.paths(), call_.meta().resource(), "asked").c_str());
    call_.log().notice("the copy is ready: the server ends, and is started again with it");
    note({.needs_copy = true, .text = "the copy is ready, the server is to be started with it"});
    if (const auto told = process.signal(SIGTERM); !told) call_.log().warning("{}", told.error().what);
    if (!process.ended_by(Deadline::in(stop_patience)))
      if (const auto killed = process.signal(SIGKILL); !killed) call_.log().warning("{}", killed.error().what);
    return 0;
  }

  Result<void> attempt() {
    const PrimaryAddress primary = primary_now();
    Rejoin rejoin(settings_,
                  {.place = receipt_place(call_), .tell = [this](const std::string& text) { note({.text = text}); }},
                  call_.log());
    const Deadline deadline = Deadline::in(patience_for_all);
    if (auto done = rejoin.run(primary, deadline); !done) return done;
    auto server = Server::connect(settings_, deadline.within(settings_.sql_timeout));
    if (!server) return server.error();
    const Deadline soon = Deadline::in(30s);
    const auto followed = follow_and_wait(*server, settings_, cluster_, primary, soon, 2s, call_.log());
    if (!followed && followed.error().code == Errc::refused) return Error{Errc::not_connected, followed.error().what};
    return followed;
  }

  /// It may have changed since the process was launched.
  PrimaryAddress primary_now() {
    const std::string recorded = settings_.keeps_record() ? cluster_.own_copy().primary : std::string{};
    if (recorded.empty() || recorded == cluster_.self()) return primary_;
    return {.host = cluster_.address_of(recorded), .port = settings_.peer_port()};
  }

  std::string state_file() { return rejoin_file(call_.paths(), call_.meta().resource(), "state"); }

  void note(RejoinState state) {
    state.since = local_time_of_day();
    [[maybe_unused]] const auto written = agents::write_file(state_file(), to_text(state));
  }

  agents::Call& call_;
  const Settings& settings_;
  Cluster cluster_;
  PrimaryAddress primary_;
  std::string complaint_;
};

}  // namespace

Result<void> launch_rejoin(agents::Call& call, const Settings& settings, const PrimaryAddress& primary) {
  if (auto made = agents::make_folder(call.paths().state); !made) return made;
  if (const auto state = rejoin_state(call.paths(), call.meta().resource()); state && state->running) return {};
  const auto child = agents::run_in_background(rejoin_file(call.paths(), call.meta().resource(), "pid"), [&] {
    agents::Call own(about_mysql(), call.environment(), "rejoin", agents::boot_now());
    agents::open_log(own.log(), own.environment(), about_mysql().name, {.stderr_is_terminal = false});
    return Worker(own, settings, primary).run();
  });
  if (!child) return child.error();
  return {};
}

Result<std::string> rejoin_instead(agents::Call& call, const Settings& settings, Server& server,
                                   const PrimaryAddress& primary, const Error& cause, Deadline deadline) {
  if (cause.code != Errc::refused) return cause;
  const auto before = rejoin_state(call.paths(), call.meta().resource());
  const bool asked = copy_is_asked_for(call.paths(), call.meta().resource());
  if (before && before->running) return fmt::format("rejoining since {}: {}", before->since, before->text);
  if (before && before->needs_copy && !asked)
    return fmt::format("this node needs a new copy of the primary: {}", before->text);
  if (!RejoinMark(settings).is_set() && !EmptyMark(settings).is_set()) {
    const auto relation = relation_to(server, settings, primary, deadline.within(3s));
    if (!relation) return relation.error();
    if (*relation == Relation::stranger) return cause;
    if (*relation == Relation::part) return Error{Errc::not_found, cause.what};
  }
  if (!settings.rejoin) return cause;
  // Nothing of it may be promoted before it has followed.
  if (const auto marked = MustFollow(settings).set(); !marked) return marked.error();
  if (const auto launched = launch_rejoin(call, settings, primary); !launched) return launched.error();
  return fmt::format("rejoining: {}", cause.what);
}

void look_whether_apart(agents::Call& call, const Settings& settings) {
  const std::string pid_file = rejoin_file(call.paths(), call.meta().resource(), "look.pid");
  if (!settings.rejoin || agents::find_background(pid_file)) return;
  const auto child = agents::run_in_background(pid_file, [&] {
    agents::Call own(about_mysql(), call.environment(), "rejoin", agents::boot_now());
    agents::open_log(own.log(), own.environment(), about_mysql().name, {.stderr_is_terminal = false});
    const Deadline deadline = Deadline::in(settings.sql_timeout);
    std::optional<Server> server;
    const Facts facts = gather(settings, deadline, true, &server);
    const Verdict verdict = judge(facts, {});
    if (!server || !verdict.apart || !facts.replication) return 0;
    const PrimaryAddress primary{.host = facts.replication->host, .port = facts.replication->port};
    const auto said = rejoin_instead(own, settings, *server, primary, {Errc::refused, verdict.reason}, deadline);
    if (said) own.log().notice("{}", *said);
    return 0;
  });
  if (!child) call.log().warning("{}", child.error().what);
}

void see_to_replaced(agents::Call& call, const Settings& settings) {
  const std::string pid_file = rejoin_file(call.paths(), call.meta().resource(), "removal.pid");
  if (!CopyPlaces(settings).can_remove_replaced() || agents::find_background(pid_file)) return;
  call.log().notice("the database that a copy replaced is removed: the copy follows the primary");
  const auto child = agents::run_in_background(pid_file, [&] {
    agents::Call own(about_mysql(), call.environment(), "removal", agents::boot_now());
    agents::open_log(own.log(), own.environment(), about_mysql().name, {.stderr_is_terminal = false});
    const auto removed = CopyPlaces(settings).remove_replaced();
    if (!removed) own.log().warning("{}", removed.error().what);
    return removed ? 0 : 1;
  });
  if (!child) call.log().warning("{}", child.error().what);
}

Result<void> end_rejoin(const agents::Call& call) {
  for (const char* const kind : {"look.pid", "removal.pid"})
    if (auto ended = agents::end_background(rejoin_file(call.paths(), call.meta().resource(), kind)); !ended)
      return ended;
  if (auto ended = agents::end_background(rejoin_file(call.paths(), call.meta().resource(), "pid")); !ended)
    return ended;
  ::unlink(rejoin_file(call.paths(), call.meta().resource(), "state").c_str());
  return {};
}

}  // namespace systole::mysql
