// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:IPaddr: the verbs. Each gathers Facts, lets plan.hpp decide, and acts.
#pragma once

#include "agents/kit/agent.hpp"
#include "agents/ocf/IPaddr/plan.hpp"

namespace systole::agents::ipaddr {

class IPaddr final : public Agent {
 public:
  const About& about() const override { return ipaddr::about; }
  Ocf validate(Call& call) override;
  Ocf start(Call& call) override;
  Ocf stop(Call& call) override;
  Ocf monitor(Call& call) override;
  Ocf extra(Call& call) override;  // watch
};

}  // namespace systole::agents::ipaddr
