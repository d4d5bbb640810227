// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:mysql-endpoint, the program.
#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql-endpoint/mysql_endpoint.hpp"

int main(int argc, char** argv) {
  systole::agents::endpoint::MysqlEndpoint agent;
  return systole::agents::run_agent(argc, argv, agent);
}
