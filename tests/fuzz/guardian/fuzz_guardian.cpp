// SPDX-License-Identifier: GPL-2.0-or-later
// The datagrams between crmd and the guardian: what is read is written again as the same bytes, or it was refused.
#include <cstdlib>

#include "crmd/guardian/protocol.hpp"
#include "tests/fuzz/hammer.hpp"

namespace {

using namespace systole;
using namespace systole::guardian;

std::vector<std::string> samples() {
  const Holding vip{"vip", {"10.0.0.5", "fd00::5"}, "", {}, {}},
      db{"db", {}, "/sys/fs/cgroup/systole-n1/db", {4711, 4712}, {"/run/my\nsql %.pid"}};
  State state;
  state.pid = 99;
  state.until = Time{1234567890123ns};
  state.watchdog = "/dev/watchdog, 10 s";
  state.laddered = Laddered{Time{5s}, false, "there is still: process 7"};
  state.holdings = {vip, db};
  return {encode(FromCrmd{Hello{}}).value(),
          encode(FromCrmd{HoldList{7, {vip, db}}}).value(),
          encode(FromCrmd{CrmdDone{}}).value(),
          encode(FromCrmd{HeardNews{}}).value(),
          encode(FromGuardian{state}).value(),
          encode(FromGuardian{Ack{7}}).value(),
          encode(FromGuardian{LadderedNews{{Time{5s}, true, "all is gone"}}}).value()};
}

void one_round(Dice& dice) {
  static const fuzz::Mutator maker(samples(), {"\n", "%0A", "%", " ", "resource ", "group -1\n", "cgroup /\n", "until ",
                                               "pid ", "18446744073709551616", "laddered 1 yes ", "hello 2\n"});
  const std::string bytes = maker.make(dice);
  if (const auto message = decode_from_crmd(bytes); message && encode(*message).value() != bytes) std::abort();
  if (const auto message = decode_from_guardian(bytes); message && encode(*message).value() != bytes) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  return systole::fuzz::hammer(argc, argv, one_round);
}
