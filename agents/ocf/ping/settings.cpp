// SPDX-License-Identifier: GPL-2.0-or-later
// See settings.hpp.
#include "agents/ocf/ping/settings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agents/ocf/ping/address.hpp"
#include "common/base/text.hpp"

namespace systole::agents::ping {

namespace {

constexpr std::size_t hosts_max = 64;
constexpr std::size_t host_name_bytes_max = 253;
constexpr Duration timeout_otherwise = 5s;  // for 0, as the shell agent does
constexpr Duration timeout_max = 300s;

bool is_host_name(std::string_view name) {
  const auto fits = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c >= 0x80;
  };
  return name.size() <= host_name_bytes_max && name.front() != '-' && std::ranges::all_of(name, fits);
}

Result<std::vector<std::string>> hosts_from(const std::string& text) {
  std::vector<std::string> hosts = words(text);
  if (hosts.empty()) return Error{Errc::invalid, "parameter 'host_list' names no host"};
  if (hosts.size() > hosts_max)
    return Error{Errc::invalid,
                 fmt::format("parameter 'host_list' names {} hosts; at most {}", hosts.size(), hosts_max)};
  for (const std::string& host : hosts) {
    if (!parse_address(host) && !is_host_name(host))
      return Error{Errc::invalid,
                   fmt::format("parameter 'host_list' has '{}', which is neither an address nor a host's name", host)};
  }
  return hosts;
}

std::optional<Telling> telling_from(std::string_view text) {
  const std::string word = lower(trim(text));
  if (word == "verbose" || word == "2") return Telling::everything;
  const auto flag = parse_bool(word);
  if (!flag) return std::nullopt;
  return *flag ? Telling::all_silent : Telling::changes;
}

std::string pid_file_from(const Values& values, const Meta& meta, const Paths& paths) {
  if (values.given("pidfile")) return values.text("pidfile");
  // Instances of a clone that differ only by number share the file, so that a new number finds it.
  const bool unique = parse_bool(meta.text("globally_unique")).value_or(false);
  std::string name = unique ? meta.instance() : values.text("name");
  std::ranges::replace(name, '/', '_');
  return fmt::format("{}/ping-{}", paths.state, name);
}

void add_notices(Settings& settings, const Values& values) {
  if (!settings.options.unheeded.empty())
    settings.notices.push_back(fmt::format("'{}' in parameter 'options' has no effect: no ping(8) runs here",
                                           join(settings.options.unheeded, " ")));
  if (!telling_from(values.text("debug")))
    settings.notices.push_back(
        fmt::format("parameter 'debug' is '{}', but should be true, false or verbose; "
                    "proceeding with false",
                    values.text("debug")));
  if (!settings.place.pid_file.starts_with('/'))
    settings.notices.push_back(
        fmt::format("parameter 'pidfile' is '{}'; an absolute path would be safer", settings.place.pid_file));
}

}  // namespace

Place place_from(const Values& values, const Meta& meta, const Paths& paths) {
  return {.attribute = values.text("name"),
          .dampening = values.text("dampen"),
          .pid_file = pid_file_from(values, meta, paths)};
}

Result<Settings> settings_from(const Values& values, const Meta& meta, const Paths& paths) {
  const auto hosts = hosts_from(values.text("host_list"));
  if (!hosts) return hosts.error();
  const auto options = parse_options(values.text("options"));
  if (!options) return options.error();
  Settings settings;
  settings.hosts = *hosts;
  settings.options = *options;
  settings.attempts = options->attempts.value_or(static_cast<int>(values.number("attempts")));
  settings.timeout = options->timeout.value_or(values.time("timeout"));
  if (settings.timeout == Duration::zero()) settings.timeout = timeout_otherwise;
  settings.timeout = std::min(settings.timeout, timeout_max);
  settings.multiplier = values.number("multiplier");
  if (values.given("failure_score")) settings.failure_score = values.number("failure_score");
  settings.place = place_from(values, meta, paths);
  settings.telling = telling_from(values.text("debug")).value_or(Telling::changes);
  add_notices(settings, values);
  return settings;
}

Verdict judge(const Settings& settings, std::size_t answered) {
  Verdict verdict;
  verdict.score = static_cast<std::int64_t>(answered) * settings.multiplier;
  if (settings.failure_score && verdict.score < *settings.failure_score) {
    verdict.code = Ocf::generic;
    verdict.why = fmt::format("{} of {} hosts answer: {} = {} is less than failure_score ({})", answered,
                              settings.hosts.size(), settings.place.attribute, verdict.score, *settings.failure_score);
  }
  return verdict;
}

Duration wait_of_attempt(const Settings& settings, Duration left) {
  return std::min(settings.timeout, left / settings.attempts);
}

}  // namespace systole::agents::ping
