// SPDX-License-Identifier: GPL-2.0-or-later
// The environment an agent was called with, as values: an agent never calls getenv, so that its logic can be tested
// with a map. Values are checked against the table once, before any action runs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/kit/table.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::agents {

using Environment = std::map<std::string, std::string, std::less<>>;

/// The process's own environment.
Environment process_environment();

/// What only the agent itself may know (OCF_RESKEY_*passw*) is not in it. For the programs that an agent starts: the
/// environment of a process can be read by others of its user, and a program may show it or hand it on.
Environment without_secrets(const Environment& env);

/// Values of parameters that were not given, by name: what an agent found on the machine.
using Fallbacks = std::map<std::string, std::string, std::less<>>;

/// nullopt when unset; an empty value counts as set.
std::optional<std::string_view> lookup(const Environment& env, std::string_view name);
/// The same, but an empty value counts as unset.
std::string_view value_or(const Environment& env, std::string_view name, std::string_view otherwise);

/// The parameters, typed. Names must be in the table (a bug of ours otherwise: ensure).
class Values {
 public:
  /// What is wrong with OCF_RESKEY_*: one sentence per fault ("parameter 'ip' is required and missing: …"). Empty: all
  /// good.
  static std::vector<std::string> faults(const About& about, const Environment& env);
  /// What is understood but better said otherwise (older names), and what has no effect (names that are not in the
  /// table). One sentence each; nothing is wrong with the call.
  static std::vector<std::string> notices(const About& about, const Environment& env);
  /// A value that has a fault counts as not given. One under an older name counts as given unless the newer name has
  /// one too.
  Values(const About& about, const Environment& env);

  /// From now on these take the place of the table's fallbacks. A value that the table would refuse is passed over.
  void fall_back(const About& about, const Fallbacks& fallbacks);

  /// Set, and not to the empty string (which people use for "none").
  bool given(std::string_view name) const;
  const std::string& text(std::string_view name) const;  // given value or fallback
  std::int64_t number(std::string_view name) const;      // 0 when neither is there
  bool flag(std::string_view name) const;                // false when neither is there
  Duration time(std::string_view name) const;            // 0 when neither is there

 private:
  struct Value {
    std::string text;
    bool given = false;
  };
  const Value& value(std::string_view name) const;
  std::map<std::string, Value, std::less<>> values_;
};

/// What the cluster manager says of the call: OCF_RESKEY_CRM_meta_* and friends.
class Meta {
 public:
  explicit Meta(const Environment& env) : env_(env) {}

  /// CRM_meta_NAME as text; empty when unset.
  std::string text(std::string_view name) const;
  /// A list of names, blank-separated in the environment (an empty list is one blank there).
  std::vector<std::string> list(std::string_view name) const;

  Duration timeout(Duration otherwise) const;  // of this action
  Duration interval() const;                   // 0: not recurring
  bool is_clone() const;                       // runs as an instance of a clone
  std::optional<int> clone_number() const;
  int clone_max() const;       // 0 when no clone
  bool is_promotable() const;  // told by promoted_max/master_max
  bool has_notify() const;
  std::string on_node() const;      // empty: not told
  std::string instance() const;     // OCF_RESOURCE_INSTANCE, or "default" by hand
  std::string resource() const;     // the same without a clone's number
  int check_level() const;          // OCF_CHECK_LEVEL, 0 when unset
  std::string feature_set() const;  // OCF_RESKEY_crm_feature_set

  /// "pre" or "post"; empty outside notify.
  std::string notify_type() const { return text("notify_type"); }
  /// "start", "stop", "promote", "demote".
  std::string notify_operation() const { return text("notify_operation"); }
  /// what: start stop promote demote active promoted unpromoted available all; the node names. OCF 1.0's words
  /// master/slave are looked up when the newer ones are not there.
  std::vector<std::string> notify_nodes(std::string_view what) const;
  /// what: as above, and "inactive"; resource ids, parallel to notify_nodes.
  std::vector<std::string> notify_resources(std::string_view what) const;

 private:
  const Environment& env_;
};

}  // namespace systole::agents
