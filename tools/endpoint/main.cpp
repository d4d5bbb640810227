// SPDX-License-Identifier: GPL-2.0-or-later
// systole-mysql-endpoint: what `systole mysql endpoint` becomes. A program of its own, because it needs the client
// library of the database, and `systole` runs also where no database is. In the foreground; SIGTERM and SIGINT end it.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>

#include "agents/kit/logging.hpp"
#include "common/base/exit_codes.hpp"
#include "common/base/text.hpp"
#include "tools/endpoint/node_look.hpp"
#include "tools/endpoint/options.hpp"
#include "tools/endpoint/service.hpp"

namespace {

using namespace systole;
using namespace systole::endpoint;

constexpr Duration hand_over = 200ms;  // a look that ends in time has its answer given before others give up waiting

/// A line whenever something is different than before.
class Diary {
 public:
  explicit Diary(Log& log) : log_(log) {}

  void note(const Seen& seen) {
    const std::string now = seen.silence.empty() ? words_of(seen) : fmt::format("{}: {}", seen.silence, seen.detail);
    if (now == last_) return;
    last_ = now;
    log_.line(seen.silence.empty() ? Level::notice : Level::warning, now);
  }

 private:
  static std::string words_of(const Seen& seen) {
    const std::string_view role = role_of(seen);
    return fmt::format("{}{}: {}", seen.resource, seen.node.empty() ? "" : " on " + seen.node, role);
  }
  Log& log_;
  std::string last_;
};

/// A server that goes away while we write to it is an error of that write. Not SIG_IGN, which programs that we start
/// would inherit.
void survive_broken_pipes() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGPIPE, &action, nullptr);
}

int serve(const Options& options) {
  survive_broken_pipes();
  agents::Environment env = agents::process_environment();
  env["OCF_RESOURCE_INSTANCE"] = options.resource.empty() ? "database" : options.resource;
  Log log;
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  agents::open_log(log, env, "mysql-endpoint", {.stderr_is_terminal = terminal});
  Diary diary(log);
  boost::asio::io_context context(1);
  ParameterKeeper keeper(options.resource);
  const Duration patience = std::chrono::milliseconds(options.patience_ms);
  NodeLook node(keeper, patience);
  SharedLook look(
      context, {.patience = patience + hand_over}, [&node] { return node.look(); },
      [&diary](const Seen& seen) { diary.note(seen); });
  Service service(context, look);
  for (const std::string& each : options.listen)
    if (const auto listens = service.listen(each); !listens) {
      if (!terminal) fmt::print(stderr, "systole mysql endpoint: {}\n", listens.error().what);
      log.error("{}", listens.error().what);
      return exit_code::unavailable;
    }
  log.notice("listens at {}", join(service.addresses(), ", "));
  boost::asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code&, int) {
    service.stop();
    context.stop();
  });
  context.run();
  log.notice("ends");
  return exit_code::ok;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("health checks of this node's database over HTTP; called as: systole mysql endpoint",
               "systole-mysql-endpoint");
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : exit_code::usage;
  }
  return serve(options);
}
