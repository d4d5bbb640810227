// SPDX-License-Identifier: GPL-2.0-or-later
// See stateful.hpp. A manager that asks for what it should know to be impossible (start or stop what is promoted,
// promote what does not run) gets the state as the exit code, which is a failure of the action.
#include "agents/ocf/Stateful/stateful.hpp"

#include <fmt/format.h>

#include "agents/kit/attributes.hpp"
#include "agents/kit/rehearsal.hpp"
#include "common/base/text.hpp"

namespace systole::agents::stateful {

namespace {

constexpr Score score_unpromoted{5}, score_promoted{10};
constexpr std::string_view promoted = "Promoted", unpromoted = "Unpromoted";

About make_about() {
  About about{.name = "Stateful",
              .version = "0.1",
              .brief = "A promotable resource that is a file",
              .about =
                  "Manages nothing: its state file says whether it runs and whether it is promoted. Its promotion "
                  "score is 10 where it is promoted, else 5. A number in the file STATE.rc is what every monitor "
                  "returns.",
              .params = rehearsal_params(),
              .actions = {
                  {.name = "start", .timeout = "20s"},
                  {.name = "stop", .timeout = "20s"},
                  {.name = "status", .timeout = "20s"},
                  {.name = "monitor", .timeout = "20s", .interval = "10s", .role = "Promoted", .depth = "0"},
                  {.name = "monitor", .timeout = "20s", .interval = "11s", .role = "Unpromoted", .depth = "0"},
                  {.name = "promote", .timeout = "10s"},
                  {.name = "demote", .timeout = "10s"},
                  {.name = "notify", .timeout = "5s"},
                  {.name = "reload-agent", .timeout = "10s"},
                  {.name = "validate-all", .timeout = "20s"},
                  {.name = "meta-data", .timeout = "5s"},
              }};
  about.params.push_back({.name = "notify_delay",
                          .type = ParamType::integer,
                          .fallback = "0",
                          .reloadable = true,
                          .brief = "Seconds that notify takes",
                          .about = "Notify sleeps for so many seconds, also past its timeout.",
                          .least = 0,
                          .greatest = 86400});
  return about;
}

void set_score(Call& call, Score score) {
  if (const auto set = Attributes(call.environment()).set_promotion(score, call.deadline()); !set)
    call.log().warning("{}; proceeding without a promotion score", set.error().what);
}

/// The state in the file as an exit code.
Ocf state_of(Call& call) {
  const auto state = read_state(call);
  if (!state) return call.explain(Ocf::generic, state.error().what);
  if (!*state) return Ocf::not_running;
  if (**state == promoted) return Ocf::running_promoted;
  if (**state == unpromoted) return Ocf::ok;
  return call.fail(Ocf::generic, "the state file '{}' holds '{}', but should say Promoted or Unpromoted",
                   state_file_of(call), **state);
}

Ocf become(Call& call, std::string_view role) {
  if (const auto written = write_state(call, fmt::format("{}\n", role)); !written)
    return call.explain(written.error().code == Errc::permission ? Ocf::permission : Ocf::generic,
                        written.error().what);
  set_score(call, role == promoted ? score_promoted : score_unpromoted);
  return Ocf::ok;
}

Ocf change_role(Call& call, std::string_view role) {
  if (state_of(call) == Ocf::not_running) return call.explain(Ocf::not_running, "it does not run, so it has no role");
  return become(call, role);
}

Ocf begin(Call& call) {
  if (state_of(call) == Ocf::running_promoted)
    return call.explain(Ocf::running_promoted, "it is promoted already; a manager should not start it");
  return become(call, unpromoted);
}

Ocf end(Call& call) {
  if (const auto gone = Attributes(call.environment()).delete_promotion(call.deadline()); !gone)
    call.log().warning("{}; proceeding", gone.error().what);
  if (state_of(call) == Ocf::running_promoted)
    return call.explain(Ocf::running_promoted, "it is promoted; a manager should demote it first");
  const auto removed = remove_state(call);
  return removed ? Ocf::ok : call.explain(Ocf::generic, removed.error().what);
}

Ocf look(Call& call) {
  if (const auto ordered = read_file(state_file_of(call) + ".rc")) {
    const int code = parse_int<int>(trim(*ordered)).value_or(1);
    return call.fail(static_cast<Ocf>(code & 0xff), "the file '{}.rc' says {}", state_file_of(call), code);
  }
  const Ocf state = state_of(call);
  if (call.is_probe() && state == Ocf::running_promoted) set_score(call, score_promoted);
  if (call.is_probe() && state == Ocf::ok) set_score(call, score_unpromoted);
  return degraded_if_wanted(call, state);
}

}  // namespace

const About& about_stateful() {
  static const About about = make_about();
  return about;
}

Ocf Stateful::validate(Call& call) {
  dump_environment(call);
  const bool thorough = call.action() == "validate-all" && call.meta().check_level() >= 10;
  return thorough ? check_rehearsal_folders(call) : Ocf::ok;
}

Ocf Stateful::start(Call& call) {
  return traced(call, begin(call));
}

Ocf Stateful::stop(Call& call) {
  dump_environment(call);
  return traced(call, end(call));
}

Ocf Stateful::monitor(Call& call) {
  return traced(call, look(call));
}

Ocf Stateful::promote(Call& call) {
  return traced(call, change_role(call, promoted));
}

Ocf Stateful::demote(Call& call) {
  return traced(call, change_role(call, unpromoted));
}

Ocf Stateful::notify(Call& call) {
  pause_for(std::chrono::seconds(call.params().number("notify_delay")), never);
  return traced(call, Ocf::ok);
}

Ocf Stateful::reload(Call& call) {
  return traced(call, Ocf::ok);
}

}  // namespace systole::agents::stateful
