// SPDX-License-Identifier: GPL-2.0-or-later
// Node attributes and promotion scores, through the tools that Pacemaker and Systole both have: crm_attribute,
// attrd_updater, crm_node, crm_master, found in PATH. Each call ends by its deadline at the latest: a manager that is
// electing may block a tool for seconds, and an agent must not be killed for it. Success says that this node's manager
// took the value, not that any other node has it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agents/kit/values.hpp"
#include "common/base/result.hpp"
#include "common/base/score.hpp"
#include "common/base/time.hpp"

namespace systole::agents {

/// How long a manager waits for further changes of an attribute before it acts upon one.
struct Dampening {
  enum class Kind {
    as_it_was,  // of an attribute that is there already; a new one gets delay
    replaced,
  };
  std::string delay;  // "5s"
  Kind kind = Kind::as_it_was;
};

class Attributes {
 public:
  /// env must outlive this.
  explicit Attributes(const Environment& env) : env_(env) {}

  // The promotion score of this resource's instance on this node (crm_attribute --promotion; crm_master where
  // the manager's feature set is below 3.10).
  Result<void> set_promotion(Score score, Time deadline) const;
  Result<void> delete_promotion(Time deadline) const;
  /// node empty: here. not_found: no score is set.
  Result<Score> promotion(const std::string& node, Time deadline) const;

  // Transient attributes: gone when the node leaves. node empty: here.
  Result<void> set_transient(const std::string& name, const std::string& value, const std::string& node,
                             Time deadline) const;
  /// As set_transient, but never in the CIB: nothing is decided by it.
  Result<void> set_private(const std::string& name, const std::string& value, const std::string& node,
                           Time deadline) const;
  Result<void> delete_transient(const std::string& name, const std::string& node, Time deadline) const;
  Result<std::string> transient(const std::string& name, const std::string& node, Time deadline) const;
  /// Node → value, of all nodes that have one. An error also where none has.
  Result<std::map<std::string, std::string>> everywhere(const std::string& name, Time deadline) const;

  // Transient attributes of this node, with dampening.
  Result<void> set_dampened(const std::string& name, const std::string& value, const Dampening& dampening,
                            Time deadline) const;
  Result<void> delete_dampened(const std::string& name, const std::string& delay, Time deadline) const;

  // Permanent node attributes (lifetime forever): in the configuration, kept over restarts.
  Result<void> set_permanent(const std::string& name, const std::string& value, const std::string& node,
                             Time deadline) const;
  Result<void> delete_permanent(const std::string& name, const std::string& node, Time deadline) const;
  Result<std::string> permanent(const std::string& name, const std::string& node, Time deadline) const;

  // Cluster properties (crm_config); set: the property set's id, empty: the manager's default one.
  Result<void> set_property(const std::string& name, const std::string& value, const std::string& set,
                            Time deadline) const;
  Result<std::string> property(const std::string& name, const std::string& set, Time deadline) const;

  /// CRM_meta_on_node, else crm_node -n, else the host's name.
  std::string local_node(Time deadline) const;

 private:
  Result<std::string> run(std::vector<std::string> argv, Time deadline) const;
  Result<std::string> query(std::vector<std::string> argv, Time deadline) const;
  const Environment& env_;
};

/// "3.16.1" at least "3.10.0"; text that is no version counts as 0.
bool version_at_least(std::string_view version, std::string_view wanted);

}  // namespace systole::agents
