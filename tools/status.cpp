// SPDX-License-Identifier: GPL-2.0-or-later
// See status.hpp: gathering and judging. Where each resource is follows from the history by the scheduler's own rules.
#include "tools/status.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cib/xml/cib_xml.hpp"
#include "common/base/text.hpp"
#include "crmd/scheduler/scheduler.hpp"

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

int number_of(const std::vector<cib::AttributeSet>& meta, std::string_view name, int otherwise) {
  const auto text = cib::value_of(meta, name);
  return text ? parse_int<int>(*text).value_or(otherwise) : otherwise;
}

bool is_wanted(const std::vector<cib::AttributeSet>& meta) {
  const auto role = cib::value_of(meta, "target-role");
  return !role || lower(*role) != "stopped";
}

std::string agent_of(const cib::Primitive& primitive) {
  return primitive.provider.empty() ? fmt::format("{}:{}", primitive.standard, primitive.type)
                                    : fmt::format("{}:{}:{}", primitive.standard, primitive.provider, primitive.type);
}

/// Lists the resources of the configuration; what runs where comes afterwards.
class Lister {
 public:
  explicit Lister(int node_count) : node_count_(node_count) {}

  void operator()(const cib::Primitive& primitive) { add(primitive, ""); }
  void operator()(const cib::Group& group) {
    const bool wanted = is_wanted(group.meta);
    for (const cib::Primitive& member : group.members) {
      ResourceView& view = add(member, group.id.value);
      view.wanted = view.wanted && wanted;
    }
  }
  void operator()(const cib::Clone& clone) {
    const bool promotable = cib::is_promotable(clone);
    const bool wanted = is_wanted(clone.meta);
    const auto take = [&](const cib::Primitive& primitive, const std::string& parent) {
      ResourceView& view = add(primitive, parent);
      view.kind = promotable ? "promotable" : "clone";
      view.wanted = view.wanted && wanted;
      view.instances_wanted = std::min(number_of(clone.meta, "clone-max", node_count_), node_count_);
      if (promotable) view.promoted_wanted = promoted_max(clone);
    };
    if (const auto* const primitive = std::get_if<cib::Primitive>(&clone.child))
      take(*primitive, clone.id.value);
    else
      for (const cib::Primitive& member : std::get<cib::Group>(clone.child).members) take(member, clone.id.value);
  }

  std::vector<ResourceView> found;

 private:
  static int promoted_max(const cib::Clone& clone) {
    const int wanted = number_of(clone.meta, "promoted-max", number_of(clone.meta, "master-max", 1));
    const auto role = cib::value_of(clone.meta, "target-role");
    const bool only_unpromoted = role && cib::modern_role(*role) == "Unpromoted";
    return only_unpromoted ? 0 : wanted;
  }
  ResourceView& add(const cib::Primitive& primitive, const std::string& parent) {
    ResourceView view;
    view.id = primitive.id.value;
    view.agent = agent_of(primitive);
    view.parent = parent;
    view.kind = parent.empty() ? "primitive" : "group";
    view.wanted = is_wanted(primitive.meta);
    return found.emplace_back(std::move(view));
  }

  int node_count_;
};

void fill_instances(std::vector<ResourceView>& resources, const scheduler::View& view) {
  for (const scheduler::Active& active : scheduler::observe_active(view)) {
    const std::string id = active.resource.value.substr(0, active.resource.value.find(':'));
    const auto resource = std::ranges::find(resources, id, &ResourceView::id);
    if (resource == resources.end()) continue;
    const auto state = view.status->nodes.find(active.node);
    InstanceView instance;
    instance.node = active.node.value;
    instance.role = scheduler::to_words(active.role);
    instance.failed = active.failed;
    instance.pending = active.pending;
    instance.failure = active.failure;
    if (state != view.status->nodes.end())
      instance.fail_count = to_string(cib::fail_count(state->second, active.resource));
    resource->managed = resource->managed && active.managed;
    const bool runs = active.role != scheduler::Role::stopped;
    resource->instances_running += runs && !active.failed ? 1 : 0;
    resource->promoted_running += active.role == scheduler::Role::promoted && !active.failed ? 1 : 0;
    if (runs || active.failed || active.pending || (instance.fail_count != "0" && !instance.fail_count.empty()))
      resource->instances.push_back(std::move(instance));
  }
  for (ResourceView& resource : resources) std::ranges::sort(resource.instances, {}, &InstanceView::node);
}

void judge_resource(const ResourceView& resource, StatusView& view) {
  if (!resource.wanted) return;
  const int running = resource.instances_running;
  if (running == 0) {
    view.outages.push_back(fmt::format("{} runs nowhere", resource.id));
  } else if (resource.promoted_running < std::min(resource.promoted_wanted, 1)) {
    view.outages.push_back(fmt::format("{} is promoted nowhere", resource.id));
  } else if (running < resource.instances_wanted) {
    view.missing.push_back(fmt::format("{} runs on {} of {} nodes", resource.id, running, resource.instances_wanted));
  }
}

void judge(StatusView& view) {
  if (view.cluster.leader.empty())
    view.outages.emplace_back("no node leads");
  else if (!view.cluster.quorate)
    view.outages.emplace_back("no quorum");
  for (const NodeView& node : view.nodes) {
    if (!node.info.up)
      view.missing.push_back(fmt::format("node {} is offline", node.info.name));
    else if (!node.info.joined && !node.info.witness && !view.cluster.leader.empty())
      view.missing.push_back(fmt::format("node {} has not joined", node.info.name));
    else if (node.standby)
      view.missing.push_back(fmt::format("node {} is in standby", node.info.name));
    else if (node.maintenance)
      view.missing.push_back(fmt::format("node {} is in maintenance", node.info.name));
    for (std::size_t i = 0; node.info.up && i < node.info.links.size(); ++i)
      if (node.info.links[i].state == "dead")
        view.missing.push_back(fmt::format("link {} to {} is dead", i, node.info.name));
  }
  for (const ResourceView& resource : view.resources) judge_resource(resource, view);
}

}  // namespace

StatusView make_status(ipc::ClusterInfo cluster, const cib::Configuration& configuration, const cib::Status& status) {
  StatusView view;
  scheduler::View seen;
  seen.configuration = &configuration;
  seen.status = &status;
  seen.quorate = cluster.quorate;
  seen.dc = NodeName{cluster.leader};
  Lister lister(static_cast<int>(std::ranges::count(cluster.nodes, false, &ipc::NodeInfo::witness)));
  for (const cib::Resource& resource : configuration.resources) std::visit(lister, resource);
  view.resources = std::move(lister.found);
  fill_instances(view.resources, seen);
  const auto fitness = scheduler::observe_nodes(seen);
  for (const ipc::NodeInfo& info : cluster.nodes) {
    NodeView node{info, false, false, false};
    for (const scheduler::NodeFitness& fit : fitness)
      if (fit.node.value == info.name) {
        node.standby = fit.standby;
        node.maintenance = fit.maintenance;
        node.unclean = fit.unclean;
      }
    view.nodes.push_back(std::move(node));
  }
  view.cluster = std::move(cluster);
  view.unsupported = configuration.unsupported;
  judge(view);
  return view;
}

Result<StatusView> gather_status(DaemonLink& daemon) {
  auto cluster = daemon.ask(ipc::QueryCluster{});
  if (!cluster) return cluster.error();
  if (!cluster->cluster) return refusal(*cluster);
  const auto cib = daemon.ask(ipc::QueryCib{});
  if (!cib) return cib.error();
  if (cib->exit_code != 0) return refusal(*cib);
  const auto configuration = cib::parse_configuration(cib->text);
  if (!configuration) return configuration.error();
  const auto status = cib::parse_status(cib->text);
  if (!status) return status.error();
  return make_status(std::move(*cluster->cluster), *configuration, *status);
}

}  // namespace systole::tools
