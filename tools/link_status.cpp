// SPDX-License-Identifier: GPL-2.0-or-later
// See link_status.hpp. JSON keeps its names for ever, new ones may be added.
#include "tools/link_status.hpp"

#include <fmt/format.h>

#include "tools/json_bits.hpp"

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

double loss_percent(const ipc::LinkInfo& link) {
  return link.expected == 0 ? 0 : 100.0 * link.lost / link.expected;
}

std::string round_trip_text(const ipc::LinkInfo& link) {
  if (!link.round_trip) return "-";
  const auto ms = [](std::int64_t us) { return static_cast<double>(us) / 1000; };
  return fmt::format("{:.2f} / {:.2f} / {:.2f}", ms(link.round_trip->least_us), ms(link.round_trip->average_us),
                     ms(link.round_trip->most_us));
}

/// In whole seconds: this is for people.
std::string age(std::int64_t ms) {
  return to_text(std::chrono::seconds(ms / 1000));
}

std::string line(std::string_view peer, std::size_t index, const ipc::LinkInfo& link) {
  const std::string loss = link.expected == 0 ? "-" : fmt::format("{:.1f} %", loss_percent(link));
  return fmt::format("{:<12} {:>4}  {:<22} {:<5} {:>10} {:>8}  {:>22} {:>5}\n", peer, index, link.address, link.state,
                     age(link.lasts_ms), loss, round_trip_text(link), link.flaps);
}

}  // namespace

std::string links_text(const ipc::ClusterInfo& cluster) {
  std::string text = fmt::format("{:<12} {:>4}  {:<22} {:<5} {:>10} {:>8}  {:>22} {:>5}\n", "Peer", "Link", "Address",
                                 "State", "for", "Loss", "Round trip (ms) *", "Flaps");
  for (const ipc::NodeInfo& node : cluster.nodes)
    for (std::size_t i = 0; i < node.links.size(); ++i) text += line(node.name, i, node.links[i]);
  text += "* least / average / most of the last packets: out over the fastest link, back over this one\n";
  const std::vector<std::string> troubles = link_troubles(cluster);
  for (const std::string& trouble : troubles) text += trouble + "\n";
  return text + (troubles.empty() ? fmt::format("All links of {} are well.\n", cluster.self) : "");
}

std::vector<std::string> link_troubles(const ipc::ClusterInfo& cluster) {
  std::vector<std::string> troubles;
  for (const ipc::NodeInfo& node : cluster.nodes)
    for (std::size_t i = 0; i < node.links.size(); ++i)
      if (const ipc::LinkInfo& link = node.links[i]; !link.trouble.empty())
        troubles.push_back(fmt::format("link {} to {} ({}): {}", i, node.name, link.address, link.trouble));
  return troubles;
}

std::string link_json(const ipc::LinkInfo& link) {
  const std::string trip =
      link.round_trip ? fmt::format(R"({{"min_us": {}, "avg_us": {}, "max_us": {}}})", link.round_trip->least_us,
                                    link.round_trip->average_us, link.round_trip->most_us)
                      : "null";
  return fmt::format(
      R"({{"address": {}, "state": {}, "silent_ms": {}, "state_ms": {}, "ever_heard": {}, "lost": {}, "expected": {}, )"
      R"("loss_percent": {:.1f}, "round_trip": {}, "flaps": {}, "carries_messages": {}, "trouble": {}}})",
      quoted(link.address), quoted(link.state), link.silent_ms, link.lasts_ms, link.ever_heard, link.lost,
      link.expected, loss_percent(link), trip, link.flaps, link.carries, quoted(link.trouble));
}

std::string links_json(const ipc::ClusterInfo& cluster) {
  std::vector<std::string> peers;
  for (const ipc::NodeInfo& node : cluster.nodes)
    if (node.name != cluster.self)
      peers.push_back(fmt::format(R"({{"name": {}, "up": {}, "links": {}}})", quoted(node.name), node.up,
                                  array(node.links, link_json)));
  return fmt::format("{{\"cluster\": {}, \"self\": {},\n \"peers\": [{}]}}\n", quoted(cluster.cluster),
                     quoted(cluster.self), join(peers, ",\n  "));
}

int link_status(Surroundings& here, bool json) {
  const auto reply = here.daemon->ask(ipc::QueryCluster{});
  if (!reply) return fail(here, "systole", reply.error());
  if (!reply->cluster) return fail(here, "systole", refusal(*reply));
  here.out += json ? links_json(*reply->cluster) : links_text(*reply->cluster);
  return link_troubles(*reply->cluster).empty() ? exit_code::ok : exit_code::error;
}

}  // namespace systole::tools
