// SPDX-License-Identifier: GPL-2.0-or-later
// See server_config.hpp.
#include "agents/ocf/mysql/server_config.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/options.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

struct Place {
  std::string_view option, parameter;
};
constexpr std::array<Place, 7> places{{{"datadir", "datadir"},
                                       {"socket", "socket"},
                                       {"pid-file", "pid"},
                                       {"log-error", "log"},
                                       {"user", "user"},
                                       {"port", "replication_port"},
                                       {"extra-port", "extra_port"}}};

}  // namespace

std::vector<std::string_view> layout_options() {
  std::vector<std::string_view> all;
  for (const Place& place : places) all.push_back(place.option);
  return all;
}

agents::Fallbacks fallbacks_from(const std::vector<std::string>& options, const agents::Values& given) {
  agents::Fallbacks all;
  for (const auto& [option, parameter] : places)
    if (const auto value = option_value(options, option)) all.emplace(parameter, *value);
  if (all.contains("datadir") && !all["datadir"].starts_with('/')) all.erase("datadir");
  const std::string datadir =
      !given.given("datadir") && all.contains("datadir") ? all["datadir"] : given.text("datadir");
  for (const std::string_view name : {"socket", "pid", "log"})
    if (const auto found = all.find(name); found != all.end() && !found->second.starts_with('/'))
      found->second = datadir + "/" + found->second;
  return all;
}

Result<std::vector<std::string>> configured_options(const Settings& settings, const agents::Environment& env,
                                                    Deadline deadline) {
  const auto ran = agents::run_program({settings.binary, "--defaults-file=" + settings.config, "--print-defaults"}, env,
                                       deadline.at());
  if (!ran) return ran.error();
  if (ran->code == 0) return printed_options(ran->out);
  const std::vector<std::string> lines = split(trim(ran->err), '\n');
  return Error{Errc::invalid, fmt::format("'{}' cannot read its configuration '{}': {}", settings.binary,
                                          settings.config, lines.front())};
}

Result<Dialect> dialect_of_program(const Settings& settings, const agents::Environment& env, Deadline deadline) {
  std::error_code none;
  const std::string program = std::filesystem::canonical(settings.binary, none).filename().string();
  if (program == "mariadbd") return Dialect::usual();
  const auto ran = agents::run_program({settings.binary, "--version"}, env, deadline.at());
  if (!ran) return ran.error();
  return Dialect::of_program(ran->out);
}

}  // namespace systole::mysql
