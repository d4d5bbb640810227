// SPDX-License-Identifier: GPL-2.0-or-later
// `systole mysql create`: the server that is here, with its data, becomes the first instance of a promotable clone.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "agents/kit/agent.hpp"
#include "agents/kit/logging.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/danger_words.hpp"
#include "agents/ocf/mysql/private_server.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/exit_codes.hpp"
#include "common/base/text.hpp"
#include "tools/agent/interrupt.hpp"
#include "tools/agent/manager.hpp"
#include "tools/agent/mysql_datadir.hpp"
#include "tools/agent/mysql_steps.hpp"

namespace systole::tools {
namespace {

constexpr Duration patience = 10s, start_patience = 10min, primary_patience = 180s;

/// The account that a replica comes with. SELECT and what stands beside it let `join` copy everything; who may follow
/// the binary log sees all that is written anyhow.
std::string account_statements(const std::string& pattern, const std::string& password) {
  const std::string account = fmt::format("{}@{}", sql_literal(replication_user), sql_literal(pattern));
  return fmt::format(
      "SET SESSION sql_mode='';\nCREATE USER IF NOT EXISTS {0};\nALTER USER {0} IDENTIFIED BY {1};\n"
      "GRANT SELECT, RELOAD, PROCESS, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER, REPLICATION SLAVE, BINLOG MONITOR ON *.* "
      "TO {0};\n",
      account, sql_literal(password));
}

struct Creation {
  SetupOptions options;
  SetupNames names;
  std::optional<WantedAddress> address = {};
  OwnServer server = {};
  ClusterSeen cluster = {};
  DropInSeen drop_in = {};
  std::vector<OwnService> services = {}, before = {};
  std::vector<std::string> passwords = {};
  std::string pattern = {};  // of the replicas' hosts
  std::vector<std::string> faults = {}, warnings = {};
};

void look_at_address(Creation& it) {
  if (it.options.ip.empty()) return;
  it.address = parse_wanted_address(it.options.ip);
  if (!it.address) {
    it.faults.push_back(fmt::format("--ip {}: expected an address such as 192.0.2.100/24", it.options.ip));
    return;
  }
  it.address->nic = it.options.nic;
  const auto ours = addresses_with_networks();
  const auto network = network_of(ours, it.address->ip);
  if (!network && it.options.nic.empty())
    it.faults.push_back(
        fmt::format("no interface here has an address in the network of {}: say on which one it shall "
                    "be by --nic",
                    it.address->ip));
  if (it.cluster.cib.resource) return;  // it may be served already
  for (const LocalAddress& each : ours)
    if (each.address == it.address->ip)
      it.faults.push_back(fmt::format("{} is this machine's own address, on {}: take one that nobody has", each.address,
                                      each.interface));
  if (network && network->address != it.address->ip && answers_arp(it.address->ip, network->interface))
    it.faults.push_back(
        fmt::format("a machine answers for {} already: take an address that nobody has", it.address->ip));
}

void look_at_network(Creation& it) {
  it.pattern = it.options.replication_network;
  if (it.pattern.empty() && !it.cluster.address.empty())
    if (const auto network = network_of(addresses_with_networks(), it.cluster.address))
      it.pattern = account_pattern(*network);
  if (it.pattern.empty())
    it.faults.emplace_back(
        "from which network the other nodes come is not to be seen: say it as the database's accounts "
        "have it, such as --replication-network '192.0.2.%'");
}

void look_at_cib(Creation& it) {
  const CibFacts& cib = it.cluster.cib;
  for (const std::string& id : cib.taken)
    it.faults.push_back(
        fmt::format("the cluster has an '{}' already, which is not of ours: give the database another "
                    "name, 'systole mysql create NAME'",
                    id));
  if (cib.resource && std::ranges::find(cib.databases, it.cluster.self) == cib.databases.end())
    it.faults.push_back(fmt::format("the database '{}' was made on {}: to add this node, run 'systole mysql join {}'",
                                    it.names.resource, join(cib.databases, ", "), it.names.resource));
  const mysql::Record& record = it.cluster.view.record;
  if (!cib.resource && record.exists() && record.primary != it.cluster.self)
    it.faults.push_back(
        fmt::format("by the record of an earlier database '{}' the true data are on {}: create it there, "
                    "or under another name",
                    it.names.resource, record.primary));
  if (cib.fencing_expected && !cib.fencing)
    it.faults.emplace_back(
        "stonith-enabled is true, as it is by default, and there is no fencing device: nothing would be started. Add a "
        "device, or say that a lost node is not fenced: crm_attribute --type crm_config --name stonith-enabled "
        "--update "
        "false");
}

/// What a look into the server shows; the statements are the agent's own.
void look_into_server(Creation& it) {
  const MysqlClient client(control_login(it.server));
  const auto version = client.value("SELECT VERSION()", patience);
  if (!version) {
    it.faults.push_back(fmt::format(
        "{}. The agent works as '{}' over the socket, which needs no password with the plugin unix_socket. Another "
        "account, or a password, is taken from {} (chmod 600): [systole-control], user=…, password=…",
        version.error().what, it.server.settings.control.user, it.names.credentials_file()));
    return;
  }
  const auto listed = [&](const std::string& question) {
    const auto rows = client.ask("SET STATEMENT max_statement_time=5 FOR " + question, patience);
    std::vector<std::string> cells;
    if (rows)
      for (const auto& row : *rows) cells.push_back(row.front());
    return mysql::named(cells);
  };
  if (const std::string tables = listed(mysql::tables_question()); !tables.empty())
    it.warnings.push_back(mysql::tables_danger(tables));
  std::vector<std::string> ours;
  for (const std::string_view user : {std::string_view("root"), std::string_view("mysql.sys"),
                                      std::string_view("mariadb.sys"), std::string_view("mysql"), replication_user})
    ours.push_back(sql_literal(user));
  ours.push_back(sql_literal(it.server.settings.control.user));
  if (const std::string accounts = listed(mysql::accounts_question(ours, false)); !accounts.empty())
    it.warnings.push_back(mysql::accounts_danger(accounts, false));
  if (const std::string open = listed("SELECT CONCAT(User, '@', Host) FROM mysql.user WHERE Password = '' AND "
                                      "authentication_string = '' AND plugin IN ('', 'mysql_native_password') AND Host "
                                      "NOT IN ('localhost', '127.0.0.1', '::1') LIMIT 6");
      !open.empty())
    it.warnings.push_back(fmt::format("accounts without a password, which the network will reach: {}", open));
  if (const auto follows = client.ask("SHOW ALL SLAVES STATUS", patience); follows && !follows->empty())
    it.faults.emplace_back(
        "this server follows another one (SHOW ALL SLAVES STATUS): it is no primary. STOP ALL SLAVES; "
        "RESET SLAVE ALL makes it one, if its data are to count");
}

void look_at_data(Creation& it) {
  const std::string& datadir = it.server.settings.datadir;
  const DataDir data = look_at_datadir(datadir);
  using State = DataDir::State;
  if (data.state == State::missing || data.state == State::strange)
    it.faults.push_back(fmt::format("'{}' holds no database: create it on the server that has the data", datadir));
  if (data.state == State::unfinished)
    it.faults.push_back(
        fmt::format("'{}' holds a copy that was not brought to its end ('{}'): create it on the server "
                    "that has the data",
                    datadir, unfinished_mark(datadir)));
  if (data.state == State::fresh)
    it.warnings.push_back(
        fmt::format("'{}' holds no data of anybody: right for a new pair; if the data are on the other "
                    "server, create it there",
                    datadir));
  const bool ours = std::ranges::any_of(it.services, [](const OwnService& each) { return each.active; });
  if (it.server.pid && !ours && !it.cluster.cib.resource)
    it.faults.push_back(
        fmt::format("the server runs, pid {}, and no service of this machine has started it: stop it", *it.server.pid));
  if (it.server.pid)
    look_into_server(it);
  else
    it.warnings.emplace_back("the server is stopped, so that its accounts and tables were not looked at");
}

Creation look(const SetupOptions& options, Log& log) {
  Creation it{.options = options, .names = {options.resource}};
  if (::geteuid() != 0) it.faults.emplace_back("it needs root");
  it.cluster = look_at_cluster(options, it.names, log);
  it.server = look_at_server(it.names.credentials_file());
  for (const auto* from : {&it.cluster.faults, &it.server.faults})
    it.faults.insert(it.faults.end(), from->begin(), from->end());
  it.services = find_services();
  if (!it.server.include_folder.empty()) {
    it.drop_in = look_at_drop_in(it.server, options.resource);
    if (!it.drop_in.fault.empty()) it.faults.push_back(it.drop_in.fault);
  }
  it.before = services_before(it.drop_in, it.services);
  if (it.server.series.empty()) return it;
  look_at_data(it);
  if (!it.cluster.answers) return it;
  look_at_cib(it);
  look_at_address(it);
  look_at_network(it);
  const std::string& kept = it.server.settings.replication.password;
  const auto passwords = kept.empty() ? possible_passwords(options, it.cluster.crmd) : std::vector{kept};
  if (passwords)
    it.passwords = *passwords;
  else
    it.faults.push_back(passwords.error().what);
  return it;
}

std::vector<std::string> plan_of(const Creation& it) {
  std::vector<std::string> plan;
  plan.push_back(
      fmt::format("the account '{}'@'{}' is made in the database, for the replica", replication_user, it.pattern));
  plan.push_back(fmt::format("{} (root's alone) gets its password", it.names.credentials_file()));
  plan.push_back(fmt::format("{} makes the server listen on the network, with server-id {} and a binary log",
                             it.drop_in.path, server_id_of(it.cluster.cib, it.cluster.self)));
  std::vector<std::string> names;
  for (const OwnService& each : it.services)
    if (each.active || each.enabled) names.push_back(each.name);
  if (!names.empty())
    plan.push_back(fmt::format("{}: stopped and disabled; from here on the database is out of service for some seconds",
                               join(names, ", ")));
  plan.push_back(fmt::format(
      "the cluster gets '{}', promotable, on {} alone until others join{}", it.names.clone(), it.cluster.self,
      it.address ? fmt::format(", and '{}', the address {}, where its primary is", it.names.vip(), it.address->ip)
                 : std::string{}));
  plan.push_back(fmt::format("the cluster starts the server and makes it the primary"));
  return plan;
}

Result<void> make_account(const Creation& it, Undo& undo) {
  const std::string statements = account_statements(it.pattern, it.passwords.front());
  const std::string account = fmt::format("{}@{}", sql_literal(replication_user), sql_literal(it.pattern));
  const auto known = fmt::format("SELECT COUNT(*) FROM mysql.global_priv WHERE User = {} AND Host = {}",
                                 sql_literal(replication_user), sql_literal(it.pattern));
  if (it.server.pid) {
    const MysqlClient client(control_login(it.server));
    const auto before = client.value(known, patience);
    if (const auto done = client.run(statements, patience); !done) return done;
    if (before && *before == "0")
      undo.add(fmt::format("account {} dropped", account),
               [client, account] { return client.run("DROP USER " + account, patience); });
  } else {
    Login login = control_login(it.server);
    auto started = mysql::PrivateServer::start(it.server.settings, {.folder = private_folder,
                                                                    .answers = answers_to(login),
                                                                    .interrupted = InterruptMark::is_set,
                                                                    .patience = start_patience});
    if (!started)
      return Error{started.error().code,
                   fmt::format("the server was started to make the account in it: {}", started.error().what)};
    login.socket = started->socket();
    const auto done = MysqlClient(login).run(statements, patience);
    // Whatever came of it: somebody's data are in there.
    if (const auto stopped = started->stop(start_patience); !stopped) return stopped;
    if (!done) return done;
  }
  say(fmt::format("  - account {}\n", account));
  return {};
}

/// Until the cluster has stopped what it ran here, and will not stop what is started after: a look at the server that
/// it has begun may yet find that one.
Result<void> wait_for_end(bool crmd, const mysql::ServerPlace& place, const std::string& ip) {
  if (const auto idle = wait_until_idle(crmd, primary_patience); !idle) return idle;
  const auto ours = [&] {
    const auto all = addresses_with_networks();
    return std::ranges::find(all, ip, &LocalAddress::address) != all.end();
  };
  const Time deadline = boot_time() + primary_patience;
  while (mysql::ServerProcess::find(place) || ours())
    if (!agents::pause_for(100ms, deadline)) return Error{Errc::timeout, "the server, or the address, is still here"};
  return {};
}

/// The port of its own configuration, else the one behind its normal port.
unsigned extra_port_of(const mysql::Settings& settings) {
  if (settings.extra_port != 0) return settings.extra_port;
  return settings.replication_port < 65535 ? settings.replication_port + 1 : 0;
}

Result<void> write_configuration(const Creation& it, Undo& undo) {
  const std::string xml = setup_xml(it.names, it.cluster.self, it.address, extra_port_of(it.server.settings));
  const mysql::ServerPlace place = it.server.settings.place();
  const std::string path = setup_xpath(it.names, it.address.has_value());
  const std::string ip = it.address ? it.address->ip : std::string{};
  const bool crmd = it.cluster.crmd;
  // Two must not start one server: as long as the cluster may, its service stays off.
  undo.add(
      "the cluster's configuration is without it, and its server has ended",
      [=]() -> Result<void> {
        if (run_tool({"cibadmin", "--query", "--xpath", path}))
          if (const auto gone = run_tool({"cibadmin", "--delete-all", "--force", "--xpath", path}); !gone)
            return gone.error();
        return wait_for_end(crmd, place, ip);
      },
      Undo::Weight::decides);
  const auto written =
      run_tool({"cibadmin", "--modify", "--scope", "configuration", "--allow-create", "--xml-text", xml});
  if (!written) return written.error();
  say(fmt::format("  - the cluster has '{}'{}\n", it.names.clone(),
                  it.address ? fmt::format(" and '{}'", it.names.vip()) : std::string{}));
  return {};
}

Result<void> act(const Creation& it, Undo& undo, Log& log) {
  SetupSteps steps(it.names, it.server, undo);
  if (const auto done = steps.publish_address(it.cluster.self, it.cluster.address); !done) return done;
  const auto look_again = [&] { return look_at_database(it.names.resource, agents::process_environment(), log); };
  const Time begin = boot_time();
  if (!it.cluster.cib.resource) {
    const unsigned id = server_id_of(it.cluster.cib, it.cluster.self);
    const std::vector<std::function<Result<void>()>> all{
        [&] { return make_account(it, undo); },
        [&] { return steps.write_credentials(it.passwords.front()); },
        [&] { return steps.write_drop_in(it.drop_in, id, it.before); },
        [&] { return steps.retire_services(it.services, it.before); },
        [&] { return write_configuration(it, undo); },
    };
    for (const auto& step : all) {
      if (const auto go_on = not_interrupted(); !go_on) return go_on;
      if (const auto done = step(); !done) return done;
    }
  } else {
    say(fmt::format("  - '{}' is in the cluster already\n", it.names.clone()));
  }
  say(fmt::format("  - waiting until {} is the primary\n", it.cluster.self));
  const auto reached = await_cluster(it.names, primary_patience, look_again, [&](const MysqlView& view) {
    return view.record.primary == it.cluster.self && is_primary(view);
  });
  if (!reached) return reached;
  say(fmt::format("\n{} is the primary, {:.1f} s after the first step.\n", it.cluster.self,
                  static_cast<double>(to_ms(boot_time() - begin)) / 1000));
  return {};
}

void say_next(const Creation& it) {
  std::vector<std::string> others;
  for (const std::string& node : it.cluster.cib.nodes)
    if (std::ranges::find(it.cluster.cib.databases, node) == it.cluster.cib.databases.end() && node != it.cluster.self)
      others.push_back(node);
  say(fmt::format(
      "There is ONE COPY of the data until another node has joined. Next, on {}:\n  systole mysql join{}{}\n",
      others.empty() ? "a further node" : join(others, " or "), it.names.resource == "db" ? "" : " ",
      it.names.resource == "db" ? "" : it.names.resource));
  say(fmt::format("Let TCP ports {} and {} pass between the nodes.\n", it.server.settings.replication_port,
                  extra_port_of(it.server.settings)));
  if (it.address) say(fmt::format("Clients find the database at {}.\n", it.address->ip));
}

}  // namespace

int mysql_create(const SetupOptions& options) {
  if (!is_database_name(options.resource))
    return refuse("create", {fmt::format("'{}' cannot be its name: a letter, then letters, digits, - _ and .",
                                         options.resource)});
  const auto lock = lock_setup();
  if (!lock) return refuse("create", {lock.error().what});
  Log log;
  agents::open_log(log, agents::process_environment(), "mysql", {.stderr_is_terminal = false});
  const Creation it = look(options, log);
  for (const std::string& warning : it.warnings) say(fmt::format("Note: {}\n", warning));
  if (!it.faults.empty()) return refuse("create", it.faults);
  say(fmt::format("Database '{}' on {}, {} in {}:\n{}", it.names.resource, it.cluster.self, it.server.version,
                  it.server.settings.datadir, numbered(plan_of(it))));
  if (!options.yes) {
    complain("systole mysql create: nothing was done; say it again with --yes\n");
    return exit_code::needs_force;
  }
  const InterruptMark mark;
  const TerminalMayGo terminal;
  Undo undo(complain);
  const auto done = act(it, undo, log);
  if (!done) return take_back("create", done.error(), undo);
  say_next(it);
  return exit_code::ok;
}

}  // namespace systole::tools
