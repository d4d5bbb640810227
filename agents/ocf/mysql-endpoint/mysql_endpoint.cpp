// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_endpoint.hpp.
#include "agents/ocf/mysql-endpoint/mysql_endpoint.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "agents/kit/process.hpp"
#include "agents/ocf/mysql-endpoint/probe.hpp"
#include "common/base/text.hpp"

namespace systole::agents::endpoint {
namespace {

constexpr const char* program = "systole";
constexpr Duration pause = 50ms, end_patience = 3s;

About make_about() {
  return {.name = "mysql-endpoint",
          .version = "0.1",
          .brief = "Health checks of the node's database over HTTP",
          .about =
              "Keeps 'systole mysql endpoint' running: a small HTTP server by which load balancers learn whether "
              "the database of ocf:systole:mysql on this node is the primary, or a replica that may be read. "
              "Clone it, so that it runs on each node with a database. It needs no constraints: where no database "
              "runs it answers 503.",
          .params = {{.name = "listen",
                      .fallback = "*:9200",
                      .brief = "Addresses and ports to listen at",
                      .about = "One or several of ADDRESS:PORT, with blanks between them. * is all addresses."},
                     {.name = "resource",
                      .brief = "The database's resource",
                      .about = "Id of the resource of ocf:systole:mysql; not needed where there is only one."},
                     {.name = "patience",
                      .type = ParamType::time,
                      .fallback = "1s",
                      .brief = "After which a server that does not answer counts as silent"}},
          .actions = {{.name = "start", .timeout = "20s"},
                      {.name = "stop", .timeout = "20s"},
                      {.name = "status", .timeout = "20s"},
                      {.name = "monitor", .timeout = "20s", .interval = "10s"},
                      {.name = "validate-all", .timeout = "5s"},
                      {.name = "meta-data", .timeout = "5s"}}};
}

std::string pid_file(const Call& call) {
  return fmt::format("{}/systole-mysql-endpoint-{}.pid", call.paths().state, call.meta().resource());
}

std::vector<std::string> command_line(const Call& call) {
  std::vector<std::string> argv{program, "mysql", "endpoint", "--patience",
                                std::to_string(to_ms(call.params().time("patience")))};
  if (call.params().given("resource")) argv.push_back("--resource=" + call.params().text("resource"));
  for (const std::string& each : words(call.params().text("listen"))) argv.push_back("--listen=" + each);
  return argv;
}

int become(std::vector<std::string> argv) {
  std::vector<char*> pointers;
  for (std::string& word : argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execvp(program, pointers.data());
  return 127;
}

/// At the first of the addresses.
Result<void> look(const Call& call, Time deadline) {
  const auto place = place_of(words(call.params().text("listen")).front());
  return place ? ask(*place, deadline) : place.error();
}

bool is_in_path(const Environment& env) {
  for (const std::string& folder : split(value_or(env, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ':'))
    if (::access(fmt::format("{}/{}", folder, program).c_str(), X_OK) == 0) return true;
  return false;
}

}  // namespace

const About& about_mysql_endpoint() {
  static const About about = make_about();
  return about;
}

Ocf MysqlEndpoint::validate(Call& call) {
  const auto places = words(call.params().text("listen"));
  if (places.empty()) return call.explain(Ocf::configured, "parameter 'listen' names no address");
  for (const std::string& each : places)
    if (const auto place = place_of(each); !place)
      return call.fail(Ocf::configured, "parameter 'listen': {}", place.error().what);
  if (const Duration patience = call.params().time("patience"); patience < 50ms || patience > 60s)
    return call.explain(Ocf::configured, "parameter 'patience' must be from 50ms to 60s");
  if (call.action() == "start" && !is_in_path(call.environment()))
    return call.fail(Ocf::installed, "there is no program '{}' in PATH", program);
  return Ocf::ok;
}

Ocf MysqlEndpoint::start(Call& call) {
  if (!find_background(pid_file(call))) {
    if (const auto made = make_folder(call.paths().state); !made) return call.explain(Ocf::generic, made.error().what);
    const auto argv = command_line(call);
    const auto child = run_in_background(pid_file(call), [&argv] { return become(argv); });
    if (!child) return call.explain(Ocf::generic, child.error().what);
  }
  for (;;) {
    const auto answers = look(call, std::min(call.deadline(), boot_now() + 5s));
    // Its own process must live, too: somebody else may listen there.
    if (!find_background(pid_file(call)))
      return call.fail(Ocf::generic, "'{}' ended at once, its log says why; is '{}' taken, or no address of this node?",
                       join(command_line(call), " "), call.params().text("listen"));
    if (answers) return Ocf::ok;
    if (!pause_for(pause, call.deadline())) return call.explain(Ocf::generic, answers.error().what);
  }
}

Ocf MysqlEndpoint::stop(Call& call) {
  if (const auto process = find_background(pid_file(call))) {
    if (const auto told = kill_process(*process, SIGTERM); !told) return call.explain(Ocf::generic, told.error().what);
    const Time end = std::min(call.deadline(), boot_now() + end_patience);
    while (is_alive(*process) && pause_for(pause, end)) continue;
  }
  const auto ended = end_background(pid_file(call));
  return ended ? Ocf::ok : call.explain(Ocf::generic, ended.error().what);
}

Ocf MysqlEndpoint::monitor(Call& call) {
  if (!find_background(pid_file(call))) return Ocf::not_running;
  const auto answers = look(call, call.deadline());
  return answers ? Ocf::ok : call.fail(Ocf::generic, "it runs, but {}", answers.error().what);
}

}  // namespace systole::agents::endpoint
