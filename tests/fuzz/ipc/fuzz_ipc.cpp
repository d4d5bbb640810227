// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes on the tools' socket, in both directions, and sealed datagrams: they are what they were or they are refused;
// what was read is written again as the same bytes. The XML scanner of the attribute tools comes along: it reads what a
// daemon of another release may have written.
#include <cstdlib>

#include "common/base/limits.hpp"
#include "common/wire/ipc.hpp"
#include "common/wire/ipc_frame.hpp"
#include "crmd/io/seal.hpp"
#include "tests/fuzz/hammer.hpp"
#include "tools/xml_bits.hpp"

namespace {

using namespace systole;
namespace ipc = wire::ipc;

std::vector<std::string> samples() {
  ipc::ChangeCib change;
  change.request.xml = "<nvpair id=\"a\" name=\"b\" value=\"&lt;c&#65;\"/>";
  ipc::SetAttribute set;
  set.name = "pingd";
  set.value = "100";
  set.dampening = 5s;
  ipc::Reply reply;
  reply.cluster.emplace().nodes = {{1, "n1", true, true, false, {{"up", 3}}}};
  reply.attributes = {{"a", "n1", "1"}};
  return {wire::encode(ipc::Request{change}), wire::encode(ipc::Request{set}),
          wire::encode(ipc::Request{ipc::QueryCluster{}}), wire::encode(reply)};
}

template <class T>
void same_again(const std::string& bytes) {
  const auto value = wire::decode<T>(bytes);
  if (value && wire::encode(*value) != bytes) std::abort();
}

void frames(const std::string& bytes) {
  if (bytes.size() < ipc::frame_head_bytes) return;
  const auto head = ipc::read_frame_head(bytes);
  if (head && head->body_bytes > limits::ipc_frame_bytes_max) std::abort();
}

void one_round(Dice& dice) {
  static const fuzz::Mutator maker(
      samples(), {std::string(4, '\xff'), std::string(4, '\0'), "\x01", "\x06", "<nvpair ", "\"", "&#"});
  static const io::Sealer sealer({config::Key{}});
  const std::string bytes = maker.make(dice);
  same_again<ipc::Request>(bytes);
  same_again<ipc::Reply>(bytes);
  frames(bytes);
  tools::find_nvpairs(bytes);
  tools::find_attribute(bytes, "node", "id");
  if (!sealer.open(bytes).refusal) std::abort();
  std::string sealed = sealer.seal(bytes.substr(0, 1'000));
  const std::size_t at = dice.below(sealed.size());
  sealed[at] = static_cast<char>(sealed[at] ^ (1 << dice.below(8)));
  if (!sealer.open(sealed).refusal) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  return systole::fuzz::hammer(argc, argv, one_round);
}
