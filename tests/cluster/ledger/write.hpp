// SPDX-License-Identifier: GPL-2.0-or-later
// The clients. Writers keep a connection and commit at a steady pace; probes open a new connection for each commit, one
// each 20 ms whether the one before has been answered or not, so that the time without service can be read off the
// ledger to 20 ms. No client ever tries a key twice: after an error it takes the next.
#pragma once

#include <atomic>

#include "tests/cluster/ledger/book.hpp"
#include "tests/cluster/ledger/session.hpp"

namespace systole::ledger {

/// Probes carry numbers from here on in the column `writer`.
inline constexpr std::int64_t first_probe = 1000;

struct Plan {
  Target target;
  int writers = 8;
  int commits_per_second = 400;   // of all writers together
  Milliseconds probe_every{20};   // 0: no probes
  Milliseconds limit{200};        // of each connect and of each answer
  std::int64_t first_writer = 0;  // two programs on one ledger table use different numbers
};

/// Runs the clients until `stop` is set; returns when the last answer is in or late.
void write_until(const std::atomic<bool>& stop, const Plan& plan, Book& book);

}  // namespace systole::ledger
