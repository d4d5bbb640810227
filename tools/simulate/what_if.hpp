// SPDX-License-Identifier: GPL-2.0-or-later
// systole simulate: what crmd would do if a node died, a resource failed, an attribute changed or a configuration were
// applied, one after the other, in words. And why a resource is not on a node.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/program.hpp"

namespace systole::tools {

/// One thing that happens; the cluster then does what it would, until nothing is left to do.
struct Step {
  enum class What { node_dies, node_leaves, node_returns, resource_fails, attribute, apply, time_passes };
  What what = What::node_dies;
  std::string value;  // NODE; RESOURCE or RESOURCE@NODE; NODE:NAME=VALUE; a file; an interval
};

struct WhatIfOptions {
  std::string cib_file;  // "": the running cluster's CIB
  std::vector<Step> steps;
  std::optional<bool> quorum;  // nullopt: as the CIB says, whatever happens
};
int what_if(Surroundings& here, const WhatIfOptions& options);

/// cib_file "": the running cluster's.
int why_not_on(Surroundings& here, const std::string& cib_file, const std::string& resource, const std::string& node);

}  // namespace systole::tools
