// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:Stateful: a file that says Promoted or Unpromoted. For those who try a manager of promotable clones out.
#pragma once

#include "agents/kit/agent.hpp"

namespace systole::agents::stateful {

const About& about_stateful();

class Stateful final : public Agent {
 public:
  const About& about() const override { return about_stateful(); }
  bool keeps_time(std::string_view) const override { return false; }
  Ocf validate(Call& call) override;
  Ocf start(Call& call) override;
  Ocf stop(Call& call) override;
  Ocf monitor(Call& call) override;
  Ocf promote(Call& call) override;
  Ocf demote(Call& call) override;
  Ocf notify(Call& call) override;
  Ocf reload(Call& call) override;
};

}  // namespace systole::agents::stateful
