// SPDX-License-Identifier: GPL-2.0-or-later
// See about_agent.hpp.
#include "tools/agent/about_agent.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agents/lsb/nearest.hpp"

namespace systole::tools {

AgentRequest meta_data_request(const lsb::FoundAgent& agent) {
  AgentRequest request;
  request.agent = agent;
  request.action = "meta-data";
  request.timeout = meta_data_timeout;
  return request;
}

Result<cib::AgentMetaData> read_meta_data(const lsb::FoundAgent& agent, const AgentAnswer& answer) {
  if (answer.code != 0)
    return Error{Errc::invalid, fmt::format("{}: meta-data ended with {}", agent.id(), answer.in_words())};
  return cib::parse_agent_meta_data(answer.output, fmt::format("the meta-data of {}", agent.id()));
}

Result<cib::AgentMetaData> ask_meta_data(const lsb::FoundAgent& agent) {
  return read_meta_data(agent, call_agent(meta_data_request(agent)));
}

Duration timeout_of(const cib::AgentMetaData& data, std::string_view action) {
  constexpr Duration otherwise = 20s;
  const auto found = std::ranges::find(data.actions, action, &cib::AgentAction::name);
  if (found == data.actions.end()) return otherwise;
  const Duration advertised = parse_duration(found->timeout).value_or(otherwise);
  return advertised > Duration{} ? advertised : otherwise;
}

bool offers(const cib::AgentMetaData& data, std::string_view action) {
  return std::ranges::find(data.actions, action, &cib::AgentAction::name) != data.actions.end();
}

std::vector<std::string> unknown_parameters(const cib::AgentMetaData& data, const cib::Pairs& parameters) {
  std::vector<std::string> names, faults;
  for (const auto& parameter : data.parameters) names.push_back(parameter.name);
  for (const auto& [name, value] : parameters) {
    if (name == "OCF_CHECK_LEVEL" || std::ranges::find(names, name) != names.end()) continue;
    const std::string near = lsb::nearest(name, names);
    faults.push_back(fmt::format("{} has no parameter '{}'{}", data.name, name,
                                 near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near)));
  }
  return faults;
}

bool must_be_given(const cib::AgentParameter& parameter) {
  return parameter.required && (!parameter.fallback || parameter.fallback->empty());
}

std::vector<std::string> faults_of(const cib::AgentMetaData& data, const cib::Pairs& parameters) {
  std::vector<std::string> faults = unknown_parameters(data, parameters);
  for (const auto& parameter : data.parameters)
    if (must_be_given(parameter) && !parameters.contains(parameter.name))
      faults.push_back(fmt::format("{} needs '{}': {}", data.name, parameter.name, parameter.brief));
  return faults;
}

}  // namespace systole::tools
