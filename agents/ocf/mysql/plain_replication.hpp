// SPDX-License-Identifier: GPL-2.0-or-later
// Following a primary where MariaDB's GTIDs are not what one goes by: on MySQL by its sets of GTIDs, and on both by
// file and position. replication.hpp is the same for MariaDB's GTIDs.
//
// What is easier here: a start of the threads keeps the relay log, so what was received can be applied after a restart.
// What is harder: by file and position nothing tells which transactions a server has; see coordinates.hpp.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agents/ocf/mysql/replication.hpp"

namespace systole::mysql {

/// By what a server follows its primary.
enum class Track { mariadb_gtid, mysql_gtid, file };
/// As the parameter replicate_by and the server say. Error invalid: they contradict each other.
Result<Track> track_of(const Settings& settings, const Server& server, const Variables& variables);

/// The same, asked of the server.
Result<Track> track_now(Server& server, const Settings& settings, Deadline deadline);

/// Stops receiving and applies everything received. Error: that was not possible by the deadline; nothing is lost.
Result<void> drain_plain(Server& server, const Settings& settings, Track track, Deadline deadline);

/// As follow() of replication.hpp. Errors: refused: it never can, the sentence says what helps; any other: try later.
Result<void> follow_plain(Server& server, const Settings& settings, Track track, const Surroundings& cluster,
                          const PrimaryAddress& primary, Deadline deadline, Log& log);

/// Until the receiver runs and everything received is applied: true. False: the deadline passed.
bool caught_up_plain(Server& server, Track track, Deadline deadline);

/// What it has received, as it tells the others before a promotion: a set, or host|file|position.
Result<std::string> progress_here(Server& server, Track track, const Surroundings& cluster, Deadline deadline);
/// Which of the nodes has more than `own`; "": none. Error refused: two of them have what the other has not.
Result<std::string> who_has_more(Track track, const std::string& own,
                                 const std::vector<std::pair<std::string, std::string>>& others);
/// Has another server applied what this one's log has up to now? Asked as replication_user, who needs the privilege to
/// see its replication where there are no GTIDs. "": it has, else what it lacks. Error refused: it has no place for us
/// now.
Result<std::string> lacks(Server& server, const Settings& settings, Track track, const Surroundings& cluster,
                          const PrimaryAddress& peer, Deadline deadline);

/// MySQL's gtid_executed of another server, asked as replication_user.
Result<GtidSet> executed_by(const Settings& settings, const PrimaryAddress& peer, Deadline deadline);

/// Where this server takes over, to be published before it becomes writable and after all is applied. A server that was
/// the last to publish goes on with what stands there. Error refused: by file and position nobody knows whether a
/// server that does not follow the last primary has what that one had.
Result<Takeover> takeover_here(Server& server, const Surroundings& cluster, Deadline deadline);

}  // namespace systole::mysql
