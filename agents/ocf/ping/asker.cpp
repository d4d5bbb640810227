// SPDX-License-Identifier: GPL-2.0-or-later
// See asker.hpp. Each request carries a number that only this process knows, so that nobody can answer in advance, and
// the sequence number says which host and which attempt it was.
#include "agents/ocf/ping/asker.hpp"

#include <fmt/format.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agents/kit/agent.hpp"
#include "common/base/handles.hpp"

namespace systole::agents::ping {

namespace {

using icmp::Family;

int domain_of(Family family) {
  return family == Family::v4 ? AF_INET : AF_INET6;
}

struct Socket {
  Fd fd;
  bool is_raw = false;
};

/// A raw socket gets every ICMP message of the machine: only echo replies shall fill its buffer.
void let_replies_only(int fd, Family family) {
  if (family == Family::v4) {
    icmp_filter filter{};
    filter.data = ~(1U << ICMP_ECHOREPLY);
    static_cast<void>(::setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter));
  } else {
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    static_cast<void>(::setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter));
  }
}

Result<void> send_through(int fd, Family family, const std::string& through) {
  if (const auto source = parse_address(through)) {
    if (source->family != family) return {};
    const auto from = to_socket_address(*source);
    if (!from) return from.error();
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&from->storage), from->size) == 0) return {};
  } else if (::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, through.c_str(),
                          static_cast<socklen_t>(through.size() + 1)) == 0) {
    return {};
  }
  return errno_error(fmt::format("send from '{}'", through));
}

Result<void> set_ttl(int fd, Family family, int ttl) {
  const bool four = family == Family::v4;
  const int done =
      ::setsockopt(fd, four ? int{IPPROTO_IP} : int{IPPROTO_IPV6}, four ? IP_TTL : IPV6_UNICAST_HOPS, &ttl, sizeof ttl);
  return done == 0 ? Result<void>{} : errno_error(fmt::format("set the time to live to {}", ttl));
}

Result<Socket> open_socket(Family family, const Options& options) {
  const int protocol = family == Family::v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  Socket opened;
  for (const int type : {SOCK_DGRAM, SOCK_RAW}) {
    opened = {.fd = Fd(::socket(domain_of(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)),
              .is_raw = type == SOCK_RAW};
    if (opened.fd) break;
  }
  if (!opened.fd && (errno == EACCES || errno == EPERM))
    return Error{Errc::permission,
                 "cannot open a socket for ICMP: that needs root or the group in sysctl net.ipv4.ping_group_range"};
  if (!opened.fd) return errno_error("open a socket for ICMP");
  if (opened.is_raw) let_replies_only(opened.fd.get(), family);
  if (options.ttl) {
    if (const auto set = set_ttl(opened.fd.get(), family, *options.ttl); !set) return set.error();
  }
  if (!options.through.empty()) {
    if (const auto bound = send_through(opened.fd.get(), family, options.through); !bound) return bound.error();
  }
  return opened;
}

class Round {
 public:
  Round(const std::vector<Result<Address>>& hosts, const Manner& manner) : hosts_(hosts), manner_(manner) {
    answers_.resize(hosts.size());
    payload_.resize(std::max(manner.options.payload_bytes, cookie_bytes), '\0');
    if (::getrandom(payload_.data(), cookie_bytes, 0) != cookie_bytes) {
      const auto now = boot_now().time_since_epoch().count();  // the kernel has no entropy yet: the boot is seconds old
      std::memcpy(payload_.data(), &now, cookie_bytes);
    }
  }

  Result<std::vector<Answer>> run() {
    if (const auto opened = open_sockets(); !opened) return opened.error();
    const Time begin = boot_now();
    for (int attempt = 0; attempt < manner_.attempts && is_any_open(); ++attempt) {
      send_all();
      receive_until(begin + manner_.wait * (attempt + 1));
    }
    for (std::size_t i = 0; i < hosts_.size(); ++i)
      if (!answers_[i].came && answers_[i].why.empty()) answers_[i].why = "no answer";
    return std::move(answers_);
  }

 private:
  static constexpr std::size_t cookie_bytes = 8;
  static constexpr std::size_t family_count = 2;

  /// A family that cannot be spoken here makes its hosts silent; a missing privilege says nothing about hosts.
  Result<void> open_sockets() {
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      if (!hosts_[i]) {
        answers_[i].why = hosts_[i].error().what;
        unreachable_.push_back(i);
        continue;
      }
      auto& socket = sockets_[index_of(hosts_[i]->family)];
      if (!socket) socket = open_socket(hosts_[i]->family, manner_.options);
      if (!*socket && socket->error().code == Errc::permission) return socket->error();
      if (*socket) continue;
      answers_[i].why = socket->error().what;
      unreachable_.push_back(i);
    }
    return {};
  }

  static std::size_t index_of(Family family) { return family == Family::v4 ? 0 : 1; }
  bool is_unreachable(std::size_t i) const { return std::ranges::find(unreachable_, i) != unreachable_.end(); }
  bool is_open(std::size_t i) const { return !answers_[i].came && !is_unreachable(i); }
  bool is_any_open() const {
    for (std::size_t i = 0; i < hosts_.size(); ++i)
      if (is_open(i)) return true;
    return false;
  }

  void send_all() {
    for (std::size_t i = 0; i < hosts_.size(); ++i)
      if (is_open(i)) send(i);
  }

  void send(std::size_t i) {
    const auto to = to_socket_address(*hosts_[i]);
    if (!to) {
      answers_[i].why = to.error().what;
      return;
    }
    const auto sequence = static_cast<std::uint16_t>(sent_.size());
    sent_.push_back({.host = i, .at = boot_now()});
    const std::string message =
        icmp::echo_request(hosts_[i]->family, static_cast<std::uint16_t>(::getpid()), sequence, payload_);
    const Socket& socket = **sockets_[index_of(hosts_[i]->family)];
    const ssize_t done = ::sendto(socket.fd.get(), message.data(), message.size(), 0,
                                  reinterpret_cast<const sockaddr*>(&to->storage), to->size);
    answers_[i].why = done < 0 ? std::strerror(errno) : "";  // the next attempt may go better
  }

  void receive_until(Time end) {
    std::array<pollfd, family_count> wait{};
    for (std::size_t f = 0; f < family_count; ++f)
      wait[f] = {.fd = sockets_[f] && *sockets_[f] ? (**sockets_[f]).fd.get() : -1, .events = POLLIN, .revents = 0};
    for (Time now = boot_now(); now < end && is_any_open(); now = boot_now()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - now).count();
      if (::poll(wait.data(), wait.size(), static_cast<int>(left)) <= 0) continue;
      for (std::size_t f = 0; f < family_count; ++f)
        if (wait[f].revents != 0) receive(f == 0 ? Family::v4 : Family::v6);
    }
  }

  void receive(Family family) {
    const Socket& socket = **sockets_[index_of(family)];
    std::array<char, 65'536> bytes;  // an answer has the request's payload
    for (;;) {
      const ssize_t got = ::recv(socket.fd.get(), bytes.data(), bytes.size(), 0);
      if (got < 0) return;
      const auto reply = icmp::parse_echo_reply(family, socket.is_raw && family == Family::v4,
                                                {bytes.data(), static_cast<std::size_t>(got)});
      if (!reply || reply->payload != payload_ || reply->sequence >= sent_.size()) continue;
      const Sent& request = sent_[reply->sequence];
      answers_[request.host] = {.came = true, .round_trip = boot_now() - request.at, .why = {}};
    }
  }

  struct Sent {
    std::size_t host = 0;
    Time at{};
  };
  const std::vector<Result<Address>>& hosts_;
  const Manner& manner_;
  std::string payload_;
  std::array<std::optional<Result<Socket>>, family_count> sockets_;
  std::vector<std::size_t> unreachable_;  // hosts without an address, or of a family that we cannot speak
  std::vector<Sent> sent_;                // by sequence number
  std::vector<Answer> answers_;
};

}  // namespace

Result<std::vector<Answer>> ask(const std::vector<Result<Address>>& hosts, const Manner& manner) {
  return Round(hosts, manner).run();
}

}  // namespace systole::agents::ping
