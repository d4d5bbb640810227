// SPDX-License-Identifier: GPL-2.0-or-later
// Notifications: a clone with notify=true tells its active instances before and after each start, stop, promotion and
// demotion of one of them, with lists of who does what (CRM_meta_notify_…). An agent learns so that a new primary
// comes. A boundary before ("pre_notify"), the calls, a boundary after ("confirmed-pre"), then the act itself, and the
// same again with "post". A failed notification never holds anything up.
#include <fmt/format.h>

#include <algorithm>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

bool happens(const Act& act) {
  return act.required() && act.runnable && act.item->managed;
}

/// A list pair: resources and their nodes, sorted by resource, then node.
using Entries = std::vector<std::pair<std::string, std::string>>;

std::string joined(const Entries& entries, bool resources) {
  if (entries.empty()) return " ";  // as agents know it
  std::string text;
  for (const auto& [resource, node] : entries) {
    if (!text.empty()) text += ' ';
    text += resources ? resource : node;
  }
  return text;
}

void put(cib::Pairs& meta, const std::string& key, Entries entries) {
  std::ranges::sort(entries);
  meta[fmt::format("notify_{}_resource", key)] = joined(entries, true);
  if (key != "inactive") meta[fmt::format("notify_{}_uname", key)] = joined(entries, false);
}

Entries acting(const Plan& plan, Item& clone, Task task) {
  Entries entries;
  for (const Item* leaf : leaves(clone)) {
    for (const Act* act : find_acts(*leaf, task)) {
      if (happens(*act)) entries.push_back({leaf->id, plan.node_name(act->node)});
    }
  }
  return entries;
}

Entries in_role(const Plan& plan, Item& clone, Role role) {
  Entries entries;
  for (const Item* leaf : leaves(clone)) {
    if (leaf->role != role) continue;
    if (role == Role::stopped) entries.push_back({leaf->id, ""});
    for (const int node : leaf->running_on) entries.push_back({leaf->id, plan.node_name(node)});
  }
  return entries;
}

cib::Pairs lists_of(const Plan& plan, Item& clone) {
  cib::Pairs meta;
  for (const Task task : {Task::start, Task::stop, Task::promote, Task::demote}) {
    put(meta, std::string(to_words(task)), acting(plan, clone, task));
  }
  Entries active;
  for (const Role role : {Role::started, Role::unpromoted, Role::promoted}) {
    for (auto& entry : in_role(plan, clone, role)) active.push_back(std::move(entry));
  }
  put(meta, "active", active);
  put(meta, "inactive", in_role(plan, clone, Role::stopped));
  for (const char* name : {"unpromoted", "slave"}) put(meta, name, in_role(plan, clone, Role::unpromoted));
  for (const char* name : {"promoted", "master"}) put(meta, name, in_role(plan, clone, Role::promoted));
  Entries all, available;
  for (const PlanNode& node : plan.nodes) {
    all.push_back({node.name.value, ""});
    if (node.online && !node.unclean) available.push_back({node.name.value, ""});
  }
  meta["notify_all_uname"] = joined(all, true);
  meta["notify_available_uname"] = joined(available, true);
  return meta;
}

struct Phase {
  bool pre;
  std::string operation;  // start
  std::string key;        // start before, running after
};

Act& boundary(Plan& plan, Item& clone, const std::string& prefix, const Phase& phase) {
  Act& act = add_act(plan, clone, Task::boundary, nowhere, false, fmt::format("notifications of {}", clone.id));
  act.name = fmt::format("{}_{}_{}_0", clone.id, prefix, phase.key);
  return act;
}

/// Whom a notification goes to: before, those that are active; after, those that are (still) active then.
int recipient(const Item& leaf, Task task, const Phase& phase) {
  const Act* start = find_act(leaf, Task::start, nowhere);
  const Act* stop = find_act(leaf, Task::stop, nowhere);
  const bool starts = start != nullptr && happens(*start), stops = stop != nullptr && happens(*stop);
  const bool runs = !leaf.running_on.empty();
  const int now = runs ? leaf.running_on.front() : nowhere;
  if (phase.pre) {
    if (task == Task::promote) return starts ? leaf.allocated : stops ? nowhere : now;
    if (task == Task::start) return stops ? nowhere : now;
    return now;
  }
  if (task == Task::stop) return stops ? nowhere : now;
  if (task == Task::demote) return now;
  return starts ? leaf.allocated : stops ? nowhere : now;
}

void notify_all(Plan& plan, Item& clone, Task task, const Phase& phase, Act& from, Act& to, const cib::Pairs& lists) {
  for (Item* leaf : leaves(clone)) {
    const int node = recipient(*leaf, task, phase);
    if (node == nowhere || !plan.nodes[std::size_t(node)].online || leaf->blocked) continue;
    Act& act = add_act(plan, *leaf, Task::notify, node, false,
                       fmt::format("{} {} of {}", phase.pre ? "before" : "after", phase.operation, clone.id));
    act.name = "notify";
    act.notify_type = phase.pre ? "pre" : "post";
    act.notify_operation = phase.operation;
    act.notify_key_type = phase.pre ? "pre" : "post";
    act.notify_key_operation = phase.key;
    act.extra_meta = lists;
    add_edge(plan, from, act, edge::order);
    add_edge(plan, act, to, edge::loose);
  }
}

struct Brackets {
  Act *pre = nullptr, *confirmed_post = nullptr;
};

/// Who waits for the end of an act of this clone waits for its notifications, too: an address that follows a promotion
/// comes when the replicas have heard of it.
void hold_followers(Plan& plan, Item& clone, Task task, Act& confirmed_post) {
  Act* end = find_act(clone, completion(task), nowhere);
  for (Edge& each : plan.edges)
    if (each.first == end && !within(*each.then->item, clone)) each.first = &confirmed_post;
}

Brackets surround(Plan& plan, Item& clone, Task task, const cib::Pairs& lists) {
  const Phase before{true, std::string(to_words(task)), std::string(to_words(task))};
  const Phase after{false, std::string(to_words(task)), std::string(to_words(completion(task)))};
  Act& pre = boundary(plan, clone, "pre_notify", before);
  Act& confirmed_pre = boundary(plan, clone, "confirmed-pre_notify", before);
  Act& post = boundary(plan, clone, "post_notify", after);
  Act& confirmed_post = boundary(plan, clone, "confirmed-post_notify", after);
  add_edge(plan, pre, confirmed_pre, edge::order);
  add_edge(plan, post, confirmed_post, edge::order);
  add_edge(plan, confirmed_pre, post, edge::order);
  if (Act* begin = find_act(clone, task, nowhere)) add_edge(plan, confirmed_pre, *begin, edge::order);
  if (Act* end = find_act(clone, completion(task), nowhere)) add_edge(plan, *end, post, edge::order);
  notify_all(plan, clone, task, before, pre, confirmed_pre, lists);
  notify_all(plan, clone, task, after, post, confirmed_post, lists);
  hold_followers(plan, clone, task, confirmed_post);
  return {&pre, &confirmed_post};
}

/// The usual order of a change: demotions are told of in full before stops begin, and so on.
constexpr Task sequence[] = {Task::demote, Task::stop, Task::start, Task::promote};

void notify_about(Plan& plan, Item& clone) {
  const cib::Pairs lists = lists_of(plan, clone);
  std::vector<Brackets> all;
  for (const Task task : sequence) {
    if (acting(plan, clone, task).empty()) continue;
    all.push_back(surround(plan, clone, task, lists));
    for (Item* leaf : leaves(clone)) {
      for (Act* act : find_acts(*leaf, task)) act->extra_meta = lists;
    }
  }
  for (std::size_t i = 1; i < all.size(); ++i) add_edge(plan, *all[i - 1].confirmed_post, *all[i].pre, edge::order);
  if (all.empty()) return;
  // Monitors begin when the notifications are through, so that they find what those arranged.
  for (Item* leaf : leaves(clone)) {
    for (Act* act : find_acts(*leaf, Task::monitor)) add_edge(plan, *all.back().confirmed_post, *act, edge::order);
  }
}

}  // namespace

void create_notifications(Plan& plan) {
  for (Item* root : plan.roots) {
    if (root->kind == Kind::clone && root->notify) notify_about(plan, *root);
  }
}

}  // namespace systole::scheduler
