// SPDX-License-Identifier: GPL-2.0-or-later
// cluster.conf and the key file: whatever an editor left behind is read or refused with its place, and what is accepted
// keeps its promises to those who use it.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "common/base/limits.hpp"
#include "common/config/cluster_conf.hpp"
#include "common/config/key_file.hpp"
#include "tests/fuzz/hammer.hpp"
#include "tests/unit/config/two_nodes.hpp"

namespace {

using namespace systole;

void check(const config::ClusterConf& read) {
  if (read.nodes.empty() || read.nodes.size() > limits::nodes_max) std::abort();
  if (read.deadtime < 3 * read.keepalive || read.initdead < read.deadtime) std::abort();
  std::set<std::string> names;
  for (const config::NodeConf& node : read.nodes) {
    if (!node.id || !names.insert(node.name).second) std::abort();
    if (node.addresses.size() != read.links.size() || node.addresses.size() > limits::links_max) std::abort();
  }
  if (read.mode != config::QuorumMode::majority && read.nodes.size() != 2) std::abort();
  if (read.mode == config::QuorumMode::ping && read.ping_targets.empty()) std::abort();
  if (std::ranges::all_of(read.nodes, &config::NodeConf::witness)) std::abort();
  for (const config::LinkConf& link : read.links)
    if (link.port == 0) std::abort();
}

void one_round(Dice& dice) {
  static const fuzz::Mutator maker({config::two_nodes}, {"{",
                                                         "}",
                                                         "\n}\n",
                                                         ":",
                                                         "node {\n",
                                                         "nodeid: 4294967296\n",
                                                         "# ",
                                                         "two_node: 1\n",
                                                         "ring7_addr: ::1\n",
                                                         "mode: none\n",
                                                         "port: 5409\n",
                                                         "initdead: 3000\n",
                                                         "key_file: /etc/k\n",
                                                         "token: 18446744073709551616\n",
                                                         "mode: ping\n",
                                                         "ping_target: 192.0.2.9, ::9\n",
                                                         "witness: yes\n",
                                                         "guardian {\nwatchdog_device: /w\n}\n",
                                                         "lease: 300\n",
                                                         "\xff"});
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
