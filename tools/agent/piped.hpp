// SPDX-License-Identifier: GPL-2.0-or-later
// Programs that are fed: a text on standard input, or what another program writes. What is secret goes in by a
// descriptor (SecretText) or by standard input, never by arguments or the environment, which others can read. The
// programs end with us, also when we are killed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/kit/child.hpp"
#include "agents/kit/process.hpp"

namespace systole::tools {

using agents::Child;
using agents::ChildUser;
using agents::Command;
using agents::SecretText;
using agents::user_by_name;

/// As agents::run_program, with `input` on its standard input.
Result<agents::Ran> run_with_input(const Command& command, std::string_view input, Time deadline);

struct Pumped {
  std::uint64_t bytes = 0;
  std::string tail;  // the last few KiB that went through
};
struct PumpWatch {
  /// At each pause in the stream and every few seconds; an error ends both programs and is returned.
  std::function<Result<void>(std::uint64_t bytes, Duration silent)> look;
};
/// from | into, without a shell. Errors: one of the two ended with something other than 0 (its last words), or `watch`
/// said so.
Result<Pumped> pump(const Command& from, const Command& into, const PumpWatch& watch);

}  // namespace systole::tools
