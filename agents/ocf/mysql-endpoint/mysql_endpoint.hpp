// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:mysql-endpoint: keeps `systole mysql endpoint` running on a node, for clusters whose manager shall do
// what a service manager could do as well. It has no state but the process, which may be killed at any moment.
#pragma once

#include "agents/kit/agent.hpp"

namespace systole::agents::endpoint {

const About& about_mysql_endpoint();

class MysqlEndpoint final : public Agent {
 public:
  const About& about() const override { return about_mysql_endpoint(); }
  Ocf validate(Call& call) override;
  Ocf start(Call& call) override;
  Ocf stop(Call& call) override;
  Ocf monitor(Call& call) override;
};

}  // namespace systole::agents::endpoint
