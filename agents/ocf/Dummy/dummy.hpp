// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:Dummy: runs while a file is there. For those who try a manager out: its actions take as long and fail as
// one orders.
#pragma once

#include "agents/kit/agent.hpp"

namespace systole::agents::dummy {

const About& about_dummy();

class Dummy final : public Agent {
 public:
  const About& about() const override { return about_dummy(); }
  bool keeps_time(std::string_view) const override { return false; }
  Ocf validate(Call& call) override;
  Ocf start(Call& call) override;
  Ocf stop(Call& call) override;
  Ocf monitor(Call& call) override;
  Ocf reload(Call& call) override;
  Ocf extra(Call& call) override;  // reload, migrate_to, migrate_from
};

}  // namespace systole::agents::dummy
