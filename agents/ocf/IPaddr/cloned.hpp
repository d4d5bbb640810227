// SPDX-License-Identifier: GPL-2.0-or-later
// One address on several nodes at once, each of which answers its share of the clients (IPaddr2's "cluster IP"): what a
// clone with globally-unique=true and without unique_clone_address asks for. Neighbours learn one hardware address for
// it, a group address, so that the switch brings each packet to every node; rules (share_rules.hpp) let one node in.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agents/kit/values.hpp"
#include "agents/ocf/IPaddr/facts.hpp"
#include "common/base/result.hpp"

namespace systole::agents::ipaddr {

/// What decides which instance answers a packet. Packets without ports, such as echo requests, go by their source only.
enum class CloneHash { source, source_port, both_ports };
std::string_view to_text(CloneHash hash);

struct Cloned {
  int instance = 0;   // this one's number
  int instances = 1;  // in the whole clone, numbered from 0
  Mac mac{};          // the common one: its group bit is set
  CloneHash hash = CloneHash::source_port;
  std::uint32_t seed = 0;
  bool operator==(const Cloned&) const = default;
};

/// 03:56 and the four bytes of the address: a group address, locally administered, the same on every node, and outside
/// the range of IP multicast, which switches prune.
Mac common_mac(const Ip& ip);

/// nullopt: an ordinary address. invalid: a parameter that is wrong on every machine.
Result<std::optional<Cloned>> cloned_from(const Values& values, const Meta& meta, const Ip& ip);

}  // namespace systole::agents::ipaddr
