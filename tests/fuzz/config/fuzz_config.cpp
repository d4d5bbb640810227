// SPDX-License-Identifier: GPL-2.0-or-later
// cluster.conf and the key file: whatever an editor left behind is read or refused with its place, and what is accepted
// keeps its promises to those who use it.
#include <cstdlib>
#include <set>

#include "common/base/limits.hpp"
#include "common/config/cluster_conf.hpp"
#include "common/config/key_file.hpp"
#include "tests/fuzz/hammer.hpp"

namespace {

using namespace systole;

const std::string conf = R"(totem {
  version: 2
  cluster_name: shop
  keepalive: 100
  deadtime: 500
  initdead: 3000
  port: 5409
  key_file: /etc/k
  interface {
    linknumber: 1
    interface: eth1
    port: 6000
  }
}
nodelist {
  node {
    nodeid: 1
    name: alpha
    ring0_addr: 192.0.2.1
    ring1_addr: 2001:db8::1
  }
  node {
    nodeid: 2
    name: beta
    ring0_addr: 192.0.2.2
    ring1_addr: 2001:db8::2
  }
}
quorum {
  mode: none
}
logging {
  debug: on
}
)";

void check(const config::ClusterConf& read) {
  if (read.nodes.empty() || read.nodes.size() > limits::nodes_max) std::abort();
  if (read.deadtime < 3 * read.keepalive || read.initdead < read.deadtime) std::abort();
  std::set<std::string> names;
  for (const config::NodeConf& node : read.nodes) {
    if (!node.id || !names.insert(node.name).second) std::abort();
    if (node.addresses.size() != read.links.size() || node.addresses.size() > limits::links_max) std::abort();
  }
  for (const config::LinkConf& link : read.links)
    if (link.port == 0) std::abort();
}

void one_round(Dice& dice) {
  static const fuzz::Mutator maker(
      {conf}, {"{", "}", "\n}\n", ":", "node {\n", "nodeid: 4294967296\n", "# ", "two_node: 1\n", "ring7_addr: ::1\n",
               "token: 18446744073709551616\n", "\xff"});
  const std::string text = maker.make(dice);
  const auto read = config::parse_cluster_conf(text, "f");
  if (read)
    check(*read);
  else if (!read.error().what.starts_with("f:"))
    std::abort();
  static const fuzz::Mutator keys({std::string(64, 'a') + "\n# x\n" + std::string(43, 'B') + "=\n"},
                                  {"=", "==", "\n", "zz"});
  const auto parsed = config::parse_keys(keys.make(dice), "k");
  if (parsed && parsed->empty()) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  return systole::fuzz::hammer(argc, argv, one_round);
}
