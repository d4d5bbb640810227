// SPDX-License-Identifier: GPL-2.0-or-later
// What the process of a rejoin last wrote into its state file, for monitor and for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agents/kit/paths.hpp"

namespace systole::mysql {

struct RejoinState {
  bool running = false;
  bool needs_copy = false;  // it cannot be done by undoing
  bool wants_copy = false;  // and the copy is being waited for
  std::string text = {};    // what it is at, or why it cannot
  std::string since = {};   // local time of day
};
std::string to_text(const RejoinState& state);
RejoinState parse_rejoin_state(std::string_view text);
/// nullopt: nothing was to be done since the server was started.
std::optional<RejoinState> rejoin_state(const agents::Paths& paths, std::string_view resource);

/// A person wants the copy (reseed=ask, or once more).
bool copy_is_asked_for(const agents::Paths& paths, std::string_view resource);

/// kind: "pid", "state", "server" (a folder), or "asked": a person wants the copy (reseed=ask).
std::string rejoin_file(const agents::Paths& paths, std::string_view resource, std::string_view kind);

}  // namespace systole::mysql
