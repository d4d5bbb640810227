// SPDX-License-Identifier: GPL-2.0-or-later
// See neighbours.hpp.
#include "agents/ocf/IPaddr/neighbours.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <poll.h>

#include <algorithm>

namespace systole::agents::ipaddr {

namespace {

void announce_foreground(Call& call, const Placement& at, LinkSocket& link, Netlink& route,
                         const std::vector<Duration>& times, Time since) {
  for (const Duration time : times) {
    if (!pause_for(since + time - boot_now(), call.deadline())) {
      call.log().warning("the timeout leaves no time for all announcements; proceeding without the rest");
      return;
    }
    if (const auto sent = announce_once(link, route, at.nic, at.address.ip.family); !sent)
      call.log().warning("{}; proceeding", sent.error().what);
  }
}

}  // namespace

void announce(const Place& place, Netlink& route, const Placement& at, Result<LinkSocket>& link) {
  const Options& options = place.options;
  const Time since = boot_now();
  auto later = announcement_times(options);
  if (at.nic.speaks_arp()) {
    const auto first = link ? announce_once(*link, route, at.nic, at.address.ip.family) : Result<void>(link.error());
    if (!first) {
      place.call.log().error("{}; neighbours may keep the old owner for a while, proceeding", first.error().what);
    }
    if (!options.arp_bg && link) {
      announce_foreground(place.call, at, *link, route, {later.begin() + 1, later.end()}, since);
    }
    if (!options.arp_bg) later.resize(1);
  } else {
    place.call.log().info("'{}' is no Ethernet interface with ARP: no neighbours to tell", at.nic.name);
    later.resize(1);
  }
  if (const auto launched = launch_helper(place, later, since); !launched) {
    place.call.log().warning("{}; no later announcements, and faults are noticed by monitor only, proceeding",
                             launched.error().what);
  }
}

void refresh_neighbours(const Place& place, const Facts& facts) {
  const Address entry = served(place.options, facts).front();
  const Interface& nic = *facts.interface(entry.index);
  auto route = Netlink::open(NETLINK_ROUTE, place.call.deadline());
  auto link = LinkSocket::open(nic, entry.ip, {}, place.options.common_mac());
  for (int i = 0; route && link && nic.speaks_arp() && i < place.options.arp_count_refresh; ++i)
    static_cast<void>(announce_once(*link, *route, nic, entry.ip.family));
}

Result<void> nobody_else_has(const Place& place, const Placement& at, const Facts& facts) {
  constexpr int probes = 3;
  constexpr Duration gap = 50ms, last_wait = 150ms;
  if (!at.nic.speaks_arp()) return {};
  auto link = LinkSocket::open(at.nic, at.address.ip, own_macs(facts));
  if (!link) return link.error();
  for (int i = 1; i <= probes; ++i) {
    if (auto sent = link->probe(); !sent) return sent;
    const Time until = std::min(boot_now() + (i < probes ? gap : last_wait), place.call.deadline());
    for (Time now = boot_now(); now < until; now = boot_now()) {
      pollfd answer{link->fd(), POLLIN, 0};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
      static_cast<void>(::poll(&answer, 1, static_cast<int>(left)));
      const auto claim = link->hear();
      if (!claim) continue;
      return Error{Errc::exists,
                   fmt::format("{} is in use on the link of '{}': {} {}. Find that machine, or check 'ip'",
                               to_text(at.address.ip), at.nic.name, to_text(claim->by),
                               claim->asks ? "is about to take it" : "has it")};
    }
  }
  return {};
}

}  // namespace systole::agents::ipaddr
