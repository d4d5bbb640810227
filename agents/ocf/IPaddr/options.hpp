// SPDX-License-Identifier: GPL-2.0-or-later
// The parameters in the agent's own words, checked as far as they can be without looking at the machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/kit/table.hpp"
#include "agents/kit/values.hpp"
#include "agents/ocf/IPaddr/cloned.hpp"
#include "agents/ocf/IPaddr/facts.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::agents::ipaddr {

extern const About about;

enum class ConflictCheck {
  after,   // take the address and announce it; somebody else who has it is found while it is in use
  before,  // ask first; nobody answered: take it
  off,
};

struct Options {
  Ip ip;                                 // with the clone's number added where unique_clone_address asks for it
  std::string nic;                       // empty: where the routes lead
  std::optional<int> prefix;             // empty: as the route's or the interface's
  std::optional<std::string> broadcast;  // "+" all host bits set, "-" none set, or an address; empty: "+"
  std::optional<int> proto;              // only routes made by this one (RTPROT_*) tell interface and prefix
  std::string iflabel;
  bool noprefixroute = false;
  std::uint32_t preferred_lft = forever;
  bool optimistic = false;
  bool check_link = true;
  ConflictCheck conflict_check = ConflictCheck::after;
  bool report_faults = true;
  int arp_count = 6;
  Duration arp_interval{};  // 0: the built-in schedule
  bool arp_bg = true;
  int arp_count_refresh = 0;
  bool lvs = false;                          // keeps the address on the loopback interface while it is stopped
  std::optional<std::uint32_t> addrlabel{};  // for lvs with IPv6
  bool flush_routes = false;
  std::string network_namespace;
  std::string start_script, stop_script;
  std::optional<Cloned> cloned{};  // the same address on several nodes at once

  /// What neighbours learn in place of the interface's own.
  std::optional<Mac> common_mac() const { return cloned ? std::optional(cloned->mac) : std::nullopt; }
};

/// The values as Options; the Error says which parameter is wrong on every machine.
Result<Options> options_from(const Values& values, const Meta& meta);

/// The same for stop, which must not fail for what start refuses: a manager would fence the node. What is faulty is
/// left out and told in `faults`. nullopt: nothing can have been started.
std::optional<Options> options_for_stop(const Values& values, const Meta& meta, std::vector<std::string>& faults);

/// INTERFACE:LABEL, or the interface alone.
std::string label_of(const Options& options, const std::string& nic);
inline constexpr std::size_t label_bytes_max = 15;  // IFNAMSIZ less its end

}  // namespace systole::agents::ipaddr
