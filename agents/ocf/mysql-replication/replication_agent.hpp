// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:mysql-replication: the verbs. It watches a server that somebody else starts and stops.
#pragma once

#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql-replication/settings.hpp"

namespace systole::mysql_replication {

class ReplicationAgent final : public agents::Agent {
 public:
  const agents::About& about() const override { return about_replication(); }
  agents::Ocf validate(agents::Call& call) override;
  agents::Ocf start(agents::Call& call) override;
  agents::Ocf stop(agents::Call& call) override;
  agents::Ocf monitor(agents::Call& call) override;
  agents::Ocf reload(agents::Call& call) override;
};

}  // namespace systole::mysql_replication
