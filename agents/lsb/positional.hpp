// SPDX-License-Identifier: GPL-2.0-or-later
// Arguments as haresources writes them (IPaddr::192.168.3.103/24/eth0) → parameters of an OCF agent: pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::lsb {

using Parameters = std::map<std::string, std::string>;

/// "name=value" words; Errc::invalid names the word that is none, or a name that is given twice.
Result<Parameters> parse_parameters(const std::vector<std::string>& words);

/// ip[/mask][/nic[:label]][/broadcast]: ip, cidr_netmask, nic, iflabel, broadcast. A part with a letter at its front is
/// the interface; the one without, after the mask, the broadcast address.
Result<Parameters> parse_address(std::string_view text);

/// One call of a script in resource.d.
struct ResourceCall {
  std::string agent;  // "systole:IPaddr" for the names of addresses, else the name; heartbeat.Dummy: heartbeat:Dummy
  Parameters parameters;
  std::string action;
  std::string instance;  // the same for the same words: "IPaddr_192.168.3.103"
  bool operator==(const ResourceCall&) const = default;
};

/// name: of the script. words: all after it, the action last. IPaddr and IPaddr2 take an address first; Filesystem,
/// MailTo, LVM, apache, IPsrcaddr, IPv6addr and Xinetd the positions of Heartbeat's own scripts; every agent takes
/// name=value.
Result<ResourceCall> parse_resource_call(std::string_view name, const std::vector<std::string>& words);

}  // namespace systole::lsb
