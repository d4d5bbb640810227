// SPDX-License-Identifier: GPL-2.0-or-later
// The mark, and following with an eye on it.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/ocf/mysql/mysql_agent.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

MustFollow::MustFollow(const Settings& settings) : path_(settings.datadir + "/systole_must_follow") {}

bool MustFollow::is_set() const {
  return ::access(path_.c_str(), F_OK) == 0;
}

Result<void> MustFollow::set() const {
  return agents::write_file(path_, "", true);
}

void MustFollow::aim(const GtidList& position) const {
  if (is_set()) [[maybe_unused]]
    const auto kept = agents::write_file(path_, to_string(position) + "\n", true);
}

void MustFollow::clear_when_reached(const GtidList& applied) const {
  const auto text = agents::read_file(path_);
  if (!text || text->empty()) return;  // not set, or no primary was asked yet
  const auto position = parse_gtids(trim(*text));
  if (position && contains(applied, *position)) ::unlink(path_.c_str());
}

Result<void> follow_and_wait(Server& server, const Settings& settings, Cluster& cluster, const PrimaryAddress& primary,
                             Deadline deadline, Duration patience, Log& log) {
  cluster.memo().primary_host = primary.host;
  cluster.memo().primary_port = primary.port;
  cluster.memo().published.clear();
  cluster.save();
  if (settings.keeps_record()) {
    // Before the receiver begins: an acknowledgement of a replica that is not the one in sync would count as well.
    const bool acknowledges = cluster.own_copy().in_sync == cluster.self();
    if (const auto set = server.set_may_acknowledge(acknowledges, deadline); !set) return set;
  }
  const auto position = follow(server, settings, primary, deadline, log);
  if (!position) return position.error();
  const MustFollow mark(settings);
  mark.aim(*position);
  if (caught_up(server, *position, deadline.within(patience))) mark.clear_when_reached(*position);
  return {};
}

}  // namespace systole::mysql
