// SPDX-License-Identifier: GPL-2.0-or-later
// `systole status`: what the cluster is doing and whether anything is missing, gathered from the daemon's own words and
// the CIB; then shown to people (narrow, coloured on a terminal) or to programs (JSON). Redundancy that is gone is the
// last and loudest line, and the exit code.
#pragma once

#include <string>
#include <vector>

#include "cib/model/configuration.hpp"
#include "cib/model/status.hpp"
#include "common/wire/ipc.hpp"
#include "tools/daemon_link.hpp"

namespace systole::tools {

struct InstanceView {
  std::string node, role;  // Started, Promoted, Unpromoted, Stopped
  bool failed = false, pending = false;
  std::string failure;     // in words
  std::string fail_count;  // "0", "3", "INFINITY"
};

struct ResourceView {
  std::string id, agent;  // agent: "ocf:systole:mysql"
  std::string parent;     // group or clone that it belongs to; "": none
  std::string kind;       // primitive, group, clone, promotable
  bool managed = true;
  bool wanted = true;  // target-role is not Stopped
  int instances_wanted = 1, instances_running = 0;
  int promoted_wanted = 0, promoted_running = 0;
  std::vector<InstanceView> instances;  // where it runs or has failed
};

struct NodeView {
  wire::ipc::NodeInfo info;
  bool standby = false, maintenance = false, unclean = false;
};

struct StatusView {
  wire::ipc::ClusterInfo cluster;
  std::vector<NodeView> nodes;
  std::vector<ResourceView> resources;
  std::vector<std::string> missing;  // redundancy that is gone: what is wanted runs, but not on all its nodes
  std::vector<std::string> outages;  // what is wanted and does not run at all
  std::vector<std::string> unsupported;
  /// 0: all well; 1: redundancy is gone; 2: something that is wanted does not run.
  int exit_code() const { return !outages.empty() ? 2 : !missing.empty() ? 1 : 0; }
};

/// Pure: the two answers of the daemon → what is shown.
StatusView make_status(wire::ipc::ClusterInfo cluster, const cib::Configuration& configuration,
                       const cib::Status& status);

Result<StatusView> gather_status(DaemonLink& daemon);

std::string status_text(const StatusView& view, bool colours);
std::string status_json(const StatusView& view);

}  // namespace systole::tools
