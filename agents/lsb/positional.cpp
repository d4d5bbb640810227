// SPDX-License-Identifier: GPL-2.0-or-later
// See positional.hpp.
#include "agents/lsb/positional.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include "common/base/text.hpp"

namespace systole::lsb {
namespace {

struct Positions {
  std::string_view agent;
  std::array<std::string_view, 4> names;
};

// The scripts of Heartbeat whose positions people have in their haresources.
constexpr std::array positions{
    Positions{"Filesystem", {"device", "directory", "fstype", "options"}},
    Positions{"MailTo", {"email", "subject"}},
    Positions{"LVM", {"volgrpname"}},
    Positions{"apache", {"configfile"}},
    Positions{"IPsrcaddr", {"ipaddress"}},
    Positions{"IPv6addr", {"ipv6addr"}},
    Positions{"Xinetd", {"service"}},
};

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

bool is_assignment(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == 0 || equals == std::string_view::npos) return false;
  return std::ranges::all_of(word.substr(0, equals),
                             [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

/// Heartbeat takes colons for its own, so a link names the provider before a dot: heartbeat.Dummy.
std::string agent_of(std::string_view name) {
  std::string agent(name);
  if (const std::size_t dot = agent.find('.'); dot != std::string::npos) agent[dot] = ':';
  return agent;
}

bool takes_address(std::string_view agent) {
  return agent == "IPaddr" || agent == "IPaddr2";
}

Result<Parameters> read_positions(std::string_view agent, const std::vector<std::string>& words) {
  if (words.empty()) return Parameters{};
  const std::string_view type = agent.substr(agent.find('.') + 1);
  const auto found = std::ranges::find(positions, type, &Positions::agent);
  if (takes_address(agent) && words.size() == 1) return parse_address(words.front());
  if (takes_address(agent))
    return Error{Errc::invalid, fmt::format("{} takes one address; '{}' is one word too many", agent, words[1])};
  if (found == positions.end())
    return Error{Errc::invalid,
                 fmt::format("'{}' is no parameter of {}: write {}::name=value", words.front(), agent, agent)};
  Parameters parameters;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i >= found->names.size() || found->names[i].empty())
      return Error{Errc::invalid, fmt::format("{}: '{}' is one word too many", agent, words[i])};
    parameters[std::string(found->names[i])] = words[i];
  }
  return parameters;
}

/// FNV-1a, 32 bits: the same on every machine and in every version.
std::uint32_t digest(const Parameters& parameters) {
  std::uint32_t sum = 2166136261U;
  const auto add = [&](std::string_view text) {
    for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 16777619U;
    sum = (sum ^ 0xffU) * 16777619U;  // no text ends like this
  };
  for (const auto& [name, value] : parameters) {
    add(name);
    add(value);
  }
  return sum;
}

/// Values with names may be secrets, and instance names are in logs: they are only counted in.
std::string instance_of(std::string_view name, const std::vector<std::string>& placed, const Parameters& named) {
  std::string instance(name);
  for (const std::string& word : placed) {
    const std::string_view part = takes_address(name) ? std::string_view(word).substr(0, word.find('/')) : word;
    instance += fmt::format("_{}", part);
  }
  if (!named.empty()) instance += fmt::format("_{:08x}", digest(named));
  std::ranges::replace_if(
      instance, [](char c) { return !is_letter(c) && !(c >= '0' && c <= '9') && c != '.' && c != '-'; }, '_');
  return instance;
}

}  // namespace

Result<Parameters> parse_parameters(const std::vector<std::string>& words) {
  Parameters parameters;
  for (const std::string& word : words) {
    if (!is_assignment(word))
      return Error{Errc::invalid, fmt::format("'{}' is no parameter: name=value is expected", word)};
    const std::size_t equals = word.find('=');
    if (!parameters.emplace(word.substr(0, equals), word.substr(equals + 1)).second)
      return Error{Errc::invalid, fmt::format("parameter '{}' is given twice", word.substr(0, equals))};
  }
  return parameters;
}

Result<Parameters> parse_address(std::string_view text) {
  const std::vector<std::string> parts = split(text, '/');
  if (parts.front().empty()) return Error{Errc::invalid, fmt::format("'{}' begins with no address", text)};
  Parameters parameters{{"ip", parts.front()}};
  const auto set = [&](const char* name, const std::string& value) {
    return value.empty() || parameters.emplace(name, value).second;
  };
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    bool fits = true;
    if (part.empty()) continue;
    if (is_letter(part[0])) {
      const std::size_t colon = part.find(':');
      fits =
          set("nic", part.substr(0, colon)) && (colon == std::string::npos || set("iflabel", part.substr(colon + 1)));
    } else {
      fits = set(i == 1 ? "cidr_netmask" : "broadcast", part);
    }
    if (!fits)
      return Error{
          Errc::invalid,
          fmt::format("'{}': '{}' is one part too many; ip[/mask][/nic[:label]][/broadcast] is expected", text, part)};
  }
  return parameters;
}

Result<ResourceCall> parse_resource_call(std::string_view name, const std::vector<std::string>& words) {
  if (words.empty()) return Error{Errc::invalid, fmt::format("{}: no action; start, stop or status is expected", name)};
  ResourceCall call;
  call.agent = takes_address(name) ? "systole:IPaddr" : agent_of(name);
  call.action = words.back();
  const auto end = words.end() - 1;
  const auto first_named = std::find_if(words.begin(), end, is_assignment);
  const std::vector<std::string> placed(words.begin(), first_named);
  auto parameters = read_positions(name, placed);
  if (!parameters) return parameters.error();
  const auto named = parse_parameters({first_named, end});
  if (!named) return named.error();
  for (const auto& [key, value] : *named)
    if (!parameters->emplace(key, value).second)
      return Error{Errc::invalid, fmt::format("parameter '{}' is given twice", key)};
  call.parameters = std::move(*parameters);
  call.instance = instance_of(name, placed, *named);
  return call;
}

}  // namespace systole::lsb
