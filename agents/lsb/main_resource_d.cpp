// SPDX-License-Identifier: GPL-2.0-or-later
// systole-resource.d: OCF agents under the calling convention of Heartbeat's haresources. Linked as
// /etc/ha.d/resource.d/IPaddr it answers `IPaddr 192.168.3.103/24/eth0 start`; called by its own name, the first word
// is the agent. On status Heartbeat reads stdout alone: it gets one word.
#include <fmt/format.h>

#include <vector>

#include "agents/lsb/call.hpp"
#include "agents/lsb/codes.hpp"
#include "agents/lsb/link_name.hpp"
#include "agents/lsb/positional.hpp"

namespace {

using namespace systole;
using namespace systole::lsb;

constexpr std::string_view own_name = "systole-resource.d";
constexpr std::string_view help =
    R"(systole-resource.d: OCF agents as resources of Heartbeat's haresources

usage: systole-resource.d AGENT [ARGUMENT…] start|stop|status|monitor
       AGENT [ARGUMENT…] ACTION                  through a link of that name in /etc/ha.d/resource.d

IPaddr, IPaddr2   ip[/mask][/nic[:label]][/broadcast], as in IPaddr::192.168.3.103/24/eth0
Filesystem        device directory fstype [options]
MailTo            email [subject]
LVM, apache, IPsrcaddr, IPv6addr, Xinetd   their one argument
any agent         name=value, as in Dummy::state=/run/dummy; a link heartbeat.Dummy names the provider, too

status prints 'running' or 'stopped' and nothing else. The exit code is the agent's: 0 done or running, 7 stopped.
)";

int wrong(const Error& error, agents::Ocf code) {
  complain(fmt::format("{}: {}\n", own_name, error.what));
  return static_cast<int>(code);
}

int serve(const std::string& name, const std::vector<std::string>& words) {
  const auto call = parse_resource_call(name, words);
  if (!call) return wrong(call.error(), agents::Ocf::args);
  const bool status = call->action == "status";
  const auto agent_name = parse_agent_name(call->agent);
  if (!agent_name) return wrong(agent_name.error(), agents::Ocf::args);
  const agents::Environment env = agents::process_environment();
  const auto agent = find_agent(*agent_name, ocf_roots(env));
  if (!agent) return wrong(agent.error(), agents::Ocf::installed);
  const Resource resource{*agent, call->instance, call->parameters, {}};
  const int code = call_agent(resource, status ? "monitor" : call->action, env);
  if (status) say(fmt::format("{}\n", heartbeat_word(code)));
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  std::string name = service_of_link(argc > 0 ? argv[0] : own_name);
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    words.empty() ? complain(help) : say(help);
    return static_cast<int>(words.empty() ? agents::Ocf::args : agents::Ocf::ok);
  }
  if (name == own_name) {
    name = words.front();
    words.erase(words.begin());
  }
  return serve(name, words);
}
