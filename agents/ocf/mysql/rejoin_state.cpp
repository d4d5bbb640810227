// SPDX-License-Identifier: GPL-2.0-or-later
// See rejoin_state.hpp.
#include "agents/ocf/mysql/rejoin_state.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "agents/kit/process.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

std::string rejoin_file(const agents::Paths& paths, std::string_view resource, std::string_view kind) {
  return fmt::format("{}/systole-mysql-{}.rejoin.{}", paths.state, resource, kind);
}

std::string to_text(const RejoinState& state) {
  return fmt::format("needs_copy={}\nwants_copy={}\nsince={}\ntext={}\n", state.needs_copy ? 1 : 0,
                     state.wants_copy ? 1 : 0, state.since, state.text);
}

RejoinState parse_rejoin_state(std::string_view text) {
  RejoinState state;
  for (const std::string& line : split(text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals), value = line.substr(equals + 1);
    if (key == "needs_copy") state.needs_copy = value == "1";
    if (key == "wants_copy") state.wants_copy = value == "1";
    if (key == "since") state.since = value;
    if (key == "text") state.text = value;
  }
  return state;
}

std::optional<RejoinState> rejoin_state(const agents::Paths& paths, std::string_view resource) {
  const auto text = agents::read_file(rejoin_file(paths, resource, "state"));
  const bool running = agents::find_background(rejoin_file(paths, resource, "pid")).has_value();
  if (!text && !running) return std::nullopt;
  RejoinState state = text ? parse_rejoin_state(*text) : RejoinState{.text = "begins"};
  state.running = running;
  return state;
}

bool copy_is_asked_for(const agents::Paths& paths, std::string_view resource) {
  return ::access(rejoin_file(paths, resource, "asked").c_str(), F_OK) == 0;
}

}  // namespace systole::mysql
