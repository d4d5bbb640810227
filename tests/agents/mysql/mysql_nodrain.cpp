// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:mysql without the drain of the relay log before a promotion: what was received and not applied is lost.
// For tests and demonstrations that must be able to fail.
#include "agents/ocf/mysql/mysql_agent.hpp"

namespace {

class WithoutDrain : public systole::mysql::MysqlAgent {
  systole::Result<systole::mysql::GtidList> drain(systole::mysql::Server& server, const systole::mysql::Settings&,
                                                  systole::Deadline deadline) override {
    return server.applied(deadline);
  }
};

}  // namespace

int main(int argc, char** argv) {
  WithoutDrain agent;
  return systole::agents::run_agent(argc, argv, agent);
}
