// SPDX-License-Identifier: GPL-2.0-or-later
// See dummy.hpp. Unlike other agents it does not end before the manager's timeout, and SIGTERM does not end it: that is
// what one tests a manager with. Two calls at the same time are noticed where op_sleep makes them long enough: a
// manager must never run them side by side.
#include "agents/ocf/Dummy/dummy.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "agents/kit/rehearsal.hpp"
#include "common/base/text.hpp"

namespace systole::agents::dummy {

namespace {

std::vector<Param> params() {
  std::vector<Param> all = rehearsal_params();
  const std::vector<Param> own{
      {.name = "passwd", .reloadable = true, .brief = "Password", .about = "A password without meaning."},
      {.name = "fake",
       .fallback = "dummy",
       .reloadable = true,
       .brief = "A value without meaning",
       .about = "A value without meaning; a change makes the manager call reload-agent."},
      {.name = "op_sleep",
       .type = ParamType::integer,
       .fallback = "0",
       .reloadable = true,
       .brief = "Seconds that each action takes",
       .about = "Start, stop and monitor sleep for so many seconds, also past their timeout and in spite of SIGTERM.",
       .least = 0,
       .greatest = 86400},
      {.name = "fail_start_on",
       .reloadable = true,
       .brief = "Node whose start fails",
       .about = "On the machine of this name (uname -n), start, migrate_from and reload-agent fail, but the resource "
                "runs all the same: for tests of on-fail=ignore."},
  };
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

About make_about() {
  return {.name = "Dummy",
          .version = "0.1",
          .brief = "A resource that is a file",
          .about =
              "Manages nothing: it runs while its state file is there. Its actions can be made to take long and to "
              "fail, to try a manager out. A monitor with OCF_CHECK_LEVEL 10 takes half a minute, with 20 fails "
              "now and then, with 30 always, and with 40 returns the number that stands in the state file.",
          .params = params(),
          .actions = {
              {.name = "start", .timeout = "20s"},
              {.name = "stop", .timeout = "20s"},
              {.name = "status", .timeout = "20s", .interval = "10s", .depth = "0"},
              {.name = "monitor", .timeout = "20s", .interval = "10s", .depth = "0"},
              {.name = "reload", .timeout = "20s"},
              {.name = "reload-agent", .timeout = "20s"},
              {.name = "migrate_to", .timeout = "20s"},
              {.name = "migrate_from", .timeout = "20s"},
              {.name = "validate-all", .timeout = "20s"},
              {.name = "meta-data", .timeout = "5s"},
          }};
}

// What a signal handler may touch: the file that would make the next monitor fail when SIGKILL follows SIGTERM.
std::array<char, 4096> busy_file{};
volatile sig_atomic_t was_terminated = 0;

void on_terminate(int) {
  was_terminated = 1;
  static_cast<void>(::unlink(busy_file.data()));
}

enum class Alone { required, assumed };

/// Takes op_sleep. Error: another call does the same at this moment.
Result<void> take_time(Call& call, Alone alone) {
  const auto seconds = call.params().number("op_sleep");
  if (seconds == 0) return {};
  const std::string busy = state_file_of(call) + ".serialized";
  if (alone == Alone::required && ::access(busy.c_str(), F_OK) == 0)
    return Error{
        Errc::exists,
        fmt::format("'{}' is there: two actions of this resource run at the same time, or one was killed", busy)};
  if (busy.size() < busy_file.size()) std::ranges::copy(busy, busy_file.begin());
  ::signal(SIGTERM, on_terminate);
  if (const auto written = write_file(busy, ""); !written) return written;
  pause_for(std::chrono::seconds(seconds), never);
  if (was_terminated != 0) call.log().info("SIGTERM came; an ordinary agent would have ended");
  static_cast<void>(::unlink(busy.c_str()));
  return {};
}

bool chance_of_one_in_five() {
  unsigned char die = 0;
  return ::getrandom(&die, sizeof die, 0) == sizeof die && die % 5 == 1;
}

/// OCF_CHECK_LEVEL of a resource that runs.
Ocf look_closely(Call& call, const std::string& state) {
  switch (call.meta().check_level()) {
    case 10:
      pause_for(30s, never);
      break;
    case 20:
      if (chance_of_one_in_five()) return call.explain(Ocf::generic, "check level 20 fails now and then");
      break;
    case 30:
      return call.explain(Ocf::generic, "check level 30 fails always");
    case 40:
      if (const auto code = parse_int<int>(state); code && *code > 0 && *code < 256)
        return call.fail(static_cast<Ocf>(*code), "the state file says {}", *code);
      break;
  }
  return degraded_if_wanted(call, Ocf::ok);
}

Ocf look(Call& call) {
  if (const auto taken = take_time(call, Alone::required); !taken)
    return call.explain(Ocf::generic, taken.error().what);
  const auto state = read_state(call);
  if (!state) return call.explain(Ocf::generic, state.error().what);
  return *state ? look_closely(call, **state) : Ocf::not_running;
}

Ocf begin(Call& call) {
  const Ocf seen = look(call);
  const bool runs = seen == Ocf::ok || seen == Ocf::degraded;
  if (!runs) {
    if (const auto written = write_state(call, ""); !written)
      return call.explain(written.error().code == Errc::permission ? Ocf::permission : Ocf::generic,
                          written.error().what);
  }
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  if (!call.params().given("fail_start_on") || call.params().text("fail_start_on") != host.data()) return Ocf::ok;
  return call.fail(Ocf::generic, "parameter 'fail_start_on' names this machine, '{}'", host.data());
}

Ocf end(Call& call) {
  const auto taken = take_time(call, Alone::assumed);
  if (!taken) call.log().warning("{}; proceeding", taken.error().what);
  const auto removed = remove_state(call);
  static_cast<void>(::unlink((state_file_of(call) + ".serialized").c_str()));
  return removed ? Ocf::ok : call.explain(Ocf::generic, removed.error().what);
}

}  // namespace

const About& about_dummy() {
  static const About about = make_about();
  return about;
}

Ocf Dummy::validate(Call& call) {
  dump_environment(call);
  const bool thorough = call.action() == "validate-all" && call.meta().check_level() >= 10;
  return thorough ? check_rehearsal_folders(call) : Ocf::ok;
}

Ocf Dummy::start(Call& call) {
  return traced(call, begin(call));
}

Ocf Dummy::stop(Call& call) {
  dump_environment(call);
  return traced(call, end(call));
}

Ocf Dummy::monitor(Call& call) {
  return traced(call, look(call));
}

Ocf Dummy::reload(Call& call) {
  return traced(call, begin(call));
}

Ocf Dummy::extra(Call& call) {
  if (call.action() == "reload") return traced(call, Ocf::ok);
  const bool leaves = call.action() == "migrate_to";
  call.log().info("migrating {} {}", leaves ? "to" : "from",
                  call.meta().text(leaves ? "migrate_target" : "migrate_source"));
  return traced(call, leaves ? end(call) : begin(call));
}

}  // namespace systole::agents::dummy
