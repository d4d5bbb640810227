// SPDX-License-Identifier: GPL-2.0-or-later
// The durable records: whatever a disk returns, it is either what was written or refused.
#include <cstdlib>

#include "cib/store/codec.hpp"
#include "tests/fuzz/hammer.hpp"

namespace {

using namespace systole;
using namespace systole::cib;

const Stamped document{
    {{7, NodeId{2}}, 42}, "<cib epoch=\"3\"><configuration/><status/></cib>\n", {{{6, NodeId{1}}, 40}}};
const Vote vote{9, NodeId{3}};

void one_round(Dice& dice) {
  static const fuzz::Mutator maker({encode(document), encode(vote)},
                                   {"<!-- systole ", " -->\n", " digest=", "term=1 ",
                                    "node=", "index=18446744073709551616", "voted_for=4294967296", "\n", "="});
  const std::string bytes = maker.make(dice);
  const auto stamped = decode(bytes);
  const auto kept = decode_vote(bytes);
  if (stamped && !(*stamped == document)) std::abort();
  if (kept && !(*kept == vote)) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  return systole::fuzz::hammer(argc, argv, one_round);
}
