// SPDX-License-Identifier: GPL-2.0-or-later
// `systole mysql join`: the server that is here gets a copy of the primary's data and becomes a replica.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "agents/kit/attributes.hpp"
#include "agents/kit/logging.hpp"
#include "agents/kit/paths.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/dialect.hpp"
#include "agents/ocf/mysql/options.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/exit_codes.hpp"
#include "common/base/text.hpp"
#include "tools/agent/interrupt.hpp"
#include "tools/agent/manager.hpp"
#include "tools/agent/mysql_datadir.hpp"
#include "tools/agent/mysql_seed.hpp"
#include "tools/agent/mysql_steps.hpp"

namespace systole::tools {
namespace {

using State = DataDir::State;

constexpr Duration patience = 10s, sync_patience = 180s;
constexpr std::uint64_t room_beside = 512ULL << 20;  // redo log, system tables, relay log

struct Joining {
  SetupOptions options;
  SetupNames names;
  OwnServer server = {};
  ClusterSeen cluster = {};
  DropInSeen drop_in = {};
  std::vector<OwnService> services = {}, before = {};
  DataDir data = {};
  Login primary = {};
  std::string primary_version = {};
  std::uint64_t primary_bytes = 0;
  bool joined = false;  // the cluster may run an instance here already
  std::vector<std::string> faults = {};
};

std::uint64_t free_bytes_for(std::string path) {
  struct statvfs about {};
  while (::statvfs(path.c_str(), &about) != 0) {
    if (errno != ENOENT || path.size() <= 1) return UINT64_MAX;  // not known: the copy tells
    path = agents::folder_of(path);
  }
  return static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize;
}

void look_at_cib(Joining& it) {
  const CibFacts& cib = it.cluster.cib;
  const mysql::Record& record = it.cluster.view.record;
  const std::string name = it.names.resource;
  if (!cib.resource) {
    it.faults.push_back(
        fmt::format("the cluster has no database '{0}' that 'systole mysql create' made. Run on the "
                    "server that has the data: systole mysql create{1}",
                    name, name == "db" ? "" : " " + name));
    return;
  }
  it.joined = std::ranges::find(cib.databases, it.cluster.self) != cib.databases.end();
  if (it.joined) return;
  if (record.exists() && record.primary == it.cluster.self)
    it.faults.push_back(fmt::format("by the record ({}) the true data are on this node", mysql::to_string(record)));
  else if (!record.exists() || !is_primary(it.cluster.view))
    it.faults.push_back(
        fmt::format("the database '{}' has no primary now, from which it could be copied: see 'systole "
                    "mysql status {}'",
                    name, name));
}

/// With which of the passwords the primary lets us in.
void log_in(Joining& it) {
  const std::string node = it.cluster.view.record.primary;
  const agents::Environment env = agents::process_environment();
  const auto address = agents::Attributes(env).permanent(it.names.address_attribute(), node, boot_time() + patience);
  it.primary = {.host = address && !address->empty() ? *address : node,
                .port = it.server.settings.replication_port,
                .user = std::string(replication_user)};
  std::vector<std::string> passwords;
  if (const std::string& kept = it.server.settings.replication.password; !kept.empty()) passwords.push_back(kept);
  const auto possible = possible_passwords(it.options, it.cluster.crmd);
  if (possible) passwords.insert(passwords.end(), possible->begin(), possible->end());
  if (passwords.empty()) {
    it.faults.push_back(possible.error().what);
    return;
  }
  Error last{};
  for (const std::string& password : passwords) {
    it.primary.password = password;
    const auto version = MysqlClient(it.primary).value("SELECT VERSION()", patience);
    if (version) {
      it.primary_version = *version;
      return;
    }
    last = version.error();
    if (last.code != Errc::permission) break;
  }
  if (last.code == Errc::permission)
    it.faults.push_back(
        fmt::format("{}. Either the cluster's key was changed since the database was created, or the "
                    "account is for another network than this node's: copy {} from {} to this node "
                    "(chmod 600), or run 'systole mysql create' there with --replication-network",
                    last.what, it.names.credentials_file(), node));
  else
    it.faults.push_back(fmt::format("{}. Does TCP port {} of {} pass the firewalls between the nodes?", last.what,
                                    it.primary.port, node));
}

void look_at_primary(Joining& it) {
  log_in(it);
  if (it.primary_version.empty()) return;
  const std::string node = it.cluster.view.record.primary;
  const auto theirs = mysql::Dialect::of(it.primary_version);
  const bool same = theirs && !theirs->is_mysql() && mysql::series_of(theirs->version()) == it.server.series;
  if (!same && !it.server.series.empty())
    it.faults.push_back(
        fmt::format("{} runs MariaDB {}, and here is {}: each must be able to follow the other; install "
                    "the same series",
                    node, it.primary_version, it.server.version));
  const auto size =
      MysqlClient(it.primary)
          .value("SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) FROM information_schema.TABLES", 60s);
  if (size) it.primary_bytes = parse_int<std::uint64_t>(*size).value_or(0);
  const std::uint64_t free = free_bytes_for(it.server.settings.datadir), needed = it.primary_bytes + room_beside;
  if (it.data.state != State::seeded && free < needed)
    it.faults.push_back(fmt::format("the data of {} take {}; there is room for {} at '{}', and {} would be safe", node,
                                    bytes_in_words(it.primary_bytes), bytes_in_words(free), it.server.settings.datadir,
                                    bytes_in_words(needed)));
}

/// What is not in the datadir is not moved aside with it.
void look_at_other_files(Joining& it) {
  for (const std::string& option : files_elsewhere(it.server.options))
    it.faults.push_back(
        fmt::format("the server keeps files of its database outside of its datadir ({}): they would meet "
                    "the new one's; remove that from its configuration",
                    option));
  for (const std::string_view name : {"log-bin", "relay-log"})
    if (const auto log = mysql::option_value(it.server.options, name);
        log && log->starts_with('/') && has_old_logs(*log))
      it.faults.push_back(
          fmt::format("at '{}' are logs of this server's earlier life ({}), which would count as history "
                      "of the copy: move them away",
                      *log, name));
}

void look_at_data(Joining& it) {
  const std::string& datadir = it.server.settings.datadir;
  it.data = look_at_datadir(datadir);
  if (it.data.state != State::seeded) look_at_other_files(it);
  const bool somebodys = it.data.state == State::in_use || it.data.state == State::strange;
  if (!somebodys) return;
  const std::string what = it.data.state == State::in_use
                               ? fmt::format("'{}' holds databases: {}", datadir, join(it.data.databases, ", "))
                               : fmt::format("'{}' holds files, and no database", datadir);
  if (!it.options.discard_data)
    it.faults.push_back(what +
                        ". They would not be in the cluster's database. If they may go, --discard-data moves them "
                        "aside; nothing is deleted");
  else if (it.data.own_mount)
    it.faults.push_back(what + ". It is a file system of its own, which cannot be moved aside: move its content away");
}

Joining look(const SetupOptions& options, Log& log) {
  Joining it{.options = options, .names = {options.resource}};
  if (::geteuid() != 0) it.faults.emplace_back("it needs root");
  it.cluster = look_at_cluster(options, it.names, log);
  it.server = look_at_server(it.names.credentials_file());
  for (const auto* from : {&it.cluster.faults, &it.server.faults})
    it.faults.insert(it.faults.end(), from->begin(), from->end());
  if (it.cluster.answers) look_at_cib(it);
  if (it.joined) return it;
  it.services = find_services();
  if (!it.server.include_folder.empty()) {
    it.drop_in = look_at_drop_in(it.server, options.resource);
    if (!it.drop_in.fault.empty()) it.faults.push_back(it.drop_in.fault);
  }
  it.before = services_before(it.drop_in, it.services);
  if (it.server.series.empty()) return it;
  look_at_data(it);
  const bool ours = std::ranges::any_of(it.services, [](const OwnService& each) { return each.active; });
  if (it.server.pid && !ours && it.data.state != State::unfinished)
    it.faults.push_back(
        fmt::format("the server runs, pid {}, and no service of this machine has started it: stop it", *it.server.pid));
  if (it.cluster.cib.resource && is_primary(it.cluster.view)) look_at_primary(it);
  return it;
}

std::string what_becomes_of_data(const Joining& it) {
  const std::string& datadir = it.server.settings.datadir;
  switch (it.data.state) {
    case State::missing:
      return fmt::format("'{}' is empty and gets a new database", datadir);
    case State::fresh:
      return fmt::format("'{}', in which nobody has stored anything, is replaced by a new database{}", datadir,
                         it.data.own_mount
                             ? "; as a file system of its own it cannot be moved aside, so that this cannot "
                               "be undone"
                             : "");
    case State::unfinished:
      return fmt::format("what an earlier attempt has left in '{}' is removed, and a new database made", datadir);
    case State::seeded:
      return fmt::format("'{}' is a whole copy already, of an earlier attempt: {}", datadir, it.data.note);
    case State::in_use:
    case State::strange:
      return fmt::format("'{0}' is moved to '{0}.before-systole-TIME', and a new database made", datadir);
  }
  return {};
}

std::vector<std::string> plan_of(const Joining& it) {
  const std::string& primary = it.cluster.view.record.primary;
  std::vector<std::string> plan;
  plan.push_back(fmt::format("{} (root's alone) gets the password of replication", it.names.credentials_file()));
  plan.push_back(fmt::format("{} makes the server listen on the network, with server-id {} and a binary log",
                             it.drop_in.path, server_id_of(it.cluster.cib, it.cluster.self)));
  std::vector<std::string> names;
  for (const OwnService& each : it.services)
    if (each.active || each.enabled) names.push_back(each.name);
  if (!names.empty()) plan.push_back(fmt::format("{}: stopped and disabled", join(names, ", ")));
  plan.push_back(what_becomes_of_data(it));
  if (it.data.state != State::seeded)
    plan.push_back(fmt::format("all databases and accounts of {}, about {}, are copied to it while {} goes on", primary,
                               bytes_in_words(it.primary_bytes), primary));
  plan.push_back(fmt::format("the cluster runs an instance of '{}' on {}, too, which follows {}", it.names.clone(),
                             it.cluster.self, primary));
  return plan;
}

/// Of a datadir that could not be moved aside, or held no whole database. Its service must not start what is there now.
Result<void> empty_again(const Joining& it) {
  const std::string datadir = real_datadir(it.server.settings.datadir);
  if (const auto ended = end_left_server(it.server); !ended) return ended;
  if (const auto emptied = empty_datadir(datadir); !emptied) return emptied;
  if (it.data.state != State::missing)
    return Error{
        Errc::refused,
        fmt::format("it is empty now. What an earlier run moved aside, if it did, is '{}.before-systole-…'; run "
                    "this again for a copy, or mariadb-install-db for an empty database",
                    datadir)};
  if (::unlink(unfinished_mark(datadir).c_str()) != 0 && errno != ENOENT)
    return errno_error(fmt::format("cannot remove '{}'", unfinished_mark(datadir)));
  return {};
}

/// Empty, with our mark in it. Returns where the former one is now, "" nowhere.
Result<std::string> clear_datadir(const Joining& it, Undo& undo) {
  const std::string datadir = real_datadir(it.server.settings.datadir);
  if (const auto ended = end_left_server(it.server); !ended) return ended.error();
  std::string aside;
  const bool whole = it.data.state == State::fresh || it.data.state == State::in_use || it.data.state == State::strange;
  if (whole && !it.data.own_mount) {
    const auto moved = move_aside(datadir, time_for_names());
    if (!moved) return moved.error();
    aside = *moved;
    undo.add(fmt::format("'{}' is what it was", datadir), [&it, datadir, aside]() -> Result<void> {
      if (const auto ended = end_left_server(it.server); !ended) return ended;
      return move_back(datadir, aside);
    });
    if (it.data.state != State::fresh) say(fmt::format("  - what was in '{}' is in '{}' now\n", datadir, aside));
  }
  if (aside.empty())
    undo.add(
        fmt::format("'{}' is what it was", datadir), [&it] { return empty_again(it); }, Undo::Weight::decides);
  if (const auto made = agents::make_folder(datadir); !made) return made.error();
  if (const auto marked =
          agents::write_file(unfinished_mark(datadir), "a copy that 'systole mysql join' began\n", true);
      !marked)
    return marked.error();
  if (const auto emptied = empty_datadir(datadir); !emptied) return emptied.error();
  return aside;
}

/// One change of the configuration; again where another node came at the same moment and counted without us.
Result<void> enter_cluster(const SetupNames& names, const std::string& self) {
  for (std::size_t told = 0;;) {
    const auto cib = run_tool({"cibadmin", "--query", "--scope", "configuration"});
    if (!cib) return cib.error();
    const CibFacts now = read_cib(*cib, names);
    const bool listed = std::ranges::find(now.databases, self) != now.databases.end();
    const std::size_t instances = now.databases.size() + (listed ? 0 : 1);
    if (listed && instances == told) return {};
    told = instances;
    const auto set = run_tool(
        {"cibadmin", "--modify", "--scope", "configuration", "--xml-text", joined_xml(names, self, instances)});
    if (!set) return set.error();
  }
}

/// What enter_cluster did, or did after all though its tool said that it had failed. As long as this is not so, the
/// former datadir must not come back: the cluster would start it.
Result<void> leave_cluster(const SetupNames& names, const std::string& self, bool crmd) {
  const auto cib = run_tool({"cibadmin", "--query", "--scope", "configuration"});
  if (!cib) return cib.error();
  const CibFacts now = read_cib(*cib, names);
  if (std::ranges::find(now.databases, self) == now.databases.end()) return {};
  const auto out =
      run_tool({"cibadmin", "--delete", "--xpath", fmt::format("//expression[@id='{}']", names.expression(self))});
  if (!out) return out.error();
  const auto set = run_tool({"cibadmin", "--modify", "--scope", "configuration", "--xml-text",
                             instances_xml(names, now.databases.size() - 1)});
  if (!set) return set.error();
  return wait_until_idle(crmd, sync_patience);
}

Result<void> seed_here(const Joining& it, Undo& undo, std::string& aside) {
  if (it.data.state == State::seeded) {
    say(fmt::format("  - '{}' is a copy already: {}\n", it.server.settings.datadir, it.data.note));
    return {};
  }
  const auto cleared = clear_datadir(it, undo);
  if (!cleared) return cleared.error();
  aside = *cleared;
  say(fmt::format("  - copying about {} from {}\n", bytes_in_words(it.primary_bytes), it.cluster.view.record.primary));
  const Time begin = boot_time();
  const auto seeded = seed(it.server, it.primary,
                           fmt::format("a copy of '{}' on {}", it.names.resource, it.cluster.view.record.primary));
  if (!seeded) return seeded.error();
  say(fmt::format("  - copied {} in {:.1f} s, as it was at {}\n", bytes_in_words(seeded->bytes),
                  static_cast<double>(to_ms(boot_time() - begin)) / 1000, seeded->position));
  return {};
}

Result<void> prepare(const Joining& it, Undo& undo, std::string& aside) {
  SetupSteps steps(it.names, it.server, undo);
  const unsigned id = server_id_of(it.cluster.cib, it.cluster.self);
  const std::vector<std::function<Result<void>()>> all{
      [&] { return steps.publish_address(it.cluster.self, it.cluster.address); },
      [&] { return steps.write_credentials(it.primary.password); },
      [&] { return steps.write_drop_in(it.drop_in, id, it.before); },
      [&] { return steps.retire_services(it.services, it.before); },
      [&] { return seed_here(it, undo, aside); },
      [&] {
        undo.add(
            fmt::format("the cluster does not run it on {}", it.cluster.self),
            [&it] { return leave_cluster(it.names, it.cluster.self, it.cluster.crmd); }, Undo::Weight::decides);
        return enter_cluster(it.names, it.cluster.self);
      },
  };
  for (const auto& step : all) {
    if (const auto go_on = not_interrupted(); !go_on) return go_on;
    if (const auto done = step(); !done) return done;
  }
  say(fmt::format("  - the cluster runs '{}' on {}, too\n", it.names.clone(), it.cluster.self));
  return {};
}

bool follows(const MysqlView& view) {
  const auto own = view.notices.find(view.self);
  return own != view.notices.end() && own->second.kind == mysql::Notice::Kind::replica && own->second.streams;
}

/// A third database is a replica that the record does not name.
bool is_whole(const MysqlView& view) {
  if (view.record.primary == view.self) return is_primary(view);
  return is_primary(view) && !is_stalled(view) && !view.record.in_sync.empty() &&
         (view.record.in_sync == view.self || follows(view));
}

/// What was begun stays begun: the node has a whole copy, and the cluster knows it.
int wait_for_sync(const Joining& it, Log& log) {
  const Time begin = boot_time();
  const auto look_again = [&] { return look_at_database(it.names.resource, agents::process_environment(), log); };
  say(fmt::format("  - waiting until {} follows\n", it.cluster.self));
  const auto reached = await_cluster(it.names, sync_patience, look_again, is_whole);
  if (!reached) {
    complain(
        fmt::format("systole mysql join: {} is in the cluster and was not taken out again, but is not in sync yet: "
                    "{}\nSee 'systole mysql status' and 'systole status'; when it is mended, run this again.\n",
                    it.cluster.self, reached.error().what));
    return InterruptMark::is_set() ? interrupted_exit_code : exit_code::error;
  }
  const std::string mark = seeded_mark(it.server.settings.datadir);
  if (::unlink(mark.c_str()) != 0 && errno != ENOENT)
    complain(fmt::format("systole mysql join: '{}' is of no use any more and could not be removed\n", mark));
  say(fmt::format("\n{} follows, {:.1f} s later.\n\n{}", it.cluster.self,
                  static_cast<double>(to_ms(boot_time() - begin)) / 1000, mysql_status_text(look_again())));
  return exit_code::ok;
}

int act(const Joining& it, Log& log) {
  const InterruptMark mark;
  const TerminalMayGo terminal;
  if (it.joined) {
    say(fmt::format("{} has a copy and is in the cluster already.\n", it.cluster.self));
    if (const auto counted = enter_cluster(it.names, it.cluster.self); !counted)
      return refuse("join", {counted.error().what});
    return wait_for_sync(it, log);
  }
  Undo undo(complain);
  std::string aside;
  const auto done = prepare(it, undo, aside);
  if (!done) return take_back("join", done.error(), undo);
  undo.forget();
  const int code = wait_for_sync(it, log);
  std::error_code problem;
  if (code == exit_code::ok && !aside.empty() && it.data.state == State::fresh)
    std::filesystem::remove_all(aside, problem);  // a package's empty database
  return code;
}

}  // namespace

int mysql_join(const SetupOptions& options) {
  if (!is_database_name(options.resource))
    return refuse("join", {fmt::format("'{}' is no name of a database: a letter, then letters, digits, - _ and .",
                                       options.resource)});
  const auto lock = lock_setup();
  if (!lock) return refuse("join", {lock.error().what});
  Log log;
  agents::open_log(log, agents::process_environment(), "mysql", {.stderr_is_terminal = false});
  const Joining it = look(options, log);
  if (!it.faults.empty()) return refuse("join", it.faults);
  if (!it.joined) {
    say(fmt::format("A replica of '{}' on {}, {} in {}:\n{}", it.names.resource, it.cluster.self, it.server.version,
                    it.server.settings.datadir, numbered(plan_of(it))));
    if (!options.yes) {
      complain("systole mysql join: nothing was done; say it again with --yes\n");
      return exit_code::needs_force;
    }
  }
  return act(it, log);
}

}  // namespace systole::tools
