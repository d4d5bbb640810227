// SPDX-License-Identifier: GPL-2.0-or-later
// Probes: before anything is started, each node is asked whether the resource runs there already. A node whose history
// knows the resource has been asked. For an anonymous clone one question per node is enough.
#include <algorithm>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

bool never_there(const Item& item, int node) {
  return std::ranges::find(item.probe_never, node) != item.probe_never.end();
}

/// Anonymous instances share one history: what one knows of a node, all know.
bool known(const Item& item, int node) {
  const Item* clone = clone_of(item);
  if (clone == nullptr || clone->unique) return item.known_on.contains(node);
  for (Item* instance : clone->children) {
    for (const Item* leaf : leaves(*instance)) {
      if (leaf->history_id == item.history_id && leaf->known_on.contains(node)) return true;
    }
  }
  return false;
}

void probe(Plan& plan, Item& item, int node) {
  if (item.orphan || known(item, node) || never_there(item, node)) return;
  Act& act = add_act(plan, item, Task::probe, node, false, "its state there is not known");
  act.name = "monitor";
  act.expected_rc = int(cib::Rc::not_running);
}

void probe_below(Plan& plan, Item& item, int node) {
  if (item.leaf()) return probe(plan, item, node);
  for (Item* child : item.children) probe_below(plan, *child, node);
}

/// The instance that answers for an anonymous clone: the one placed there, or else the first.
void probe_clone(Plan& plan, Item& clone, int node) {
  if (clone.children.empty()) return;
  std::ranges::stable_sort(clone.children, {}, &Item::instance);
  if (clone.unique) {
    for (Item* child : clone.children) probe_below(plan, *child, node);
    return;
  }
  for (Item* child : clone.children) {
    if (location(*child) == node) return probe_below(plan, *child, node);
  }
  const auto first = std::ranges::find_if(clone.children, [](const Item* child) { return !child->orphan; });
  if (first != clone.children.end()) probe_below(plan, **first, node);
}

}  // namespace

void create_probes(Plan& plan) {
  if (!plan.options.startup_probes) return;
  for (std::size_t node = 0; node < plan.nodes.size(); ++node) {
    if (!plan.nodes[node].online || plan.nodes[node].unclean) continue;
    if (plan.nodes[node].leaving && !plan.view.whole) continue;  // crmd lets it go without another question
    for (Item* root : plan.roots) {
      if (root->kind == Kind::clone) {
        probe_clone(plan, *root, int(node));
      } else {
        probe_below(plan, *root, int(node));
      }
    }
  }
}

}  // namespace systole::scheduler
