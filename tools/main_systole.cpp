// SPDX-License-Identifier: GPL-2.0-or-later
// The program systole: the one tool that a new user needs. Command line only; the verbs are in commands.hpp and
// status.hpp.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "common/base/exit_codes.hpp"
#include "tools/agent/mysql_commands.hpp"
#include "tools/agent/verbs.hpp"
#include "tools/commands.hpp"
#include "tools/founding.hpp"
#include "tools/link_status.hpp"
#include "tools/simulate/what_if.hpp"
#include "tools/status.hpp"

namespace {

using namespace systole;
using namespace systole::tools;

constexpr Duration watch_interval = 1s;

void pause(Duration duration) {
  ::poll(nullptr, 0, static_cast<int>(to_ms(duration)));
}

void print(std::FILE* where, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), where);
  std::fflush(where);
}

int status(Surroundings& here, bool json, bool watch) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  for (;;) {
    const auto view = gather_status(*here.daemon);
    std::string text;
    int code = 0;
    if (view) {
      text = json ? status_json(*view) : status_text(*view, terminal);
      code = view->exit_code();
    } else if (!watch) {
      return fail(here, "systole", view.error());
    } else {
      text = fmt::format("systole: {}\n", view.error().what);
    }
    if (watch && terminal) print(stdout, "\033[H\033[2J");
    print(stdout, text);
    if (!watch) return code;
    static_cast<SocketLink*>(here.daemon)->disconnect();  // a restarted daemon has a new socket
    pause(watch_interval);
  }
}

/// Options of all verbs; only those of the chosen one are used.
struct Command {
  bool json = false, watch = false;
  std::string resource, node, to, key_file = "/etc/systole/authkey";
  MoveOptions move;
  StandbyOptions standby;
  VerifyOptions verify;
  int timeout_s = 120;
  bool add_key = false, use_new_key = false, drop_old_keys = false;
  InitOptions init;
  InviteOptions invite;
  JoinOptions join;
  AgentOptions agent;
  LsbCheckOptions lsb_check;
  MysqlOptions mysql;
  int deadtime_ms = 1000, patience_s = 900;
  WhatIfOptions what_if;
  std::string quorum;
};

/// Each option is one step; they happen in the order in which they are given.
void describe_simulate(CLI::App& app, Command& command) {
  auto* const simulate =
      app.add_subcommand("simulate", "what the cluster would do if …, one step after the other; nothing is done");
  simulate->add_option("--cib", command.what_if.cib_file, "a CIB file instead of the running cluster's");
  simulate->add_option("--quorum", command.quorum, "whether there is quorum, whatever happens (default: as now)")
      ->check(CLI::IsMember({"yes", "no"}));
  const auto step = [&](const char* name, Step::What what, const char* type, const char* help) {
    simulate
        ->add_option_function<std::vector<std::string>>(
            name,
            [&command, what](const std::vector<std::string>& values) {
              for (const std::string& value : values) command.what_if.steps.push_back({what, value});
            },
            help)
        ->type_name(type)
        ->trigger_on_parse()
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->expected(1);
  };
  step("--node-dies", Step::What::node_dies, "NODE", "it loses power");
  step("--node-leaves", Step::What::node_leaves, "NODE", "it is shut down in order");
  step("--node-returns", Step::What::node_returns, "NODE", "it comes back, with nothing running");
  step("--resource-fails", Step::What::resource_fails, "RESOURCE[@NODE]", "its monitor finds it not running");
  step("--attribute", Step::What::attribute, "NODE:NAME=VALUE", "a node's attribute changes, e. g. n2:master-db=100");
  step("--apply", Step::What::apply, "FILE", "the configuration of this CIB is applied");
  step("--after", Step::What::time_passes, "TIME", "so much time passes, e. g. 10min: failure-timeouts run out");
}

void describe_paths(CLI::App& verb, FoundingPaths& paths) {
  verb.add_option("--config", paths.config, "the cluster's configuration; key and first CIB are beside it")
      ->capture_default_str();
  verb.add_option("--state-dir", paths.state_directory,
                  "where crmd stores the CIB: nothing of another cluster may be there")
      ->capture_default_str();
}

/// The verbs that make a cluster.
void describe_founding(CLI::App& app, Command& command) {
  config::Founding& founding = command.init.founding;
  auto* const init = app.add_subcommand("init", "found a cluster with this machine as its first node");
  init->add_option("--name", founding.cluster_name, "name of the cluster")->required();
  init->add_option("--address", founding.addresses, "of this machine; one for each link")
      ->delimiter(',')
      ->allow_extra_args(false);
  init->add_option("--node", founding.node_name, "name of this node (default: the host name)");
  init->add_option("--mode", founding.mode, "who goes on when nodes do not see each other")
      ->check(CLI::IsMember({"none", "ping", "witness", "majority"}))
      ->capture_default_str();
  init->add_option("--ping-target", founding.ping_targets, "for mode ping: address of a router or the like")
      ->delimiter(',')
      ->allow_extra_args(false);
  init->add_option("--deadtime", command.deadtime_ms, "ms of silence after which a node is taken for dead")
      ->check(CLI::Range(100, 600'000))
      ->capture_default_str();
  init->add_option("--port", founding.port, "UDP, between the nodes")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  describe_paths(*init, command.init.paths);
  auto* const invite = app.add_subcommand("invite", "let one more machine join; prints what is to be run there");
  invite->add_flag("--witness", command.invite.witness, "it votes and keeps the configuration, and runs nothing");
  invite->add_option("--again", command.invite.again, "only for this node, which is listed already and lost its files");
  invite->add_option("--address", command.invite.address,
                     "of this machine, where to wait for it (default: ring0_addr)");
  invite->add_option("--port", command.invite.port, "TCP, where to wait for it (default: the cluster's port + 1)")
      ->check(CLI::Range(1, 65535));
  invite->add_option("--wait", command.patience_s, "seconds until the invitation ends")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  invite->add_option("--node", command.invite.node, "name of this node");
  describe_paths(*invite, command.invite.paths);
  auto* const join = app.add_subcommand("join", "make this machine a node of the cluster that invited it");
  join->add_option("host", command.join.host, "ADDRESS:PORT of the node that runs 'systole invite'")->required();
  join->add_option("token", command.join.token, "as it was printed there (default: read from standard input)");
  join->add_option("--name", command.join.name, "name of this node (default: the host name)");
  join->add_option("--address", command.join.addresses,
                   "of this machine; one for each link (default: the one from which the host is reached)")
      ->delimiter(',')
      ->allow_extra_args(false);
  describe_paths(*join, command.join.paths);
}

void describe(CLI::App& app, Command& command) {
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("systole ") + SYSTOLE_VERSION);
  describe_founding(app, command);
  describe_agent(app, command.agent);
  describe_lsb_check(app, command.lsb_check);
  describe_mysql(app, command.mysql);
  auto* const status =
      app.add_subcommand("status", "what runs where, and what is missing (exit 1: redundancy gone, 2: out of service)");
  status->add_flag("--json", command.json, "for programs");
  status->add_flag("--watch", command.watch, "again every second, until Ctrl-C");
  auto* const link = app.add_subcommand("link", "the links to the other nodes");
  link->require_subcommand(1);
  auto* const link_status = link->add_subcommand(
      "status", "of each link: state, loss, round trip, how often it was lost (exit 1: one is not well)");
  link_status->add_flag("--json", command.json, "for programs");
  auto* const why = app.add_subcommand("why", "why each resource is where it is");
  why->add_option("resource", command.resource, "this one only");
  why->add_option("--not", command.node, "why it is not on this node")->type_name("NODE");
  describe_simulate(app, command);
  auto* const verify = app.add_subcommand("verify", "check cluster.conf, key and CIB");
  verify->add_option("--config", command.verify.config, "the cluster's configuration")->capture_default_str();
  verify->add_option("--node", command.verify.node, "name of this node");
  verify->add_option("--cib", command.verify.cib_file, "a CIB file instead of the live one");
  auto* const move =
      app.add_subcommand("move", "move a resource (promotable: its promoted instance) to a node, or away");
  move->add_option("resource", command.move.resource, "what");
  move->add_option("node,--to", command.move.node, "where to; without it: away from where it is");
  move->add_flag("--clear", command.move.clear, "forget earlier moves");
  move->add_flag("--wait", command.move.wait, "until it has happened");
  auto* const standby = app.add_subcommand("standby", "take a node out of service, or back (--off)");
  standby->add_option("node", command.standby.node, "which one (default: this one)");
  standby->add_flag("--off", command.standby.off, "back into service");
  standby->add_flag("--wait", command.standby.wait, "until it has happened");
  auto* const lost = app.add_subcommand(
      "confirm-lost", "tell this node that the other one is off: it need not wait for it (only if you are sure)");
  lost->add_option("node", command.node, "the node that is off")->required();
  auto* const daemon = app.add_subcommand("daemon", "this node's crmd itself");
  daemon->require_subcommand(1);
  daemon->add_subcommand("reexec", "begin again as the program that is on disk now; what runs on the node goes on");
  auto* const cleanup = app.add_subcommand("cleanup", "forget failures; what failed is tried again");
  cleanup->add_option("resource", command.resource, "of this resource (default: all)");
  cleanup->add_option("--node", command.node, "on this node (default: all)");
  app.add_subcommand("reload", "let crmd of this node read cluster.conf and the keys again, without a restart");
  auto* const keygen = app.add_subcommand("keygen", "make the cluster's key");
  keygen->add_option("file", command.key_file, "where to")->capture_default_str();
  auto* const add = keygen->add_flag("--add", command.add_key, "a change of keys begins: one key more, which opens");
  auto* const use =
      keygen->add_flag("--use-new", command.use_new_key, "when every node has it: the new key seals")->excludes(add);
  keygen->add_flag("--drop-old", command.drop_old_keys, "when every node seals with it: the old ones go")
      ->excludes(add)
      ->excludes(use);
  auto* const wait = app.add_subcommand("wait", "until the cluster has nothing left to do");
  for (auto* const verb : {move, standby, wait})
    verb->add_option("--timeout", command.timeout_s, "seconds to wait")->capture_default_str();
}

int found(const std::string& verb, Command& command) {
  const Voice voice{[](std::string_view text) { print(stdout, std::string(text)); },
                    [](std::string_view text) { print(stderr, std::string(text)); }};
  command.init.founding.deadtime = std::chrono::milliseconds(command.deadtime_ms);
  command.invite.patience = std::chrono::seconds(command.patience_s);
  command.invite.paths.run_directory = SocketLink::default_run_directory();
  if (verb == "init") return init(voice, command.init);
  if (verb == "invite") return invite(voice, command.invite);
  return join(voice, command.join);
}

KeyStep key_step(const Command& command) {
  if (command.add_key) return KeyStep::add;
  if (command.use_new_key) return KeyStep::use_new;
  return command.drop_old_keys ? KeyStep::drop_old : KeyStep::first;
}

int perform(const CLI::App& app, Command& command, Surroundings& here) {
  const std::string verb = app.get_subcommands().front()->get_name();
  const Duration patience = std::chrono::seconds(command.timeout_s);
  command.move.patience = command.standby.patience = patience;
  if (verb == "init" || verb == "invite" || verb == "join") return found(verb, command);
  if (verb == "agent") return agent(here, *app.get_subcommands().front(), command.agent);
  if (verb == "lsb-check") return lsb_check(here, command.lsb_check);
  if (verb == "mysql") return mysql_command(here, *app.get_subcommands().front(), command.mysql);
  if (verb == "status") return status(here, command.json, command.watch);
  if (verb == "link") return link_status(here, command.json);
  if (verb == "confirm-lost") return confirm_lost(here, command.node);
  if (verb == "daemon") return reexec(here, pause);
  if (verb == "reload") return reload(here);
  if (verb == "why" && !command.node.empty()) return why_not_on(here, "", command.resource, command.node);
  if (verb == "why") return why(here, command.resource);
  if (verb == "simulate") {
    if (!command.quorum.empty()) command.what_if.quorum = command.quorum == "yes";
    return what_if(here, command.what_if);
  }
  if (verb == "verify") return verify(here, command.verify);
  if (verb == "move") return move_resource(here, command.move, pause);
  if (verb == "standby") return standby(here, command.standby, pause);
  if (verb == "cleanup") return cleanup(here, command.resource, command.node);
  if (verb == "keygen") return keygen(here, command.key_file, key_step(command));
  return wait_until_settled(here, patience, pause);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("systole: see and steer the cluster", "systole");
  Command command;
  describe(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : systole::exit_code::usage;
  }
  SocketLink daemon;
  Surroundings here;
  here.daemon = &daemon;
  const int code = perform(app, command, here);
  print(stdout, here.out);
  print(stderr, here.err);
  return code;
}
