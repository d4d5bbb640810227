// SPDX-License-Identifier: GPL-2.0-or-later
// crm_node: names and numbers of nodes, who is there, is there quorum.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "tools/arguments.hpp"
#include "tools/program.hpp"

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

constexpr std::string_view tool = "crm_node";

const std::vector<Option>& options() {
  static const std::vector<Option> options{
      {'n', {"name"}, Takes::nothing, "print the name of this node"},
      {'i', {"cluster-id"}, Takes::nothing, "print the number of this node"},
      {'l', {"list"}, Takes::nothing, "print all nodes: number, name, member or lost"},
      {'p', {"partition"}, Takes::nothing, "print the names of the nodes that are here"},
      {'q', {"quorum"}, Takes::nothing, "print 1 with quorum, 0 (and end with 106) without"},
      {'N', {"name-for-id"}, Takes::value, "print the name of the node with that number"},
      {'V', {"verbose"}, Takes::nothing, ""},
      {'Q', {"quiet"}, Takes::nothing, ""},
      {'$', {"version"}, Takes::nothing, "print the version"},
      {'?', {"help", "help-all"}, Takes::nothing, "print this help"},
  };
  return options;
}

std::string list_nodes(const ipc::ClusterInfo& cluster) {
  std::string text;
  for (const ipc::NodeInfo& node : cluster.nodes)
    text += fmt::format("{} {} {}\n", node.id, node.name, node.up ? "member" : "lost");
  return text;
}

std::string list_partition(const ipc::ClusterInfo& cluster) {
  std::string text;
  for (const ipc::NodeInfo& node : cluster.nodes)
    if (node.up) text += node.name + " ";
  return text + "\n";
}

int print_name_for_id(Surroundings& here, const ipc::ClusterInfo& cluster, const std::string& id) {
  const auto wanted = parse_int<std::uint32_t>(id);
  for (const ipc::NodeInfo& node : cluster.nodes)
    if (wanted && node.id == *wanted) {
      here.out += node.name + "\n";
      return 0;
    }
  here.err += fmt::format("{}: there is no node with number '{}'\n", tool, id);
  return exit_code::no_such;
}

}  // namespace

int crm_node(Surroundings& here) {
  const auto arguments = Arguments::parse(options(), here.words);
  if (!arguments) return usage(here, tool, arguments.error().what);
  if (arguments->has('?')) {
    here.out += help_text("crm_node: names and numbers of nodes, who is there, is there quorum", options());
    return 0;
  }
  if (arguments->has('$')) {
    here.out += "Pacemaker 2.1.5 (Systole " SYSTOLE_VERSION ")\n";
    return 0;
  }
  const char action = arguments->last_of("nilpqN");
  if (action == 0) return usage(here, tool, "say what to print: -n, -i, -l, -p or -q");
  if (action == 'n') {
    // An agent on a bundle or remote node must hear the name that the cluster means, not the host's.
    if (const std::string node = node_of_environment(here); !node.empty()) {
      here.out += node + "\n";
      return 0;
    }
  }
  const auto reply = here.daemon->ask(ipc::QueryCluster{});
  if (!reply) return fail(here, tool, reply.error());
  if (!reply->cluster) return fail(here, tool, refusal(*reply));
  ipc::ClusterInfo cluster = *reply->cluster;
  std::ranges::sort(cluster.nodes, {}, &ipc::NodeInfo::name);
  switch (action) {
    case 'n':
      here.out += cluster.self + "\n";
      return 0;
    case 'l':
      here.out += list_nodes(cluster);
      return 0;
    case 'p':
      here.out += list_partition(cluster);
      return 0;
    case 'q':
      here.out += cluster.quorate ? "1\n" : "0\n";
      return cluster.quorate ? 0 : exit_code::no_quorum;
    case 'N':
      return print_name_for_id(here, cluster, arguments->value('N').value_or(""));
  }
  for (const ipc::NodeInfo& node : cluster.nodes)
    if (node.name == cluster.self) here.out += fmt::format("{}\n", node.id);
  return 0;
}

}  // namespace systole::tools
