// SPDX-License-Identifier: GPL-2.0-or-later
// The mark, and following with an eye on it.
#include <fmt/format.h>

#include "agents/ocf/mysql/mysql_agent.hpp"
#include "agents/ocf/mysql/rejoin_mark.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

void MustFollow::aim(const GtidList& position) const {
  if (is_set()) [[maybe_unused]]
    const auto kept = set(to_string(position) + "\n");
}

void MustFollow::clear_when_reached(const GtidList& applied) const {
  const auto text = agents::read_file(path());
  if (!text || text->empty()) return;  // not set, or no primary was asked yet
  const auto position = parse_gtids(trim(*text));
  if (position && contains(applied, *position)) [[maybe_unused]]
    const auto gone = remove();
}

Result<void> follow_and_wait(Server& server, const Settings& settings, Cluster& cluster, const PrimaryAddress& primary,
                             Deadline deadline, Duration patience, Log& log) {
  if (RejoinMark(settings).is_set())
    return Error{Errc::refused, "what this database has more than the primary is being undone"};
  if (EmptyMark(settings).is_set())
    return Error{Errc::refused, "this database was made new and empty: it needs a copy of the primary's"};
  cluster.memo().primary_host = primary.host;
  cluster.memo().primary_port = primary.port;
  cluster.memo().published.clear();
  cluster.save();
  if (settings.keeps_record()) {
    // Before the receiver begins: an acknowledgement of a replica that is not the one in sync would count as well.
    const bool acknowledges = cluster.own_copy().in_sync == cluster.self();
    if (const auto set = server.set_may_acknowledge(acknowledges, deadline); !set) return set;
  }
  const auto track = track_now(server, settings, deadline);
  if (!track) return track.error();
  if (*track != Track::mariadb_gtid) {
    const auto followed = follow_plain(server, settings, *track, cluster.surroundings(), primary, deadline, log);
    if (!followed) return followed;
    // Such a server was never cut; the mark is of a database that was made here, and is empty.
    const MustFollow empty(settings);
    empty.aim({});
    if (caught_up_plain(server, *track, deadline.within(patience))) empty.clear_when_reached({});
    return {};
  }
  const auto position = follow(server, settings, primary, cluster.receipts(), deadline, log);
  if (!position) return position.error();
  const MustFollow mark(settings);
  mark.aim(*position);
  if (caught_up(server, *position, deadline.within(patience))) mark.clear_when_reached(*position);
  return {};
}

}  // namespace systole::mysql
