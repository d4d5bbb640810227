// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:ping: the verbs. A monitor asks the hosts, sets the attribute, and tells what has changed.
#pragma once

#include "agents/kit/agent.hpp"
#include "agents/ocf/ping/settings.hpp"

namespace systole::agents::ping {

class Ping final : public Agent {
 public:
  const About& about() const override { return ping::about; }
  Ocf validate(Call& call) override;
  Ocf start(Call& call) override;
  Ocf stop(Call& call) override;
  Ocf monitor(Call& call) override;
  Ocf reload(Call& call) override;
};

}  // namespace systole::agents::ping
