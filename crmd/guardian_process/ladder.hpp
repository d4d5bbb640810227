// SPDX-License-Identifier: GPL-2.0-or-later
// The acts of the ladder, in this order: drop the addresses, so that no client reaches a server that may no longer
// serve; kill the processes; drop the addresses once more, because an agent may have added one before it died; look
// whether all is gone. Killing is quick, dying may not be: it looks for a while, then says what is left.
#pragma once

#include <vector>

#include "crmd/guardian/guardian.hpp"
#include "crmd/guardian_process/addresses.hpp"

namespace systole::guardian {

class Ladder {
 public:
  explicit Ladder(Addresses addresses) : addresses_(std::move(addresses)) {}
  /// spared: see Processes. Takes 100 ms at most, where the kernel answers.
  Climbed climb(const std::vector<Holding>& holdings, const std::vector<pid_t>& spared);

 private:
  Addresses addresses_;
};

}  // namespace systole::guardian
