// SPDX-License-Identifier: GPL-2.0-or-later
// Statements on our own server, over its unix socket, each with its own bound. No decisions here.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agents/ocf/mysql/dialect.hpp"
#include "agents/ocf/mysql/facts.hpp"
#include "agents/ocf/mysql/settings.hpp"
#include "agents/sql/connection.hpp"

namespace systole::mysql {

/// How to speak to whom we are connected with. Asks where the greeting names no product.
Result<Dialect> dialect_of(sql::Connection& connection, Deadline deadline);

class Server {
 public:
  /// As test_user; when that is refused, as replication_user. "Too many connections" is tried again until the deadline.
  static Result<Server> connect(const Settings& settings, Deadline deadline);

  Result<Variables> variables(Deadline deadline);
  /// nullopt: this server replicates from nobody.
  Result<std::optional<Replication>> replication(Deadline deadline);
  /// gtid_slave_pos and gtid_binlog_pos together. MariaDB only.
  Result<GtidList> applied(Deadline deadline);
  Result<void> run(const std::string& statement, Deadline deadline);
  /// A phrase that is a whole statement.
  Result<void> run(Phrase phrase, Deadline deadline) { return run(std::string(dialect_[phrase]), deadline); }
  Result<sql::Table> ask(const std::string& statement, Deadline deadline);
  const Dialect& dialect() const { return dialect_; }
  std::string quoted(std::string_view text) { return connection_.quoted(text); }

  /// Read-only (MySQL: super_read_only), at the latest at the deadline. It waits for running statements and makes new
  /// ones wait, so clients that hold it up are disconnected (never only their query: a commit that waits for a replica
  /// would then be reported as done). Clients that wait for a replica's acknowledgement are left until `spare_waiters`
  /// is over.
  Result<void> make_read_only(const Settings& settings, Deadline deadline, Duration spare_waiters);
  /// Ends all client connections but ours, that with the id `also_spare`, the replicas' and the server's own threads.
  /// Returns how many.
  Result<unsigned> disconnect_clients(Deadline deadline, bool spare_waiters, unsigned long also_spare = 0);

  /// Stops the thread that receives from the primary, at once even when the primary's host is gone: STOP SLAVE alone
  /// would wait 2 s for it.
  Result<void> stop_receiver(Deadline deadline);
  /// As a replica, on connections that are made from now on.
  Result<void> set_may_acknowledge(bool may, Deadline deadline);
  /// Source side of semi-sync. On: AFTER_SYNC, and a commit waits even if no replica is connected at that moment.
  /// Without the plugin, which MySQL needs for it, nothing happens.
  Result<void> set_semi_sync(bool on, const Settings& settings, Deadline deadline);
  /// A server_id that was never used in any history this server knows.
  Result<std::uint32_t> take_fresh_server_id(Deadline deadline);

 private:
  Server(sql::Connection connection, Dialect dialect) : connection_(std::move(connection)), dialect_(dialect) {}
  Result<Variables> variables_of_mysql(Deadline deadline);
  sql::Connection connection_;
  Dialect dialect_;
};

/// The first row of an answer to show_replication; nullopt: it replicates from nobody.
std::optional<Replication> replication_in(const sql::Table& answer, const Dialect& dialect);

/// One look at everything. `process_alive` saves the search when the caller knows.
Facts gather(const Settings& settings, Deadline deadline, bool process_alive, std::optional<Server>* keep = nullptr);

}  // namespace systole::mysql
