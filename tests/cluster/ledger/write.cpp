// SPDX-License-Identifier: GPL-2.0-or-later
// Each client is a thread; what they share is the ledger and the word to stop.
#include "tests/cluster/ledger/write.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

namespace systole::ledger {
namespace {

using Clock = std::chrono::steady_clock;

std::string insertion(Key key) {
  return fmt::format("INSERT INTO ledger (writer, seq, mark) VALUES ({}, {}, {})", key.first, key.second, mark_of(key));
}

/// Sleeps until `next`, in short pieces so that the word to stop is heard.
void rest_until(const std::atomic<bool>& stop, Clock::time_point next) {
  while (!stop && Clock::now() < next) {
    std::this_thread::sleep_until(std::min(next, Clock::now() + Milliseconds(50)));
  }
}

bool commit(Session& session, Key key, const Plan& plan, Book& book) {
  const bool said_ok = session.execute(insertion(key), plan.limit).has_value();
  book.enter(said_ok ? Outcome::acknowledged : Outcome::unknown, key);
  return said_ok;
}

void writer(const std::atomic<bool>& stop, const Plan& plan, Book& book, int number) {
  const auto pace = std::chrono::microseconds(1'000'000LL * plan.writers / plan.commits_per_second);
  std::optional<Session> session;
  Key key{plan.first_writer + number, 0};
  auto next = Clock::now() + pace * number / plan.writers;
  while (!stop) {
    rest_until(stop, next);
    next = std::max(next + pace, Clock::now() - pace);  // an outage is not made up for by a burst
    if (!session) {
      auto opened = Session::open(plan.target, plan.limit);
      if (!opened) continue;
      session.emplace(std::move(*opened));
    }
    ++key.second;
    if (!commit(*session, key, plan, book)) session.reset();
  }
}

/// Probe k of n starts at k, k+n, k+2n … times the interval; n is chosen so that the one before is surely over.
void probe(const std::atomic<bool>& stop, const Plan& plan, Book& book, int number, int count, Clock::time_point zero) {
  Key key{plan.first_writer + first_probe + number, 0};
  for (auto next = zero + plan.probe_every * number; !stop; next += plan.probe_every * count) {
    rest_until(stop, next);
    if (stop) return;
    auto session = Session::open(plan.target, plan.limit);
    if (!session) continue;
    ++key.second;
    commit(*session, key, plan, book);
  }
}

}  // namespace

void write_until(const std::atomic<bool>& stop, const Plan& plan, Book& book) {
  std::vector<std::jthread> clients;
  for (int i = 0; i < plan.writers; ++i) {
    clients.emplace_back([&stop, &plan, &book, i] { writer(stop, plan, book, i); });
  }
  if (plan.probe_every.count() == 0) return;
  const int probes = static_cast<int>(2 * plan.limit / plan.probe_every) + 1;
  const auto zero = Clock::now();
  for (int i = 0; i < probes; ++i) {
    clients.emplace_back([&stop, &plan, &book, i, probes, zero] { probe(stop, plan, book, i, probes, zero); });
  }
}

}  // namespace systole::ledger
