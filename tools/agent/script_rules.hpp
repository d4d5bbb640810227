// SPDX-License-Identifier: GPL-2.0-or-later
// What can be seen of an init script without running it: pure, a function of its text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/agent/meta_data_rules.hpp"

namespace systole::tools {

struct ScriptFindings {
  std::vector<RuleResult> rules;
  std::vector<std::string> notes;
  std::string interpreter;  // "": none named
};

/// name: of the script.
ScriptFindings judge_script(std::string_view text, std::string_view name);

}  // namespace systole::tools
