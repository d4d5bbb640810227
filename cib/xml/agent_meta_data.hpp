// SPDX-License-Identifier: GPL-2.0-or-later
// What an OCF agent says of itself by its action meta-data, as plain values. Any provider's: the DOCTYPE that most
// carry is passed over, unknown elements are left out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::cib {

struct AgentParameter {
  std::string name, type, brief, about;
  std::optional<std::string> fallback;  // default; none: no value unless one is given
  bool required = false, unique = false, reloadable = false;
  std::string deprecated;  // a word why, "" where it is not
  bool operator==(const AgentParameter&) const = default;
};

/// One line of <actions>: monitor may have several.
struct AgentAction {
  std::string name, timeout, interval, role, depth;
  bool operator==(const AgentAction&) const = default;
};

struct AgentMetaData {
  std::string name, version, ocf_version, brief, about;
  std::vector<AgentParameter> parameters;
  std::vector<AgentAction> actions;
  bool operator==(const AgentMetaData&) const = default;
};

/// what names the text in messages. Errc::invalid: no well-formed XML, or no <resource-agent>; Errc::too_big.
Result<AgentMetaData> parse_agent_meta_data(std::string_view xml, std::string_view what);

}  // namespace systole::cib
