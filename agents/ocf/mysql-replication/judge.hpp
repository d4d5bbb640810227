// SPDX-License-Identifier: GPL-2.0-or-later
// From facts and memory to a monitor's answer: what state this replication is in, whether clients may read and write
// here, promotion score, exit code, and at most one repair. Pure; every line of it is in a table of
// tests/unit/mysql-replication.
//
// Rules above all: a server is called writable only when it said so itself; trouble with the connection to the primary
// is no fault of the replica; and what may not be known is never taken for an error.
#pragma once

#include <optional>
#include <string>

#include "agents/ocf/mysql-replication/errors.hpp"
#include "agents/ocf/mysql-replication/facts.hpp"
#include "agents/ocf/mysql-replication/memory.hpp"
#include "agents/ocf/mysql-replication/settings.hpp"

namespace systole::mysql_replication {

enum class Condition {
  primary,
  replicating,
  lagging,
  delayed,       // on purpose
  disconnected,  // applies what it has; the primary is not reached
  standing,      // the applier stands still, and the data is right
  quarantined,   // the data is in doubt
  outdated,      // the primary has deleted what is needed: only a new copy helps
  unconfigured,  // read-only, and replicates from nobody
  writable_replica,
  no_space,
  hung,
  down,
  blind,  // overloaded, or our account is refused
};
std::string_view to_string(Condition condition);

enum class Repair {
  none,
  start_receiver,
  start_applier,
  start_both,   // from standstill: what was received is applied first
  account,      // the receiver is refused: the account of our parameters, where the primary takes it
  fetch_again,  // the relay log is damaged: fetched anew, where the primary has all that was received
  same_rows,    // a row is there already, or not there any more: is that the whole difference?
  follow,       // set up replication from the partner
};
std::string_view to_string(Repair repair);

struct Score {
  enum class Kind { as_it_was, none, value } kind = Kind::none;
  int points = 0;
};

inline constexpr int score_primary = 1000, score_replica = 100, score_unrelated = 10, score_late = 5,
                     score_never = -1'000'000;

struct Verdict {
  Condition condition = Condition::down;
  std::string reason = {};  // for people; "" when all is well
  agents::Ocf code = agents::Ocf::ok;
  ReaderWish readers = ReaderWish::leave;
  std::optional<bool> writable = {};  // nullopt: as it was
  Score score = {};
  Repair repair = Repair::none;
};

/// Of what lag is known, in milliseconds; nullopt: nothing is.
std::optional<std::int64_t> lag_of(const Facts& facts, const Memory& memory, bool heartbeat, std::int64_t now_ms);

struct Judgement {
  Verdict verdict;
  Memory memory;
};
/// partner_elsewhere: the primary that we know of is not the one that is followed, or none is followed.
Judgement judge(const Facts& facts, Memory memory, const Settings& settings, bool partner_elsewhere,
                std::int64_t now_ms);

}  // namespace systole::mysql_replication
