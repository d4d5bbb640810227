// SPDX-License-Identifier: GPL-2.0-or-later
// See readers.hpp for why it is right.
#include "agents/ocf/mysql-replication/readers.hpp"

#include <algorithm>

namespace systole::mysql_replication {

bool may_leave(const std::string& self, std::int64_t mark_ms, const std::vector<ReaderView>& others) {
  return std::ranges::any_of(others, [&](const ReaderView& other) {
    if (!other.reads || other.node == self) return false;
    if (!other.mark_ms || *other.mark_ms < mark_ms) return true;
    return *other.mark_ms == mark_ms && other.node > self;
  });
}

bool anybody_reads(const std::vector<ReaderView>& others) {
  return std::ranges::any_of(others, &ReaderView::reads);
}

namespace {

bool passed(std::int64_t since_ms, Duration span, std::int64_t now_ms) {
  return since_ms < 0 || now_ms - since_ms >= to_ms(span);
}

ReaderStep step_to_read(const ReaderState& state, const ReaderLimits& limits, std::int64_t now_ms) {
  if (state.value == limits.full) return state.marked_ms >= 0 ? ReaderStep::unmark : ReaderStep::keep;
  if (state.value >= 0 && !passed(state.changed_ms, limits.dwell, now_ms)) return ReaderStep::keep;
  return state.marked_ms >= 0 ? ReaderStep::unmark : ReaderStep::come;
}

ReaderStep step_of_late(const ReaderState& state, const ReaderLimits& limits, std::int64_t now_ms) {
  if (state.value < 0) return ReaderStep::go;  // it had no readers yet
  if (state.value == 0)
    return passed(state.asked_ms, limits.ask_again, now_ms) ? ReaderStep::ask_to_return : ReaderStep::keep;
  if (!passed(state.changed_ms, limits.dwell, now_ms)) return ReaderStep::keep;
  if (state.marked_ms < 0) return ReaderStep::mark;
  return passed(state.marked_ms, limits.settle, now_ms) ? ReaderStep::ask_to_leave : ReaderStep::keep;
}

}  // namespace

ReaderStep next_step(const ReaderState& state, ReaderWish wish, const ReaderLimits& limits, std::int64_t now_ms) {
  switch (wish) {
    case ReaderWish::read:
      return step_to_read(state, limits, now_ms);
    case ReaderWish::as_it_was:
      return state.value < 0 ? ReaderStep::go : ReaderStep::keep;
    case ReaderWish::leave:
      return state.value == 0 ? ReaderStep::keep : ReaderStep::go;
    case ReaderWish::late:
      return step_of_late(state, limits, now_ms);
  }
  return ReaderStep::keep;
}

ReaderState after(ReaderState state, ReaderStep step, const ReaderLimits& limits, std::int64_t now_ms,
                  std::int64_t lag_ms) {
  switch (step) {
    case ReaderStep::keep:
    case ReaderStep::ask_to_leave:
      break;
    case ReaderStep::ask_to_return:
      state.asked_ms = now_ms;
      break;
    case ReaderStep::come:
      state.value = limits.full;
      state.changed_ms = now_ms;
      break;
    case ReaderStep::go:
      state.value = state.value > limits.full ? 0 : std::max(0, state.value - 1);
      state.changed_ms = now_ms;
      break;
    case ReaderStep::mark:
      state.marked_ms = now_ms;
      state.mark_lag_ms = lag_ms;
      break;
    case ReaderStep::unmark:
      state.marked_ms = -1;
      break;
  }
  return state;
}

}  // namespace systole::mysql_replication
