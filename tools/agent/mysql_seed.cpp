// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_seed.hpp.
#include "tools/agent/mysql_seed.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "agents/kit/paths.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/copied_mark.hpp"
#include "agents/ocf/mysql/dump.hpp"
#include "agents/ocf/mysql/install.hpp"
#include "agents/ocf/mysql/private_server.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/text.hpp"
#include "tools/agent/interrupt.hpp"
#include "tools/agent/mysql_datadir.hpp"
#include "tools/agent/mysql_setup.hpp"

namespace systole::tools {
namespace {

constexpr Duration install_patience = 5min, start_patience = 5min, stop_patience = 30min, ask_patience = 30s;
constexpr Duration silence_max = 30s, tell_every = 10s;

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
  const Command dump{.argv = mysql::dump_command(from->path()), .inherits = {from->fd()}};
  const Command load{.argv = mysql::load_command(into->path()), .inherits = {into->fd()}};
  return pump(dump, load, {.look = [&](std::uint64_t bytes, Duration silent) { return progress.look(bytes, silent); }});
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

Result<Seeded> seed(const OwnServer& server, const Login& primary, std::string_view note) {
  const std::string& datadir = server.settings.datadir;
  if (const auto made = mysql::install_database(server.settings, datadir, {"--auth-root-authentication-method=socket"},
                                                agents::process_environment(), Deadline::in(install_patience));
      !made)
    return made.error();
  Login local{.user = "root"};
  auto started = mysql::PrivateServer::start(server.settings, {.folder = private_folder,
                                                               .options = mysql::options_to_load(),
                                                               .answers = answers_to(local),
                                                               .interrupted = InterruptMark::is_set,
                                                               .patience = start_patience});
  if (!started) return started.error();
  local.socket = started->socket();
  const auto copied = copy(primary, local);
  if (!copied) return copied.error();
  const auto position = mysql::position_in_dump(copied->tail);
  if (!position)
    return Error{Errc::io,
                 "what mariadb-dump wrote does not say, at its end, at which GTID it was made: does the primary "
                 "write a binary log?"};
  if (const auto whole = finish(server, local, primary, *position); !whole) return whole.error();
  // By whom the older transactions were written: without it others could not be compared with this server later.
  const auto known = MysqlClient(primary).value("SELECT @@global.gtid_binlog_state", ask_patience);
  if (!known) return known.error();
  const auto end = mysql::parse_gtids(*position), writers = mysql::parse_gtids(*known);
  if (!end || !writers)
    return Error{Errc::io, fmt::format("the primary's positions cannot be read: '{}', '{}'", *position, *known)};
  if (const auto marked = mysql::mark_as_copied(datadir, mysql::state_up_to(*end, *writers)); !marked)
    return marked.error();
  if (const auto stopped = started->stop(stop_patience); !stopped) return stopped.error();
  const std::string about = fmt::format("{} at {}\n", note, *position);
  if (const auto marked = agents::write_file(seeded_mark(datadir), about, true); !marked) return marked.error();
  if (::unlink(unfinished_mark(datadir).c_str()) != 0)
    return errno_error(fmt::format("cannot remove '{}'", unfinished_mark(datadir)));
  return Seeded{.position = *position, .bytes = copied->bytes};
}

}  // namespace systole::tools
