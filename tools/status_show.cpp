// SPDX-License-Identifier: GPL-2.0-or-later
// See status.hpp: showing. Text for people fits 80 columns in ordinary clusters; JSON keeps its names for ever, new
// ones may be added.
#include <fmt/format.h>

#include "common/base/text.hpp"
#include "tools/json_bits.hpp"
#include "tools/link_status.hpp"
#include "tools/status.hpp"

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

struct Paint {
  bool colours = false;
  std::string red(std::string_view text) const { return with("1;31", text); }
  std::string yellow(std::string_view text) const { return with("33", text); }
  std::string green(std::string_view text) const { return with("32", text); }
  std::string bold(std::string_view text) const { return with("1", text); }

 private:
  std::string with(std::string_view code, std::string_view text) const {
    return colours ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
  }
};

std::string node_line(const NodeView& node, const ipc::ClusterInfo& cluster, const Paint& paint) {
  std::vector<std::string> words;
  if (!node.info.up)
    words.push_back(paint.red("OFFLINE"));
  else if (!node.info.joined && !node.info.witness)
    words.push_back(paint.yellow("joining"));
  else
    words.push_back(paint.green("online"));
  if (node.standby) words.push_back(paint.yellow("standby"));
  if (node.maintenance) words.push_back(paint.yellow("maintenance"));
  if (node.unclean) words.push_back(paint.red("UNCLEAN"));
  if (node.info.witness) words.emplace_back("witness");
  if (node.info.name == cluster.leader) words.emplace_back("leader");
  for (std::size_t i = 0; i < node.info.links.size(); ++i) {
    const ipc::LinkInfo& link = node.info.links[i];
    if (link.state != "up")
      words.push_back(paint.yellow(
          fmt::format("link {} {} ({:.1f} s silent)", i, link.state, static_cast<double>(link.silent_ms) / 1000)));
  }
  return fmt::format("  {:<12} {}\n", node.info.name, join(words, ", "));
}

std::string instance_words(const InstanceView& instance, const Paint& paint) {
  std::string text = fmt::format("{} {}", instance.role, instance.node);
  if (instance.failed) text = paint.red(fmt::format("FAILED {}", instance.node));
  if (instance.pending) text += paint.yellow(" (under way)");
  if (!instance.failure.empty()) text += paint.yellow(fmt::format(" ({})", instance.failure));
  if (!instance.fail_count.empty() && instance.fail_count != "0")
    text += paint.yellow(fmt::format(" (fail count {})", instance.fail_count));
  return text;
}

std::string resource_lines(const ResourceView& resource, const Paint& paint) {
  std::vector<std::string> where;
  for (const InstanceView& instance : resource.instances) where.push_back(instance_words(instance, paint));
  if (resource.instances_running == 0)
    where.insert(where.begin(), resource.wanted ? paint.red("STOPPED") : "stopped, as wanted");
  std::string name = resource.id;
  if (!resource.parent.empty()) name += fmt::format(" ({})", resource.parent);
  std::string text =
      fmt::format("  {:<20} {}{}\n", name, join(where, ", "), resource.managed ? "" : paint.yellow(" unmanaged"));
  return text;
}

std::string list(std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = fmt::format("{}\n", title);
  for (const std::string& line : lines) text += fmt::format("  {}\n", line);
  return text;
}

std::string dropped(const ipc::ClusterInfo& cluster) {
  std::vector<std::string> kinds;
  for (const auto& [kind, count] : cluster.dropped_packets)
    if (count > 0) kinds.push_back(fmt::format("{} {}", count, kind));
  return kinds.empty() ? "" : fmt::format("Dropped packets: {}\n", join(kinds, ", "));
}

std::string verdict(const StatusView& view, const Paint& paint) {
  std::string text;
  if (!view.outages.empty()) text += paint.red(fmt::format("OUT OF SERVICE: {}", join(view.outages, "; "))) + "\n";
  if (!view.missing.empty()) text += paint.red(fmt::format("REDUNDANCY IS GONE: {}", join(view.missing, "; "))) + "\n";
  if (!text.empty()) return text;
  if (!view.cluster.problems.empty()) return paint.yellow("All that is wanted runs, but there are problems.") + "\n";
  return view.cluster.settled ? paint.green("All is well.") + "\n"
                              : "All that is wanted runs; the cluster is still working.\n";
}

// ---- JSON

std::string texts(const std::vector<std::string>& list) {
  return array(list, [](const std::string& text) { return quoted(text); });
}

std::string node_json(const NodeView& node) {
  return fmt::format(
      R"({{"name": {}, "id": {}, "up": {}, "joined": {}, "witness": {}, "standby": {}, "maintenance": {}, )"
      R"("unclean": {}, "links": {}}})",
      quoted(node.info.name), node.info.id, node.info.up, node.info.joined, node.info.witness, node.standby,
      node.maintenance, node.unclean, array(node.info.links, link_json));
}

std::string instance_json(const InstanceView& instance) {
  return fmt::format(R"({{"node": {}, "role": {}, "failed": {}, "pending": {}, "failure": {}, "fail_count": {}}})",
                     quoted(instance.node), quoted(instance.role), instance.failed, instance.pending,
                     quoted(instance.failure), quoted(instance.fail_count));
}

std::string resource_json(const ResourceView& resource) {
  return fmt::format(
      R"({{"id": {}, "agent": {}, "parent": {}, "kind": {}, "managed": {}, "wanted": {}, "instances_wanted": {}, )"
      R"("instances_running": {}, "promoted_wanted": {}, "promoted_running": {}, "instances": {}}})",
      quoted(resource.id), quoted(resource.agent), quoted(resource.parent), quoted(resource.kind), resource.managed,
      resource.wanted, resource.instances_wanted, resource.instances_running, resource.promoted_wanted,
      resource.promoted_running, array(resource.instances, instance_json));
}

}  // namespace

std::string status_text(const StatusView& view, bool colours) {
  const Paint paint{colours};
  const ipc::ClusterInfo& cluster = view.cluster;
  const std::string leader =
      cluster.leader.empty() ? paint.red("none") : fmt::format("{} (term {})", cluster.leader, cluster.term.number);
  std::string text =
      fmt::format("Cluster {}, seen from {}; leader {}; quorum {}, mode {}\n\n", paint.bold(cluster.cluster),
                  cluster.self, leader, cluster.quorate ? "yes" : paint.red("NO"), cluster.mode);
  text.pop_back();
  text += fmt::format("Mode {}: {}.\n\n", cluster.mode, cluster.guarantee);
  text += "Nodes\n";
  for (const NodeView& node : view.nodes) text += node_line(node, cluster, paint);
  text += "\nResources\n";
  if (view.resources.empty()) text += "  none are configured\n";
  for (const ResourceView& resource : view.resources) text += resource_lines(resource, paint);
  text += "\n";
  text += list("Under way", cluster.under_way);
  text += list(paint.yellow("Problems"), cluster.problems);
  text += list(paint.yellow("In the configuration, but not acted upon"), view.unsupported);
  text += list(paint.yellow("Links (see: systole link status)"), link_troubles(cluster));
  text += dropped(cluster);
  return text + verdict(view, paint);
}

std::string status_json(const StatusView& view) {
  const ipc::ClusterInfo& cluster = view.cluster;
  std::string json = fmt::format(
      R"({{"cluster": {}, "self": {}, "mode": {}, "guarantee": {}, "lease_ms": {}, "leader": {}, )"
      R"("term": {{"number": {}, "node": {}}}, "quorate": {}, "settled": {},)",
      quoted(cluster.cluster), quoted(cluster.self), quoted(cluster.mode), quoted(cluster.guarantee), cluster.lease_ms,
      quoted(cluster.leader), cluster.term.number, cluster.term.node.value, cluster.quorate, cluster.settled);
  json += fmt::format("\n \"nodes\": {},", array(view.nodes, node_json));
  json += fmt::format("\n \"resources\": {},", array(view.resources, resource_json));
  json += fmt::format("\n \"under_way\": {}, \"problems\": {}, \"unsupported\": {},", texts(cluster.under_way),
                      texts(cluster.problems), texts(view.unsupported));
  std::vector<std::string> counters;
  for (const auto& [kind, count] : cluster.dropped_packets)
    counters.push_back(fmt::format("{}: {}", quoted(kind), count));
  json += fmt::format("\n \"dropped_packets\": {{{}}},", join(counters, ", "));
  json += fmt::format("\n \"outages\": {}, \"missing\": {}, \"exit_code\": {}, \"version\": {}}}\n",
                      texts(view.outages), texts(view.missing), view.exit_code(), quoted(cluster.daemon_version));
  return json;
}

}  // namespace systole::tools
