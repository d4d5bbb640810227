// SPDX-License-Identifier: GPL-2.0-or-later
// What becomes of each resource, as one word: a restart is a stop and a start that nobody asked for, a move one that
// comes up elsewhere, a recovery one of something that has failed.
#include <fmt/format.h>

#include <algorithm>

#include "tools/simulate/show.hpp"

namespace systole::tools {

namespace {

using scheduler::Picture;
using scheduler::Role;
using scheduler::ShownAct;
using scheduler::ShownResource;
using Kind = ShownResource::Kind;

class Change {
 public:
  explicit Change(const ShownResource& resource) : it_(resource) {
    if (!it_.running_on.empty()) from_ = it_.running_on.front();
    to_ = it_.next_node;
    start_ = to_ ? act("start", to_) : nullptr;
    promote_ = to_ ? act("promote", to_) : nullptr;
    demote_ = act("demote", std::nullopt);
    reload_ = act("reload-agent", to_);
    stop_ = act("stop", start_ != nullptr && start_->runnable ? from_ : std::nullopt);
    if (stop_ == nullptr && it_.running_on.size() > 1) stop_ = act("stop", std::nullopt);  // it stays here alone
  }

  std::string text() {
    if (!it_.managed || (!from_ && !to_)) return "";
    return it_.role == it_.next_role ? in_same_role() : in_another_role();
  }

 private:
  const ShownAct* act(std::string_view task, const std::optional<NodeName>& node) const {
    for (const ShownAct& each : it_.acts)
      if (each.task == task && (!node || each.node == *node)) return &each;
    return nullptr;
  }

  bool moves() const { return from_ && to_ && *from_ != *to_; }
  static bool wanted(const ShownAct* act) { return act != nullptr && !act->optional; }

  std::string in_same_role() {
    if (wanted(reload_)) return line("Reload", from_, to_, reload_, nullptr);
    if (!wanted(start_)) {
      const bool again = wanted(demote_) && wanted(promote_);
      return again ? line("Re-promote", from_, to_, promote_, demote_) : "";
    }
    if (!start_->runnable) return line("Stop", from_, std::nullopt, stop_, reason_of(stop_, start_));
    if (moves()) return line(it_.failed ? "Recover" : "Move", from_, to_, stop_, stop_);
    if (it_.failed) return line("Recover", from_, std::nullopt, stop_, stop_);
    return line("Restart", from_, to_, start_, start_);
  }

  std::string in_another_role() {
    if (stop_ != nullptr && (it_.next_role == Role::stopped || (start_ != nullptr && !start_->runnable)))
      return stops();
    if (wanted(stop_) && it_.failed) return line("Recover", from_, to_, stop_, start_);
    if (moves()) return line("Move", from_, to_, stop_, stop_);
    if (wanted(reload_)) return line("Reload", from_, to_, reload_, nullptr);
    if (wanted(stop_)) return line("Restart", from_, to_, start_, start_);
    if (it_.role == Role::promoted) return line("Demote", from_, to_, demote_, demote_);
    if (it_.next_role == Role::promoted) return line("Promote", from_, to_, promote_, promote_);
    return it_.role == Role::stopped ? line("Start", from_, to_, start_, start_) : "";
  }

  std::string stops() {
    std::string all;
    for (const NodeName& node : it_.running_on) {
      const ShownAct* stop = act("stop", node);
      all += line("Stop", node, std::nullopt, stop, reason_of(stop, start_));
    }
    return all;
  }

  static const ShownAct* reason_of(const ShownAct* act, const ShownAct* otherwise) {
    return act != nullptr && !act->cause.empty() ? act : otherwise;
  }

  std::string line(std::string_view word, const std::optional<NodeName>& from, const std::optional<NodeName>& to,
                   const ShownAct* act, const ShownAct* source) const {
    if (act == nullptr) return "";
    if (source == nullptr) source = act;
    std::string why = source->cause.empty() ? "" : fmt::format("  due to {}", source->cause);
    if (!act->runnable) why += why.empty() ? "  blocked" : " (blocked)";
    return fmt::format("  * {:<10} {} ( {} ){}\n", word, it_.id, place(from, to), why);
  }

  std::string place(const std::optional<NodeName>& from, const std::optional<NodeName>& to) const {
    const bool roles = it_.role > Role::started || it_.next_role > Role::unpromoted;
    const auto was = to_words(it_.role), will = to_words(it_.next_role);
    const bool same_role = it_.role == it_.next_role, same_node = from && to && *from == *to;
    if (!from) return roles ? fmt::format("{} -> {} {}", was, will, to->value) : to->value;
    if (!to) return roles ? fmt::format("{} {}", was, from->value) : from->value;
    if (same_role && same_node) return roles ? fmt::format("{} {}", was, from->value) : from->value;
    if (same_role) return fmt::format("{} -> {}{}{}", from->value, to->value, roles ? " " : "", roles ? was : "");
    if (same_node) return fmt::format("{} -> {} {}", was, will, from->value);
    return fmt::format("{} {} -> {} {}", was, from->value, will, to->value);
  }

  const ShownResource& it_;
  std::optional<NodeName> from_, to_;
  const ShownAct *start_ = nullptr, *stop_ = nullptr, *promote_ = nullptr, *demote_ = nullptr;
  const ShownAct* reload_ = nullptr;
};

std::string changes_of(const ShownResource& resource) {
  if (resource.kind == Kind::primitive) return Change(resource).text();
  std::string all;
  for (const ShownResource& child : resource.children) all += changes_of(child);
  return all;
}

}  // namespace

std::string show_changes(const Picture& picture) {
  std::string all;
  for (auto node = picture.nodes.rbegin(); node != picture.nodes.rend(); ++node)
    if (!node->fenced.empty())
      all += fmt::format("  * Fence ({}) {} '{}'\n", node->fenced, node->name.value, node->fence_why);
  for (const ShownResource& resource : picture.resources) all += changes_of(resource);
  return all;
}

}  // namespace systole::tools
