// SPDX-License-Identifier: GPL-2.0-or-later
// See guardian.hpp. Each event changes what is known; act() then does what is due. Climb always comes before the words
// about it: nothing may stand between the end of the lease and the first address that is dropped.
#include "crmd/guardian/guardian.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/text.hpp"
#include "crmd/guardian/lease_page.hpp"

namespace systole::guardian {

std::string names_of(const std::vector<Holding>& holdings) {
  std::vector<std::string> names;
  for (const Holding& holding : holdings) names.push_back(holding.resource);
  return names.empty() ? "nothing" : join(names, ", ");
}

std::vector<Effect> Guardian::step(Time now, const Event& event) {
  out_.clear();
  std::visit([this, now](const auto& which) { take(now, which); }, event);
  act(now);
  return std::exchange(out_, {});
}

void Guardian::take(Time now, const LeaseUntil& event) {
  const Time until = std::min(event.until, now + lease_longest);
  if (until_ && until <= *until_) return;
  until_ = until;
  if (until > now && std::exchange(was_over_, false)) note(Note::Level::notice, "the lease is valid again");
}

void Guardian::take(Time, const Hold& event) {
  to_accept_ = event.number;
  holds_others_ = true;
  if (ladder_)
    held_meanwhile_ = event.holdings;
  else
    holdings_ = event.holdings;
}

void Guardian::take(Time, const Remembered& event) {
  holdings_ = event.holdings;
  if (!holdings_.empty())
    note(Note::Level::warning,
         fmt::format("the guardian before this one was killed; this one goes on to guard {}", names_of(holdings_)));
}

/// A third of the timeout may have passed since it was last petted; a third is left for it to bite early.
void Guardian::take(Time, const Armed& event) {
  settings_ = {.watchdog_timeout = event.timeout, .watchdog_patience = event.timeout / 3};
}

void Guardian::take(Time, const CrmdHere&) {
  crmd_here_ = true;
  leaving_ = false;
  if (unheard_) out_.push_back(Tell{*unheard_});
}

void Guardian::take(Time now, const CrmdGone&) {
  if (!crmd_here_) return;
  crmd_here_ = false;
  if (leaving_ || holdings_.empty()) return;
  if (!until_)
    note(Note::Level::warning,
         fmt::format("crmd is gone; what is held stays as it is ({}): there was no lease that could end",
                     names_of(holdings_)));
  else if (!lease_is_over(now))
    note(Note::Level::warning, fmt::format("crmd is gone; if none is back within {} ms, the lease ends, and with it {}",
                                           to_ms(*until_ - now), names_of(holdings_)));
}

void Guardian::take(Time, const Heard&) {
  unheard_.reset();
}

void Guardian::take(Time, const Done&) {
  leaving_ = holds_others_ = true;
  if (ladder_)
    held_meanwhile_.emplace();
  else
    holdings_.clear();
}

void Guardian::take(Time, const Asked& event) {
  if (holdings_.empty() && !ladder_) {
    leaving_ = true;
    return;
  }
  note(Note::Level::warning, fmt::format("{} ignored: this node holds {}, which must be ended if its lease ends; "
                                         "stop crmd instead, then this process ends with it",
                                         event.by, names_of(holdings_)));
}

void Guardian::take(Time, const Unreachable& event) {
  // A watchdog that was armed stays petted: whoever armed it decides when this machine may do without.
  if (leaving_ || crmd_here_ || ladder_ || !holdings_.empty() || has_watchdog()) return;
  leaving_ = true;
  note(Note::Level::notice,
       fmt::format("{}: no crmd can reach this guardian any more, and it holds nothing", event.why));
}

void Guardian::take(Time now, const Climbed& event) {
  if (!ladder_ || !ladder_->climbing) return;
  ladder_->climbing = false;
  if (!event.all_gone) {
    ladder_->again = now + climb_again_after;
    ladder_->left = event.what_is_left;
    if (std::exchange(ladder_->told, true)) return;
    return report({ladder_->began, false,
                   fmt::format("the lease ended; {} should be gone, but there is still: {}; trying again every {} ms",
                               names_of(holdings_), event.what_is_left, to_ms(climb_again_after))});
  }
  report({ladder_->began, true,
          fmt::format("the lease ended and was not renewed: addresses dropped and processes killed of {}; all is gone "
                      "after {} ms",
                      names_of(holdings_), to_ms(now - ladder_->began))});
  if (std::exchange(biting_, false))
    note(Note::Level::notice, "all is gone before the watchdog bit: it is petted again");
  holdings_ = std::exchange(held_meanwhile_, {}).value_or(std::vector<Holding>{});
  holds_others_ = true;
  ladder_.reset();
}

void Guardian::report(Laddered news) {
  note(news.all_gone ? Note::Level::warning : Note::Level::error, news.text);
  unheard_ = std::move(news);
  if (crmd_here_) out_.push_back(Tell{*unheard_});
}

void Guardian::act(Time now) {
  was_over_ = was_over_ || lease_is_over(now);
  if (!ladder_ && !holdings_.empty() && lease_is_over(now)) {
    to_accept_.reset();
    ladder_ = Ladder{.began = now, .again = now, .climbing = true, .told = false, .left = "everything"};
    out_.push_back(Climb{holdings_});
    note(Note::Level::warning, fmt::format("the lease ended {} ms ago and crmd {}: ending {}", to_ms(now - *until_),
                                           crmd_here_ ? "has not renewed it" : "is not here", names_of(holdings_)));
  } else if (ladder_ && !ladder_->climbing && now >= ladder_->again) {
    ladder_->climbing = true;
    out_.push_back(Climb{holdings_});
  }
  remember();
  if (to_accept_ && !ladder_) out_.push_back(Accept{*std::exchange(to_accept_, {})});
  if (ladder_ && has_watchdog() && now - ladder_->began >= settings_.watchdog_patience) {
    biting_ = true;
    out_.push_back(LetBite{});
    note(Note::Level::error,
         fmt::format("{} ms after the lease ended there is still: {}; the watchdog is petted no more and resets this "
                     "machine within {} ms, unless all is gone by then",
                     to_ms(now - ladder_->began), ladder_->left, to_ms(settings_.watchdog_timeout)));
  }
  // While a ladder is climbed nobody pets: if this process too is stopped in the middle, the watchdog finishes the
  // work.
  if (!ladder_ && has_watchdog() && now >= pet_at_) {
    out_.push_back(Pet{});
    pet_at_ = now + settings_.watchdog_timeout / 3;
  }
  if (leaving_ && !ladder_ && holdings_.empty()) out_.push_back(Exit{});
}

/// What a ladder still has to end is not in the list that came meanwhile.
void Guardian::remember() {
  if (!std::exchange(holds_others_, false)) return;
  std::vector<Holding> all = holdings_;
  if (held_meanwhile_) all.insert(all.end(), held_meanwhile_->begin(), held_meanwhile_->end());
  out_.push_back(Remember{std::move(all)});
}

Time Guardian::looks_at(Time now) const {
  return std::min(own_deadline(), now + (holdings_.empty() && !ladder_ ? look_while_idle : look_while_held));
}

Time Guardian::next_deadline() const {
  return std::min(own_deadline(), lease_end());
}

Time Guardian::own_deadline() const {
  Time due = never;
  const auto by = [&due](Time time) { due = std::min(due, time); };
  if (ladder_) {
    if (!ladder_->climbing) by(ladder_->again);
    if (has_watchdog()) by(ladder_->began + settings_.watchdog_patience);
  } else if (has_watchdog()) {
    by(pet_at_);
  }
  return due;
}

}  // namespace systole::guardian
