// SPDX-License-Identifier: GPL-2.0-or-later
// The decisions of plan.hpp.
#include "agents/ocf/IPaddr/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::agents::ipaddr {

namespace {

std::optional<Ip> broadcast_of(const Options& options, const Ip& ip, int prefix) {
  // Networks of two addresses and single ones have no broadcast address (RFC 3021).
  const std::string word = options.broadcast.value_or("+");
  if (ip.is_v6()) return std::nullopt;
  if (word == "-") return first_of(ip, prefix);
  if (word != "+") return parse_ip(word);
  return prefix < 31 ? std::optional(last_of(ip, prefix)) : std::nullopt;
}

/// The link's own route with the longest prefix that covers the address (and the whole of its network, when that is
/// given).
const Route* best_route(const Options& options, const Facts& facts, const Interface* only) {
  const Route* best = nullptr;
  for (const Route& route : facts.routes) {
    if (route.prefix == 0 || !same_network(route.network, options.ip, route.prefix)) continue;
    if (options.prefix && route.prefix > *options.prefix) continue;
    if (options.proto && route.protocol != *options.proto) continue;
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
  if (options.iflabel.empty() || options.ip.is_v6()) return false;
  const Interface* const nic = facts.interface(entry.index);
  return nic != nullptr && entry.label != label_of(options, nic->name);
}

}  // namespace

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
                                 .noprefixroute = options.noprefixroute,
                                 // The kernel's detection takes a second and more; ours runs beside the service.
                                 .nodad = options.ip.is_v6() && !options.optimistic,
                                 .optimistic = options.ip.is_v6() && options.optimistic,
                                 .preferred_lft = options.preferred_lft}};
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

std::vector<Address> kept_on_loopback(const Options& options, const Facts& facts) {
  std::vector<Address> entries;
  for (const Address& address : facts.addresses) {
    const Interface* const nic = facts.interface(address.index);
    if (address.ip == options.ip && nic != nullptr && nic->loopback && nic->name != options.nic)
      entries.push_back(address);
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
  if (there.front().dadfailed) {
    return {Ocf::generic,
            fmt::format("{} is on '{}', but somebody else had it first (dadfailed)", to_text(options.ip), nic->name)};
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
  const bool usable = !there.front().dadfailed && !has_wrong_label(options, facts, there.front());
  if (usable) return {StartStep::announce, {}, std::move(as_is)};
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
