// SPDX-License-Identifier: GPL-2.0-or-later
// The program ocf:systole:mysql.
#include "agents/ocf/mysql/mysql_agent.hpp"

int main(int argc, char** argv) {
  systole::mysql::MysqlAgent agent;
  return systole::agents::run_agent(argc, argv, agent);
}
