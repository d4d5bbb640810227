// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_seed.hpp.
#include "tools/agent/mysql_seed.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "agents/kit/paths.hpp"
#include "agents/kit/process.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/text.hpp"
#include "tools/agent/interrupt.hpp"
#include "tools/agent/mysql_datadir.hpp"
#include "tools/agent/mysql_setup.hpp"

namespace systole::tools {
namespace {

constexpr Duration install_patience = 5min, start_patience = 5min, stop_patience = 30min, ask_patience = 30s;
constexpr Duration silence_max = 30s, tell_every = 10s;

Result<void> install(const OwnServer& server) {
  const mysql::Settings& settings = server.settings;
  const auto ran = agents::run_program(
      {"mariadb-install-db", "--defaults-file=" + settings.config, "--user=" + settings.user,
       "--datadir=" + settings.datadir, "--skip-test-db", "--auth-root-authentication-method=socket"},
      agents::process_environment(), boot_time() + install_patience);
  if (!ran) return ran.error();
  if (ran->code == 0) return {};
  const std::string_view said = trim(ran->err.empty() ? ran->out : ran->err);
  return Error{Errc::io, fmt::format("mariadb-install-db ended with {}: {}", ran->code,
                                     said.substr(said.size() > 300 ? said.size() - 300 : 0))};
}

Command dump_command(const SecretText& options) {
  // mysql.gtid_slave_pos would be the primary's; the engine's statistics are made anew.
  return {.argv = {"mariadb-dump", "--defaults-file=" + options.path(), "--all-databases", "--single-transaction",
                   "--quick", "--gtid", "--master-data=2", "--routines", "--events", "--triggers", "--dump-history",
                   "--max-allowed-packet=1G", "--ignore-table=mysql.gtid_slave_pos",
                   "--ignore-table=mysql.innodb_index_stats", "--ignore-table=mysql.innodb_table_stats"},
          .inherits = {options.fd()}};
}

Command load_command(const SecretText& options) {
  return {.argv = {"mariadb", "--defaults-file=" + options.path(), "--binary-mode", "--max-allowed-packet=1G"},
          .inherits = {options.fd()}};
}

/// Says how far it is, and notices a primary that has gone without a word.
class Progress {
 public:
  explicit Progress(const Login& primary) : primary_(primary) {}
  Result<void> look(std::uint64_t bytes, Duration silent) {
    if (InterruptMark::is_set()) return Error{Errc::refused, "interrupted"};
    const Time now = boot_time();
    if (now - told_ > tell_every) {
      told_ = now;
      say(fmt::format("     {} so far\n", bytes_in_words(bytes)));
    }
    if (silent < silence_max || now - asked_ < silence_max) return {};
    asked_ = now;
    const auto answer = primary_.run("SELECT 1", ask_patience);
    if (answer) return {};
    return Error{answer.error().code, fmt::format("nothing came for {} s, and the primary does not answer: {}",
                                                  to_ms(silent) / 1000, answer.error().what)};
  }

 private:
  MysqlClient primary_;
  Time told_ = boot_time(), asked_{};
};

Result<Pumped> copy(const Login& primary, const Login& local) {
  const auto from = SecretText::of(option_file(primary)), into = SecretText::of(option_file(local));
  if (!from) return from.error();
  if (!into) return into.error();
  Progress progress(primary);
  return pump(dump_command(*from), load_command(*into),
              {.look = [&](std::uint64_t bytes, Duration silent) { return progress.look(bytes, silent); }});
}

/// The copy knows where it was made, its accounts let the agent in, and no table is missing.
Result<void> finish(const OwnServer& server, const Login& local, const Login& primary, const std::string& position) {
  const MysqlClient here(local);
  const auto set = here.value(
      fmt::format("SET GLOBAL gtid_slave_pos={}; SELECT @@global.gtid_slave_pos", sql_literal(position)), ask_patience);
  if (!set) return set.error();
  if (*set != position) return Error{Errc::io, fmt::format("the copy was made at {}, and says {}", position, *set)};
  constexpr std::string_view tables =
      "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', "
      "'SEQUENCE') AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')";
  const auto mine = here.value(tables, ask_patience), others = MysqlClient(primary).value(tables, ask_patience);
  if (mine && others && *mine != *others)
    return Error{Errc::io, fmt::format("the copy has {} tables, the primary {}: tables were made or dropped meanwhile, "
                                       "or the copy is not whole; begin again",
                                       *mine, *others)};
  if (const auto flushed = here.run("FLUSH PRIVILEGES", ask_patience); !flushed) return flushed;
  Login control = control_login(server);
  control.socket = local.socket;
  if (const auto in = MysqlClient(control).run("SELECT 1", ask_patience); !in)
    return Error{
        in.error().code,
        fmt::format("with the primary's accounts, which are in the copy, the agent cannot log in here: {}. Copy "
                    "the file of credentials from the primary's node; its [systole-control] names the account",
                    in.error().what)};
  return {};
}

}  // namespace

std::optional<std::string> position_in_dump(std::string_view tail) {
  if (tail.find("\n-- Dump completed") == std::string_view::npos) return {};
  constexpr std::string_view mark = "SET GLOBAL gtid_slave_pos='";
  const std::size_t at = tail.rfind(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = tail.substr(at + mark.size());
  const std::size_t end = rest.find('\'');
  if (end == std::string_view::npos || end == 0) return {};
  return std::string(rest.substr(0, end));
}

Result<Seeded> seed(const OwnServer& server, const Login& primary, std::string_view note) {
  const std::string& datadir = server.settings.datadir;
  if (const auto made = install(server); !made) return made.error();
  Login local{.user = "root"};
  // No binary log: what is copied has its history in the primary's. Flushed by the clean end, not at each commit.
  auto started = PrivateServer::start(
      server, {.folder = private_folder,
               .options = {"--skip-log-bin", "--innodb-flush-log-at-trx-commit=2", "--max-allowed-packet=1G"},
               .user = local.user,
               .password = local.password,
               .patience = start_patience});
  if (!started) return started.error();
  local.socket = started->socket();
  const auto copied = copy(primary, local);
  if (!copied) return copied.error();
  const auto position = position_in_dump(copied->tail);
  if (!position)
    return Error{Errc::io,
                 "what mariadb-dump wrote does not say, at its end, at which GTID it was made: does the primary "
                 "write a binary log?"};
  if (const auto whole = finish(server, local, primary, *position); !whole) return whole.error();
  if (const auto stopped = started->stop(stop_patience); !stopped) return stopped.error();
  const std::string about = fmt::format("{} at {}\n", note, *position);
  if (const auto marked = agents::write_file(seeded_mark(datadir), about, true); !marked) return marked.error();
  if (::unlink(unfinished_mark(datadir).c_str()) != 0)
    return errno_error(fmt::format("cannot remove '{}'", unfinished_mark(datadir)));
  return Seeded{.position = *position, .bytes = copied->bytes};
}

}  // namespace systole::tools
