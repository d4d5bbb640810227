// SPDX-License-Identifier: GPL-2.0-or-later
// Replication by file and position, where there are no GTIDs to go by. A place in a binary log means something only on
// the server whose log it is, so each has that server's name with it. What joins the logs of two servers is known at
// one moment only, at a promotion: the new primary has applied the old one's log up to some place, and its own log has
// some length. It publishes both, and whoever stands at the former may go on from the latter. Who stands anywhere else
// cannot be followed further: the answer is a sentence for people. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::mysql {

/// Up to a byte in one server's binary log.
struct Coordinates {
  std::string host = {};  // the server's replication address
  std::string file = {};  // name.000123
  std::uint64_t position = 0;
  bool operator==(const Coordinates&) const = default;
};
/// "host file:position", for people.
std::string to_string(const Coordinates& place);
/// A name with a number behind its last dot, without a path or what would break a list or a statement.
bool is_log_file(std::string_view name);
/// Of one server's log: does `one` come after `other`? By the files' numbers, then the position.
bool is_after(const Coordinates& one, const Coordinates& other);

/// "host|file|position", as the shell agents publish it; nullopt: it is not.
std::optional<Coordinates> parse_coordinates(std::string_view text);
std::string to_text(const Coordinates& place);

/// What a primary publishes as RESOURCE_REPL_INFO: where its own log was when it was promoted, and what it had applied
/// by then of the primary before it. The shell agents know the first three fields and read over the others.
struct Takeover {
  Coordinates own = {};
  std::optional<Coordinates> former = {};  // none: it was the first primary, or a shell agent wrote this
};
/// nullopt: it holds no place in a log.
std::optional<Takeover> parse_takeover(std::string_view text);
std::string to_text(const Takeover& takeover);

/// What is to be known of the cluster.
struct Surroundings {
  std::string self = {};       // this node's replication address
  std::string published = {};  // RESOURCE_REPL_INFO as it stands there
};

/// A server that wants to follow.
struct Follower {
  std::string self = {};                    // its own replication address
  std::optional<Coordinates> applied = {};  // of the primary that it follows or followed last; none: it follows nobody
  /// Asked only of the primary that the takeover calls former: what its own log has behind the takeover's place, or why
  /// that cannot be told; "": nothing.
  std::string surplus = {};
};

struct Entry {
  enum class Kind {
    keep,    // it follows that primary already: the server knows best how far it is
    at,      // begin at `from`
    later,   // the primary has not published where it took over
    refuse,  // it cannot follow; `why` says what helps
  } kind = Kind::refuse;
  Coordinates from = {};
  std::string why = {};
};
Entry entry_point(const std::string& primary, const std::optional<Takeover>& published, const Follower& follower);

/// What each live instance tells before a promotion: of which log it has received how much. A former primary tells the
/// end of its own.
struct CoordinateCandidate {
  std::string node = {};
  Coordinates received = {};
};
/// The node that has received most of the log that `self` follows, when that is not `self`; "": nobody has more. Places
/// in other logs cannot be compared and count for nothing.
std::string better_candidate(const CoordinateCandidate& self, const std::vector<CoordinateCandidate>& others);

}  // namespace systole::mysql
