// SPDX-License-Identifier: GPL-2.0-or-later
// See heartbeat.hpp.
#include "agents/ocf/mysql-replication/heartbeat.hpp"

#include <fmt/format.h>

#include "agents/kit/logging.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql-replication/look.hpp"
#include "agents/ocf/mysql/server.hpp"
#include "common/base/text.hpp"

namespace systole::mysql_replication {

namespace {

constexpr Duration patience_least = 1s, idle_pause = 1s, table_patience = 5s;
constexpr std::size_t statement_bytes_compared = 30;
constexpr std::int64_t old_row_us = 86'400'000'000;  // a server that has not written for a day

std::string pid_file(const Settings& settings) {
  return settings.state + ".heartbeat";
}

class Writer {
 public:
  Writer(Log& log, const Settings& settings)
      : log_(log), settings_(settings), patience_(std::max(settings.heartbeat_interval, patience_least)) {}

  [[noreturn]] void run() {
    for (Time next = agents::boot_now();;) {
      const bool wrote = beat();
      next = std::max(next + (wrote ? settings_.heartbeat_interval : idle_pause), agents::boot_now());
      agents::pause_for(next - agents::boot_now(), next);
    }
  }

 private:
  /// False: nothing is to be written here now.
  bool beat() {
    if (!connection_ && !connect()) return false;
    if (still_waits()) return true;
    const auto id = writable_id();
    if (!id) return false;
    if (!pruned_) prune(*id);
    if (connection_) write(*id);
    return true;
  }

  bool connect() {
    const Deadline deadline = Deadline::in(patience_);
    auto opened = sql::Connection::open(settings_.server.local(), settings_.server.control, deadline);
    if (!opened) {
      complain(opened.error().what);
      return false;
    }
    connection_.emplace(std::move(*opened));
    pruned_ = false;
    // It needs BINLOG ADMIN; where rows are the rule anyway, it is not needed.
    static_cast<void>(connection_->query("SET SESSION binlog_format=ROW", deadline));
    const auto format = ask("SELECT @@session.binlog_format", deadline);
    if (format && lower(format->value()) == "row") return true;
    if (format)
      complain("the binary log is not written in rows and BINLOG ADMIN is not granted: no heartbeat is written");
    connection_.reset();
    return false;
  }

  /// The session that we let go of, because it did not answer, may still wait for a replica.
  bool still_waits() {
    if (!waiting_) return false;
    // After a restart of the server the number may be somebody else's: what it does must be ours too.
    const auto found =
        ask(fmt::format("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {} AND LEFT(INFO, "
                        "{}) = {}",
                        waiting_->id, waiting_->does.size(), connection_->quoted(waiting_->does)),
            Deadline::in(patience_));
    if (!found || found->value() != "0") return true;
    waiting_.reset();
    return false;
  }

  std::optional<std::string> writable_id() {
    const Deadline deadline = Deadline::in(patience_);
    const auto answer = ask("SELECT @@global.read_only AS ro, @@global.server_id AS id", deadline);
    if (!answer || answer->text(0, "ro") != "0") return std::nullopt;
    const auto dialect = mysql::dialect_of(*connection_, deadline);
    if (!dialect) return std::nullopt;
    const auto replicates = ask(std::string((*dialect)[mysql::Phrase::show_connections]), deadline);
    if (!replicates || !replicates->rows.empty()) return std::nullopt;
    return answer->text(0, "id");
  }

  void prune(const std::string& id) {
    const auto done =
        write_statement(fmt::format("DELETE FROM {} WHERE server_id <> {} AND ts < {} AND "
                                    "@@global.read_only = 0",
                                    settings_.heartbeat_table, id, wall_us() - old_row_us));
    pruned_ = done.has_value();
    if (!done && connection_ && is_missing(done.error())) make_table();
  }

  void write(const std::string& id) {
    const auto done = write_statement(
        fmt::format("INSERT INTO {} (server_id, ts) SELECT {}, {} FROM DUAL WHERE @@global.read_only = 0 ON DUPLICATE "
                    "KEY UPDATE ts = VALUES(ts)",
                    settings_.heartbeat_table, id, wall_us()));
    if (done) return complaint_.clear();
    if (connection_ && is_missing(done.error())) return make_table();
    complain(done.error().what);
  }

  static bool is_missing(const Error& error) {
    return error.what.find("error 1146") != std::string::npos || error.what.find("error 1049") != std::string::npos;
  }

  void make_table() {
    const std::string database = settings_.heartbeat_table.substr(0, settings_.heartbeat_table.find('.'));
    for (const std::string& statement :
         {"CREATE DATABASE IF NOT EXISTS " + database,
          fmt::format("CREATE TABLE IF NOT EXISTS {} (server_id INT UNSIGNED PRIMARY KEY, ts BIGINT UNSIGNED NOT NULL) "
                      "ENGINE=InnoDB COMMENT='microseconds since 1970 of each primary; replicas tell their lag by it'",
                      settings_.heartbeat_table)}) {
      if (!connection_) return;
      if (const auto made = write_statement(statement, table_patience); !made) return complain(made.error().what);
    }
    log_.notice("made the table {}", settings_.heartbeat_table);
  }

  Result<sql::Table> write_statement(const std::string& statement, std::optional<Duration> patience = {}) {
    return ask(statement, Deadline::in(patience.value_or(patience_)));
  }

  /// A connection that missed its time is of no use any more; its session may wait on, and nothing is asked meanwhile.
  Result<sql::Table> ask(const std::string& statement, Deadline deadline) {
    const unsigned long id = connection_->thread_id();
    auto answer = connection_->query(statement, deadline);
    if (answer || answer.error().code == Errc::invalid || answer.error().code == Errc::permission) return answer;
    connection_.reset();
    if (!waiting_) waiting_ = Waiting{.id = id, .does = statement.substr(0, statement_bytes_compared)};
    return answer;
  }

  void complain(const std::string& what) {
    if (what == complaint_) return;
    complaint_ = what;
    log_.warning("heartbeat: {}", what);
  }

  Log& log_;
  const Settings& settings_;
  Duration patience_;
  std::optional<sql::Connection> connection_;
  struct Waiting {
    unsigned long id = 0;
    std::string does;  // the beginning of its statement
  };
  std::optional<Waiting> waiting_;
  bool pruned_ = false;
  std::string complaint_;
};

}  // namespace

bool heartbeat_lives(const Settings& settings) {
  return agents::find_background(pid_file(settings)).has_value();
}

Result<void> launch_heartbeat(agents::Call& call, const Settings& settings) {
  if (auto ended = end_heartbeat(settings); !ended) return ended;
  const auto child = agents::run_in_background(pid_file(settings), [&] {
    agents::Call own(about_replication(), call.environment(), "heartbeat", agents::boot_now());
    agents::open_log(own.log(), own.environment(), about_replication().name, {.stderr_is_terminal = false});
    Writer(own.log(), settings).run();
    return 0;
  });
  if (!child) return child.error();
  return {};
}

Result<void> end_heartbeat(const Settings& settings) {
  return agents::end_background(pid_file(settings));
}

}  // namespace systole::mysql_replication
