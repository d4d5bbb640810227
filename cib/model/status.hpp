// SPDX-License-Identifier: GPL-2.0-or-later
// The status half of a CIB as plain values: what each node reported. It lives in memory only; XML is made of it when
// somebody asks. Field names follow the status section's XML (node_state, lrm_resource, lrm_rsc_op,
// transient_attributes).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cib/model/configuration.hpp"

namespace systole::cib {

/// OCF exit codes (OCF resource agent API 1.1, and Pacemaker's 190/191 for degraded).
enum class Rc : std::int32_t {
  ok = 0,
  error = 1,
  bad_arguments = 2,
  unimplemented = 3,
  permission = 4,
  not_installed = 5,
  not_configured = 6,
  not_running = 7,
  promoted = 8,
  failed_promoted = 9,
  degraded = 190,
  degraded_promoted = 191,
  pending = 193,
};

/// op-status of a history entry, Pacemaker's numbers.
enum class OpStatus : std::int32_t {
  pending = -1,
  done = 0,
  cancelled = 1,
  timed_out = 2,
  not_supported = 3,
  error = 4,
  error_hard = 5,
  error_fatal = 6,
  not_installed = 7,
  not_connected = 8,
  invalid = 9,
};

/// With which parameters an operation ran (cib/model/digest.hpp). Where the agent can take over some of them while it
/// runs, the second digest is that of those which it cannot; where some are secrets, the third that of the others.
struct Digests {
  std::string all;                    // op-digest
  std::string restart, restart_only;  // op-restart-digest; op-force-restart: " NAME NAME " of those it is over
  std::string open, secrets;          // op-secure-digest; op-secure-params: " NAME NAME " of those it leaves out
  bool operator==(const Digests&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(all)(restart)(restart_only)(open)(secrets);
  }
};

/// One history entry (lrm_rsc_op).
struct OperationResult {
  ResourceId resource;       // anonymous clone instances use the primitive's plain id; unique ones "id:N"
  std::string operation;     // start, stop, monitor, promote, demote, …
  Duration interval{};       // 0: not recurring
  std::int32_t call_id = 0;  // rises per node; the order of history
  std::int32_t rc = 0, expected_rc = 0;
  OpStatus status = OpStatus::done;
  std::string exit_reason;
  std::string transition_key;       // "action:transition:target_rc:uuid"
  std::int64_t last_rc_change = 0;  // wall clock, s
  std::int64_t exec_ms = 0, queue_ms = 0;
  Digests digests;
  bool operator==(const OperationResult&) const = default;

  bool failed() const {
    return status > OpStatus::cancelled || (status == OpStatus::done && rc != expected_rc && !soft_ok());
  }
  bool pending() const { return status == OpStatus::pending; }
  template <class Archive>
  void fields(Archive& a) {
    a(resource)(operation)(interval)(call_id)(rc)(expected_rc)(status)(exit_reason)(transition_key)(last_rc_change);
    a(exec_ms)(queue_ms)(digests);
  }

 private:
  /// A probe that finds the resource running, or any monitor that finds a sound state, is information and no failure.
  bool soft_ok() const;
};

/// The history of one resource on one node: the last non-recurring result, the last failure, and each recurring one, as
/// Pacemaker keeps it. Keys: "last_0", "last_failure_0", "monitor_10000".
struct ResourceHistory {
  std::string standard, provider, type;
  std::map<std::string, OperationResult> entries;
  bool operator==(const ResourceHistory&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(standard)(provider)(type)(entries);
  }
};

/// Files a new result under its keys; what it replaces is forgotten.
void record(ResourceHistory& history, const OperationResult& result);
/// Entries in the order in which they happened (by call id, then by time).
std::vector<const OperationResult*> in_order(const ResourceHistory& history);

struct NodeState {
  std::string id;  // nodeid as text
  NodeName uname;
  bool member = false;            // in_ccm: the node is in the membership
  bool online = false;            // crmd="online": its crmd has joined
  std::string join = "down";      // down, pending, member
  std::string expected = "down";  // down, member
  Pairs transient;                // transient_attributes
  std::map<ResourceId, ResourceHistory> history;
  bool operator==(const NodeState&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(id)(uname)(member)(online)(join)(expected)(transient)(history);
  }
};

struct Status {
  std::map<NodeName, NodeState> nodes;
  bool operator==(const Status&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(nodes);
  }
};

/// Nodes, and of each the resources that it has a history of, in the order of a document.
using StatusOrder = std::vector<std::pair<NodeName, std::vector<ResourceId>>>;

/// "fail-count-RSC#op_ms" and "last-failure-RSC#op_ms" (Pacemaker 1.1.17 and later).
std::string fail_count_name(const ResourceId& resource, std::string_view operation, Duration interval);
std::string last_failure_name(const ResourceId& resource, std::string_view operation, Duration interval);

/// Sum of a resource's fail counts on a node, INFINITY kept.
Score fail_count(const NodeState& node, const ResourceId& resource);
/// Newest last-failure time of a resource on a node, seconds since 1970; 0: none.
std::int64_t last_failure(const NodeState& node, const ResourceId& resource);

/// "master-RSC": the promotion score attribute.
std::string promotion_score_name(const ResourceId& resource);

/// Words for people: "not running", "error", …
std::string_view to_words(Rc rc);
std::string_view to_words(OpStatus status);

}  // namespace systole::cib
