// SPDX-License-Identifier: GPL-2.0-or-later
// See meta_data_rules.hpp.
#include "tools/agent/meta_data_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/base/text.hpp"
#include "common/base/time.hpp"

namespace systole::tools {
namespace {

// OCF 1.1 has select beside the four of 1.0; the shell agents say numeric now and then, which everybody reads.
constexpr std::array<std::string_view, 6> types{"string", "integer", "boolean", "time", "select", "numeric"};

bool offers(const cib::AgentMetaData& data, std::string_view action) {
  return std::ranges::find(data.actions, action, &cib::AgentAction::name) != data.actions.end();
}

std::string missing_actions(const cib::AgentMetaData& data) {
  std::vector<std::string> missing;
  for (const std::string_view action : {"start", "stop", "monitor", "meta-data"})
    if (!offers(data, action)) missing.emplace_back(action);
  return missing.empty() ? "" : "not listed: " + join(missing, ", ");
}

std::string bad_timeouts(const cib::AgentMetaData& data) {
  std::vector<std::string> bad;
  for (const cib::AgentAction& action : data.actions) {
    const auto timeout = parse_duration(action.timeout);
    if (!timeout || *timeout <= Duration{}) bad.push_back(fmt::format("{} has '{}'", action.name, action.timeout));
  }
  return join(bad, ", ");
}

std::string parameter_faults(const cib::AgentMetaData& data) {
  std::vector<std::string> faults;
  std::set<std::string> seen;
  for (const cib::AgentParameter& parameter : data.parameters) {
    const std::string name = parameter.name.empty() ? "one without a name" : parameter.name;
    if (parameter.name.empty())
      faults.push_back(name);
    else if (!seen.insert(parameter.name).second)
      faults.push_back(name + " is there twice");
    if (std::ranges::find(types, parameter.type) == types.end())
      faults.push_back(fmt::format("{} has the type '{}'", name, parameter.type));
  }
  return join(faults, ", ");
}

/// Of both kinds, since configuration tools show them.
std::string undescribed(const cib::AgentMetaData& data) {
  std::vector<std::string> bare;
  if (data.brief.empty() || data.about.empty()) bare.push_back("the agent itself");
  for (const cib::AgentParameter& parameter : data.parameters)
    if (parameter.brief.empty() || parameter.about.empty()) bare.push_back(parameter.name);
  return join(bare, ", ");
}

std::string bad_defaults(const cib::AgentMetaData& data) {
  std::vector<std::string> bad;
  for (const cib::AgentParameter& parameter : data.parameters) {
    if (!parameter.fallback || parameter.fallback->empty()) continue;
    const bool fits = parameter.type == "integer"   ? parse_int<long long>(*parameter.fallback).has_value()
                      : parameter.type == "boolean" ? parse_bool(*parameter.fallback).has_value()
                                                    : true;
    if (!fits) bad.push_back(fmt::format("{} is no {}: '{}'", parameter.name, parameter.type, *parameter.fallback));
  }
  return join(bad, ", ");
}

}  // namespace

std::vector<RuleResult> judge_meta_data(const cib::AgentMetaData& data, std::string_view type) {
  const auto when = [](bool broken, std::string text) { return broken ? std::move(text) : std::string(); };
  const bool one_sided = offers(data, "promote") != offers(data, "demote");
  return {
      {"meta-data: the name is that of the program", when(data.name != type, fmt::format("'{}'", data.name))},
      {"meta-data: the version of OCF is said", when(data.ocf_version.empty(), "no <version> in <resource-agent>")},
      {"meta-data: the actions that every agent has are listed", missing_actions(data)},
      {"meta-data: promote and demote come together", when(one_sided, "one of them is listed alone")},
      {"meta-data: each action has a time-out", bad_timeouts(data)},
      {"meta-data: each parameter has a name of its own and a type", parameter_faults(data)},
      {"meta-data: default values are of their parameter's type", bad_defaults(data)},
      {"meta-data: agent and parameters have a short and a long description", undescribed(data)},
  };
}

}  // namespace systole::tools
