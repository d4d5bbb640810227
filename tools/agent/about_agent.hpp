// SPDX-License-Identifier: GPL-2.0-or-later
// What an agent says of itself, and what a person's words are worth against it.
#pragma once

#include <string>
#include <vector>

#include "cib/xml/agent_meta_data.hpp"
#include "tools/agent/one_call.hpp"

namespace systole::tools {

inline constexpr Duration meta_data_timeout = 10s;

AgentRequest meta_data_request(const lsb::FoundAgent& agent);

/// From the answer to such a request; the error names the agent and says what it did instead.
Result<cib::AgentMetaData> read_meta_data(const lsb::FoundAgent& agent, const AgentAnswer& answer);

/// Both of it.
Result<cib::AgentMetaData> ask_meta_data(const lsb::FoundAgent& agent);

/// The time-out of an action: the advertised one of its first line, or 20 s. Pure.
Duration timeout_of(const cib::AgentMetaData& data, std::string_view action);
bool offers(const cib::AgentMetaData& data, std::string_view action);

/// Required, and without a default: agents may have both.
bool must_be_given(const cib::AgentParameter& parameter);

/// One sentence per parameter that the agent does not have (with the nearest one that it has), and per required one
/// that is not given. Pure.
std::vector<std::string> faults_of(const cib::AgentMetaData& data, const cib::Pairs& parameters);
std::vector<std::string> unknown_parameters(const cib::AgentMetaData& data, const cib::Pairs& parameters);

}  // namespace systole::tools
