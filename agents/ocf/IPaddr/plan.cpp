// SPDX-License-Identifier: GPL-2.0-or-later
// The decisions of plan.hpp.
#include "agents/ocf/IPaddr/plan.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "common/base/text.hpp"

namespace systole::agents::ipaddr {

std::optional<Ipv4> parse_ipv4(std::string_view text) {
  in_addr raw{};
  if (::inet_pton(AF_INET, std::string(text).c_str(), &raw) != 1) return std::nullopt;
  return Ipv4{ntohl(raw.s_addr)};
}

std::string to_text(Ipv4 ip) {
  return fmt::format("{}.{}.{}.{}", ip.bits >> 24, (ip.bits >> 16) & 255, (ip.bits >> 8) & 255, ip.bits & 255);
}

const Interface* Facts::interface(std::string_view name) const {
  const auto found = std::ranges::find(interfaces, name, &Interface::name);
  return found == interfaces.end() ? nullptr : &*found;
}

const Interface* Facts::interface(int index) const {
  const auto found = std::ranges::find(interfaces, index, &Interface::index);
  return found == interfaces.end() ? nullptr : &*found;
}

namespace {

constexpr std::size_t label_bytes_max = 15;  // IFNAMSIZ less its end

/// "24" or "255.255.255.0".
std::optional<int> parse_prefix(std::string_view text) {
  if (const auto number = parse_int<int>(text)) return *number >= 1 && *number <= 32 ? number : std::nullopt;
  const auto mask = parse_ipv4(text);
  if (!mask || mask->bits == 0) return std::nullopt;
  const int ones = std::countl_one(mask->bits);
  return mask_of(ones) == *mask ? std::optional<int>(ones) : std::nullopt;
}

std::optional<Ipv4> broadcast_of(const Options& options, Ipv4 ip, int prefix) {
  const std::string word = options.broadcast.value_or("+");
  const std::uint32_t host_bits = ~mask_of(prefix).bits;
  if (word == "-") return Ipv4{ip.bits & ~host_bits};
  if (word != "+") return parse_ipv4(word);
  // Networks of two addresses and single ones have no broadcast address (RFC 3021).
  return prefix < 31 ? std::optional(Ipv4{ip.bits | host_bits}) : std::nullopt;
}

std::string label_of(const Options& options, const std::string& nic) {
  return options.iflabel.empty() ? nic : nic + ":" + options.iflabel;
}

/// The link's own route with the longest prefix that covers the address (and the whole of its network, when that is
/// given).
const Route* best_route(const Options& options, const Facts& facts, const Interface* only) {
  const Route* best = nullptr;
  for (const Route& route : facts.routes) {
    if (route.prefix == 0 || !same_network(route.network, options.ip, route.prefix)) continue;
    if (options.prefix && route.prefix > *options.prefix) continue;
    const Interface* const nic = facts.interface(route.index);
    if (nic == nullptr || (only == nullptr ? nic->loopback : nic->index != only->index)) continue;
    if (best == nullptr || route.prefix > best->prefix) best = &route;
  }
  return best;
}

Result<const Interface*> named_interface(const Options& options, const Facts& facts) {
  if (options.nic.empty()) return nullptr;
  const Interface* const nic = facts.interface(options.nic);
  if (nic == nullptr) return Error{Errc::not_found, fmt::format("there is no network interface '{}'", options.nic)};
  return nic;
}

bool has_wrong_label(const Options& options, const Facts& facts, const Address& entry) {
  if (options.iflabel.empty()) return false;
  const Interface* const nic = facts.interface(entry.index);
  return nic != nullptr && entry.label != label_of(options, nic->name);
}

}  // namespace

Result<Options> options_from(const Values& values) {
  const auto wrong = [](std::string text) { return Error{Errc::invalid, std::move(text)}; };
  Options o;
  const std::string& ip = values.text("ip");
  const auto parsed = parse_ipv4(ip);
  if (!parsed && ip.find(':') != std::string::npos) {
    return wrong(fmt::format("parameter 'ip' is '{}': this agent serves IPv4 only", ip));
  }
  if (!parsed) return wrong(fmt::format("parameter 'ip' is '{}', which is no IPv4 address such as 192.0.2.10", ip));
  if (parsed->bits == 0 || parsed->bits >> 28 >= 14) {
    return wrong(fmt::format("parameter 'ip' is '{}', which no interface can have", ip));
  }
  o.ip = *parsed;
  o.nic = values.text("nic");
  o.iflabel = values.text("iflabel");
  if (const auto colon = o.nic.find(':'); colon != std::string::npos) {  // the old way to write a label
    if (o.iflabel.empty()) o.iflabel = o.nic.substr(colon + 1);
    o.nic.resize(colon);
  }
  if (o.nic.size() > label_bytes_max || (!o.iflabel.empty() && o.nic.size() + 1 + o.iflabel.size() > label_bytes_max)) {
    return wrong(fmt::format("the label '{}' is longer than {} characters", label_of(o, o.nic), label_bytes_max));
  }
  if (values.given("cidr_netmask")) {
    o.prefix = parse_prefix(values.text("cidr_netmask"));
    if (!o.prefix)
      return wrong(fmt::format("parameter 'cidr_netmask' is '{}', not 1 to 32", values.text("cidr_netmask")));
  }
  if (values.given("broadcast")) {
    o.broadcast = values.text("broadcast");
    if (*o.broadcast != "+" && *o.broadcast != "-" && !parse_ipv4(*o.broadcast)) {
      return wrong(fmt::format("parameter 'broadcast' is '{}', neither an IPv4 address nor '+' or '-'", *o.broadcast));
    }
  }
  o.noprefixroute = values.flag("noprefixroute");
  o.check_link = values.flag("check_link_status");
  o.arp_count = static_cast<int>(values.number("arp_count"));
  o.arp_interval = std::chrono::milliseconds(values.number("arp_interval"));
  o.arp_bg = values.flag("arp_bg");
  o.arp_count_refresh = static_cast<int>(values.number("arp_count_refresh"));
  return o;
}

Result<Placement> place(const Options& options, const Facts& facts) {
  const auto named = named_interface(options, facts);
  if (!named) return named.error();
  const auto there = served(options, facts);
  const Interface* nic = *named;
  if (nic == nullptr && !there.empty()) nic = facts.interface(there.front().index);
  const Route* const route = best_route(options, facts, nic);
  if (nic == nullptr && route != nullptr) nic = facts.interface(route->index);
  if (nic == nullptr) {
    return Error{Errc::not_found,
                 fmt::format("no interface reaches {}: no link has a route that covers it; set 'nic' and "
                             "'cidr_netmask'",
                             to_text(options.ip))};
  }
  if (!options.prefix && route == nullptr && there.empty()) {
    return Error{Errc::not_found, fmt::format("interface '{}' has no route that covers {}; set 'cidr_netmask'",
                                              nic->name, to_text(options.ip))};
  }
  const int prefix = options.prefix ? *options.prefix : route != nullptr ? route->prefix : there.front().prefix;
  const std::string label = label_of(options, nic->name);
  if (label.size() > label_bytes_max) {
    return Error{Errc::invalid, fmt::format("the label '{}' is longer than {} characters", label, label_bytes_max)};
  }
  return Placement{*nic, Address{.index = nic->index,
                                 .ip = options.ip,
                                 .prefix = prefix,
                                 .broadcast = broadcast_of(options, options.ip, prefix),
                                 .label = label,
                                 .secondary = false,
                                 .noprefixroute = options.noprefixroute}};
}

std::vector<Address> served(const Options& options, const Facts& facts) {
  std::vector<Address> entries;
  for (const Address& address : facts.addresses) {
    if (address.ip != options.ip) continue;
    const Interface* const nic = facts.interface(address.index);
    if (nic == nullptr) continue;
    if (options.nic.empty() ? !nic->loopback : nic->name == options.nic) entries.push_back(address);
  }
  return entries;
}

Verdict judge_monitor(const Options& options, const Facts& facts, bool probe) {
  const auto there = served(options, facts);
  if (there.empty()) {
    if (!probe) {
      if (const auto placed = place(options, facts); !placed && placed.error().code == Errc::not_found) {
        return {Ocf::generic, placed.error().what};
      }
    }
    return {Ocf::not_running, fmt::format("{} is not on this node", to_text(options.ip))};
  }
  const Interface* const nic = facts.interface(there.front().index);
  if (options.check_link && !nic->carrier) {
    return {Ocf::not_running, fmt::format("{} is on '{}', but that link is down", to_text(options.ip), nic->name)};
  }
  if (has_wrong_label(options, facts, there.front())) {
    return {Ocf::generic, fmt::format("{} is there with the label '{}' instead of '{}'", to_text(options.ip),
                                      there.front().label, label_of(options, nic->name))};
  }
  return {};
}

StartPlan plan_start(const Options& options, const Facts& facts) {
  const auto refuse = [](Ocf code, std::string why) {
    return StartPlan{StartStep::refuse, {code, std::move(why)}, {}};
  };
  const auto placed = place(options, facts);
  if (!placed) {
    return refuse(placed.error().code == Errc::not_found ? Ocf::installed : Ocf::configured, placed.error().what);
  }
  const auto there = served(options, facts);
  if (there.empty()) return {StartStep::add, {}, *placed};
  Placement as_is{placed->nic, there.front()};
  if (!has_wrong_label(options, facts, there.front())) return {StartStep::announce, {}, std::move(as_is)};
  return {StartStep::replace, {}, *placed};
}

std::vector<Address> taken_along(const Address& gone, const Facts& facts) {
  std::vector<Address> lost;
  if (gone.secondary) return lost;
  for (const Address& other : facts.addresses) {
    const bool depends = other.index == gone.index && other.secondary && other.prefix == gone.prefix &&
                         other.ip != gone.ip && same_network(other.ip, gone.ip, gone.prefix);
    if (depends) lost.push_back(other);
  }
  return lost;
}

std::vector<Duration> announcement_times(const Options& options) {
  constexpr std::array<Duration, 6> fast{0ms, 50ms, 150ms, 500ms, 1s, 5s};
  std::vector<Duration> times;
  for (int i = 0; i < options.arp_count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (options.arp_interval > Duration::zero()) {
      times.push_back(i * options.arp_interval);
    } else {
      times.push_back(at < fast.size() ? fast[at] : times.back() + 5s);
    }
  }
  return times;
}

}  // namespace systole::agents::ipaddr
