// SPDX-License-Identifier: GPL-2.0-or-later
// The scheduler: from what is wanted (configuration) and what is (status) to the actions that lead from one to the
// other. A pure function: the same view gives the same transition, on every node, in the tests and in a simulation
// tool. Every action and every decision carries its reason in plain words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cib/model/configuration.hpp"
#include "cib/model/status.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"

namespace systole::scheduler {

/// A node's resources in the order of a document: of equal claims the earlier one is heard first.
struct Mentioned {
  NodeName node;
  std::vector<ResourceId> resources;
};

/// All that a decision may depend on.
struct View {
  const cib::Configuration* configuration = nullptr;
  const cib::Status* status = nullptr;
  bool quorate = false;
  NodeName dc;               // the leader
  std::int64_t epoch_s = 0;  // wall clock: failure-timeout counts in it
  /// Whoever carries the transition out can fence nodes, ends nodes that shut down and clears histories when it is told
  /// to: Pacemaker's way, for crm_simulate. crmd does the two latter by itself, and cannot fence.
  bool whole = false;
  std::vector<Mentioned> order = {};  // empty: by name
  bool had_quorum = true;             // once at least: no-quorum-policy=suicide means stop until then
};

enum class ActionKind {
  operation,      // an agent call on a node
  cancel,         // end a recurring monitor on a node
  fence,          // turn a node off and on again, or off: Action::operation
  shutdown,       // a node that is to leave may end now
  forget,         // clear the history of a resource on a node
  clear_failure,  // forget fail counts and failure history of a resource on a node (failure-timeout ran out, cleanup)
  pseudo,         // a point in the order only (group started, notifications confirmed)
};

/// One action. Ids are 0-based positions in Transition::actions.
struct Action {
  int id = 0;
  ActionKind kind = ActionKind::operation;
  ResourceId resource;  // history id: the primitive's id (anonymous clones), "id:N" for globally unique clone instances
  int instance = -1;    // clone instance number; -1 outside clones
  std::string operation;  // start stop promote demote monitor notify; for pseudo a name as "db-clone_start_0"
  Duration interval{};    // recurring monitors; 0 otherwise
  NodeName node;
  std::string standard, provider, type;
  cib::Pairs parameters;  // instance attributes (and op instance attributes), evaluated for the node
  cib::Pairs meta;        // without the CRM_meta_ prefix: timeout (ms), interval (ms, recurring only), name, clone,
                    // clone_max, notify_* …, on_node, on_node_uuid, role: as pacemaker-surface describes them; the
                    // executor adds the prefix
  Duration timeout{};   // resolved: op attribute > op meta > op_defaults > 20 s
  int expected_rc = 0;  // 7 for probes, 8 for monitors of promoted instances
  bool probe = false;
  bool may_fail = false;       // a failure does not stop those that come after (notify)
  std::string on_fail;         // as configured, or the default for this operation
  std::vector<int> after;      // must have succeeded (or be pseudo and done) before this one begins
  std::vector<int> after_any;  // must have ended, whatever came out (optional order, notifications)
  int rank = 0;                // the order in which Pacemaker numbers a graph: by resource, the newest act first
  std::string reason;          // why, in plain words: "node n1 is lost", "promotion score 110 is the highest"
};

/// Why a resource (instance) is where it is: one line for each resource and each refused node.
struct Decision {
  ResourceId resource;   // as shown to people: "vip", "db:0"
  NodeName node;         // empty: nowhere
  std::string role;      // Stopped, Started, Unpromoted, Promoted
  std::string sentence;  // "runs on n1: score 100 there (location vip-prefers-n1), n2 has 0"
  std::vector<std::pair<NodeName, std::string>> elsewhere = {};  // why not there; schedule_in_full() only
};

struct Transition {
  std::vector<Action> actions;
  std::vector<Decision> decisions;
  std::vector<std::string> problems;       // configuration errors, blocked resources: shown loudly
  std::optional<std::int64_t> recheck_at;  // wall clock: when time alone may change the decision (failure-timeout)
  bool empty() const { return actions.empty(); }
};

Transition schedule(const View& view);

/// Where each resource is now, as derived from the history: for status displays and tests.
enum class Role { stopped, started, unpromoted, promoted };
std::string_view to_words(Role role);

struct Active {
  ResourceId resource;  // primitive id (or "id:N")
  NodeName node;
  Role role = Role::stopped;
  bool failed = false;   // its last result is a failure
  bool pending = false;  // an action is under way
  bool managed = true;
  std::string failure;  // "monitor failed: not running (exit reason)", "" where sound
};
std::vector<Active> observe_active(const View& view);

/// False where nothing may run: standby, offline, unclean, maintenance nodes (for status displays).
struct NodeFitness {
  NodeName node;
  bool online = false, standby = false, maintenance = false, unclean = false, pending = false;
};
std::vector<NodeFitness> observe_nodes(const View& view);

}  // namespace systole::scheduler
