// SPDX-License-Identifier: GPL-2.0-or-later
// Second step: the resources of the configuration as trees of items. Meta attributes are settled here, once: a
// resource's own, then what it inherits (group, clone), then rsc_defaults. A clone gets all its instances at once, so
// that every later step may treat an instance like any other resource.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

Item& new_item(Plan& plan, Kind kind, Item* parent) {
  Item& item = plan.items.emplace_back();
  item.index = plan.items.size() - 1;
  item.kind = kind;
  item.parent = parent;
  item.weights.assign(plan.nodes.size(), Weight{Score{}, plan.options.symmetric});
  item.counts.assign(plan.nodes.size(), 0);
  if (parent != nullptr) parent->children.push_back(&item);
  return item;
}

bool meta_bool(const Item& item, std::string_view name, bool otherwise) {
  return parse_bool(meta_of(item, name, otherwise ? "true" : "false")).value_or(otherwise);
}

int meta_int(const Item& item, std::string_view name, int otherwise) {
  const auto found = item.meta.find(std::string(name));
  if (found == item.meta.end()) return otherwise;
  if (const auto score = parse_score(found->second)) return score->points;
  // As Pacemaker reads them: "1.0" is 1.
  const std::string_view text = found->second;
  return parse_int<int>(text.substr(0, text.find('.'))).value_or(otherwise);
}

void settle_target(Plan& plan, Item& item) {
  const std::string role = cib::modern_role(meta_of(item, "target-role", "Started"));
  if (role == "Stopped") {
    item.target = Role::stopped;
  } else if (role == "Unpromoted" || role == "Promoted") {
    const Item* clone = item.kind == Kind::clone ? &item : clone_of(item);
    if (clone == nullptr || !clone->promotable) {
      plan.problems.push_back(
          fmt::format("{}: target-role={} needs a promotable clone; Started is used", item.id, role));
    } else if (role == "Unpromoted") {
      item.target = Role::unpromoted;
    }
  }
}

void settle_meta(Plan& plan, Item& item, const std::vector<cib::AttributeSet>& own) {
  item.meta = cib::all_values(own);
  if (item.parent != nullptr) item.meta.insert(item.parent->meta.begin(), item.parent->meta.end());
  for (const auto& [name, value] : cib::all_values(plan.configuration.resource_defaults))
    item.meta.insert({name, value});
  if (item.kind == Kind::clone) item.meta.insert({"resource-stickiness", "1"});  // instances do not wander for nothing
  item.priority = Score{meta_int(item, "priority", 0)};
  item.stickiness = meta_int(item, "resource-stickiness", 0);
  item.maintenance = meta_bool(item, "maintenance", false) || plan.options.maintenance;
  item.managed = meta_bool(item, "is-managed", true) && !item.maintenance;
  item.migration_threshold = meta_int(item, "migration-threshold", Score::inf);
  item.multiple_active = meta_of(item, "multiple-active", "stop_start");
  const auto timeout = parse_duration(meta_of(item, "failure-timeout", "0"));
  item.failure_timeout_s = timeout ? std::chrono::duration_cast<std::chrono::seconds>(*timeout).count() : 0;
}

std::string numbered(const ResourceId& id, int instance) {
  return instance < 0 ? id.value : fmt::format("{}:{}", id.value, instance);
}

Item& build_primitive(Plan& plan, const cib::Primitive& primitive, Item* parent, int instance) {
  Item& item = new_item(plan, Kind::primitive, parent);
  item.primitive = &primitive;
  item.instance = instance;
  item.id = numbered(primitive.id, instance);
  const Item* clone = clone_of(item);
  item.history_id = clone != nullptr && clone->unique ? ResourceId{item.id} : primitive.id;
  settle_meta(plan, item, primitive.meta);
  settle_target(plan, item);
  return item;
}

Item& build_group(Plan& plan, const cib::Group& group, Item* parent, int instance) {
  Item& item = new_item(plan, Kind::group, parent);
  item.instance = instance;
  item.id = numbered(group.id, instance);
  settle_meta(plan, item, group.meta);
  settle_target(plan, item);
  for (const cib::Primitive& member : group.members) build_primitive(plan, member, &item, instance);
  return item;
}

Item& build_instance(Plan& plan, Item& clone, const cib::Clone& configured, int number) {
  if (const auto* group = std::get_if<cib::Group>(&configured.child)) return build_group(plan, *group, &clone, number);
  return build_primitive(plan, std::get<cib::Primitive>(configured.child), &clone, number);
}

bool has_lsb(const cib::Clone& clone) {
  if (const auto* one = std::get_if<cib::Primitive>(&clone.child)) return one->standard == "lsb";
  return std::ranges::any_of(std::get<cib::Group>(clone.child).members,
                             [](const cib::Primitive& member) { return member.standard == "lsb"; });
}

void build_clone(Plan& plan, const cib::Clone& configured) {
  Item& clone = new_item(plan, Kind::clone, nullptr);
  clone.id = configured.id.value;
  settle_meta(plan, clone, configured.meta);
  clone.unique = meta_bool(clone, "globally-unique", false);
  clone.notify = meta_bool(clone, "notify", false);
  clone.interleave = meta_bool(clone, "interleave", false);
  clone.ordered = meta_bool(clone, "ordered", false);
  clone.promotable = configured.legacy_master || meta_bool(clone, "promotable", false);
  clone.clone_max = std::max(0, meta_int(clone, "clone-max", std::max(1, int(plan.nodes.size()))));
  clone.clone_node_max = meta_int(clone, "clone-node-max", 1);
  clone.promoted_max = meta_int(clone, "promoted-max", meta_int(clone, "master-max", 1));
  clone.promoted_node_max = meta_int(clone, "promoted-node-max", meta_int(clone, "master-node-max", 1));
  if (clone.unique && has_lsb(configured)) {
    plan.problems.push_back(fmt::format(
        "{}: init scripts cannot tell their instances apart: globally-unique=true is ignored, and one per node is used",
        clone.id));
    clone.unique = false;
    clone.clone_node_max = 1;
    clone.clone_max = std::min(clone.clone_max, std::max(1, int(plan.nodes.size())));
  }
  if (!clone.unique && clone.clone_node_max > 1) {
    plan.problems.push_back(fmt::format("{}: clone-node-max above 1 needs globally-unique=true; 1 is used", clone.id));
    clone.clone_node_max = 1;
  }
  settle_target(plan, clone);
  for (int number = 0; number < clone.clone_max; ++number) build_instance(plan, clone, configured, number);
  plan.roots.push_back(&clone);
}

void build(Plan& plan, const cib::Resource& resource) {
  if (const auto* clone = std::get_if<cib::Clone>(&resource)) {
    build_clone(plan, *clone);
  } else if (const auto* group = std::get_if<cib::Group>(&resource)) {
    plan.roots.push_back(&build_group(plan, *group, nullptr, -1));
  } else {
    plan.roots.push_back(&build_primitive(plan, std::get<cib::Primitive>(resource), nullptr, -1));
  }
}

}  // namespace

std::string meta_of(const Item& item, std::string_view name, std::string_view otherwise) {
  const auto found = item.meta.find(std::string(name));
  return found != item.meta.end() ? found->second : std::string(otherwise);
}

Needs needs_of(const Plan& plan, const Item& item) {
  const bool device = item.primitive->standard == "stonith";
  const std::string asked = meta_of(item, "requires", "");
  if (asked == "nothing") return Needs::nothing;
  if (asked == "quorum" || device) return Needs::quorum;
  if (plan.options.stonith) return Needs::fencing;
  return asked.empty() && plan.options.no_quorum_policy == "ignore" ? Needs::nothing : Needs::quorum;
}

Item& top_of(Item& item) {
  return item.parent == nullptr ? item : top_of(*item.parent);
}
const Item& top_of(const Item& item) {
  return item.parent == nullptr ? item : top_of(*item.parent);
}

Item* clone_of(const Item& item) {
  for (Item* above = item.parent; above != nullptr; above = above->parent) {
    if (above->kind == Kind::clone) return above;
  }
  return nullptr;
}

bool any_failed(const Item& item) {
  if (item.leaf()) return item.failed;
  return std::ranges::any_of(item.children, [](const Item* child) { return any_failed(*child); });
}

const Item& first_leaf(const Item& item) {
  return item.leaf() ? item : first_leaf(*item.children.front());
}

std::vector<Item*> leaves(Item& item) {
  if (item.leaf()) return {&item};
  std::vector<Item*> found;
  for (Item* child : item.children) {
    const auto below = leaves(*child);
    found.insert(found.end(), below.begin(), below.end());
  }
  return found;
}

const ResourceId& history_on(const Item& item, int node) {
  const auto found = item.numbered_on.find(node);
  return found == item.numbered_on.end() ? item.history_id : found->second;
}

bool within(const Item& item, const Item& ancestor) {
  for (const Item* at = &item; at != nullptr; at = at->parent) {
    if (at == &ancestor) return true;
  }
  return false;
}

/// By configured id. The id of a clone's child means the clone: instances have no lives of their own in constraints.
Item* find_item(Plan& plan, std::string_view id) {
  for (Item& item : plan.items) {
    if (item.instance < 0) {
      if (item.id == id) return &item;
    } else if (item.instance == 0) {
      if (std::string_view(item.id).substr(0, item.id.rfind(':')) == id) return clone_of(item);
    }
  }
  return nullptr;
}

Item& add_orphan(Plan& plan, const ResourceId& id, const cib::ResourceHistory& history) {
  for (Item& item : plan.items) {
    if (item.orphan && item.history_id == id) return item;
  }
  cib::Primitive& primitive = plan.orphan_primitives.emplace_back();
  primitive.id = id;
  primitive.standard = history.standard;
  primitive.provider = history.provider;
  primitive.type = history.type;
  Item& item = build_primitive(plan, primitive, nullptr, -1);
  item.orphan = true;
  plan.roots.push_back(&item);
  if (!plan.options.stop_orphans) {
    item.managed = false;
  } else {
    add_score(plan, item, nowhere, Score::minus_infinity(), "it is no longer in the configuration");
  }
  return item;
}

/// More instances are active than the clone may have: the surplus one exists only to be stopped.
Item& add_orphan_instance(Plan& plan, Item& clone) {
  const cib::Resource* resource = cib::find_top(plan.configuration, ResourceId{clone.id});
  Item& item = build_instance(plan, clone, std::get<cib::Clone>(*resource), static_cast<int>(clone.children.size()));
  item.orphan = true;
  for (Item* leaf : leaves(item)) leaf->orphan = true;
  add_score(plan, item, nowhere, Score::minus_infinity(), fmt::format("clone-max of {} is reached", clone.id));
  return item;
}

void build_items(Plan& plan) {
  for (const cib::Resource& resource : plan.configuration.resources) build(plan, resource);
}

}  // namespace systole::scheduler
