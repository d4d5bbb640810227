// SPDX-License-Identifier: GPL-2.0-or-later
// The rules of nftables that give a node its share of a cloned address, as text: what nft(8) is told, and what its
// listing says. Two tables per address, with one name: netdev, which lets packets of this node's instances in and drops
// the others before anything else sees them, and arp, which puts the common hardware address into all that the kernel
// says of the address. A node's instances are chains, so that the kernel itself is the record of them.
//
// A packet's instance is a hash of it and nothing else: no node keeps state for another, and after a move every node
// knows without a word who answers. The hash depends on the byte order: nodes of one clone have to have the same.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agents/ocf/IPaddr/plan.hpp"

namespace systole::agents::ipaddr {

/// A node's part in one cloned address.
struct Shares {
  Ip ip;
  std::string nic;
  Cloned cloned;
  std::set<int> instances;  // on this node
};

std::string table_name(const Ip& ip);

/// False: a name that nft's language cannot hold, or would take for a pattern.
bool is_plain_name(std::string_view nic);

/// Commands that put the tables there, in place of older ones, in one transaction. Needs is_plain_name(nic).
std::string making_of(const Shares& shares);
/// Commands that remove them; they need not be there.
std::string removal_of(const Ip& ip);
/// The command that lists the table of that family, netdev or arp. One at a time: nft 1.0.6 lists only one a call.
std::string listing_of(std::string_view family, const Ip& ip);

/// What is on this node of a cloned address but the address itself.
struct ShareSeen {
  bool table = false;
  std::set<int> instances;           // of this node
  std::string listing;               // of the tables
  std::vector<std::string> hearing;  // the interfaces that take frames to the common hardware address
};
std::set<int> instances_in(std::string_view listing);
/// The comments of the rules that a listing lacks. A rule made for other parameters counts as missing.
std::vector<std::string> missing_rules(const Shares& shares, std::string_view listing);

/// monitor, with the address's own verdict: 0 all there; 7 this instance is not here; 1 a part of it is missing. A link
/// that is down is 1 too, not 7: who comes back with the rules of a share that another node has would answer with it.
Verdict judge_share(const Options& options, const Facts& facts, const Verdict& address, const ShareSeen& seen);

/// /proc/net/dev_mcast: the interfaces that were told, by ip-maddress(8) or by this agent, to take frames to `mac`.
std::vector<std::string> hearing_interfaces(std::string_view dev_mcast, const Mac& mac);

}  // namespace systole::agents::ipaddr
