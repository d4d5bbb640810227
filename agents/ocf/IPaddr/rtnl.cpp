// SPDX-License-Identifier: GPL-2.0-or-later
// See rtnl.hpp; linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/neighbour.h, linux/if_addrlabel.h.
#include "agents/ocf/IPaddr/rtnl.hpp"

#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/if_addrlabel.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace systole::agents::ipaddr {

namespace {

/// IF_OPER_* of linux/if.h, which cannot be included beside net/if.h.
enum OperState : std::uint8_t { oper_notpresent = 1, oper_down = 2, oper_lowerlayerdown = 3 };

unsigned char af(IpFamily family) {
  return family == IpFamily::v6 ? AF_INET6 : AF_INET;
}

std::optional<IpFamily> family_of(unsigned char family) {
  if (family == AF_INET) return IpFamily::v4;
  if (family == AF_INET6) return IpFamily::v6;
  return std::nullopt;
}

std::string_view name_of(IpFamily family) {
  return family == IpFamily::v6 ? "IPv6" : "IPv4";
}

std::optional<Mac> mac_in(Bytes data) {
  return peek<Mac>(data.size() == sizeof(Mac) ? data : Bytes());
}

}  // namespace

std::optional<Interface> parse_link(Bytes body) {
  const auto head = peek<ifinfomsg>(body);
  if (!head) return std::nullopt;
  const Attributes<IFLA_OPERSTATE> attributes(body, sizeof *head);
  const auto state = attributes.value<std::uint8_t>(IFLA_OPERSTATE);
  const bool up = (head->ifi_flags & IFF_UP) != 0;
  const bool down = state == oper_notpresent || state == oper_down || state == oper_lowerlayerdown;
  Interface nic{.index = head->ifi_index,
                .name = attributes.text(IFLA_IFNAME),
                .mac = mac_in(attributes.bytes(IFLA_ADDRESS)).value_or(Mac{}),
                .admin_up = up,
                .carrier = up && !down,
                .loopback = (head->ifi_flags & IFF_LOOPBACK) != 0,
                .ethernet = head->ifi_type == ARPHRD_ETHER,
                .no_arp = (head->ifi_flags & IFF_NOARP) != 0};
  if (nic.name.empty()) return std::nullopt;
  return nic;
}

std::optional<Address> parse_address(Bytes body) {
  const auto head = peek<ifaddrmsg>(body);
  const auto family = head ? family_of(head->ifa_family) : std::nullopt;
  if (!family) return std::nullopt;
  const Attributes<IFA_FLAGS> attributes(body, sizeof *head);
  // On a point-to-point link IFA_ADDRESS is the other end's; IPv6 has no IFA_LOCAL elsewhere.
  auto ip = attributes.ip(IFA_LOCAL, *family);
  if (!ip && *family == IpFamily::v6) ip = attributes.ip(IFA_ADDRESS, *family);
  if (!ip || head->ifa_prefixlen > ip->bits()) return std::nullopt;
  const std::uint32_t flags = attributes.value<std::uint32_t>(IFA_FLAGS).value_or(head->ifa_flags);
  const auto lifetimes = attributes.value<ifa_cacheinfo>(IFA_CACHEINFO);
  const bool v6 = *family == IpFamily::v6;
  return Address{.index = static_cast<int>(head->ifa_index),
                 .ip = *ip,
                 .prefix = head->ifa_prefixlen,
                 .broadcast = attributes.ip(IFA_BROADCAST, *family),
                 .label = attributes.text(IFA_LABEL),
                 .secondary = !v6 && (flags & IFA_F_SECONDARY) != 0,
                 .noprefixroute = (flags & IFA_F_NOPREFIXROUTE) != 0,
                 .nodad = v6 && (flags & IFA_F_NODAD) != 0,
                 .optimistic = v6 && (flags & IFA_F_OPTIMISTIC) != 0,
                 .tentative = v6 && (flags & IFA_F_TENTATIVE) != 0,
                 .dadfailed = v6 && (flags & IFA_F_DADFAILED) != 0,
                 .preferred_lft = lifetimes ? lifetimes->ifa_prefered : forever};
}

std::optional<Route> parse_route(Bytes body) {
  const auto head = peek<rtmsg>(body);
  const auto family = head ? family_of(head->rtm_family) : std::nullopt;
  if (!family || head->rtm_type != RTN_UNICAST) return std::nullopt;
  if (*family == IpFamily::v4 && head->rtm_scope != RT_SCOPE_LINK) return std::nullopt;
  const Attributes<RTA_TABLE> attributes(body, sizeof *head);
  const std::uint32_t table = attributes.value<std::uint32_t>(RTA_TABLE).value_or(head->rtm_table);
  const int index = attributes.value<int>(RTA_OIF).value_or(0);
  if (table != RT_TABLE_MAIN || attributes.has(RTA_GATEWAY) || index == 0) return std::nullopt;
  Ip everything{.family = *family, .bytes = {}};
  if (head->rtm_dst_len > everything.bits()) return std::nullopt;
  return Route{.index = index,
               .network = attributes.ip(RTA_DST, *family).value_or(everything),
               .prefix = head->rtm_dst_len,
               .protocol = head->rtm_protocol};
}

std::optional<Neighbour> parse_neighbour(Bytes body) {
  constexpr unsigned known = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
  const auto head = peek<ndmsg>(body);
  const auto family = head ? family_of(head->ndm_family) : std::nullopt;
  if (!family || (head->ndm_state & known) == 0) return std::nullopt;
  const Attributes<NDA_LLADDR> attributes(body, sizeof *head);
  const auto ip = attributes.ip(NDA_DST, *family);
  const auto mac = mac_in(attributes.bytes(NDA_LLADDR));
  if (!ip || !mac || ip->is_multicast()) return std::nullopt;
  return Neighbour{.index = head->ndm_ifindex, .ip = *ip, .mac = *mac};
}

namespace {

template <class Head>
Request list_of(std::uint16_t type, unsigned char family, unsigned char Head::*where) {
  Request request(type, NLM_F_DUMP);
  Head head{};
  head.*where = family;
  request.fixed(head);
  return request;
}

/// A dump into `list`, of what `parse` makes of each message.
template <class T, class Parse>
Result<void> fill(Netlink& route, const Request& request, const std::string& tried, std::vector<T>& list,
                  const Parse& parse) {
  return route.dump(
      request, tried, [&list] { list.clear(); },
      [&](std::uint16_t, Bytes body) {
        if (auto one = parse(body)) list.push_back(std::move(*one));
      });
}

Request address_request(std::uint16_t type, std::uint16_t flags, const Address& address) {
  Request request(type, static_cast<std::uint16_t>(flags | NLM_F_ACK));
  request.fixed(ifaddrmsg{.ifa_family = af(address.ip.family),
                          .ifa_prefixlen = static_cast<unsigned char>(address.prefix),
                          .ifa_flags = 0,
                          .ifa_scope = RT_SCOPE_UNIVERSE,
                          .ifa_index = static_cast<unsigned>(address.index)});
  request.attribute(IFA_LOCAL, address.ip).attribute(IFA_ADDRESS, address.ip);
  return request;
}

Request label_request(std::uint16_t type, std::uint16_t flags, const Ip& ip, std::uint32_t label) {
  Request request(type, static_cast<std::uint16_t>(flags | NLM_F_ACK));
  ifaddrlblmsg head{};
  head.ifal_family = AF_INET6;
  head.ifal_prefixlen = static_cast<unsigned char>(ip.bits());
  request.fixed(head).attribute(IFAL_ADDRESS, ip).attribute(IFAL_LABEL, label);
  return request;
}

}  // namespace

Result<Facts> gather_facts(Netlink& route, IpFamily family, Depth depth) {
  Facts facts;
  Request links = list_of(RTM_GETLINK, AF_UNSPEC, &ifinfomsg::ifi_family);
  links.attribute(IFLA_EXT_MASK, std::uint32_t{RTEXT_FILTER_SKIP_STATS});
  if (auto got = fill(route, links, "list the network interfaces", facts.interfaces, parse_link); !got)
    return got.error();
  const Request addresses = list_of(RTM_GETADDR, af(family), &ifaddrmsg::ifa_family);
  if (auto got =
          fill(route, addresses, fmt::format("list the {} addresses", name_of(family)), facts.addresses, parse_address);
      !got)
    return got.error();
  if (depth == Depth::addresses) return facts;
  const Request routes = list_of(RTM_GETROUTE, af(family), &rtmsg::rtm_family);
  if (auto got = fill(route, routes, fmt::format("list the {} routes", name_of(family)), facts.routes, parse_route);
      !got)
    return got.error();
  return facts;
}

Result<std::vector<Neighbour>> list_neighbours(Netlink& route, IpFamily family, int index) {
  std::vector<Neighbour> all;
  const Request request = list_of(RTM_GETNEIGH, af(family), &ndmsg::ndm_family);
  if (auto got = fill(route, request, "list the neighbours", all, parse_neighbour); !got) return got.error();
  std::erase_if(all, [index](const Neighbour& one) { return one.index != index; });
  return all;
}

Result<void> add_address(Netlink& route, const Address& address) {
  Request request = address_request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);
  if (address.broadcast) request.attribute(IFA_BROADCAST, *address.broadcast);
  if (!address.label.empty() && !address.ip.is_v6()) request.attribute(IFA_LABEL, std::string_view(address.label));
  const std::uint32_t flags = (address.noprefixroute ? IFA_F_NOPREFIXROUTE : 0) | (address.nodad ? IFA_F_NODAD : 0) |
                              (address.optimistic ? IFA_F_OPTIMISTIC : 0);
  if (flags != 0) request.attribute(IFA_FLAGS, flags);
  if (address.preferred_lft != forever) {
    const ifa_cacheinfo lifetimes{
        .ifa_prefered = address.preferred_lft, .ifa_valid = forever, .cstamp = 0, .tstamp = 0};
    request.attribute(IFA_CACHEINFO, &lifetimes, sizeof lifetimes);
  }
  return route.ask(request, fmt::format("add {}/{}", to_text(address.ip), address.prefix));
}

Result<void> delete_address(Netlink& route, const Address& address) {
  return route.ask(address_request(RTM_DELADDR, 0, address),
                   fmt::format("delete {}/{}", to_text(address.ip), address.prefix));
}

Result<void> set_link_up(Netlink& route, const Interface& nic) {
  Request request(RTM_NEWLINK, NLM_F_ACK);
  ifinfomsg head{};
  head.ifi_family = AF_UNSPEC;
  head.ifi_index = nic.index;
  head.ifi_flags = IFF_UP;
  head.ifi_change = IFF_UP;
  request.fixed(head);
  return route.ask(request, fmt::format("bring '{}' up", nic.name));
}

Result<void> add_address_label(Netlink& route, const Ip& ip, std::uint32_t label) {
  return route.ask(label_request(RTM_NEWADDRLABEL, NLM_F_CREATE | NLM_F_REPLACE, ip, label),
                   fmt::format("give {} the address label {}", to_text(ip), label));
}

Result<void> delete_address_label(Netlink& route, const Ip& ip, std::uint32_t label) {
  return route.ask(label_request(RTM_DELADDRLABEL, 0, ip, label),
                   fmt::format("remove the address label of {}", to_text(ip)));
}

Result<Changes> Changes::listen(int protocol, unsigned groups, const std::string& tried) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return errno_error(tried);
  return Changes(std::move(socket));
}

Result<Changes> Changes::open(IpFamily family) {
  const unsigned addresses = family == IpFamily::v6 ? RTMGRP_IPV6_IFADDR : RTMGRP_IPV4_IFADDR;
  return listen(NETLINK_ROUTE, RTMGRP_LINK | addresses, "listen for changes of links and addresses");
}

Result<Changes> Changes::open_rules() {
  return listen(NETLINK_NETFILTER, 1U << (NFNLGRP_NFTABLES - 1), "listen for changes of the rules of nftables");
}

bool Changes::drain() {
  std::array<std::byte, 4096> nobody_reads{};
  for (bool any = false;; any = true) {
    // Too long for the buffer, or lost (ENOBUFS): a change all the same.
    if (::recv(socket_.get(), nobody_reads.data(), nobody_reads.size(), 0) < 0 && errno != ENOBUFS && errno != EINTR)
      return any;
  }
}

}  // namespace systole::agents::ipaddr
