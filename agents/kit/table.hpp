// SPDX-License-Identifier: GPL-2.0-or-later
// What an agent says of itself, as one table: from it come the meta-data, the checks of OCF_RESKEY_* values and their
// typed form. Source of the format: OCF Resource Agent API 1.1 (ClusterLabs/OCF-spec, ra/1.1).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace systole::agents {

/// OCF's exit codes.
enum class Ocf {
  ok = 0,
  generic = 1,        // soft: restart, then move at migration-threshold
  args = 2,           // the values are wrong on this machine (hard: another node may do)
  unimplemented = 3,  // no such action
  permission = 4,     // hard
  installed = 5,      // a program or kernel feature is missing here (hard)
  configured = 6,     // the values are wrong everywhere (fatal)
  not_running = 7,    // cleanly stopped
  running_promoted = 8,
  failed_promoted = 9,
  degraded = 190,
  degraded_promoted = 191,
};

enum class ParamType { string, integer, boolean, time };

struct Param {
  std::string_view name;
  ParamType type = ParamType::string;
  std::string_view fallback = {};  // the value when none is given; empty: none
  bool required = false;
  bool unique = false;          // no two resources on one node may share the value (unique-group of its own)
  bool reloadable = false;      // a change needs no restart; only with Agent::reload
  std::string_view brief = {};  // shortdesc
  std::string_view about = {};  // longdesc; empty: as brief
  std::int64_t least = std::numeric_limits<std::int64_t>::min();  // of integers
  std::int64_t greatest = std::numeric_limits<std::int64_t>::max();
  std::vector<std::string_view> choices = {};  // of strings; empty: any
  std::string_view example = {};               // a value for help and manual; empty: the fallback
  std::vector<std::string_view> aliases = {};  // older names, still understood; deprecated in the meta-data
};

/// One line of <actions>; empty parts are left out.
struct Action {
  std::string_view name;
  std::string_view timeout;
  std::string_view interval = {};
  std::string_view role = {};
  std::string_view depth = {};
};

struct About {
  std::string_view name;     // as in ocf:systole:NAME
  std::string_view version;  // the agent's own
  std::string_view brief;
  std::string_view about;
  std::vector<Param> params;
  std::vector<Action> actions;  // meta-data and usage included
};

/// The meta-data document. Valid XML for any text in the table; it brings the DTD of OCF 1.1 with it, because
/// ocf-tester validates by DTD and the one that it has is of OCF 1.0.
std::string meta_data(const About& about);

/// For & < > " and control characters.
std::string xml_escaped(std::string_view text);

}  // namespace systole::agents
