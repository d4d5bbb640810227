// SPDX-License-Identifier: GPL-2.0-or-later
// How one says it to a server: MariaDB and MySQL share most of their SQL, and what differs by product and version
// stands in one table here, so that no other place asks for a version. Pure.
//
// MariaDB's lines were tried on servers; MySQL's are taken from its manual, as Debian has no such server.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace systole::mysql {

enum class Product { mariadb, mysql };
std::string_view to_string(Product product);

struct Version {
  unsigned major = 0, minor = 0, patch = 0;
  auto operator<=>(const Version&) const = default;
};
std::string to_string(const Version& version);
/// "10.11": within a series each can follow the other and take its files.
std::string series_of(const Version& version);

/// What there are several words for.
enum class Phrase {
  // Statements.
  show_replication,  // one row per connection to a primary; MariaDB: of the default connection
  show_connections,  // the same of all connections
  start_both,        // both replication threads
  start_receiver,
  start_applier,
  stop_both,
  stop_receiver,
  stop_applier,
  forget_replication,  // and its relay log
  change_primary,      // its options follow, each with option_prefix
  reset_log,           // deletes all binary logs, and on MySQL what gtid_executed says
  show_log_position,   // columns File and Position
  set_read_only,
  set_writable,
  // Options of change_primary.
  option_prefix,
  by_gtid,         // follow by GTID
  by_file,         // follow by file and position
  keep_trying,     // to reach the primary for a day; "": it does so for longer
  ask_public_key,  // of the primary, for its caching_sha2_password without TLS; "": no such thing
  // Columns of show_replication.
  host,
  port,
  receiver_runs,
  applier_runs,
  applier_state,
  primary_log,  // the file of the primary that is being received, and how far
  received_to,
  applied_log,  // the file of the primary that is being applied, and how far
  applied_to,
  primary_id,  // the primary's server_id
  behind,      // whole seconds
  follows_by,  // by which kind of position
  received_gtids,
  // Names of variables and tables.
  global_status,     // a table with VARIABLE_NAME and VARIABLE_VALUE
  above_a_second,    // of a row of information_schema.PROCESSLIST
  waits_for_space,   // state of a thread that waits for room on the disk begins so
  semi_sync_source,  // …_enabled and others begin with it
  semi_sync_replica,
  semi_sync_alone,          // variable: whether a commit waits though no replica is connected
  semi_sync_source_plugin,  // to be loaded before the variables are there; "": built in
  semi_sync_replica_plugin,
  waits_for_replica,  // state of a session whose commit does
  // Options of the server's command line.
  skip_start,
  log_updates,
  net_timeout,
  keep_place,  // of the applier in a table, together with what it applied; "": so it is anyway, or cannot be
  // Privileges, for messages.
  may_see_replication,
  may_see_log_position,
  may_change_replication,
  last = may_change_replication,
};

class Dialect {
 public:
  Product product() const { return product_; }
  const Version& version() const { return version_; }
  std::string_view operator[](Phrase phrase) const;
  bool is_mysql() const { return product_ == Product::mysql; }

  /// From SELECT VERSION(), or what the server says when it greets, and @@version_comment ("": not known). Error
  /// invalid: it is no version, or of a server that is too old: MariaDB before 10.5, MySQL before 5.7.
  static Result<Dialect> of(std::string_view version, std::string_view comment = {});
  /// From what `mysqld --version` or `mariadbd --version` prints.
  static Result<Dialect> of_program(std::string_view printed);
  /// The one that servers had before there were others: MariaDB 10.11.
  static Dialect usual() { return {Product::mariadb, {10, 11, 0}}; }

  bool operator==(const Dialect&) const = default;

 private:
  Dialect(Product product, Version version) : product_(product), version_(version) {}
  Product product_;
  Version version_;
};

/// May the version string alone be believed? One that names no product may be of a server whose configuration hides it:
/// then @@version_comment is asked too.
bool names_product(std::string_view version);

}  // namespace systole::mysql
