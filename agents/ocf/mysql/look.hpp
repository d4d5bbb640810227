// SPDX-License-Identifier: GPL-2.0-or-later
// The helper's eye on its own server: one connection that stays open, two statements a look, among them none that waits
// for a blocked commit. A look that is not answered in time costs the connection, and the next one makes a new one.
#pragma once

#include <optional>
#include <string>

#include "agents/ocf/mysql/lineage.hpp"
#include "agents/ocf/mysql/server.hpp"

namespace systole::mysql {

class Look {
 public:
  /// settings must outlive this.
  explicit Look(const Settings& settings) : settings_(settings) {}

  SeenServer at(bool alive, Duration patience);
  /// Of the last look that was not answered.
  const std::string& why_not() const { return why_not_; }

  // Statements of the helper, on the same connection.
  Result<void> set_source(bool on, Duration patience);
  Result<void> acknowledge(bool on, Duration patience);
  Result<void> end_streams(Duration patience);
  Result<void> flush(bool on, Duration patience);
  Result<void> bind_right(Duration patience);

  /// A row of our own table, committed under semi-synchronous replication on a connection of its own: acknowledged by a
  /// replica, it has all that was committed before. Returns its GTID.
  Result<GtidList> commit_barrier(const Record& record, Deadline deadline);

 private:
  Server* server(Deadline deadline);
  static Result<void> receiver_anew(Server& server, bool acknowledges, Deadline deadline);
  Result<void> source_facts(Server& server, SeenServer& seen, Deadline deadline);
  Result<void> replica_facts(Server& server, SeenServer& seen, Deadline deadline);

  const Settings& settings_;
  std::optional<Server> server_;
  std::string why_not_;
  std::string progress_;  // of the receiver, as the server counts it
  Time progressed_{};
};

/// What makes a replica able to say that it has a transaction, and that it acknowledges: asked of another server as
/// replication_user.
struct PeerAnswer {
  GtidList applied;
  bool acknowledges = false;  // its receiver does
};
Result<PeerAnswer> ask_replica(const Settings& settings, const std::string& host, Deadline deadline);

/// Our table, made where it is missing; a row of it is the first transaction of each epoch.
Result<void> write_row(Server& server, const Record& record, Deadline deadline);

}  // namespace systole::mysql
