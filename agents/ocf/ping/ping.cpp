// SPDX-License-Identifier: GPL-2.0-or-later
// What happens, in which order. The state file is there from start to stop and holds the hosts that were silent at the
// last look, so that a change is told once and not at every monitor. The attribute is set by every monitor: a manager
// that lost it (a new one, on a node that came back) gets it again.
#include "agents/ocf/ping/ping.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agents/kit/attributes.hpp"
#include "agents/ocf/ping/asker.hpp"
#include "agents/ocf/ping/names.hpp"
#include "common/base/text.hpp"

namespace systole::agents::ping {

namespace {

Result<Settings> settings_of(const Call& call) {
  return settings_from(call.params(), call.meta(), call.paths());
}

/// Some of the time must stay for telling the manager.
Time end_of_asking(const Call& call) {
  return boot_now() + call.left() * 3 / 4;
}

Result<std::vector<Answer>> ask_hosts(Call& call, const Settings& settings) {
  const Time end = end_of_asking(call);
  const Duration patience = std::min(settings.timeout * settings.attempts, (end - boot_now()) / 2);
  const auto addresses = addresses_of(settings.hosts, settings.options.only, call.environment(), boot_now() + patience);
  const Duration wait = wait_of_attempt(settings, end - boot_now());
  return ask(addresses, {.attempts = settings.attempts, .wait = wait, .options = settings.options});
}

std::vector<std::string> silent_before(const Settings& settings) {
  const auto text = read_file(settings.place.pid_file);
  return text ? words(*text) : std::vector<std::string>{};
}

void tell(Call& call, const Settings& settings, const std::vector<Answer>& answers,
          const std::vector<std::string>& before) {
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const std::string& host = settings.hosts[i];
    const Answer& answer = answers[i];
    const bool was_silent = std::ranges::find(before, host) != before.end();
    if (answer.came && was_silent) call.log().notice("host '{}' answers again", host);
    if (answer.came && !was_silent && settings.telling == Telling::everything)
      call.log().info("host '{}' answered after {}", host,
                      to_text(std::chrono::floor<std::chrono::microseconds>(answer.round_trip)));
    if (!answer.came && (!was_silent || settings.telling != Telling::changes))
      call.log().warning("host '{}' does not answer: {}", host, answer.why);
  }
}

void remember_silent(Call& call, const Settings& settings, const std::vector<Answer>& answers,
                     const std::vector<std::string>& before) {
  std::vector<std::string> silent;
  for (std::size_t i = 0; i < answers.size(); ++i)
    if (!answers[i].came) silent.push_back(settings.hosts[i]);
  if (silent == before) return;
  if (const auto written = write_file(settings.place.pid_file, join(silent, "\n") + "\n"); !written)
    call.log().warning("{}; proceeding, the next monitor will tell the same again", written.error().what);
}

Ocf code_of(const Error& error) {
  if (error.code == Errc::permission) return Ocf::permission;
  return error.code == Errc::not_found ? Ocf::installed : Ocf::generic;
}

/// Asks, tells the manager, tells the log.
Ocf update(Call& call, const Settings& settings, Dampening::Kind dampening) {
  const auto before = silent_before(settings);
  const auto answers = ask_hosts(call, settings);
  if (!answers) return call.explain(code_of(answers.error()), answers.error().what);
  tell(call, settings, *answers, before);
  remember_silent(call, settings, *answers, before);
  const Verdict verdict = judge(settings, static_cast<std::size_t>(std::ranges::count_if(*answers, &Answer::came)));
  const auto set = Attributes(call.environment())
                       .set_dampened(settings.place.attribute, std::to_string(verdict.score),
                                     {.delay = settings.place.dampening, .kind = dampening}, call.deadline());
  if (!set)
    return call.fail(code_of(set.error()), "attribute '{}' could not be set to {}: {}", settings.place.attribute,
                     verdict.score, set.error().what);
  call.log().debug("set attribute '{}' to {}", settings.place.attribute, verdict.score);
  return verdict.code == Ocf::ok ? Ocf::ok : call.explain(verdict.code, verdict.why);
}

bool is_running(const Settings& settings) {
  return ::access(settings.place.pid_file.c_str(), F_OK) == 0;
}

Ocf check_folder(Call& call, const Settings& settings) {
  const std::string folder = folder_of(settings.place.pid_file);
  if (is_writable_folder(folder)) return Ocf::ok;
  const bool is_ours = !call.params().given("pidfile");
  if (is_ours && ::access(folder.c_str(), F_OK) != 0) return Ocf::ok;  // start makes it
  return call.fail(Ocf::args, "the folder '{}' of parameter 'pidfile' cannot be written to", folder);
}

}  // namespace

Ocf Ping::validate(Call& call) {
  const auto settings = settings_of(call);
  if (!settings) return call.explain(Ocf::configured, settings.error().what);
  if (call.action() == "start" || call.action() == "validate-all" || call.action() == "reload-agent")
    for (const std::string& notice : settings->notices) call.log().warning("{}", notice);
  const bool thorough = call.action() == "validate-all" && call.meta().check_level() >= 10;
  return thorough ? check_folder(call, *settings) : Ocf::ok;
}

Ocf Ping::start(Call& call) {
  const auto settings = settings_of(call);
  if (!settings) return call.explain(Ocf::configured, settings.error().what);
  if (!is_running(*settings)) {
    Result<void> ready = call.params().given("pidfile") ? Result<void>{} : make_folder(call.paths().state);
    if (ready) ready = write_file(settings->place.pid_file, "");
    if (!ready) return call.explain(code_of(ready.error()), ready.error().what);
  }
  return update(call, *settings, Dampening::Kind::replaced);
}

Ocf Ping::stop(Call& call) {
  const Place place = place_from(call.params(), call.meta(), call.paths());
  if (::unlink(place.pid_file.c_str()) != 0 && errno != ENOENT)
    return call.explain(Ocf::generic, errno_error(fmt::format("remove '{}'", place.pid_file)).what);
  const auto gone = Attributes(call.environment()).delete_dampened(place.attribute, place.dampening, call.deadline());
  if (!gone)
    call.log().warning("{}; the attribute '{}' may stay for a while, proceeding", gone.error().what, place.attribute);
  return Ocf::ok;
}

Ocf Ping::monitor(Call& call) {
  const auto settings = settings_of(call);
  if (!settings) return call.explain(Ocf::configured, settings.error().what);
  if (!is_running(*settings)) {
    if (!call.is_probe()) call.log().info("'{}' is not there: not running", settings->place.pid_file);
    return Ocf::not_running;
  }
  return update(call, *settings, Dampening::Kind::as_it_was);
}

/// All but the attribute's and the file's name take effect with the next monitor anyway; this sets the dampening, which
/// a monitor leaves.
Ocf Ping::reload(Call& call) {
  const auto settings = settings_of(call);
  if (!settings) return call.explain(Ocf::configured, settings.error().what);
  if (!is_running(*settings)) return Ocf::ok;
  return update(call, *settings, Dampening::Kind::replaced);
}

}  // namespace systole::agents::ping
