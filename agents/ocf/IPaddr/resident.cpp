// SPDX-License-Identifier: GPL-2.0-or-later
// See resident.hpp.
#include "agents/ocf/IPaddr/resident.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr int probes = 3;
constexpr Duration probe_gap = 50ms;
constexpr Duration conflict_probe_gap = 5s;  // is the other one still there?
// An address that is gone for so long was taken away by somebody who runs no stop.
constexpr Duration gone_patience = 60s;
constexpr Duration report_pause = 1s;  // a manager refuses reports while its start still runs

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

std::string to_text(const ResidentState& state) {
  std::string text = fmt::format("announced {}\nplanned {}\n", state.announced, state.planned);
  if (!state.failure.empty()) text += fmt::format("failure {}\n", one_line(state.failure));
  if (state.conflict) text += fmt::format("conflict {}\n", to_text(*state.conflict));
  if (state.health.code != Ocf::ok)
    text += fmt::format("health {} {}\n", static_cast<int>(state.health.code), one_line(state.health.why));
  return text;
}

ResidentState parse_resident_state(std::string_view text) {
  ResidentState state;
  for (const std::string& line : split(text, '\n')) {
    const std::size_t blank = std::min(line.find(' '), line.size());
    const std::string key = line.substr(0, blank), value = blank < line.size() ? line.substr(blank + 1) : "";
    if (key == "announced") state.announced = parse_int<int>(value).value_or(0);
    if (key == "planned") state.planned = parse_int<int>(value).value_or(0);
    if (key == "failure") state.failure = value;
    if (key == "conflict") state.conflict = parse_mac(value);
    if (key != "health") continue;
    const std::size_t gap = std::min(value.find(' '), value.size());
    const auto code = parse_int<int>(value.substr(0, gap));
    if (code == 1 || code == 7) state.health = {static_cast<Ocf>(*code), value.substr(std::min(gap + 1, value.size()))};
  }
  return state;
}

Verdict judge_state(const ResidentState& state, const Options& options) {
  if (!state.conflict) return state.health;
  return {Ocf::generic, fmt::format("{} has a second owner on the link: {} claims it. Find that machine and take the "
                                    "address from it",
                                    to_text(options.ip), to_text(*state.conflict))};
}

Resident::Resident(const Options& options, std::vector<Duration> announcements, Time begin)
    : options_(options), schedule_(std::move(announcements)), begin_(begin), schedule_begin_(begin), probe_at_(begin) {
  state_.announced = 1;
  state_.planned = static_cast<int>(schedule_.size());
  if (options_.conflict_check != ConflictCheck::off) probes_left_ = probes;
}

void Resident::plan_again(Time now) {
  schedule_begin_ = now;
  next_ = 0;
  state_.announced = 0;
}

void Resident::take_in(Time now, const ResidentEvent& event) {
  if (event.looked) {
    const bool was_well = state_.health.code == Ocf::ok;
    state_.health = *event.looked;
    if (!event.there && !gone_since_) gone_since_ = now;
    if (event.there) gone_since_.reset();
    // A link that is back may hang on another port of another switch.
    if (!was_well && state_.health.code == Ocf::ok && !state_.conflict) plan_again(now);
  }
  if (event.announced) {
    state_.failure = *event.announced;
    if (state_.failure.empty()) ++state_.announced;
  }
  // Who only asks for the address is told by the kernel that it is taken.
  if (event.heard && !event.heard->asks && options_.conflict_check != ConflictCheck::off) {
    state_.conflict = event.heard->by;
    probes_left_ = probes;
    probe_at_ = now + conflict_probe_gap;
  }
}

void Resident::due(Time now, ResidentEffects& effects) {
  const bool well = state_.health.code == Ocf::ok && !state_.conflict;
  if (next_ < schedule_.size() && now >= schedule_begin_ + schedule_[next_]) {
    effects.announce = well;
    while (next_ < schedule_.size() && now >= schedule_begin_ + schedule_[next_]) ++next_;
  }
  if ((probes_left_ > 0 || state_.conflict) && now >= probe_at_) {
    if (probes_left_ == 0) {
      state_.conflict.reset();  // three questions went unanswered
    } else {
      effects.probe = state_.health.code == Ocf::ok;
      --probes_left_;
      probe_at_ = now + (state_.conflict ? conflict_probe_gap : probe_gap);
    }
  }
}

ResidentEffects Resident::step(Time now, const ResidentEvent& event) {
  const ResidentState before = state_;
  ResidentEffects effects;
  take_in(now, event);
  due(now, effects);
  const bool fault = judge_state(state_, options_).code != Ocf::ok;
  if (fault && !fault_known_) report_at_ = std::max(now, begin_ + report_pause);
  if (!fault) report_at_.reset();
  fault_known_ = fault;
  if (report_at_ && now >= *report_at_) {
    effects.report = true;
    report_at_.reset();
  }
  effects.end = gone_since_ && now - *gone_since_ >= gone_patience;
  effects.write = !(state_ == before);
  return effects;
}

Time Resident::wake_at() const {
  Time at = never;
  if (next_ < schedule_.size()) at = std::min(at, schedule_begin_ + schedule_[next_]);
  if (probes_left_ > 0 || state_.conflict) at = std::min(at, probe_at_);
  if (report_at_) at = std::min(at, *report_at_);
  if (gone_since_) at = std::min(at, *gone_since_ + gone_patience);
  return at;
}

}  // namespace systole::agents::ipaddr
