// SPDX-License-Identifier: GPL-2.0-or-later
// owner_watch INTERFACE ADDRESS [MILLISECONDS]: who owns an address? Asks by ARP every 10 ms, or as often as is said,
// until SIGTERM and writes a line whenever the set of machines that answered one and the same question changes:
//   ns MAC[,MAC…]     (CLOCK_MONOTONIC; "-": nobody answered)
// Two owners at once are two MACs in one line; the last line counts them. Works as a client does: it sees what the
// network sees, not what a manager believes. Only answers addressed to us count, so a gratuitous ARP proves nothing.
//
// ARP answers carry no number of their question. Questions are 2 ms apart or more, an answer takes far less than 1 ms
// on a rig's switch, so an answer belongs to the last question. On a busy machine it is we who come late: hence the
// real-time priority where it is granted, and no question without time for its answers.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <set>
#include <string>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"
#include "common/base/text.hpp"

namespace {

using namespace systole;
using Clock = std::chrono::steady_clock;
using Mac = std::array<unsigned char, ETH_ALEN>;

volatile std::sig_atomic_t stop = 0;
extern "C" void on_signal(int) {
  stop = 1;
}

struct Watch {
  Fd socket;
  int index = 0;
  Mac mac{};
  in_addr own{};
  in_addr asked{};
  std::chrono::milliseconds every{10};
};

Result<Watch> open_watch(const std::string& interface, const std::string& address) {
  Watch watch;
  if (inet_pton(AF_INET, address.c_str(), &watch.asked) != 1) {
    return Error{Errc::invalid, fmt::format("'{}' is no IPv4 address", address)};
  }
  watch.socket = Fd{::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP))};
  if (!watch.socket) return errno_error("open a raw socket (needs root)");
  ifreq request{};
  if (interface.size() >= sizeof request.ifr_name) return Error{Errc::invalid, "interface name too long"};
  std::memcpy(request.ifr_name, interface.c_str(), interface.size() + 1);
  if (ioctl(watch.socket.get(), SIOCGIFINDEX, &request) != 0) return errno_error("find interface '" + interface + "'");
  watch.index = request.ifr_ifindex;
  if (ioctl(watch.socket.get(), SIOCGIFHWADDR, &request) != 0) return errno_error("read the MAC of " + interface);
  std::memcpy(watch.mac.data(), request.ifr_hwaddr.sa_data, ETH_ALEN);
  const Fd inet{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (ioctl(inet.get(), SIOCGIFADDR, &request) != 0) return errno_error("read the address of " + interface);
  sockaddr_in own{};
  std::memcpy(&own, &request.ifr_addr, sizeof own);
  watch.own = own.sin_addr;
  return watch;
}

Result<void> ask(const Watch& watch) {
  ether_arp question{};
  question.ea_hdr.ar_hrd = htons(ARPHRD_ETHER);
  question.ea_hdr.ar_pro = htons(ETH_P_IP);
  question.ea_hdr.ar_hln = ETH_ALEN;
  question.ea_hdr.ar_pln = sizeof(in_addr);
  question.ea_hdr.ar_op = htons(ARPOP_REQUEST);
  std::memcpy(question.arp_sha, watch.mac.data(), ETH_ALEN);
  std::memcpy(question.arp_spa, &watch.own, sizeof(in_addr));
  std::memcpy(question.arp_tpa, &watch.asked, sizeof(in_addr));
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_ARP);
  to.sll_ifindex = watch.index;
  to.sll_halen = ETH_ALEN;
  std::memset(to.sll_addr, 0xff, ETH_ALEN);
  const void* address = &to;  // the kernel's many-shaped sockaddr
  if (sendto(watch.socket.get(), &question, sizeof question, 0, static_cast<const sockaddr*>(address), sizeof to) < 0 &&
      errno != ENETDOWN && errno != ENOBUFS) {
    return errno_error("send an ARP question");
  }
  return {};
}

/// All who answer until the deadline, or had answered already when we came late.
std::set<Mac> answers(const Watch& watch, Clock::time_point deadline) {
  std::set<Mac> owners;
  while (stop == 0) {
    const auto left = std::max(deadline - Clock::now(), Clock::duration::zero());
    pollfd one{watch.socket.get(), POLLIN, 0};
    if (poll(&one, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count())) <= 0) break;
    ether_arp answer{};
    const ssize_t n = recv(watch.socket.get(), &answer, sizeof answer, MSG_DONTWAIT);
    if (n < static_cast<ssize_t>(sizeof answer) || answer.ea_hdr.ar_op != htons(ARPOP_REPLY)) continue;
    if (std::memcmp(answer.arp_spa, &watch.asked, sizeof(in_addr)) != 0) continue;
    if (std::memcmp(answer.arp_tha, watch.mac.data(), ETH_ALEN) != 0) continue;
    Mac mac{};
    std::memcpy(mac.data(), answer.arp_sha, ETH_ALEN);
    owners.insert(mac);
  }
  return owners;
}

std::string to_text(const std::set<Mac>& owners) {
  std::string text;
  for (const Mac& m : owners) {
    text += fmt::format("{}{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", text.empty() ? "" : ",", m[0], m[1], m[2], m[3],
                        m[4], m[5]);
  }
  return text.empty() ? "-" : text;
}

int run(const Watch& watch) {
  std::set<Mac> before;
  std::uint64_t asked = 0, doubled = 0;
  bool first = true;
  for (auto next = Clock::now(); stop == 0;) {
    if (const auto sent = ask(watch); !sent) {
      fmt::print(stderr, "owner_watch: {}\n", sent.error().what);
      return 2;
    }
    next = std::max(next + watch.every, Clock::now() + watch.every / 2);
    std::set<Mac> owners = answers(watch, next);
    if (stop != 0) break;
    ++asked;
    if (owners.size() > 1) ++doubled;
    if (first || owners != before) {
      fmt::print("{} {}\n", std::chrono::nanoseconds(Clock::now().time_since_epoch()).count(), to_text(owners));
      std::fflush(stdout);
    }
    first = false;
    before = std::move(owners);
  }
  fmt::print("asked={} two_owners={}\n", asked, doubled);
  return doubled == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<unsigned> every = argc == 4 ? parse_int<unsigned>(argv[3]) : 10;
  if (argc < 3 || argc > 4 || !every || *every < 2 || *every > 1000) {
    fmt::print(stderr, "usage: owner_watch INTERFACE ADDRESS [MILLISECONDS, 2 to 1000]\n");
    return 2;
  }
  struct sigaction action {};
  action.sa_handler = on_signal;  // without SA_RESTART: poll() returns at once
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  auto watch = open_watch(argv[1], argv[2]);
  if (!watch) {
    fmt::print(stderr, "owner_watch: {}\n", watch.error().what);
    return 2;
  }
  watch->every = std::chrono::milliseconds(*every);
  sched_param priority{};
  priority.sched_priority = 1;
  sched_setscheduler(0, SCHED_RR, &priority);  // refused: then without
  return run(*watch);
}
