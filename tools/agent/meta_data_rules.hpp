// SPDX-License-Identifier: GPL-2.0-or-later
// What OCF wants to find in an agent's meta-data: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cib/xml/agent_meta_data.hpp"

namespace systole::tools {

struct RuleResult {
  std::string rule;     // the sentence that holds or does not
  std::string instead;  // what was found; "": it holds
};

/// type: of the agent, which must be its name. Every rule is in the answer, kept or broken.
std::vector<RuleResult> judge_meta_data(const cib::AgentMetaData& data, std::string_view type);

}  // namespace systole::tools
