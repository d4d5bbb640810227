// SPDX-License-Identifier: GPL-2.0-or-later
// What ocf:systole:IPaddr reads: the kernel's netlink messages, frames that anybody on the link may send, the state
// file of its helper, what crm_mon prints. Beyond not crashing and not reading past the end: a message that was
// believed makes sense, a frame that claims the address holds it and is nobody's of our own, and a state is read as it
// was written.
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <algorithm>
#include <cstdlib>

#include "agents/ocf/IPaddr/frames.hpp"
#include "agents/kit/manager.hpp"
#include "agents/ocf/IPaddr/plan.hpp"
#include "agents/ocf/IPaddr/resident.hpp"
#include "agents/ocf/IPaddr/rtnl.hpp"
#include "tests/fuzz/hammer.hpp"

namespace {

using namespace systole;
using namespace systole::agents;
using namespace systole::agents::ipaddr;

constexpr Mac own_mac{2, 0, 0, 0, 0, 1}, other_mac{2, 0, 0, 0, 0, 9};
const Ip ip4 = *parse_ip("10.0.0.9"), ip6 = *parse_ip("2001:db8::9");

void expect(bool truth) {
  if (!truth) std::abort();
}

std::string text_of(const Request& request) {
  const Bytes bytes = request.body();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string text_of(const Frame& frame) {
  return {reinterpret_cast<const char*>(frame.data()), frame.size()};
}

std::string link() {
  ifinfomsg head{};
  head.ifi_type = ARPHRD_ETHER;
  head.ifi_index = 2;
  head.ifi_flags = IFF_UP;
  const std::uint8_t up = 6;
  Request request(RTM_NEWLINK, 0);
  request.fixed(head).attribute(IFLA_IFNAME, std::string_view("eth0"));
  return text_of(request.attribute(IFLA_ADDRESS, own_mac.data(), own_mac.size()).attribute(IFLA_OPERSTATE, &up, 1));
}

std::string address(const Ip& ip) {
  ifaddrmsg head{};
  head.ifa_family = ip.is_v6() ? AF_INET6 : AF_INET;
  head.ifa_prefixlen = 24;
  head.ifa_index = 2;
  const ifa_cacheinfo lifetimes{.ifa_prefered = 9, .ifa_valid = 99, .cstamp = 0, .tstamp = 0};
  Request request(RTM_NEWADDR, 0);
  request.fixed(head).attribute(ip.is_v6() ? IFA_ADDRESS : IFA_LOCAL, ip).attribute(IFA_BROADCAST, ip);
  request.attribute(IFA_LABEL, std::string_view("eth0:db")).attribute(IFA_FLAGS, std::uint32_t{IFA_F_DADFAILED});
  return text_of(request.attribute(IFA_CACHEINFO, &lifetimes, sizeof lifetimes));
}

std::string route(const Ip& ip) {
  rtmsg head{};
  head.rtm_family = ip.is_v6() ? AF_INET6 : AF_INET;
  head.rtm_dst_len = 24;
  head.rtm_table = RT_TABLE_MAIN;
  head.rtm_type = RTN_UNICAST;
  head.rtm_scope = RT_SCOPE_LINK;
  Request request(RTM_NEWROUTE, 0);
  request.fixed(head).attribute(RTA_TABLE, std::uint32_t{RT_TABLE_MAIN});
  return text_of(request.attribute(RTA_DST, first_of(ip, 24)).attribute(RTA_OIF, std::uint32_t{2}));
}

std::string neighbour(const Ip& ip) {
  ndmsg head{};
  head.ndm_family = ip.is_v6() ? AF_INET6 : AF_INET;
  head.ndm_state = NUD_STALE;
  head.ndm_ifindex = 2;
  Request request(RTM_NEWNEIGH, 0);
  return text_of(request.fixed(head).attribute(NDA_DST, ip).attribute(NDA_LLADDR, other_mac.data(), other_mac.size()));
}

std::vector<std::string> frames() {
  return {text_of(gratuitous_arp(ArpForm::request, other_mac, ip4)),
          text_of(arp_probe(other_mac, ip4)),
          text_of(gratuitous_arp(ArpForm::reply, own_mac, ip4)),
          text_of(neighbour_advertisement(other_mac, ip6)),
          text_of(neighbour_probe(other_mac, ip6)),
          text_of(neighbour_advertisement(own_mac, ip6))};
}

const std::vector<std::string> texts = {
    "announced 3\nplanned 6\nfailure no buffer space\nconflict 02:00:00:00:00:09\nhealth 7 10.0.0.9 is not on this "
    "node\n",
    "announced 6\nplanned 6\nhealth 1 dadfailed\n",
    R"(<resources><group id="g"><resource id="vip:0" resource_agent="ocf:systole:IPaddr" managed="true"
maintenance="false"><node name="n2"/></resource></group><resource id="vip" resource_agent="ocf:systole:IPaddr"
maintenance="false" managed="true"><node name="n1"/></resource><resource id="vip2"/></resources>)"};

/// In memory of its own and exactly as long: a sanitizer sees each byte too far.
template <class Byte>
std::vector<Byte> bytes_of(const std::string& text) {
  std::vector<Byte> bytes(text.size());
  std::ranges::transform(text, bytes.begin(), [](char c) { return static_cast<Byte>(c); });
  bytes.shrink_to_fit();
  return bytes;
}

/// As monitor and start do with what came.
void judge(const Facts& facts) {
  for (const Ip& ip : {ip4, ip6}) {
    Options options;
    options.ip = ip;
    options.iflabel = "db";
    static_cast<void>(judge_monitor(options, facts, false));
    static_cast<void>(plan_start(options, facts));
    for (const Address& one : served(options, facts)) {
      expect(one.ip == ip);
      static_cast<void>(taken_along(one, facts));
    }
  }
}

void take_in(const std::vector<std::byte>& message, Facts& facts) {
  if (const auto nic = parse_link(message)) {
    expect(!nic->name.empty() && nic->name.find('\0') == std::string::npos);
    facts.interfaces.push_back(*nic);
  }
  if (const auto one = parse_address(message)) {
    expect(one->prefix >= 0 && one->prefix <= one->ip.bits());
    facts.addresses.push_back(*one);
  }
  if (const auto one = parse_route(message)) {
    expect(one->index != 0 && one->prefix >= 0 && one->prefix <= one->network.bits());
    facts.routes.push_back(*one);
  }
  if (const auto one = parse_neighbour(message)) expect(!one->ip.is_multicast());
}

void hear(const std::vector<std::uint8_t>& frame) {
  for (const Ip& ip : {ip4, ip6}) {
    const auto claim = claim_in(frame, ip, {own_mac});
    if (!claim) continue;
    expect(claim->by != own_mac);
    const auto* const begin = ip.bytes.data();
    expect(!std::ranges::search(frame, std::span(begin, ip.size())).empty());
    expect(!std::ranges::search(frame, claim->by).empty());
  }
}

void read(const std::string& text) {
  const ResidentState state = parse_resident_state(text);
  expect(parse_resident_state(to_text(state)) == state);
  static_cast<void>(standing_of(text, {.resource = "vip", .agent = "ocf:systole:IPaddr", .node = "n1"}));
}

void one_round(Dice& dice) {
  static const std::vector<std::string> words = {std::string(4, '\0'),
                                                 std::string(4, '\xff'),
                                                 std::string("\x04\0", 2),
                                                 std::string("\xff\x7f", 2),
                                                 "<resource id=\"vip",
                                                 "</resource>",
                                                 "\n"};
  static const fuzz::Mutator messages({link(), address(ip4), address(ip6), route(ip4), route(ip6), neighbour(ip4)},
                                      words);
  static const fuzz::Mutator heard(frames(), words), files(texts, words);
  Facts facts;
  facts.interfaces.push_back(parse_link(bytes_of<std::byte>(link())).value());
  for (int i = 0; i < 4; ++i) take_in(bytes_of<std::byte>(messages.make(dice)), facts);
  judge(facts);
  hear(bytes_of<std::uint8_t>(heard.make(dice)));
  read(files.make(dice));
}

}  // namespace

int main(int argc, char** argv) {
  return systole::fuzz::hammer(argc, argv, one_round);
}
