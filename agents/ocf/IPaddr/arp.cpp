// SPDX-License-Identifier: GPL-2.0-or-later
// RFC 826's packet, and packet(7).
#include "agents/ocf/IPaddr/arp.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace systole::agents::ipaddr {

namespace {

class Writer {
 public:
  explicit Writer(ArpFrame& frame) : frame_(frame) {}
  Writer& mac(const Mac& mac) {
    for (const std::uint8_t byte : mac) frame_[at_++] = byte;
    return *this;
  }
  Writer& u8(unsigned value) {
    frame_[at_++] = static_cast<std::uint8_t>(value);
    return *this;
  }
  Writer& u16(unsigned value) { return u8(value >> 8 & 255).u8(value & 255); }
  Writer& ip(Ipv4 ip) { return u16(ip.bits >> 16).u16(ip.bits & 0xffff); }

 private:
  ArpFrame& frame_;
  std::size_t at_ = 0;
};

}  // namespace

ArpFrame gratuitous_arp(ArpForm form, const Mac& mac, Ipv4 ip) {
  constexpr Mac everyone{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  constexpr Mac nobody{};
  ArpFrame frame{};
  Writer out(frame);
  out.mac(everyone).mac(mac).u16(ETHERTYPE_ARP);
  out.u16(ARPHRD_ETHER).u16(ETHERTYPE_IP).u8(sizeof(Mac)).u8(sizeof(ip.bits));
  out.u16(form == ArpForm::request ? ARPOP_REQUEST : ARPOP_REPLY);
  out.mac(mac).ip(ip).mac(form == ArpForm::request ? nobody : mac).ip(ip);
  return frame;
}

Result<Announcer> Announcer::open(const Interface& nic, Ipv4 ip) {
  // Protocol 0: this socket only sends, no packet is queued for it.
  Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno_error(fmt::format("open a raw socket on '{}'", nic.name));
  return Announcer(std::move(socket), nic, ip);
}

Result<void> Announcer::announce() {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETHERTYPE_ARP);
  to.sll_ifindex = nic_.index;
  to.sll_halen = sizeof(Mac);
  std::fill_n(to.sll_addr, sizeof(Mac), std::uint8_t{0xff});
  for (const ArpForm form : {ArpForm::request, ArpForm::reply}) {
    const ArpFrame frame = gratuitous_arp(form, nic_.mac, ip_);
    if (::sendto(socket_.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0) {
      return errno_error(fmt::format("announce {} on '{}'", to_text(ip_), nic_.name));
    }
  }
  return {};
}

}  // namespace systole::agents::ipaddr
