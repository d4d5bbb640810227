// SPDX-License-Identifier: GPL-2.0-or-later
// See addresses.hpp; rtnetlink(7), netlink(7).
#include "crmd/guardian_process/addresses.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/bytes.hpp"

namespace systole::guardian {
namespace {

constexpr timeval patience_with_kernel{.tv_sec = 0, .tv_usec = 200'000};

std::size_t aligned(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

Bytes after(Bytes bytes, std::size_t size) {
  return bytes.subspan(std::min(aligned(size), bytes.size()));
}

/// The address of an RTM_NEWADDR: IFA_LOCAL where there is one (on point-to-point links IFA_ADDRESS is the peer's).
std::optional<Ip> address_of(const ifaddrmsg& head, Bytes attributes) {
  if (head.ifa_family != AF_INET && head.ifa_family != AF_INET6) return std::nullopt;
  const IpFamily family = head.ifa_family == AF_INET6 ? IpFamily::v6 : IpFamily::v4;
  std::optional<Ip> found;
  while (const auto attribute = peek<rtattr>(attributes)) {
    if (attribute->rta_len < sizeof(rtattr) || attribute->rta_len > attributes.size()) break;
    const Bytes value = attributes.subspan(sizeof(rtattr), attribute->rta_len - sizeof(rtattr));
    const bool local = attribute->rta_type == IFA_LOCAL;
    if (local || (attribute->rta_type == IFA_ADDRESS && !found)) {
      if (const auto ip = ip_from(family, value.data(), value.size())) found = ip;
    }
    attributes = after(attributes, attribute->rta_len);
  }
  return found;
}

void append(std::vector<std::byte>& out, const void* data, std::size_t size) {
  const auto* const from = static_cast<const std::byte*>(data);
  out.insert(out.end(), from, from + size);
  out.resize(aligned(out.size()));
}

}  // namespace

std::optional<Ip> parse_held_ip(std::string_view text) {
  const auto ip = parse_ip(text.substr(0, text.find('/')));
  return ip && !ip->is_loopback() && !ip->is_unspecified() ? ip : std::nullopt;
}

Result<Addresses> Addresses::open() {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience_with_kernel, sizeof patience_with_kernel) != 0)
    return errno_error("cannot open a netlink socket");
  return Addresses(std::move(socket));
}

/// Hands each message of the answer over (type, flags, body) until take returns false.
template <class Take>
Result<void> Addresses::receive(const Take& take) {
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("no answer from the kernel about addresses");
    if (static_cast<std::size_t>(got) > buffer_.size()) return errno_error("about addresses", EMSGSIZE);
    Bytes rest(buffer_.data(), static_cast<std::size_t>(got));
    while (const auto head = peek<nlmsghdr>(rest)) {
      if (head->nlmsg_len < sizeof(nlmsghdr) || head->nlmsg_len > rest.size()) break;
      const Bytes body = rest.subspan(sizeof(nlmsghdr), head->nlmsg_len - sizeof(nlmsghdr));
      rest = after(rest, head->nlmsg_len);
      if (head->nlmsg_seq == sequence_ && !take(*head, body)) return {};
    }
  }
}

Result<std::vector<Addresses::Found>> Addresses::find(const std::vector<Ip>& wanted) {
  struct {
    nlmsghdr head;
    ifaddrmsg body;
  } request{};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = RTM_GETADDR;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.head.nlmsg_seq = ++sequence_;
  request.body.ifa_family = AF_UNSPEC;
  if (::send(socket_.get(), &request, sizeof request, 0) < 0) return errno_error("cannot ask the kernel for addresses");
  std::vector<Found> found;
  int problem = 0;
  const auto received = receive([&](const nlmsghdr& head, Bytes body) {
    if ((head.nlmsg_flags & NLM_F_DUMP_INTR) != 0) problem = EINTR;  // it changed under the reader: look again
    if (head.nlmsg_type == NLMSG_DONE) return false;
    if (head.nlmsg_type == NLMSG_ERROR) {
      problem = -peek<int>(body).value_or(-EIO);
      return false;
    }
    const auto address = peek<ifaddrmsg>(body);
    if (head.nlmsg_type != RTM_NEWADDR || !address) return true;
    const auto ip = address_of(*address, after(body, sizeof(ifaddrmsg)));
    if (ip && std::ranges::find(wanted, *ip) != wanted.end())
      found.push_back({*ip, address->ifa_prefixlen, address->ifa_index});
    return true;
  });
  if (!received) return received.error();
  if (problem != 0 && found.empty()) return errno_error("cannot list the addresses", problem);
  return found;
}

Result<void> Addresses::remove(const std::vector<Found>& addresses) {
  std::vector<std::byte> burst;
  ++sequence_;
  for (const Found& address : addresses) {
    const std::size_t begin = burst.size(), size = address.ip.size();
    nlmsghdr head{};
    head.nlmsg_type = RTM_DELADDR;
    head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    head.nlmsg_seq = sequence_;
    append(burst, &head, sizeof head);
    ifaddrmsg body{};
    body.ifa_family = address.ip.is_v6() ? AF_INET6 : AF_INET;
    body.ifa_prefixlen = address.prefix;
    body.ifa_index = address.interface;
    append(burst, &body, sizeof body);
    const rtattr attribute{.rta_len = static_cast<unsigned short>(sizeof(rtattr) + size), .rta_type = IFA_LOCAL};
    append(burst, &attribute, sizeof attribute);
    append(burst, address.ip.bytes.data(), size);
    head.nlmsg_len = static_cast<std::uint32_t>(burst.size() - begin);
    std::memcpy(burst.data() + begin, &head, sizeof head);
  }
  if (::send(socket_.get(), burst.data(), burst.size(), 0) < 0) return errno_error("cannot drop addresses");
  std::size_t answers = 0;
  int problem = 0;
  const auto received = receive([&](const nlmsghdr& head, Bytes body) {
    if (head.nlmsg_type != NLMSG_ERROR) return true;
    const int code = -peek<int>(body).value_or(-EIO);
    if (code != 0 && code != EADDRNOTAVAIL && code != ENODEV) problem = code;  // those say that it went by itself
    return ++answers < addresses.size();
  });
  if (!received) return received.error();
  if (problem != 0) return errno_error("cannot drop an address", problem);
  return {};
}

Result<unsigned> Addresses::drop(const std::vector<Ip>& unwanted) {
  if (unwanted.empty()) return 0u;
  const auto found = find(unwanted);
  if (!found) return found.error();
  if (!found->empty())
    if (const auto removed = remove(*found); !removed) return removed.error();
  return static_cast<unsigned>(found->size());
}

}  // namespace systole::guardian
