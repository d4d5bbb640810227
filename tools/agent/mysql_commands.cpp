// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_commands.hpp.
#include "tools/agent/mysql_commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "agents/kit/logging.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/shared_record.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/text.hpp"
#include "tools/agent/mysql_endpoint.hpp"
#include "tools/agent/mysql_receipts.hpp"
#include "tools/agent/mysql_setup.hpp"
#include "tools/agent/mysql_switch.hpp"

namespace systole::tools {
namespace {

constexpr std::string_view tool = "systole mysql";
constexpr Duration patience = 10s;

/// The names in the property set: those of the databases with a record.
Result<std::vector<std::string>> recorded(const agents::Environment& env) {
  const auto ran =
      agents::run_program({"cibadmin", "--query", "--xpath", "//cluster_property_set[@id='systole-lineage']/nvpair"},
                          env, boot_time() + patience);
  if (!ran) return ran.error();
  std::vector<std::string> names;
  if (ran->code == 105) return names;
  if (ran->code != 0) return Error{Errc::not_connected, std::string(trim(ran->err))};
  constexpr std::string_view mark = " name=\"";
  std::string_view rest = ran->out;
  for (std::size_t at = rest.find(mark); at != std::string_view::npos; at = rest.find(mark)) {
    rest.remove_prefix(at + mark.size());
    names.emplace_back(rest.substr(0, rest.find('"')));
  }
  return names;
}

Result<std::string> resource_of(const MysqlOptions& options, const agents::Environment& env) {
  if (!options.resource.empty()) return options.resource;
  const auto names = recorded(env);
  if (!names) return names.error();
  if (names->size() == 1) return names->front();
  if (names->empty())
    return Error{Errc::not_found,
                 "no database has a record yet: it is written when ocf:systole:mysql is promoted for the first time"};
  return Error{Errc::invalid, fmt::format("several databases have a record; say which: {}", join(*names, ", "))};
}

std::string notice_words(const mysql::Notice& notice) {
  switch (notice.kind) {
    case mysql::Notice::Kind::down:
      return "no server";
    case mysql::Notice::Kind::replica:
      if (notice.behind_s > 0) return fmt::format("replica, receives, but applies {} s or more later", notice.behind_s);
      return notice.streams ? "replica, receives and applies" : "replica, receives nothing or cannot apply it";
    case mysql::Notice::Kind::primary:
      return notice.stalled ? "primary, WRITERS WAIT for its replica" : "primary";
  }
  return "";
}

std::string sentence(const MysqlView& view) {
  const mysql::Record& record = view.record;
  if (!record.exists())
    return "Nobody has been promoted yet: no record says which database is the true one. All instances must be up.";
  if (is_stalled(view))
    return fmt::format(
        "WRITERS WAIT: {} does not acknowledge, and nothing proves that it is out. Repair it, switch it "
        "on, fence it; or, if it is gone for good, run 'systole mysql force' on {}.",
        record.in_sync, record.primary);
  if (!is_primary(view))
    return fmt::format(
        "NOBODY WRITES: {} has the true database{}. Start it{}; if it is gone for good, run 'systole "
        "mysql force' on the node that shall go on.{}",
        record.primary, record.in_sync.empty() ? "" : fmt::format(", {} has the same", record.in_sync),
        record.in_sync.empty() ? "" : " or let the other one take over",
        view.self == record.primary || view.self == record.in_sync
            ? ""
            : fmt::format(" {} may lack acknowledged writes: here that is the last resort.", view.self));
  if (record.in_sync.empty())
    return fmt::format("ONE COPY: what is written now is on {} alone until a replica is in sync again.",
                       record.primary);
  const auto replica = view.notices.find(record.in_sync);
  const unsigned behind = replica == view.notices.end() ? 0 : replica->second.behind_s;
  return fmt::format("Every acknowledged write is on {} and on {}{}.", record.primary, record.in_sync,
                     behind == 0 ? ""
                                 : fmt::format(", but {0} has {1} s or more of them to apply: a take-over by it takes "
                                               "that much longer",
                                               record.in_sync, behind));
}

int force(Surroundings& here, const std::string& resource, bool yes, const agents::Environment& env, Log& log) {
  const MysqlView view = look_at_database(resource, env, log);
  if (!view.record.exists()) {
    here.err += fmt::format("{}: {} has no record: there is nothing to overrule\n", tool, resource);
    return exit_code::no_such;
  }
  const bool ours = view.record.primary == view.self || view.record.in_sync == view.self;
  here.out += fmt::format("{}: {}\n", resource, mysql::to_string(view.record));
  here.out += ours ? fmt::format(
                         "You say that {} is off and stays off. Should it still acknowledge writes, or have been "
                         "promoted, those writes are lost.\n",
                         mysql::other_node(view.record, view.self))
                   : fmt::format(
                         "{} is NOT known to have all acknowledged writes: what {} has acknowledged and this node "
                         "never received is lost.\n",
                         view.self, view.record.primary);
  if (!yes) {
    here.err += fmt::format("{}: nothing was done; say it again with --yes\n", tool);
    return exit_code::needs_force;
  }
  const auto given = mysql::OwnCopy(agents::paths_from(env), resource).give_operator_word(view.record);
  if (!given) return fail(here, tool, given.error());
  log.warning("{}: the operator says that the other node is out ({})", resource, mysql::to_string(view.record));
  here.out += fmt::format(
      "Noted on {}, for this record only. It counts at the next promotion here, or, on the primary, "
      "at once.\n",
      view.self);
  return 0;
}

/// The monitor sees the mark and begins.
int reseed(Surroundings& here, const std::string& resource, const agents::Environment& env) {
  const agents::Paths paths = agents::paths_from(env);
  const auto state = mysql::rejoin_state(paths, resource);
  if (!state || !state->needs_copy) {
    here.err += fmt::format("{}: the database {} on this node needs no copy\n", tool, resource);
    return exit_code::no_such;
  }
  const auto asked = agents::write_file(mysql::rejoin_file(paths, resource, "asked"), "");
  if (!asked) return fail(here, tool, asked.error());
  here.out +=
      fmt::format("{} on this node gets a new copy with its next monitor; see 'systole mysql status'\n", resource);
  return 0;
}

}  // namespace

MysqlView look_at_database(const std::string& resource, const agents::Environment& env, Log& log) {
  const agents::Paths paths = agents::paths_from(env);
  const mysql::SharedRecord shared(env, log, resource);
  const mysql::OwnCopy own(paths, resource);
  const Time deadline = boot_time() + patience;
  MysqlView view{.resource = resource, .self = agents::Attributes(env).local_node(deadline)};
  if (const auto record = shared.read(deadline)) view.shared = *record;
  if (const auto copy = own.read()) view.own = *copy;
  view.record = view.shared ? mysql::newer(*view.shared, view.own) : view.own;
  view.notices = shared.notices(deadline);
  view.helper = mysql::read_helper_state(paths, resource);
  view.rejoin = mysql::rejoin_state(paths, resource);
  view.receipts = receipts_in(paths.kept + "/rejoin", resource);
  return view;
}

bool is_primary(const MysqlView& view) {
  const auto found = view.notices.find(view.record.primary);
  return found != view.notices.end() && found->second.kind == mysql::Notice::Kind::primary;
}

bool is_stalled(const MysqlView& view) {
  const auto found = view.notices.find(view.record.primary);
  return found != view.notices.end() && found->second.stalled;
}

std::string mysql_status_text(const MysqlView& view) {
  std::string text = fmt::format("Database {}, seen from {}\n\n", view.resource, view.self);
  text += fmt::format("  {:<12} {}\n", "record", view.record.exists() ? mysql::to_string(view.record) : "none");
  if (!view.shared) text += fmt::format("  {:<12} the cluster does not answer: this node's own copy is shown\n", "");
  if (view.shared && *view.shared != view.own && view.own.exists())
    text += fmt::format("  {:<12} this node's copy says {}\n", "", mysql::to_string(view.own));
  for (const auto& [node, notice] : view.notices) text += fmt::format("  {:<12} {}\n", node, notice_words(notice));
  if (view.helper) {
    text += fmt::format("  {:<12} {} since {}, durability {}\n", "here", to_string(view.helper->state),
                        view.helper->since, to_string(view.helper->durability));
    if (!view.helper->complaint.empty()) text += fmt::format("  {:<12} {}\n", "", view.helper->complaint);
  }
  if (view.rejoin)
    text += fmt::format("  {:<12} {}: {} (since {})\n", "",
                        view.rejoin->needs_copy ? "NEEDS A NEW COPY of the primary" : "rejoins", view.rejoin->text,
                        view.rejoin->since);
  if (!view.receipts.empty())
    text += fmt::format("  {:<12} {} here, the newest of {}: 'systole mysql receipts' tells what was taken out\n",
                        "receipts", view.receipts.size(), view.receipts.rbegin()->substr(0, 20));
  return text + "\n" + sentence(view) + "\n";
}

int mysql_status_code(const MysqlView& view) {
  if (!view.record.exists() || !is_primary(view) || is_stalled(view)) return 2;
  return view.record.in_sync.empty() ? 1 : 0;
}

namespace {

/// The verbs that make a database of the cluster.
void describe_setup(CLI::App& verb, SetupOptions& options) {
  auto* const create =
      verb.add_subcommand("create", "make the MariaDB server that is here, with its data, a database of the cluster");
  create->add_option("--ip", options.ip, "ADDRESS[/PREFIX] that follows the primary, for the clients");
  create->add_option("--nic", options.nic, "interface of that address (default: where its network is)");
  create->add_option("--replication-network", options.replication_network,
                     "from where replicas come, as the database's accounts have it, such as 192.0.2.% (default: the "
                     "network of this node's address)");
  auto* const join = verb.add_subcommand(
      "join", "copy the primary's data to the MariaDB server that is here, which becomes a replica");
  join->add_flag("--discard-data", options.discard_data,
                 "the databases that are here may be moved aside (they are never deleted)");
  for (auto* const each : {create, join}) {
    each->add_option("resource", options.resource, "the database's name in the cluster")->capture_default_str();
    each->add_option("--address", options.address,
                     "of this machine, where the other nodes reach its database (default: the cluster's first link)");
    each->add_option("--password-file", options.password_file,
                     "one line: the password of replication, the same on each node (default: made from the cluster's "
                     "key)");
    each->add_flag("--yes", options.yes, "do it; without it, only what would be done is said");
  }
}

}  // namespace

void describe_mysql(CLI::App& app, MysqlOptions& options) {
  auto* const verb = app.add_subcommand("mysql", "databases under ocf:systole:mysql");
  verb->require_subcommand(1);
  auto* const status = verb->add_subcommand(
      "status", "which database is the true one, and what is safe now (exit 1: one copy, 2: nobody can write)");
  auto* const force = verb->add_subcommand(
      "force", "tell this node that the other one, which the record names, is gone for good (only if you are sure)");
  force->add_flag("--yes", options.yes, "do it; without it, only what it may cost is said");
  auto* const change = verb->add_subcommand("switch", "a planned switch-over: the in-sync replica becomes the primary");
  change->add_option("--to", options.to, "the node that shall be the primary (default: the in-sync replica's)");
  change->add_flag("--yes", options.yes, "whatever the look at the primary's transactions and the delay says");
  for (auto* const each : {status, force, change})
    each->add_option("resource", options.resource, "the database's resource (default: the only one)");
  auto* const receipts = verb->add_subcommand(
      "receipts", "what was taken out of this node's databases so that they could follow the primary again");
  receipts->add_option("resource", options.resource, "the database's resource (default: all)");
  auto* const reseed = verb->add_subcommand(
      "reseed", "this node's database cannot follow the primary: fetch a new copy now (with reseed=ask, or again)");
  reseed->add_option("resource", options.resource, "the database's resource (default: the only one)");
  describe_setup(*verb, options.setup);
  endpoint::describe(
      *verb->add_subcommand("endpoint", "answer the health checks of load balancers over HTTP, in the foreground"),
      options.endpoint);
}

int mysql_command(Surroundings& here, const CLI::App& verb, const MysqlOptions& options) {
  const std::string name = verb.get_subcommands().front()->get_name();
  if (name == "create") return mysql_create(options.setup);
  if (name == "join") return mysql_join(options.setup);
  if (name == "endpoint") return become_endpoint(here, options.endpoint);
  const agents::Environment env = agents::process_environment();
  if (name == "receipts") {
    here.out += receipts_text(agents::paths_from(env).kept + "/rejoin", options.resource);
    return 0;
  }
  const auto resource = resource_of(options, env);
  if (!resource) return fail(here, tool, resource.error());
  Log log;
  agents::open_log(log, env, "mysql", {.stderr_is_terminal = false});
  if (name == "force") return force(here, *resource, options.yes, env, log);
  if (name == "switch") {
    const auto look = [&] { return look_at_database(*resource, env, log); };
    return switch_over(here, options, look(), look);
  }
  if (name == "reseed") return reseed(here, *resource, env);
  const MysqlView view = look_at_database(*resource, env, log);
  here.out += mysql_status_text(view);
  return mysql_status_code(view);
}

}  // namespace systole::tools
