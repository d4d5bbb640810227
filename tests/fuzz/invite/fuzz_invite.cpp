// SPDX-License-Identifier: GPL-2.0-or-later
// What comes from the network while somebody is invited: anything at all before the token is proven, well-sealed
// nonsense after. Neither side may crash, and none may believe in files or a request that were not sent.
#include <cstdlib>

#include "common/invite/guest.hpp"
#include "common/invite/host.hpp"
#include "common/wire/codec.hpp"
#include "tests/fuzz/hammer.hpp"

namespace {

using namespace systole;
using namespace systole::invite;

const Request request{"0.1.0", "n2", {"192.0.2.2", "2001:db8::2"}};
const Offer offer{"n1", "totem {\n}\n", "aa\n", "<cib/>"};

Token token_of(unsigned char byte) {
  Token token{};
  token.fill(byte);
  return token;
}

Random random_of(unsigned char byte) {
  Random random{};
  random.fill(byte);
  return random;
}

/// In pieces, as a network delivers them; the first event.
template <class Side>
auto feed(Side& side, std::string_view bytes, Dice& dice) {
  decltype(side.hear("").event) event;
  while (!bytes.empty()) {
    const std::size_t size = 1 + dice.below(bytes.size());
    const auto heard = side.hear(bytes.substr(0, size));
    if (!event) event = heard.event;
    bytes.remove_prefix(size);
  }
  return event;
}

void before_the_proof(Dice& dice) {
  Host host(token_of(1), random_of(2));
  Guest guest(token_of(1), random_of(3), request);
  Guest stranger(token_of(9), random_of(3), request);
  const std::string frame = stranger.hear(Host(token_of(9), random_of(2)).hear(stranger.hello()).reply).reply;
  static const fuzz::Mutator maker({guest.hello(), guest.hello() + frame}, {"SYSJOIN\x01", std::string(4, '\0')});
  if (const auto event = feed(host, maker.make(dice), dice))
    if (event->what != Host::What::failed && event->what != Host::What::wrong_token) std::abort();
  if (const auto event = feed(guest, maker.make(dice), dice))
    if (event->what != Guest::What::failed) std::abort();
}

void sealed_nonsense(Dice& dice) {
  static const fuzz::Mutator maker({wire::encode(Message{request}), wire::encode(Message{offer})},
                                   {std::string(4, '\xff'), std::string(1, '\2')});
  const std::string bytes = maker.make(dice);
  const auto message = wire::decode<Message>(bytes);
  if (!message) return;
  if (wire::decode<Message>(wire::encode(*message)) != message) std::abort();
  Channel host(Side::host, token_of(1), random_of(2));
  Guest guest(token_of(1), random_of(3), request);
  (void)host.hear(guest.hello());
  (void)guest.hear(host.hello());
  const auto heard = guest.hear(host.seal(*message));
  if (!heard.event) std::abort();
  const bool is_offer = std::holds_alternative<Offer>(*message);
  if ((heard.event->what == Guest::What::offered) != is_offer) std::abort();
}

void one_round(Dice& dice) {
  before_the_proof(dice);
  sealed_nonsense(dice);
  static const fuzz::Mutator maker({to_text(token_of(7))}, {"-", " ", "o", "U"});
  if (const auto token = parse_token(maker.make(dice)))
    if (parse_token(to_text(*token)).value() != *token) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  return systole::fuzz::hammer(argc, argv, one_round);
}
