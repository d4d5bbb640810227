// SPDX-License-Identifier: GPL-2.0-or-later
// How people name an OCF agent, and where it then is. A bare type means the first provider that has it: ours, then
// those of resource-agents and Pacemaker, then the others in alphabetical order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agents/kit/values.hpp"
#include "common/base/result.hpp"

namespace systole::lsb {

/// IPaddr, systole:IPaddr, ocf:systole:IPaddr or a path.
struct AgentName {
  std::string provider;  // "": not said
  std::string type;      // the path's last part where a path was given
  std::string path;      // "": to be looked up
  bool operator==(const AgentName&) const = default;
};

/// Errc::invalid: no such form, another class than ocf, or parts that are no file names.
Result<AgentName> parse_agent_name(std::string_view text);

/// An agent that is on this machine.
struct FoundAgent {
  std::string root;      // the OCF_ROOT under which it is; of a path: the machine's
  std::string provider;  // of a path outside of any resource.d: the name of its folder
  std::string type;
  std::string program;     // absolute path
  std::string id() const;  // "ocf:systole:IPaddr"
  bool operator==(const FoundAgent&) const = default;
};

/// Folders that may hold resource.d: OCF_ROOT of the environment alone where it is set; else /usr/lib/ocf and the
/// lib/ocf beside our own programs, each once.
std::vector<std::string> ocf_roots(const agents::Environment& env);

/// Providers in the order in which a bare type is looked up.
std::vector<std::string> in_provider_order(std::vector<std::string> providers);

/// Every executable file under resource.d of the roots, ours first. Of two with one name the first root's counts.
std::vector<FoundAgent> agents_of(const std::vector<std::string>& roots);

/// Errc::not_found names what was looked for and where, and the nearest name that is there.
Result<FoundAgent> find_agent(const AgentName& name, const std::vector<std::string>& roots);

}  // namespace systole::lsb
