// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:IPaddr, the program.
#include "agents/kit/agent.hpp"
#include "agents/ocf/IPaddr/ipaddr.hpp"

int main(int argc, char** argv) {
  systole::agents::ipaddr::IPaddr agent;
  return systole::agents::run_agent(argc, argv, agent);
}
