// SPDX-License-Identifier: GPL-2.0-or-later
// See link_health.hpp.
#include "crmd/membership/link_health.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace systole::membership {

namespace {

/// The first return waits two keepalives, each further one twice as long, up to this many doublings.
constexpr unsigned wait_doublings_max = 5;
/// A link that was up for so many keepalives at a stretch has made good for its earlier returns.
constexpr int forgiven_after = 300;
/// A loss is named from so many packets on, and from such a share of them: one lost packet is no news.
constexpr unsigned loss_base = 50, loss_percent = 3;

double in_ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

// ---- loss

void Arrivals::came(std::uint64_t seq, std::size_t link, bool with_fragments) {
  if (seq == 0 || link >= 8) return;
  if (first_ == 0) first_ = seq;
  Number& number = numbers_[seq % size];
  if (number.seq > seq) return;  // far behind: its place is taken
  if (number.seq < seq) number = {seq, 0, false};
  number.links |= static_cast<std::uint8_t>(1U << link);
  number.with_fragments = number.with_fragments || with_fragments;
  highest_ = std::max(highest_, seq);
}

Arrivals::Loss Arrivals::loss(std::size_t link) const {
  Loss found;
  if (highest_ < first_ + grace) return found;
  const std::uint64_t lowest = std::max(first_, highest_ >= size ? highest_ - size + 1 : 1);
  for (std::uint64_t seq = highest_ - grace; seq >= lowest && found.expected < window; --seq) {
    const Number& number = numbers_[seq % size];
    const bool known = number.seq == seq;
    if (known && number.with_fragments) continue;
    ++found.expected;
    if (!known || (number.links >> link & 1U) == 0) ++found.lost;
  }
  return found;
}

// ---- up, late, dead, and back

LinkState LinkHealth::state(Time now) const {
  if (!heard_ || now - *heard_ >= deadtime_) return LinkState::dead;
  return now - *heard_ > late_after() ? LinkState::late : LinkState::up;
}

Duration LinkHealth::probation(Time now) const {
  return steady(now) ? Duration{} : wait_;
}

void LinkHealth::session_begins(Time now, bool same_daemon) {
  excused_until_ = now + deadtime_;
  other_daemon_ = !same_daemon;
}

void LinkHealth::heard(Time now) {
  if (!heard_) {
    up_since_ = now;
  } else if (const Duration pause = now - *heard_; pause > late_after() || pause >= deadtime_) {
    const Duration had_been_up = *heard_ - up_since_;
    if (had_been_up >= wait_) wait_ = {};  // it had served its time: being late once more is no relapse
    up_since_ = now;
    if (pause >= deadtime_) came_back(now, had_been_up);
  }
  heard_ = now;
}

void LinkHealth::came_back(Time now, Duration had_been_up) {
  const bool excused = now < excused_until_;
  if (excused && other_daemon_) return;
  ++flaps_;
  if (excused) return;
  if (had_been_up >= forgiven_after * keepalive_) comebacks_ = 0;
  wait_ = keepalive_ * (2 << std::min(comebacks_, wait_doublings_max));
  ++comebacks_;
}

// ---- the way there and back

void LinkHealth::round_trip(Duration took) {
  if (took < Duration::zero()) return;
  trips_[trips_taken_++ % samples] = took;
}

LinkView LinkHealth::view(Time now, Time started, Arrivals::Loss loss) const {
  LinkView view;
  view.state = state(now);
  view.silent = now - heard_.value_or(started);
  switch (view.state) {
    case LinkState::up:
      view.lasts = now - up_since_;
      break;
    case LinkState::late:
      view.lasts = view.silent - late_after();
      break;
    case LinkState::dead:
      view.lasts = heard_ ? view.silent - deadtime_ : view.silent;
      break;
  }
  view.ever_heard = heard_.has_value();
  view.lost = loss.lost;
  view.expected = loss.expected;
  view.flaps = flaps_;
  view.carries = carries(now);
  if (const std::size_t count = std::min(trips_taken_, samples); count > 0) {
    const auto end = trips_.begin() + static_cast<std::ptrdiff_t>(count);
    const auto [least, most] = std::minmax_element(trips_.begin(), end);
    Duration sum{};
    for (auto trip = trips_.begin(); trip != end; ++trip) sum += *trip;
    view.round_trip = RoundTrip{*least, sum / static_cast<std::int64_t>(count), *most};
  }
  view.trouble = trouble(now, view);
  return view;
}

std::string LinkHealth::trouble(Time now, const LinkView& view) const {
  if (view.state != LinkState::up)
    return view.ever_heard ? fmt::format("nothing heard for {:.1f} s", in_ms(view.silent) / 1000) : "never heard";
  if (!steady(now))
    return fmt::format("unsteady, came back {} times: it carries no messages for another {:.1f} s", flaps_,
                       in_ms(up_since_ + wait_ - now) / 1000);
  if (view.expected >= loss_base && view.lost * 100 >= view.expected * loss_percent)
    return fmt::format("loses {:.0f} % of the packets", 100.0 * view.lost / view.expected);
  if (view.round_trip && view.round_trip->average * 2 > keepalive_)
    return fmt::format("slow: {:.0f} ms there and back, with a keepalive of {:.0f} ms", in_ms(view.round_trip->average),
                       in_ms(keepalive_));
  return "";
}

}  // namespace systole::membership
