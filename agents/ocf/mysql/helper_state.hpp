// SPDX-License-Identifier: GPL-2.0-or-later
// What the resident helper last wrote into its state file, for monitor and for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agents/kit/paths.hpp"
#include "agents/ocf/mysql/lineage.hpp"

namespace systole::mysql {

struct HelperState {
  LineageState state = LineageState::replica;
  Record record = {};
  Durability durability = Durability::lossless;
  std::string since = {};      // local time of day
  std::string complaint = {};  // the last error that it logged in this state; "" none
};
std::string to_text(const HelperState& state);
/// Lines that are not understood are skipped.
HelperState parse_helper_state(std::string_view text);

/// For people: 2026-11-29 14:05:59.
std::string local_time_of_day();

/// kind: "pid" or "state".
std::string helper_file(const agents::Paths& paths, std::string_view resource, std::string_view kind);
/// nullopt: no helper runs for the resource on this node.
std::optional<HelperState> read_helper_state(const agents::Paths& paths, std::string_view resource);

}  // namespace systole::mysql
