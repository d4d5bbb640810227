// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:mysql. Each verb: look (gather, find), decide (judge, elect, diverged), act. The verbs are in the files
// of their names; what they share is in server, replication and cluster.
#pragma once

#include <set>
#include <string>

#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql/cluster.hpp"
#include "agents/ocf/mysql/helper.hpp"
#include "agents/ocf/mysql/must_follow.hpp"
#include "agents/ocf/mysql/options.hpp"
#include "agents/ocf/mysql/plain_replication.hpp"
#include "agents/ocf/mysql/replication.hpp"
#include "agents/ocf/mysql/server.hpp"

namespace systole::mysql {

class MysqlAgent : public agents::Agent {
 public:
  const agents::About& about() const override { return about_mysql(); }
  /// Where the server's own configuration puts its files.
  agents::Fallbacks fallbacks(agents::Call& call) override;
  agents::Ocf validate(agents::Call& call) override;
  agents::Ocf start(agents::Call& call) override;
  agents::Ocf stop(agents::Call& call) override;
  agents::Ocf monitor(agents::Call& call) override;
  agents::Ocf promote(agents::Call& call) override;
  agents::Ocf demote(agents::Call& call) override;
  agents::Ocf notify(agents::Call& call) override;
  agents::Ocf extra(agents::Call& call) override;  // watch, preflight

 protected:
  /// Before a promotion: everything received is applied. A function of its own so that a test program can leave it out
  /// and show that the loss is noticed.
  virtual Result<GtidList> drain(Server& server, const Settings& settings, Deadline deadline);

 private:
  agents::Ocf watch(agents::Call& call);
  agents::Ocf preflight(agents::Call& call);
  agents::Ocf promote_by_record(agents::Call& call, const Settings& settings, Server& server, Cluster& cluster);
  agents::Ocf promote_by_histories(agents::Call& call, const Settings& settings, Server& server, Cluster& cluster);
  agents::Ocf promote_plain(agents::Call& call, const Settings& settings, Server& server, Cluster& cluster,
                            Track track);

  // From fallbacks(). All the server's options at start and validate-all, else perhaps only additional_parameters.
  std::vector<std::string> configured_;
  std::string configuration_fault_;     // why the server cannot read its own configuration
  Dialect dialect_ = Dialect::usual();  // of the program that start launches; from validate
};

/// follow(), then up to `patience` until the primary's position is reached here. Keeps the mark and the memo.
Result<void> follow_and_wait(Server& server, const Settings& settings, Cluster& cluster, const PrimaryAddress& primary,
                             Deadline deadline, Duration patience, Log& log);

/// Where the other live instances listen, as the cluster knows them; without notifications, whoever is connected.
std::set<std::string> replica_hosts(Server& server, agents::Call& call, Cluster& cluster, Deadline deadline);

}  // namespace systole::mysql
