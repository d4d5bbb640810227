// SPDX-License-Identifier: GPL-2.0-or-later
// Where everything is. Instances of an anonymous clone that are as they should be share one line for each state; each
// of the others has its own.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "common/base/text.hpp"
#include "tools/simulate/show.hpp"

namespace systole::tools {

namespace {

using scheduler::Picture;
using scheduler::Role;
using scheduler::ShownNode;
using scheduler::ShownResource;
using Kind = ShownResource::Kind;

std::string state_of(const ShownNode& node) {
  if (node.unclean) return fmt::format("UNCLEAN ({})", node.online ? "online" : node.pending ? "pending" : "offline");
  if (node.pending) return "pending";
  if (node.standby_on_fail && node.online) return "standby (on-fail)";
  if (node.standby)
    return !node.online ? "OFFLINE (standby)" : node.busy ? "standby (with active resources)" : "standby";
  if (node.maintenance) return node.online ? "maintenance" : "OFFLINE (maintenance)";
  return node.online ? "online" : "OFFLINE";
}

std::string listed(const std::vector<NodeName>& nodes) {
  std::string text;
  for (const NodeName& node : nodes) text += node.value + " ";
  return text;
}

/// All of a tree's primitives.
std::vector<const ShownResource*> leaves(const ShownResource& resource) {
  if (resource.kind == Kind::primitive) return {&resource};
  std::vector<const ShownResource*> all;
  for (const ShownResource& child : resource.children) {
    const auto below = leaves(child);
    all.insert(all.end(), below.begin(), below.end());
  }
  return all;
}

class Status {
 public:
  explicit Status(const Picture& picture) : picture_(picture) {}

  std::string text() {
    line(1, "Node List:");
    nodes();
    text_ += "\n";
    line(1, "Full List of Resources:");
    for (const ShownResource& resource : picture_.resources) {
      const auto below = leaves(resource);
      const bool active = std::ranges::any_of(below, [](const auto* leaf) { return !leaf->running_on.empty(); });
      if (!resource.orphan || active) show(2, resource);
    }
    return text_;
  }

 private:
  void line(int depth, std::string_view words) { text_ += fmt::format("{:{}}* {}\n", "", depth * 2, words); }

  void nodes() {
    std::vector<NodeName> online, offline;
    for (const ShownNode& node : picture_.nodes) {
      const std::string state = state_of(node);
      if (state == "online") {
        online.push_back(node.name);
      } else if (state == "OFFLINE") {
        offline.push_back(node.name);
      } else {
        line(2, fmt::format("Node {}: {}", node.name.value, state));
      }
    }
    if (!online.empty()) line(2, fmt::format("Online: [ {}]", listed(online)));
    if (!offline.empty()) line(2, fmt::format("OFFLINE: [ {}]", listed(offline)));
  }

  void show(int depth, const ShownResource& resource, bool promotable = false) {
    switch (resource.kind) {
      case Kind::primitive:
        return line(depth, primitive(resource, promotable));
      case Kind::group:
        return group(depth, resource, promotable);
      case Kind::clone:
        return clone(depth, resource);
    }
  }

  void group(int depth, const ShownResource& resource, bool promotable) {
    line(depth, fmt::format("Resource Group: {}{}:", resource.id, flags_of(resource)));
    for (const ShownResource& child : resource.children) show(depth + 1, child, promotable);
  }

  static std::string flags_of(const ShownResource& collective) {
    std::vector<std::string> flags;
    if (collective.kind == Kind::clone && collective.promotable) flags.emplace_back("promotable");
    if (collective.kind == Kind::clone && collective.unique) flags.emplace_back("unique");
    if (!collective.managed) flags.emplace_back("unmanaged");
    if (collective.target_role == "Stopped") flags.emplace_back("disabled");
    return flags.empty() ? "" : fmt::format(" ({})", join(flags, ", "));
  }

  std::string primitive(const ShownResource& leaf, bool promotable) {
    std::string text = fmt::format("{}\t({}:{}{}{}):\t", leaf.name, leaf.standard, leaf.provider,
                                   leaf.provider.empty() ? "" : ":", leaf.type);
    if (leaf.orphan) text += " ORPHANED";
    const bool several = leaf.running_on.size() > 1;
    if (leaf.failed) {
      text += " FAILED";
      if (leaf.role == Role::promoted) text += fmt::format(" {}", to_words(leaf.role));
    } else {
      text += fmt::format(" {}", state_word(leaf));
    }
    if (leaf.running_on.size() == 1) text += " " + leaf.running_on.front().value;
    if (leaf.role == Role::stopped && !leaf.failed && !leaf.not_installed_on.empty()) text += " (not installed) ";
    const auto flags = words_of_flags(leaf, promotable);
    if (!flags.empty()) text += fmt::format(" ({})", join(flags, ", "));
    if (several) text += fmt::format(" [ {}]", listed(leaf.running_on));
    return text;
  }

  static std::string_view state_word(const ShownResource& leaf) {
    static const std::map<std::string_view, std::string_view> under_way{
        {"start", "Starting"},  {"stop", "Stopping"},        {"promote", "Promoting"},
        {"demote", "Demoting"}, {"migrate_to", "Migrating"}, {"migrate_from", "Migrating"}};
    const auto found = under_way.find(leaf.pending);
    return found == under_way.end() ? to_words(leaf.role) : found->second;
  }

  std::vector<std::string> words_of_flags(const ShownResource& leaf, bool promotable) {
    std::vector<std::string> flags;
    if (leaf.running_on.size() == 1 && is_lost(leaf.running_on.front())) flags.emplace_back("UNCLEAN");
    if (leaf.target_role == "Stopped") {
      flags.emplace_back("disabled");
    } else if (promotable && leaf.target_role == "Unpromoted") {
      flags.emplace_back("target-role:Unpromoted");
    }
    if (leaf.blocked) {
      flags.emplace_back("blocked");
    } else if (!leaf.managed) {
      flags.emplace_back("unmanaged");
    }
    if (leaf.failure_ignored) flags.emplace_back("failure ignored");
    if (leaf.pending == "monitor") flags.emplace_back("Monitoring");
    return flags;
  }

  bool is_lost(const NodeName& name) const {
    return std::ranges::any_of(
        picture_.nodes, [&](const ShownNode& node) { return node.name == name && !node.online && node.unclean; });
  }

  /// Where an instance is, if it is wholly there, as it should be, and nowhere else.
  std::optional<NodeName> whole_at(const ShownResource& instance) const {
    const auto below = leaves(instance);
    std::optional<NodeName> place;
    for (const ShownResource* leaf : below) {
      if (leaf->running_on.size() != 1 || leaf->orphan || leaf->failed || !leaf->managed || !leaf->pending.empty())
        return std::nullopt;
      if (place && *place != leaf->running_on.front()) return std::nullopt;
      place = leaf->running_on.front();
    }
    return place && !is_lost(*place) ? place : std::nullopt;
  }

  void clone(int depth, const ShownResource& clone) {
    const ShownResource* child = clone.children.empty() ? nullptr : &clone.children.front();
    std::string inner = child == nullptr ? "" : child->id.substr(0, child->id.rfind(':'));
    line(depth, fmt::format("Clone Set: {} [{}]{}:", clone.id, inner, flags_of(clone)));
    std::map<bool, std::vector<NodeName>, std::greater<>> places;  // by whether it is promoted
    for (const ShownResource& instance : clone.children) {
      const auto below = leaves(instance);
      const bool active = std::ranges::any_of(below, [](const auto* leaf) { return !leaf->running_on.empty(); });
      if (clone.unique) {
        show(depth + 1, instance, clone.promotable);
      } else if (active) {
        const auto place = whole_at(instance);
        if (!place) {
          show(depth + 1, instance, clone.promotable);
        } else {
          const bool promoted = std::ranges::any_of(below, [](auto* leaf) { return leaf->role == Role::promoted; });
          places[promoted].push_back(*place);
        }
      }
    }
    for (auto& [promoted, nodes] : places) {
      sort(nodes);
      const std::string word = promoted                            ? "Promoted"
                               : !clone.promotable                 ? "Started"
                               : clone.target_role == "Unpromoted" ? "Unpromoted (target-role)"
                                                                   : "Unpromoted";
      line(depth + 1, fmt::format("{}: [ {}]", word, listed(nodes)));
    }
    if (!clone.unique) stopped(depth + 1, clone, places[true].size() + places[false].size());
  }

  void stopped(int depth, const ShownResource& clone, std::size_t whole) {
    if (std::cmp_less_equal(clone.instances, whole)) return;
    std::vector<NodeName> idle;
    const auto below = leaves(clone);
    for (const NodeName& node : clone.possible_on) {
      const auto here = [&](const ShownResource* leaf) {
        return std::ranges::find(leaf->running_on, node) != leaf->running_on.end();
      };
      if (std::ranges::none_of(below, here)) idle.push_back(node);
    }
    const auto lacks_it = [&](const NodeName& node) {
      return std::ranges::any_of(below, [&](const ShownResource* leaf) {
        return std::ranges::find(leaf->not_installed_on, node) != leaf->not_installed_on.end();
      });
    };
    std::map<std::string_view, std::vector<NodeName>> by_word;
    for (const NodeName& node : idle) {
      const bool disabled = clone.target_role == "Stopped";
      by_word[lacks_it(node) ? "Stopped (not installed)" : disabled ? "Stopped (disabled)" : "Stopped"].push_back(node);
    }
    for (const auto& [word, nodes] : by_word) line(depth, fmt::format("{}: [ {}]", word, listed(nodes)));
  }

  void sort(std::vector<NodeName>& nodes) const {
    const auto place = [&](const NodeName& name) { return std::ranges::find(picture_.nodes, name, &ShownNode::name); };
    std::ranges::sort(nodes, [&](const NodeName& a, const NodeName& b) { return place(a) < place(b); });
  }

  const Picture& picture_;
  std::string text_;
};

}  // namespace

std::string show_status(const Picture& picture) {
  return Status(picture).text();
}

std::string show_counts(const Picture& picture) {
  std::string head;
  if (picture.maintenance) {
    head =
        "\n              *** Resource management is DISABLED ***\n"
        "  The cluster will not attempt to start, stop or recover services\n\n";
  } else if (picture.stops_all) {
    head = "\n    *** Resource management is DISABLED ***\n  The cluster will keep all resources stopped\n\n";
  }
  std::size_t all = 0, disabled = 0, blocked = 0;
  for (const ShownResource& resource : picture.resources) {
    for (const ShownResource* leaf : leaves(resource)) {
      if (leaf->orphan && leaf->running_on.empty()) continue;
      ++all;
      disabled += leaf->target_role == "Stopped" ? 1 : 0;
      blocked += leaf->blocked ? 1 : 0;
    }
  }
  if (disabled + blocked == 0) return head;
  return head +
         fmt::format("{} of {} resource instances DISABLED and {} BLOCKED from further action due to failure\n\n",
                     disabled, all, blocked);
}

}  // namespace systole::tools
