// SPDX-License-Identifier: GPL-2.0-or-later
// The loop: look, step, do what it says, feed back what came of it. Every act has a bound, so that a look comes again
// within seconds whatever hangs.
#include "agents/ocf/mysql/helper.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <deque>

#include "agents/kit/logging.hpp"
#include "agents/kit/manager.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/cluster.hpp"
#include "agents/ocf/mysql/durability.hpp"
#include "agents/ocf/mysql/giver.hpp"
#include "agents/ocf/mysql/look.hpp"
#include "agents/ocf/mysql/must_follow.hpp"
#include "agents/ocf/mysql/rejoin_process.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr Duration look_every = 100ms;
constexpr Duration tool_patience = 5s;
constexpr Duration stuck_before_look = 500ms, stuck_look_again = 10s;
constexpr Duration silence_told_after = 3s, silence_told_again = 57s;
constexpr Duration score_again = 5min, score_after_failure = 1s;
// A server that ended has nothing left to be told of after so long; a start brings a new helper.
constexpr Duration dead_server_patience = 5min;

std::string file_of(const agents::Call& call, std::string_view kind) {
  return helper_file(call.paths(), call.meta().resource(), kind);
}

class Helper {
 public:
  Helper(agents::Call& call, const Settings& settings)
      : call_(call),
        settings_(settings),
        cluster_(call, settings),
        shared_(call.environment(), call.log(), call.meta().resource()),
        own_(call.paths(), call.meta().resource()),
        durability_(durability_of(settings, shared_, patience(tool_patience))),
        look_(settings),
        lineage_(rules(), cluster_.own_copy(), agents::boot_now()),
        giver_(call, settings, {cluster_.self()}) {}

  int run() {
    const auto process = ServerProcess::find(settings_.place());
    if (!process) return 0;
    std::optional<Time> died;
    for (;;) {
      const bool alive = !process->ended_by(Deadline::in(look_every));
      SeenServer seen = look_.at(alive, settings_.ack_timeout);
      seen.wants_copy = wants_copy();
      tell_of_silence(seen);
      see_to_apart(seen);
      feed(seen);
      tell();
      if (alive) continue;
      if (!died) {
        died = agents::boot_now();
        report();
      }
      if (agents::boot_now() - *died > dead_server_patience) return 0;
      agents::pause_for(look_every, agents::boot_now() + look_every);
    }
  }

 private:
  LineageRules rules() {
    return {.self = cluster_.self(),
            .durability = durability_,
            .ack_timeout = settings_.ack_timeout,
            .apply_lag_max = settings_.apply_lag_max,
            .instances = static_cast<unsigned>(call_.meta().clone_max()),
            .flushes = flushes_relay_log(settings_, durability_)};
  }

  /// One event and all that follows from it.
  void feed(LineageEvent first) {
    std::deque<LineageEvent> events{std::move(first)};
    while (!events.empty()) {
      const LineageEvent event = std::move(events.front());
      events.pop_front();
      for (const LineageEffect& effect : lineage_.step(agents::boot_now(), event)) {
        auto answer = std::visit([&](const auto& each) { return act(each); }, effect);
        if (answer) events.push_back(std::move(*answer));
      }
    }
  }

  using Answer = std::optional<LineageEvent>;

  Answer act(const ReadCluster&) {
    const SeenCluster seen = look_at_cluster(shared_, own_, patience(tool_patience));
    for (const auto& [node, notice] : seen.notices)
      if (notice.wants_copy && node != cluster_.self()) giver_.see(node);
    const auto word = own_.operator_word();
    if (word && *word == lineage_.record() && word != given_word_) {
      given_word_ = word;
      feed_word_ = true;
    }
    return seen;
  }

  Answer act(const SetSource& set) {
    if (set.first)
      if (const auto told = shared_.publish(*set.first, patience(tool_patience)); !told)
        return done(told, "notice");  // the source stays as it is; the next look tries again
    return done(look_.set_source(set.on, settings_.ack_timeout), "semi-sync");
  }

  Answer act(const CommitBarrier&) {
    const auto gtid = look_.commit_barrier(lineage_.record(), Deadline::in(settings_.ack_timeout));
    if (!gtid) call_.log().warning("the barrier: {}", gtid.error().what);
    barrier_ = gtid ? *gtid : GtidList{};
    return BarrierEnded{gtid.has_value()};
  }

  Answer act(const Confirm& confirm) { return Confirmed{confirms(confirm.node)}; }

  /// The invited one has it and acknowledges, nobody else does, and the server counts one.
  bool confirms(const std::string& node) {
    const Deadline deadline = Deadline::in(settings_.ack_timeout);
    const std::string host = cluster_.address_of(node);
    const auto answer = ask_replica(settings_, host, deadline);
    if (!answer || !answer->acknowledges || !contains(answer->applied, barrier_)) return false;
    for (const auto& [other, notice] : shared_.notices(patience(tool_patience))) {
      if (other == node || other == cluster_.self() || notice.kind != Notice::Kind::replica) continue;
      const auto said = ask_replica(settings_, cluster_.address_of(other), Deadline::in(settings_.ack_timeout));
      if (said && said->acknowledges) return false;
    }
    const SeenServer now = look_.at(true, settings_.ack_timeout);
    // Off, it would have let the barrier through: a switch that failed.
    return now.answers && now.source_on && now.clients == 1;
  }

  Answer act(const WriteRecord& write) {
    if (write.own_first)
      if (const auto kept = own_.keep(write.wanted); !kept) {
        call_.log().error("{}", kept.error().what);
        return WriteEnded{.wanted = write.wanted, .outcome = Outcome::unknown};
      }
    return WriteEnded{.wanted = write.wanted,
                      .outcome = shared_.swap(write.from, write.wanted, patience(tool_patience))};
  }

  Answer act(const KeepOwn& keep) { return done(own_.keep(keep.record), "this node's copy of the record"); }
  Answer act(const Acknowledge& set) {
    if (agents::boot_now() > set.until) return std::nullopt;  // the machine stood still
    call_.log().notice("{}", set.on ? "from now on this replica acknowledges what it receives"
                                    : "this replica acknowledges nothing any more: it is not the one in sync");
    return done(look_.acknowledge(set.on, tool_patience), "semi-sync");
  }
  Answer act(const EndStreams&) { return done(look_.end_streams(settings_.ack_timeout), "connections of replicas"); }
  Answer act(const Flush& flush) { return done(look_.flush(flush.on, tool_patience), "the relay log"); }
  Answer act(const BindRight&) { return done(look_.bind_right(tool_patience), "semi-sync"); }

  Answer act(const KillServer& kill) {
    if (const auto process = ServerProcess::find(settings_.place())) {
      say(Level::error, kill.why);
      return done(process->signal(SIGKILL), "SIGKILL");
    }
    return std::nullopt;
  }

  Answer act(const Publish& publish) {
    return done(shared_.publish(publish.notice, patience(tool_patience)), "notice");
  }

  Answer act(const Say& line) {
    switch (line.level) {
      case Say::Level::notice:
        say(Level::notice, line.text);
        break;
      case Say::Level::warning:
        say(Level::warning, line.text);
        break;
      case Say::Level::error:
        say(Level::error, line.text);
        break;
    }
    return std::nullopt;
  }

  void say(Level level, const std::string& text) {
    call_.log().line(level, text);
    if (level == Level::error) state_.complaint = text;
  }

  Answer done(const Result<void>& result, std::string_view what) {
    if (!result) call_.log().warning("{}: {}", what, result.error().what);
    return std::nullopt;
  }

  static Time patience(Duration span) { return agents::boot_now() + span; }

  /// A server that is ended on purpose has no helper any more.
  void report() {
    if (!settings_.report_faults) return;
    if (const auto told = agents::report_failure(call_); !told)
      call_.log().warning("{}; the next monitor will tell it", told.error().what);
  }

  void see_to_apart(const SeenServer& seen) {
    const Time now = agents::boot_now();
    const bool replica = seen.alive && seen.answers && !seen.writable && lineage_.record().primary != cluster_.self();
    if (!replica || (seen.streams && !seen.applier_failed)) return stuck_since_.reset();
    if (!stuck_since_) stuck_since_ = now;
    if (now - *stuck_since_ < stuck_before_look || now < next_look_) return;
    next_look_ = now + stuck_look_again;
    look_whether_apart(call_, settings_);
  }

  /// Looked at once a second.
  bool wants_copy() {
    const Time now = agents::boot_now();
    if (now - rejoin_seen_at_ < 1s) return wants_copy_;
    rejoin_seen_at_ = now;
    const auto rejoin = rejoin_state(call_.paths(), call_.meta().resource());
    wants_copy_ = rejoin && rejoin->running && rejoin->wants_copy;
    return wants_copy_;
  }

  /// A helper that cannot ask its server can do nothing for the writers that wait: that must be known.
  void tell_of_silence(const SeenServer& seen) {
    const Time now = agents::boot_now();
    if (seen.answers || !seen.alive) return silent_since_.reset();
    if (!silent_since_) silent_since_ = now;
    if (now - *silent_since_ < silence_told_after) return;
    silent_since_ = now + silence_told_again;
    say(Level::warning, fmt::format("the server does not answer its helper: {}", look_.why_not()));
  }

  /// Score and state file, when they changed.
  void tell() {
    if (feed_word_) {
      feed_word_ = false;
      feed(OperatorWord{*given_word_});
    }
    Standing standing = lineage_.standing();
    if (!standing.shared) return;  // nothing is known yet
    standing.must_follow = MustFollow(settings_).is_set();
    publish_score(promotion_score(standing));
    if (written_ && state_.state == lineage_.state() && state_.record == lineage_.record()) return;
    if (state_.state != lineage_.state()) state_.complaint.clear();
    state_.state = lineage_.state();
    state_.record = lineage_.record();
    state_.durability = standing.durability;
    state_.since = local_time_of_day();
    written_ = agents::write_file(file_of(call_, "state"), to_text(state_)).has_value();
  }

  /// Said again now and then: the cluster may have forgotten it.
  void publish_score(std::optional<int> score) {
    const Time now = agents::boot_now();
    if (told_ && *told_ == score && now - told_at_ < score_again) return;
    if (!told_ && now - told_at_ < score_after_failure) return;
    const agents::Attributes attributes(call_.environment());
    // Not just none: a wish of the operator's (a move) would outweigh that, and the primary be demoted in vain.
    const auto sent = attributes.set_promotion(score ? Score{*score} : Score{score_never}, patience(tool_patience));
    told_at_ = now;
    if (sent) {
      told_ = score;
      score_complaint_.clear();
      return;
    }
    told_.reset();
    if (sent.error().what == score_complaint_) return;
    score_complaint_ = sent.error().what;
    call_.log().warning("the promotion score could not be set: {}", score_complaint_);
  }

  agents::Call& call_;
  const Settings& settings_;
  Cluster cluster_;
  SharedRecord shared_;
  OwnCopy own_;
  Durability durability_;
  Look look_;
  Lineage lineage_;
  GtidList barrier_;
  std::optional<Record> given_word_;
  bool feed_word_ = false;
  std::optional<std::optional<int>> told_;
  Time told_at_{};
  std::string score_complaint_;
  Giver giver_;
  std::optional<Time> silent_since_;
  std::optional<Time> stuck_since_;
  Time next_look_{};
  Time rejoin_seen_at_{};
  bool wants_copy_ = false;
  HelperState state_;
  bool written_ = false;
};

}  // namespace

Result<void> launch_helper(agents::Call& call, const Settings& settings) {
  if (auto made = agents::make_folder(call.paths().state); !made) return made;
  if (auto ended = end_helper(call); !ended) return ended;
  const auto child = agents::run_in_background(file_of(call, "pid"), [&] {
    agents::Call own(about_mysql(), call.environment(), "helper", agents::boot_now());
    agents::open_log(own.log(), own.environment(), about_mysql().name, {.stderr_is_terminal = false});
    return Helper(own, settings).run();
  });
  if (!child) return child.error();
  return {};
}

void bring_helper_back(agents::Call& call, const Settings& settings) {
  if (const auto launched = launch_helper(call, settings); !launched)
    call.log().error("the resident helper: {}; the monitor launches it again", launched.error().what);
}

Result<void> end_helper(const agents::Call& call) {
  if (auto ended = agents::end_background(file_of(call, "pid")); !ended) return ended;
  ::unlink(file_of(call, "state").c_str());
  return {};
}

std::optional<HelperState> helper_state(const agents::Call& call) {
  return read_helper_state(call.paths(), call.meta().resource());
}

}  // namespace systole::mysql
