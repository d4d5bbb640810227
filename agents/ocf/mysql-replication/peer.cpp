// SPDX-License-Identifier: GPL-2.0-or-later
// See peer.hpp.
#include "agents/ocf/mysql-replication/peer.hpp"

#include <fmt/format.h>

#include "agents/kit/attributes.hpp"
#include "agents/ocf/mysql-replication/look.hpp"
#include "agents/ocf/mysql/replication.hpp"
#include "common/base/text.hpp"

namespace systole::mysql_replication {

namespace {

using mysql::GtidList;

constexpr int clock_questions = 5;
constexpr Duration partner_patience = 1s;
constexpr std::string_view property_set = "mysql_replication";  // where the agents of databases keep their addresses

/// Its history into `peer`, and what we have and it has not.
Result<void> ask_history(sql::Connection& connection, const Facts& facts, Peer& peer, Deadline deadline) {
  const auto answer = connection.query(
      facts.on_mysql ? "SELECT @@global.gtid_executed AS executed, @@global.read_only AS read_only"
                     : "SELECT @@global.gtid_binlog_state AS state, @@global.gtid_slave_pos AS slave_pos, "
                       "@@global.gtid_binlog_pos AS pos, @@global.read_only AS read_only",
      deadline);
  if (!answer) return answer.error();
  peer.writable = answer->text(0, "read_only") == "0";
  if (facts.on_mysql) {
    const auto executed = mysql::GtidSet::parse(answer->text(0, "executed"));
    if (!executed) return Error{Errc::invalid, "the primary's gtid_executed is no set of GTIDs"};
    peer.executed = *executed;
    peer.errant = to_string(facts.applied_set.without(peer.executed));
    return {};
  }
  const auto list = [&](std::string_view column) {
    return mysql::parse_gtids(answer->text(0, column)).value_or(GtidList{});
  };
  peer.position = mysql::merged(list("slave_pos"), list("pos"));
  GtidList state = list("state");
  for (const mysql::Gtid& gtid : list("slave_pos")) state.push_back(gtid);
  const auto errant = mysql::diverged(facts.applied, state);
  peer.errant = errant ? mysql::to_string(*errant) : "";
  return {};
}

/// In UTC: an hour that comes twice a year would else be read as the other one.
Result<void> compare_clocks(sql::Connection& connection, Peer& peer, Deadline deadline) {
  if (const auto set = connection.query("SET time_zone='+00:00'", deadline); !set) return set.error();
  peer.round_trip_us = -1;
  for (int i = 0; i < clock_questions; ++i) {
    const std::int64_t before = wall_us();
    const auto answer = connection.query("SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED)", deadline);
    const std::int64_t after = wall_us();
    if (!answer) return answer.error();
    const auto theirs = parse_int<std::int64_t>(answer->value());
    if (!theirs) return Error{Errc::invalid, fmt::format("the primary's time is no number: '{}'", answer->value())};
    if (peer.round_trip_us >= 0 && after - before >= peer.round_trip_us) continue;
    peer.round_trip_us = after - before;
    peer.offset_us = *theirs - (before + after) / 2;
  }
  return {};
}

}  // namespace

Result<Peer> ask_primary(const Settings& settings, const Facts& facts, Deadline deadline) {
  const Channel& channel = *facts.channel;
  const sql::Endpoint endpoint{.socket = {}, .host = channel.host, .port = channel.port, .tls = settings.server.tls};
  auto connection = sql::Connection::open(endpoint, settings.server.replication, deadline);
  if (!connection) return connection.error();
  Peer peer;
  if (const auto compared = compare_clocks(*connection, peer, deadline); !compared) return compared.error();
  auto asked = ask_history(*connection, facts, peer, deadline);
  if (asked && !peer.errant.empty()) {
    // Once more: semi-synchronous replication sends a transaction just before the primary counts it as its own.
    agents::pause_for(200ms, deadline.at());
    asked = ask_history(*connection, facts, peer, deadline);
  }
  if (!asked) return asked.error();
  return peer;
}

bool lag_is_doubtful(const Facts& facts, const Memory& memory, std::int64_t max_lag_ms) {
  if (!facts.channel->all_applied) return false;
  return !facts.beat_us || (facts.wall_us + memory.offset_us - *facts.beat_us) / 1000 > max_lag_ms;
}

std::string find_partner(const Settings& settings, const agents::Environment& env, Deadline deadline, Log& log) {
  std::vector<std::string> asked = settings.partners;
  if (!settings.primary_from.empty()) {
    const auto published = agents::Attributes(env).property(settings.primary_from + "_REPL_INFO",
                                                            std::string(property_set), deadline.at());
    // The shell agent appends |file|position.
    if (published && !published->empty()) asked.push_back(published->substr(0, published->find('|')));
  }
  std::string found;
  for (const std::string& host : asked) {
    if (host == found) continue;
    const auto peer = mysql::ask_peer(settings.server, {.host = host, .port = settings.server.replication_port},
                                      deadline.within(partner_patience));
    if (!peer || !peer->writable) continue;
    if (!found.empty()) {
      log.error("both {} and {} are writable: nobody is followed until one of them is not", found, host);
      return {};
    }
    found = host;
  }
  return found;
}

}  // namespace systole::mysql_replication
