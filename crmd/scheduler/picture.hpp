// SPDX-License-Identifier: GPL-2.0-or-later
// What the scheduler saw and what it decided, as a tree like the configuration's, for whoever shows it to people:
// status displays, crm_simulate. It holds everything, also what needs no action.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crmd/scheduler/scheduler.hpp"

namespace systole::scheduler {

/// An act that was thought of. optional: nothing asks for it. Not runnable: something is in its way.
struct ShownAct {
  std::string task;  // start, stop, promote, demote, monitor, …
  NodeName node;
  bool optional = true, runnable = true;
  std::string cause;  // why, in Pacemaker's words; "": it is the resource's own affair
};

struct ShownResource {
  enum class Kind { primitive, group, clone };
  Kind kind = Kind::primitive;
  std::string id;    // an instance's has its number
  std::string name;  // as people know it: an anonymous instance's has none
  std::string standard, provider, type;
  std::vector<ShownResource> children;
  bool orphan = false, managed = true, blocked = false, failed = false, failure_ignored = false;
  std::string pending;                      // the operation under way; "" none
  bool promotable = false, unique = false;  // clones
  int instances = 0;                        // clones: clone-max
  std::string target_role;                  // as configured; ""
  Role role = Role::stopped;
  std::vector<NodeName> running_on;
  std::vector<NodeName> not_installed_on;  // nodes whose probe said so
  std::vector<NodeName> possible_on;       // clones: nodes that are not ruled out for all instances

  // What was decided; as it is where nothing was.
  Role next_role = Role::stopped;
  std::optional<NodeName> next_node;
  std::vector<ShownAct> acts;
};

/// How often a resource failed on a node, as far as that is remembered.
struct ShownFailures {
  ResourceId resource;
  int threshold = 0;  // migration-threshold
  Score count;
  std::int64_t last = 0;  // wall clock, s; 0: not known
};

struct ShownNode {
  NodeName name;
  bool online = false, standby = false, standby_on_fail = false, maintenance = false, unclean = false, pending = false;
  bool busy = false;        // something is active on it
  std::string fenced = {};  // what is done to it: reboot, off; "" nothing
  std::string fence_why = {};
  cib::Pairs attributes = {};  // permanent ones, overridden by transient ones
  std::vector<ShownFailures> failures = {};
};

/// A point of the graph: an action that was thought of. One that is not done should be and cannot, or is optional, or
/// is of a resource that nobody manages.
struct ShownPoint {
  std::string name;  // as Pacemaker's graphs have it: "db:0_start_0 n1"
  bool done = true, optional = false, managed = true, pseudo = false;
};

/// A score as it was when a place or a role was chosen by it.
struct ShownScore {
  enum class For { clone, group, primitive, promotion };
  For what = For::primitive;
  std::string resource;
  NodeName node;  // empty: an instance without a place is not promoted anywhere
  Score score;
};

struct Picture {
  bool maintenance = false;      // of the whole cluster
  bool stops_all = false;        // stop-all-resources
  std::vector<ShownNode> nodes;  // by name, numbers in it by their value
  // By priority, then as configured, then those that are configured no more.
  std::vector<ShownResource> resources;
  std::vector<ShownPoint> points;
  std::vector<std::pair<std::size_t, std::size_t>> arrows;  // the first before the second
  std::vector<ShownScore> scores;                           // in the order in which they were needed
};

/// As it is.
Picture picture_of(const View& view);

struct Planned {
  Transition transition;
  Picture picture;
};
/// schedule(), and what it thought of.
Planned schedule_in_full(const View& view);

}  // namespace systole::scheduler
