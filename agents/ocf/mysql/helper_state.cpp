// SPDX-License-Identifier: GPL-2.0-or-later
// See helper_state.hpp.
#include "agents/ocf/mysql/helper_state.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "agents/kit/process.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::array all_states{LineageState::replica, LineageState::in_sync, LineageState::solo,
                                LineageState::joining, LineageState::sync,    LineageState::stalled,
                                LineageState::outdated};

}  // namespace

std::string to_text(const HelperState& state) {
  return fmt::format("state={}\nrecord={}\ndurability={}\nsince={}\ncomplaint={}\n", to_string(state.state),
                     to_string(state.record), to_string(state.durability), state.since, state.complaint);
}

HelperState parse_helper_state(std::string_view text) {
  HelperState state;
  for (const std::string& line : split(text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals), value = line.substr(equals + 1);
    if (key == "record") state.record = parse_record(value).value_or(Record{});
    if (key == "durability") state.durability = parse_durability(value).value_or(Durability::lossless);
    if (key == "since") state.since = value;
    if (key == "complaint") state.complaint = value;
    if (key != "state") continue;
    for (const LineageState each : all_states)
      if (value == to_string(each)) state.state = each;
  }
  return state;
}

std::string local_time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::array<char, 32> text{};
  ::localtime_r(&now, &parts);
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

std::string helper_file(const agents::Paths& paths, std::string_view resource, std::string_view kind) {
  return fmt::format("{}/systole-mysql-{}.helper.{}", paths.state, resource, kind);
}

std::optional<HelperState> read_helper_state(const agents::Paths& paths, std::string_view resource) {
  if (!agents::find_background(helper_file(paths, resource, "pid"))) return std::nullopt;
  const auto state = agents::read_file(helper_file(paths, resource, "state"));
  return state ? parse_helper_state(*state) : HelperState{};
}

}  // namespace systole::mysql
