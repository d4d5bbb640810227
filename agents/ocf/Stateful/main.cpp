// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:Stateful, the program.
#include "agents/kit/agent.hpp"
#include "agents/ocf/Stateful/stateful.hpp"

int main(int argc, char** argv) {
  systole::agents::stateful::Stateful agent;
  return systole::agents::run_agent(argc, argv, agent);
}
