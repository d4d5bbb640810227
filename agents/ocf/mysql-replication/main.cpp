// SPDX-License-Identifier: GPL-2.0-or-later
// The program ocf:systole:mysql-replication.
#include "agents/ocf/mysql-replication/replication_agent.hpp"

int main(int argc, char** argv) {
  systole::mysql_replication::ReplicationAgent agent;
  return systole::agents::run_agent(argc, argv, agent);
}
