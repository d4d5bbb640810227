// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:ping, the program.
#include "agents/kit/agent.hpp"
#include "agents/ocf/ping/ping.hpp"

int main(int argc, char** argv) {
  systole::agents::ping::Ping agent;
  return systole::agents::run_agent(argc, argv, agent);
}
