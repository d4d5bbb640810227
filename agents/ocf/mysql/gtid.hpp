// SPDX-License-Identifier: GPL-2.0-or-later
// MariaDB's global transaction ids, and what two lists of them say about two servers' histories. Pure.
//
// A GTID is domain-server_id-sequence. A *position* has one GTID per domain: the last of each, hence everything before
// it. A *state* (gtid_binlog_state) has one per domain and server_id, and so also knows who wrote what.
// Comparing positions by number is right only on one shared history: 0-302-4 and 0-301-4 have equal numbers and are
// different transactions. diverged() is the test that knows the difference.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace systole::mysql {

struct Gtid {
  std::uint32_t domain = 0;
  std::uint32_t server = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const Gtid&) const = default;
};

using GtidList = std::vector<Gtid>;

/// "0-1-5,7-2-9" in any order, blanks allowed, "" is the empty list; nullopt: no such list.
std::optional<GtidList> parse_gtids(std::string_view text);
std::string to_string(const Gtid& gtid);
std::string to_string(const GtidList& list);

/// One GTID per domain, the highest by number; sorted. Of equal numbers the later in the list stays.
GtidList position_of(const GtidList& list);
GtidList merged(const GtidList& one, const GtidList& other);

/// Position `have` includes everything of position `wanted`. Valid on one shared history only.
bool contains(const GtidList& have, const GtidList& wanted);

/// How many transactions of `wanted` position `have` lacks, by sequence numbers.
std::uint64_t missing(const GtidList& have, const GtidList& wanted);

/// The first GTID of `position` that a server with state `primary` has never had: following that primary would leave
/// two different databases. `primary` is the primary's gtid_binlog_state with its gtid_slave_pos appended.
/// nullopt: the history of `position` is the beginning of the primary's.
std::optional<Gtid> diverged(const GtidList& position, const GtidList& primary);

/// Does a server with this gtid_binlog_state have exactly this transaction? Every start and promotion takes a server_id
/// of its own, so what one (domain, server_id) has written is one row of transactions. A copied database that knows
/// only its last ones is thought to have fewer than it has.
bool has_transaction(const GtidList& state, const Gtid& gtid);

/// What gtid_binlog_state a server is to have whose history ends at `position`, if `known` is that of one which goes on
/// from there: who wrote what up to it; the position itself last in each domain.
GtidList state_up_to(const GtidList& position, const GtidList& known);

/// A server_id for a server that becomes writable: not 0, and none of `used`. `draw` gives 32 random bits.
std::uint32_t fresh_server_id(const GtidList& used, const std::function<std::uint32_t()>& draw);

}  // namespace systole::mysql
