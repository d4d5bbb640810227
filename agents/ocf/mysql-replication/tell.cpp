// SPDX-License-Identifier: GPL-2.0-or-later
// A tool that fails is logged, and tried again at the next monitor. One that was to be asked whether readers may be
// sent away, and does not answer, has not said yes.
#include "agents/ocf/mysql-replication/tell.hpp"

#include <fmt/format.h>

#include "agents/kit/process.hpp"
#include "agents/ocf/mysql-replication/look.hpp"
#include "common/base/text.hpp"

namespace systole::mysql_replication {

namespace {

constexpr std::int64_t old_ms = 300'000;
constexpr std::string_view no_score = "none";

}  // namespace

Cluster::Cluster(agents::Call& call, const Settings& settings, Memory& memory)
    : call_(call), settings_(settings), memory_(memory), attributes_(call.environment()), now_ms_(boot_ms()) {
  limits_.full = settings.reader_failcount;
  limits_.dwell = settings.dwell;
}

Time Cluster::deadline() const {
  return Deadline(call_.deadline()).within(5s).at();
}

std::optional<std::vector<ReaderView>> Cluster::views() {
  // Marks first: a node that goes meanwhile is then seen gone.
  std::map<std::string, std::string> marks;
  if (memory_.readers.marked_ms >= 0) {
    auto answer = attributes_.everywhere(mark_name(), deadline());  // ours is among them: no answer is no answer
    if (!answer) return std::nullopt;
    marks = std::move(*answer);
  }
  const auto answer = attributes_.everywhere(settings_.reader_attribute, deadline());
  if (!answer) {
    call_.log().info("whether others have readers is not known: {}", answer.error().what);
    return std::nullopt;
  }
  const std::string self = attributes_.local_node(deadline());
  std::vector<ReaderView> all;
  for (const auto& [host, value] : *answer) {
    if (host == self) continue;
    ReaderView view{.node = host, .reads = parse_int<int>(value).value_or(0) > 0};
    if (const auto mark = marks.find(host); mark != marks.end()) view.mark_ms = parse_int<std::int64_t>(mark->second);
    all.push_back(std::move(view));
  }
  return all;
}

bool Cluster::take(ReaderStep step) {
  ReaderState& state = memory_.readers;
  const auto done = [&](ReaderStep what) {
    state = after(state, what, limits_, now_ms_, std::max<std::int64_t>(0, memory_.lag_ms));
  };
  switch (step) {
    case ReaderStep::keep:
      return false;
    case ReaderStep::come:
    case ReaderStep::go:
      done(step);
      return false;
    case ReaderStep::mark: {
      const std::string lag = std::to_string(std::max<std::int64_t>(0, memory_.lag_ms));
      const auto marked = attributes_.set_private(mark_name(), lag, {}, deadline());
      if (marked) done(step);
      if (!marked) call_.log().warning("{} could not be set: {}", mark_name(), marked.error().what);
      return false;
    }
    case ReaderStep::unmark: {
      const auto gone = attributes_.delete_transient(mark_name(), {}, deadline());
      if (!gone) call_.log().warning("{} could not be deleted: {}", mark_name(), gone.error().what);
      if (gone) done(step);
      return gone.has_value();
    }
    case ReaderStep::ask_to_leave: {
      const auto others = views();
      if (!others || !may_leave(attributes_.local_node(deadline()), state.mark_lag_ms, *others)) return false;
      done(ReaderStep::go);
      return false;
    }
    case ReaderStep::ask_to_return: {
      done(step);
      const auto others = views();
      if (!others || anybody_reads(*others)) return false;
      call_.log().warning("no node has readers: they come back here, though it is late");
      done(ReaderStep::come);
      return false;
    }
  }
  return false;
}

void Cluster::step_readers(const Verdict& verdict) {
  for (int steps = 0; steps < 3; ++steps)
    if (!take(next_step(memory_.readers, verdict.readers, limits_, now_ms_))) return;
}

void Cluster::publish(const std::string& name, const std::string& value, std::string& told, bool insist) {
  if (value == told && !insist) return;
  if (const auto sent = attributes_.set_transient(name, value, {}, deadline()); sent) {
    told = value;
  } else {
    call_.log().warning("{} could not be set: {}", name, sent.error().what);
  }
}

void Cluster::publish_score(const Score& score, bool insist) {
  if (settings_.score_of.empty() || score.kind == Score::Kind::as_it_was) return;
  const std::string name = "master-" + settings_.score_of;
  if (score.kind == Score::Kind::value)
    return publish(name, systole::to_string(systole::Score{score.points}), memory_.told_score, insist);
  if (memory_.told_score == no_score && !insist) return;
  const auto gone = attributes_.delete_transient(name, {}, deadline());
  if (gone) memory_.told_score = no_score;
  if (!gone) call_.log().warning("{} could not be deleted: {}", name, gone.error().what);
}

void Cluster::tell(const Verdict& verdict, bool insist) {
  const bool again = insist || memory_.told_ms < 0 || now_ms_ - memory_.told_ms > old_ms;
  if (again) memory_.told_ms = now_ms_;
  step_readers(verdict);
  publish(settings_.reader_attribute, std::to_string(std::max(0, memory_.readers.value)), memory_.told_readable, again);
  if (verdict.writable)
    publish(settings_.writer_attribute, *verdict.writable ? "1" : "0", memory_.told_writable, again);
  publish_score(verdict.score, again);
}

void Cluster::withdraw() {
  publish(settings_.reader_attribute, "0", memory_.told_readable, true);
  publish(settings_.writer_attribute, "0", memory_.told_writable, true);
  publish_score({.kind = Score::Kind::none}, true);
  if (memory_.readers.marked_ms >= 0) take(ReaderStep::unmark);
}

}  // namespace systole::mysql_replication
