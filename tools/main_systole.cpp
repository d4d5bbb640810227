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
#include "tools/commands.hpp"
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
};

void describe(CLI::App& app, Command& command) {
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("systole ") + SYSTOLE_VERSION);
  auto* const status =
      app.add_subcommand("status", "what runs where, and what is missing (exit 1: redundancy gone, 2: out of service)");
  status->add_flag("--json", command.json, "for programs");
  status->add_flag("--watch", command.watch, "again every second, until Ctrl-C");
  auto* const why = app.add_subcommand("why", "why each resource is where it is");
  why->add_option("resource", command.resource, "this one only");
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
  auto* const cleanup = app.add_subcommand("cleanup", "forget failures; what failed is tried again");
  cleanup->add_option("resource", command.resource, "of this resource (default: all)");
  cleanup->add_option("--node", command.node, "on this node (default: all)");
  auto* const keygen = app.add_subcommand("keygen", "make the cluster's key");
  keygen->add_option("file", command.key_file, "where to")->capture_default_str();
  auto* const wait = app.add_subcommand("wait", "until the cluster has nothing left to do");
  for (auto* const verb : {move, standby, wait})
    verb->add_option("--timeout", command.timeout_s, "seconds to wait")->capture_default_str();
}

int perform(const CLI::App& app, Command& command, Surroundings& here) {
  const std::string verb = app.get_subcommands().front()->get_name();
  const Duration patience = std::chrono::seconds(command.timeout_s);
  command.move.patience = command.standby.patience = patience;
  if (verb == "status") return status(here, command.json, command.watch);
  if (verb == "confirm-lost") return confirm_lost(here, command.node);
  if (verb == "why") return why(here, command.resource);
  if (verb == "verify") return verify(here, command.verify);
  if (verb == "move") return move_resource(here, command.move, pause);
  if (verb == "standby") return standby(here, command.standby, pause);
  if (verb == "cleanup") return cleanup(here, command.resource, command.node);
  if (verb == "keygen") return keygen(here, command.key_file);
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
