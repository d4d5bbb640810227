// SPDX-License-Identifier: GPL-2.0-or-later
// See conf_draft.hpp.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/conf_draft.hpp"
#include "common/config/conf_tree.hpp"

namespace systole::config {
namespace {

Result<void> settle_times(Draft& draft, std::string_view file) {
  ClusterConf& conf = draft.conf;
  if (draft.deadtime && draft.token && *draft.deadtime != *draft.token)
    return error_at(file, draft.totem_line, "deadtime and token say the same thing with different values; keep one");
  conf.deadtime = draft.deadtime.value_or(draft.token.value_or(conf.deadtime));
  conf.keepalive = draft.keepalive.value_or(std::min<Duration>(200ms, conf.deadtime / 5));
  conf.initdead = draft.initdead.value_or(std::max<Duration>(10s, conf.deadtime));
  if (conf.deadtime < 3 * conf.keepalive)
    return error_at(file, draft.totem_line,
                    fmt::format("deadtime {} must be at least 3 × keepalive {}: one lost packet is no dead node",
                                to_text(conf.deadtime), to_text(conf.keepalive)));
  if (conf.lease == Duration{}) conf.lease.reset();
  if (conf.lease && *conf.lease <= conf.keepalive)
    return error_at(file, draft.totem_line,
                    fmt::format("lease {} must be longer than keepalive {}: each beat renews it", to_text(*conf.lease),
                                to_text(conf.keepalive)));
  if (conf.initdead < conf.deadtime)
    return error_at(
        file, draft.totem_line,
        fmt::format("initdead {} is shorter than deadtime {}", to_text(conf.initdead), to_text(conf.deadtime)));
  return {};
}

Result<void> check_nodes(const ClusterConf& conf, std::string_view file) {
  if (conf.nodes.empty())
    return Error{Errc::invalid, fmt::format("{}: no node; 'nodelist {{ node {{ … }} }}' is missing", file)};
  if (conf.nodes.size() > limits::nodes_max)
    return error_at(file, conf.nodes.back().line, fmt::format("more than {} nodes", limits::nodes_max));
  std::map<std::string, const NodeConf*> names, addresses;
  std::map<NodeId, const NodeConf*> ids;
  for (const NodeConf& node : conf.nodes) {
    if (const auto [other, fresh] = names.emplace(lower(node.name), &node); !fresh)
      return error_at(
          file, node.line,
          fmt::format("two nodes have the name '{}' (the other one: line {})", node.name, other->second->line));
    if (const auto [other, fresh] = ids.emplace(node.id, &node); !fresh)
      return error_at(
          file, node.line,
          fmt::format("nodes '{}' and '{}' have the same nodeid {}", other->second->name, node.name, node.id.value));
    if (node.addresses.size() != conf.nodes.front().addresses.size())
      return error_at(file, node.line,
                      fmt::format("node '{}' has {} addresses, node '{}' has {}", node.name, node.addresses.size(),
                                  conf.nodes.front().name, conf.nodes.front().addresses.size()));
    for (const std::string& address : node.addresses)
      if (const auto [other, fresh] = addresses.emplace(address, &node); !fresh)
        return error_at(file, node.line,
                        fmt::format("address {} is used twice (the other: node '{}', line {})", address,
                                    other->second->name, other->second->line));
  }
  return {};
}

bool is_multicast(const std::string& address) {
  in_addr four{};
  if (inet_pton(AF_INET, address.c_str(), &four) == 1) return IN_MULTICAST(ntohl(four.s_addr));
  in6_addr six{};
  return inet_pton(AF_INET6, address.c_str(), &six) == 1 && IN6_IS_ADDR_MULTICAST(&six) != 0;
}

bool is_v6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

/// Whom the link's packets go to: "", a multicast address, or "broadcast".
Result<std::string> group_of(const Draft& draft, std::size_t number, std::string_view file) {
  const auto found = draft.links.find(number);
  const Draft::Link link = found == draft.links.end() ? Draft::Link{} : found->second;
  const int line = link.line != 0 ? link.line : draft.totem_line;
  const bool named = !link.mcastaddr.empty();
  if (!draft.to_groups) {
    if (!named && !link.broadcast) return std::string();
    return error_at(file, line,
                    fmt::format("{} is used with 'transport: multicast' only; say so in totem, or remove it",
                                named ? "mcastaddr" : "broadcast"));
  }
  const std::string what = fmt::format("link {} with 'transport: multicast'", number);
  if (named == link.broadcast)
    return error_at(file, line, what + " needs an interface section with either mcastaddr or 'broadcast: yes'");
  const bool six = is_v6(draft.conf.nodes.front().addresses.at(number));
  if (link.broadcast && six) return error_at(file, line, "IPv6 knows no broadcast; give a mcastaddr");
  if (link.broadcast) return std::string("broadcast");
  if (!is_multicast(link.mcastaddr) || is_v6(link.mcastaddr) != six)
    return error_at(file, line,
                    fmt::format("mcastaddr '{}' is no multicast address of {}", link.mcastaddr,
                                six ? "IPv6 (such as ff15::7)" : "IPv4 (such as 239.192.7.1)"));
  return link.mcastaddr;
}

Result<void> settle_links(Draft& draft, std::string_view file) {
  const std::size_t count = draft.conf.nodes.front().addresses.size();
  for (const auto& [number, link] : draft.links)
    if (number >= count)
      return error_at(file, link.line, fmt::format("link {0} is described, but no node has a ring{0}_addr", number));
  for (std::size_t i = 0; i < count; ++i) {
    const auto described = draft.links.find(i);
    LinkConf link{.interface = "", .port = draft.port.value_or(default_port), .group = ""};
    if (described != draft.links.end()) {
      link.interface = described->second.interface;
      link.port = described->second.port.value_or(link.port);
    }
    const auto group = group_of(draft, i, file);
    if (!group) return group.error();
    link.group = *group;
    draft.conf.links.push_back(link);
  }
  return {};
}

/// Who votes and runs nothing has a part in a majority only; and somebody must be left to run something.
Result<void> check_witnesses(const Draft& draft, std::string_view file) {
  const ClusterConf& conf = draft.conf;
  const auto witness = std::ranges::find(conf.nodes, true, &NodeConf::witness);
  if (witness == conf.nodes.end()) {
    if (!draft.witness_wanted || conf.nodes.size() == 1) return {};
    return error_at(file, draft.quorum_line,
                    "mode witness needs a node with 'witness: yes' (a third machine that votes and runs nothing)");
  }
  if (std::ranges::all_of(conf.nodes, &NodeConf::witness))
    return error_at(file, witness->line, "every node is a witness: no node is left that could run a resource");
  if (draft.mode && draft.mode != QuorumMode::majority)
    return error_at(file, witness->line,
                    fmt::format("node '{}' is a witness, which has no part in mode {}; say 'mode: witness'",
                                witness->name, name_of(*draft.mode)));
  return {};
}

Result<void> check_ping(const Draft& draft, std::string_view file) {
  const ClusterConf& conf = draft.conf;
  if (draft.mode == QuorumMode::ping && conf.ping_targets.empty())
    return error_at(file, draft.quorum_line,
                    "mode ping needs a ping_target: the address of a machine, such as the router, that answers pings");
  if (draft.mode != QuorumMode::ping && !conf.ping_targets.empty())
    return error_at(file, draft.quorum_line, "ping_target is used by mode ping only; remove it or say 'mode: ping'");
  for (const NodeConf& node : conf.nodes)
    for (const std::string& address : node.addresses)
      if (std::ranges::find(conf.ping_targets, address) != conf.ping_targets.end())
        return error_at(file, draft.quorum_line,
                        fmt::format("ping_target {} is an address of node '{}': a node's own answer proves nothing",
                                    address, node.name));
  return {};
}

Result<void> settle_quorum(Draft& draft, std::string_view file) {
  const std::size_t count = draft.conf.nodes.size();
  if (draft.expected_votes && *draft.expected_votes != count)
    return error_at(
        file, draft.quorum_line,
        fmt::format("expected_votes {} differs from the {} nodes of the nodelist", *draft.expected_votes, count));
  if (draft.two_node == 1u) {
    if (draft.mode && draft.mode != QuorumMode::none)
      return error_at(file, draft.quorum_line, "two_node: 1 means mode: none, and another mode is given; keep one");
    draft.mode = QuorumMode::none;
  }
  const bool tie_break = draft.mode == QuorumMode::none || draft.mode == QuorumMode::ping;
  if (count > 2 && tie_break)
    return error_at(file, draft.quorum_line,
                    fmt::format("mode {} is for two nodes; here are {}: with three or more, a majority decides",
                                draft.mode == QuorumMode::none ? "none (two_node)" : "ping", count));
  if (count == 2 && !draft.mode && !draft.conf.has_witness())
    return Error{
        Errc::invalid,
        fmt::format(
            "{}: two nodes have no majority when one is lost: say in 'quorum {{ }}' either 'mode: none' "
            "(whoever is left goes on; a cut between the nodes makes both go on), 'mode: ping' (whoever is left and "
            "reaches a ping_target goes on) or 'mode: majority' (whoever is left stops). A third node with "
            "'witness: yes' is the best way",
            file)};
  draft.conf.mode = count == 1 ? QuorumMode::majority : draft.mode.value_or(QuorumMode::majority);
  return {};
}

}  // namespace

Result<void> settle(Draft& draft, std::string_view file) {
  if (const auto done = settle_times(draft, file); !done) return done.error();
  if (const auto done = check_nodes(draft.conf, file); !done) return done.error();
  if (const auto done = settle_links(draft, file); !done) return done.error();
  if (draft.conf.guardian.watchdog_timeout && draft.conf.guardian.watchdog_device.empty())
    return error_at(file, draft.guardian_line, "watchdog_timeout is of no use without a watchdog_device");
  if (const auto done = settle_quorum(draft, file); !done) return done.error();
  if (const auto done = check_ping(draft, file); !done) return done.error();
  return check_witnesses(draft, file);
}

}  // namespace systole::config
