// SPDX-License-Identifier: GPL-2.0-or-later
// rtnetlink(7) by hand; see netlink.hpp.
#include "agents/ocf/IPaddr/netlink.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "agents/kit/agent.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr std::size_t aligned(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

/// IF_OPER_* of linux/if.h, which cannot be included beside net/if.h.
enum OperState : std::uint8_t { oper_notpresent = 1, oper_down = 2, oper_lowerlayerdown = 3 };

template <class T>
std::optional<T> peek(Bytes bytes) {
  T value{};
  if (bytes.size() < sizeof value) return std::nullopt;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// Calls take(type, data) for each attribute; stops at the first broken one.
template <class Take>
void each_attribute(Bytes bytes, Take take) {
  while (const auto head = peek<rtattr>(bytes)) {
    if (head->rta_len < sizeof(rtattr) || head->rta_len > bytes.size()) return;
    take(static_cast<std::uint16_t>(head->rta_type & NLA_TYPE_MASK),
         bytes.subspan(sizeof(rtattr), head->rta_len - sizeof(rtattr)));
    bytes = bytes.subspan(std::min(aligned(head->rta_len), bytes.size()));
  }
}

std::string text_of(Bytes data) {
  const char* const begin = reinterpret_cast<const char*>(data.data());
  return std::string(begin, std::find(begin, begin + data.size(), '\0'));
}

std::optional<Ipv4> ipv4_of(Bytes data) {
  const auto raw = peek<std::uint32_t>(data);
  return raw ? std::optional(Ipv4{ntohl(*raw)}) : std::nullopt;
}

Error kernel_error(const std::string& tried, int code) {
  Error error = errno_error(tried, code);
  if (code == EPERM || code == EACCES) error.code = Errc::permission;
  if (code == EEXIST) error.code = Errc::exists;
  if (code == EADDRNOTAVAIL || code == ENODEV || code == ENOENT) error.code = Errc::not_found;
  if (code == EOPNOTSUPP || code == EPROTONOSUPPORT || code == EAFNOSUPPORT) error.code = Errc::invalid;
  return error;
}

}  // namespace

std::optional<Interface> parse_link(Bytes body) {
  const auto head = peek<ifinfomsg>(body);
  if (!head) return std::nullopt;
  Interface nic{.index = head->ifi_index,
                .name = {},
                .mac = {},
                .admin_up = (head->ifi_flags & IFF_UP) != 0,
                .carrier = (head->ifi_flags & IFF_UP) != 0,
                .loopback = (head->ifi_flags & IFF_LOOPBACK) != 0,
                .speaks_arp = head->ifi_type == ARPHRD_ETHER && (head->ifi_flags & IFF_NOARP) == 0};
  each_attribute(body.subspan(std::min(aligned(sizeof(ifinfomsg)), body.size())),
                 [&nic](std::uint16_t type, Bytes data) {
                   if (type == IFLA_IFNAME) nic.name = text_of(data);
                   if (type == IFLA_ADDRESS && data.size() == nic.mac.size())
                     std::memcpy(nic.mac.data(), data.data(), nic.mac.size());
                   if (type == IFLA_OPERSTATE && !data.empty()) {
                     const auto state = static_cast<std::uint8_t>(data[0]);
                     if (state == oper_notpresent || state == oper_down || state == oper_lowerlayerdown)
                       nic.carrier = false;
                   }
                 });
  if (nic.name.empty()) return std::nullopt;
  return nic;
}

std::optional<Address> parse_address(Bytes body) {
  const auto head = peek<ifaddrmsg>(body);
  if (!head || head->ifa_family != AF_INET) return std::nullopt;
  Address address{.index = static_cast<int>(head->ifa_index),
                  .ip = {},
                  .prefix = head->ifa_prefixlen,
                  .broadcast = std::nullopt,
                  .label = {},
                  .secondary = (head->ifa_flags & IFA_F_SECONDARY) != 0,
                  .noprefixroute = false};
  bool has_ip = false;
  each_attribute(body.subspan(std::min(aligned(sizeof(ifaddrmsg)), body.size())), [&](std::uint16_t type, Bytes data) {
    if (type == IFA_LOCAL) {
      const auto ip = ipv4_of(data);
      has_ip = ip.has_value();
      address.ip = ip.value_or(Ipv4{});
    }
    if (type == IFA_BROADCAST) address.broadcast = ipv4_of(data);
    if (type == IFA_LABEL) address.label = text_of(data);
    if (type == IFA_FLAGS) address.noprefixroute = (peek<std::uint32_t>(data).value_or(0) & IFA_F_NOPREFIXROUTE) != 0;
  });
  if (!has_ip) return std::nullopt;
  return address;
}

std::optional<Route> parse_route(Bytes body) {
  const auto head = peek<rtmsg>(body);
  if (!head || head->rtm_family != AF_INET || head->rtm_type != RTN_UNICAST || head->rtm_scope != RT_SCOPE_LINK) {
    return std::nullopt;
  }
  Route route{.index = 0, .network = {}, .prefix = head->rtm_dst_len};
  std::uint32_t table = head->rtm_table;
  bool has_gateway = false;
  each_attribute(body.subspan(std::min(aligned(sizeof(rtmsg)), body.size())), [&](std::uint16_t type, Bytes data) {
    if (type == RTA_DST) route.network = ipv4_of(data).value_or(Ipv4{});
    if (type == RTA_OIF) route.index = peek<int>(data).value_or(0);
    if (type == RTA_TABLE) table = peek<std::uint32_t>(data).value_or(table);
    if (type == RTA_GATEWAY) has_gateway = true;
  });
  if (table != RT_TABLE_MAIN || has_gateway || route.index == 0) return std::nullopt;
  return route;
}

Request::Request(std::uint16_t type, std::uint16_t flags) {
  nlmsghdr head{};
  head.nlmsg_type = type;
  head.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  fixed(head);
}

Request& Request::put(const void* data, std::size_t size) {
  const auto* const from = static_cast<const std::byte*>(data);
  bytes_.insert(bytes_.end(), from, from + size);
  bytes_.resize(aligned(bytes_.size()));
  return *this;
}

Request& Request::attribute(std::uint16_t type, const void* data, std::size_t size) {
  const rtattr head{.rta_len = static_cast<unsigned short>(sizeof(rtattr) + size), .rta_type = type};
  return fixed(head).put(data, size);
}

Request& Request::attribute(std::uint16_t type, std::string_view text) {
  const std::string closed(text);
  return attribute(type, closed.c_str(), closed.size() + 1);
}

Request& Request::attribute(std::uint16_t type, std::uint32_t value) {
  return attribute(type, &value, sizeof value);
}

Request& Request::attribute(std::uint16_t type, Ipv4 ip) {
  const std::uint32_t raw = htonl(ip.bits);
  return attribute(type, &raw, sizeof raw);
}

const std::vector<std::byte>& Request::finish(std::uint32_t sequence) {
  nlmsghdr head{};
  std::memcpy(&head, bytes_.data(), sizeof head);
  head.nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
  head.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &head, sizeof head);
  return bytes_;
}

Result<Netlink> Netlink::open(int protocol, Time deadline) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!socket) return kernel_error("open a netlink socket", errno);
  return Netlink(std::move(socket), deadline);
}

Result<Bytes> Netlink::receive(const std::string& tried) {
  for (;;) {
    const ssize_t n = ::recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC);
    if (n > static_cast<ssize_t>(buffer_.size())) {
      return Error{Errc::too_big, fmt::format("{}: the kernel's answer of {} bytes is too big", tried, n)};
    }
    if (n >= 0) return Bytes(buffer_).first(static_cast<std::size_t>(n));
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return kernel_error(tried, errno);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - boot_now()).count();
    if (left <= 0) return Error{Errc::timeout, fmt::format("{}: the kernel did not answer in time", tried)};
    pollfd wait{socket_.get(), POLLIN, 0};
    static_cast<void>(::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, INT_MAX))));
  }
}

Result<void> Netlink::converse(Request& request, const std::string& tried,
                               const std::function<void(std::uint16_t, Bytes)>& take) {
  const std::uint32_t sequence = sequence_++;
  const auto& bytes = request.finish(sequence);
  if (::send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) return kernel_error(tried, errno);
  for (;;) {
    const auto received = receive(tried);
    if (!received) return received.error();
    Bytes rest = *received;
    while (const auto head = peek<nlmsghdr>(rest)) {
      if (head->nlmsg_len < sizeof(nlmsghdr) || head->nlmsg_len > rest.size()) break;
      const Bytes body = rest.subspan(sizeof(nlmsghdr), head->nlmsg_len - sizeof(nlmsghdr));
      rest = rest.subspan(std::min(aligned(head->nlmsg_len), rest.size()));
      if (head->nlmsg_seq != sequence) continue;  // the tail of an answer that somebody gave up on
      if (head->nlmsg_type == NLMSG_DONE) return {};
      if (head->nlmsg_type == NLMSG_ERROR) {
        const int code = -peek<int>(body).value_or(-EIO);
        if (code == 0) return {};
        return kernel_error(tried, code);
      }
      take(head->nlmsg_type, body);
    }
  }
}

Result<void> Netlink::ask(Request request, const std::string& tried) {
  return converse(request, tried, [](std::uint16_t, Bytes) {});
}

Result<void> Netlink::dump(Request request, const std::string& tried,
                           const std::function<void(std::uint16_t, Bytes)>& take) {
  return converse(request, tried, take);
}

namespace {

Result<void> dump_routing(Netlink& route, std::uint16_t type, unsigned char family, const std::string& tried,
                          const std::function<void(Bytes)>& take) {
  Request request(type, NLM_F_DUMP);
  if (type == RTM_GETLINK) {
    ifinfomsg head{};
    head.ifi_family = family;
    request.fixed(head).attribute(IFLA_EXT_MASK, std::uint32_t{RTEXT_FILTER_SKIP_STATS});
  } else if (type == RTM_GETADDR) {
    ifaddrmsg head{};
    head.ifa_family = family;
    request.fixed(head);
  } else {
    rtmsg head{};
    head.rtm_family = family;
    request.fixed(head);
  }
  return route.dump(std::move(request), tried, [&take](std::uint16_t, Bytes body) { take(body); });
}

Request address_request(std::uint16_t type, std::uint16_t flags, const Address& address) {
  Request request(type, static_cast<std::uint16_t>(flags | NLM_F_ACK));
  request.fixed(ifaddrmsg{.ifa_family = AF_INET,
                          .ifa_prefixlen = static_cast<unsigned char>(address.prefix),
                          .ifa_flags = 0,
                          .ifa_scope = RT_SCOPE_UNIVERSE,
                          .ifa_index = static_cast<unsigned>(address.index)});
  request.attribute(IFA_LOCAL, address.ip).attribute(IFA_ADDRESS, address.ip);
  return request;
}

}  // namespace

Result<Facts> gather_facts(Netlink& route, Depth depth) {
  Facts facts;
  auto links = dump_routing(route, RTM_GETLINK, AF_UNSPEC, "list the network interfaces", [&facts](Bytes body) {
    if (auto nic = parse_link(body)) facts.interfaces.push_back(std::move(*nic));
  });
  if (!links) return links.error();
  auto addresses = dump_routing(route, RTM_GETADDR, AF_INET, "list the IPv4 addresses", [&facts](Bytes body) {
    if (auto address = parse_address(body)) facts.addresses.push_back(std::move(*address));
  });
  if (!addresses) return addresses.error();
  if (depth == Depth::addresses) return facts;
  auto routes = dump_routing(route, RTM_GETROUTE, AF_INET, "list the IPv4 routes", [&facts](Bytes body) {
    if (auto found = parse_route(body)) facts.routes.push_back(*found);
  });
  if (!routes) return routes.error();
  return facts;
}

Result<void> add_address(Netlink& route, const Address& address) {
  Request request = address_request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);
  if (address.broadcast) request.attribute(IFA_BROADCAST, *address.broadcast);
  request.attribute(IFA_LABEL, address.label);
  if (address.noprefixroute) request.attribute(IFA_FLAGS, std::uint32_t{IFA_F_NOPREFIXROUTE});
  return route.ask(std::move(request), fmt::format("add {}/{}", to_text(address.ip), address.prefix));
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
  return route.ask(std::move(request), fmt::format("bring '{}' up", nic.name));
}

}  // namespace systole::agents::ipaddr
