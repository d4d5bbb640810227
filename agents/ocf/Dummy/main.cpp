// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:Dummy, the program.
#include "agents/kit/agent.hpp"
#include "agents/ocf/Dummy/dummy.hpp"

int main(int argc, char** argv) {
  systole::agents::dummy::Dummy agent;
  return systole::agents::run_agent(argc, argv, agent);
}
