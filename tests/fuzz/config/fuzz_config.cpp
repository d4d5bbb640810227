// SPDX-License-Identifier: GPL-2.0-or-later
// cluster.conf and the key file: whatever an editor left behind is read or refused with its place, and what is accepted
// keeps its promises to those who use it.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "common/base/limits.hpp"
#include "common/config/cluster_conf.hpp"
#include "common/config/key_file.hpp"
#include "common/config/write_cluster_conf.hpp"
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

/// Whatever people made of their file: a node more leaves it sound, and everything that was in it.
void grow(const std::string& text, const config::ClusterConf& before, Dice& dice) {
  config::Newcomer newcomer{.name = "new", .addresses = {"192.0.2.77", "2001:db8::77"}};
  newcomer.addresses.resize(std::min<std::size_t>(2, before.links.size()));
  newcomer.witness = dice.chance(1, 2);
  const auto grown = config::with_node(text, newcomer, "f");
  if (!grown) return;
  const auto after = config::parse_cluster_conf(grown->text, "f");
  if (!after || after->nodes.size() != before.nodes.size() + (grown->was_listed ? 0 : 1)) std::abort();
  for (std::size_t i = 0; i < before.nodes.size(); ++i)
    if (after->nodes[i].name != before.nodes[i].name || after->nodes[i].id != before.nodes[i].id) std::abort();
  if (after->cluster_name != before.cluster_name || after->links != before.links) std::abort();
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
  if (read) {
    check(*read);
    grow(text, *read, dice);
  } else if (!read.error().what.starts_with("f:")) {
    std::abort();
  }
  static const fuzz::Mutator keys({std::string(64, 'a') + "\n# x\n" + std::string(43, 'B') + "=\n"},
                                  {"=", "==", "\n", "zz"});
  const std::string content = keys.make(dice);
  const auto parsed = config::parse_keys(content, "k");
  if (!parsed) return;
  if (parsed->empty()) std::abort();
  if (const auto more = config::with_added_key(content, config::Key{}, "k")) {
    const auto again = config::parse_keys(*more, "k");
    if (!again || again->size() != parsed->size() + 1) std::abort();
  }
}

}  // namespace

int main(int argc, char** argv) {
  return systole::fuzz::hammer(argc, argv, one_round);
}
