// SPDX-License-Identifier: GPL-2.0-or-later
// See options.hpp. Whatever is refused here is OCF_ERR_CONFIGURED: wrong on every machine.
#include "agents/ocf/IPaddr/options.hpp"

#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <bit>
#include <climits>
#include <utility>

#include "common/base/text.hpp"

namespace systole::agents::ipaddr {

namespace {

template <class... A>
Error wrong(fmt::format_string<A...> why, A&&... values) {
  return {Errc::invalid, fmt::format(why, std::forward<A>(values)...)};
}

/// "24", or for IPv4 "255.255.255.0".
std::optional<int> parse_prefix(std::string_view text, const Ip& ip) {
  if (const auto number = parse_int<int>(text)) {
    return *number >= 1 && *number <= ip.bits() ? number : std::nullopt;
  }
  const auto mask = ip.is_v6() ? std::nullopt : parse_ip(text);
  if (!mask || mask->is_v6() || mask->is_unspecified()) return std::nullopt;
  int ones = 0;
  while (ones < 32 && (mask->bytes[static_cast<std::size_t>(ones) / 8] & (0x80 >> ones % 8)) != 0) ++ones;
  const Ip all = *parse_ip("255.255.255.255");
  return first_of(all, ones) == *mask ? std::optional<int>(ones) : std::nullopt;
}

std::optional<int> parse_route_protocol(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, int>, 6> names{{{"kernel", RTPROT_KERNEL},
                                                                   {"boot", RTPROT_BOOT},
                                                                   {"static", RTPROT_STATIC},
                                                                   {"ra", RTPROT_RA},
                                                                   {"dhcp", RTPROT_DHCP},
                                                                   {"redirect", RTPROT_REDIRECT}}};
  const auto* const named = std::ranges::find(names, text, &std::pair<std::string_view, int>::first);
  if (named != names.end()) return named->second;
  const auto number = parse_int<int>(text);
  return number && *number >= 0 && *number <= 255 ? number : std::nullopt;
}

Result<Ip> given_ip(const Values& values) {
  const std::string& text = values.text("ip");
  const auto parsed = parse_ip(text);
  if (!parsed) {
    return wrong(
        "parameter 'ip' is '{}', which is neither an IPv4 address such as 192.0.2.10 nor an IPv6 one such as "
        "2001:db8::10",
        text);
  }
  if (parsed->is_unspecified() || parsed->is_multicast() || (!parsed->is_v6() && parsed->bytes[0] >= 240)) {
    return wrong("parameter 'ip' is '{}', which no interface can have", text);
  }
  return *parsed;
}

/// Of this instance, when it is a clone's.
Result<Ip> own_ip(const Ip& given, const Values& values, const Meta& meta) {
  const std::string text = to_text(given);
  if (!values.flag("unique_clone_address")) {
    if (meta.clone_max() > 1 && meta.text("globally_unique") != "true") {
      return wrong(
          "an anonymous clone would put the same address on {} nodes, and each would answer everybody: set the clone's "
          "meta attribute globally-unique=true, so that each instance answers its share; or, for an address each, also "
          "unique_clone_address=true; or run it without a clone",
          meta.clone_max());
    }
    return given;
  }
  if (given.is_v6()) return wrong("unique_clone_address is for IPv4, and 'ip' is '{}'", text);
  if (meta.text("globally_unique") != "true") {
    return wrong(
        "unique_clone_address=true needs a clone with globally-unique=true: instances have no numbers otherwise");
  }
  const int last = given.bytes[3] + meta.clone_number().value_or(0);
  if (last > 255) {
    return wrong("'{}' with the clone's number {} added goes beyond its last number 255", text,
                 meta.clone_number().value_or(0));
  }
  Ip shifted = given;
  shifted.bytes[3] = static_cast<std::uint8_t>(last);
  return shifted;
}

Result<void> read_link(Options& o, const Values& values) {
  o.nic = values.text("nic");
  o.iflabel = values.text("iflabel");
  if (const auto colon = o.nic.find(':'); colon != std::string::npos) {  // the old way to write a label
    if (o.iflabel.empty()) o.iflabel = o.nic.substr(colon + 1);
    o.nic.resize(colon);
  }
  if (o.nic.size() > label_bytes_max || (!o.iflabel.empty() && o.nic.size() + 1 + o.iflabel.size() > label_bytes_max)) {
    return wrong("the label '{}' is longer than {} characters", label_of(o, o.nic), label_bytes_max);
  }
  if (o.nic.find('/') != std::string::npos)
    return wrong("parameter 'nic' is '{}': no interface has such a name", o.nic);
  if (o.ip.is_link_local() && o.nic.empty()) {
    return wrong("'{}' is an address of one link only: set 'nic' to say which", to_text(o.ip));
  }
  return {};
}

Result<void> read_network(Options& o, const Values& values) {
  if (values.given("cidr_netmask")) {
    const std::string& text = values.text("cidr_netmask");
    o.prefix = parse_prefix(text, o.ip);
    if (!o.prefix) return wrong("parameter 'cidr_netmask' is '{}', not 1 to {}", text, o.ip.bits());
  }
  if (values.given("broadcast") && !o.ip.is_v6()) {
    o.broadcast = values.text("broadcast");
    const auto address = parse_ip(*o.broadcast);
    if (*o.broadcast != "+" && *o.broadcast != "-" && (!address || address->is_v6())) {
      return wrong("parameter 'broadcast' is '{}', neither an IPv4 address nor '+' or '-'", *o.broadcast);
    }
  }
  if (values.given("proto")) {
    o.proto = parse_route_protocol(values.text("proto"));
    if (!o.proto) {
      return wrong("parameter 'proto' is '{}', neither kernel, boot, static, ra, dhcp, redirect nor 0 to 255",
                   values.text("proto"));
    }
  }
  const std::string& lifetime = values.text("preferred_lft");
  if (lifetime != "forever") {
    const auto seconds = parse_int<std::uint32_t>(lifetime);
    if (!seconds) return wrong("parameter 'preferred_lft' is '{}', neither seconds nor 'forever'", lifetime);
    o.preferred_lft = *seconds;
  }
  o.noprefixroute = values.flag("noprefixroute");
  o.optimistic = values.flag("optimistic");
  return {};
}

Result<void> read_lvs(Options& o, const Values& values) {
  o.lvs = values.flag("lvs_support");
  if (o.lvs && o.ip.is_v6()) return wrong("lvs_support is for IPv4, and 'ip' is '{}'", to_text(o.ip));
  if (o.ip.is_v6() && values.flag("lvs_ipv6_addrlabel")) {
    o.addrlabel = static_cast<std::uint32_t>(values.number("lvs_ipv6_addrlabel_value"));
  }
  return {};
}

/// Of a file in /run/netns.
bool is_namespace_name(const std::string& text) {
  return text.size() <= NAME_MAX && text.find('/') == std::string::npos && !text.starts_with('.');
}

Result<void> read_scripts(Options& o, const Values& values) {
  o.network_namespace = values.text("network_namespace");
  o.start_script = values.text("local_start_script");
  o.stop_script = values.text("local_stop_script");
  for (const std::string* const path : {&o.start_script, &o.stop_script}) {
    if (!path->empty() && path->front() != '/') return wrong("the script '{}' is no absolute path", *path);
  }
  if (!is_namespace_name(o.network_namespace)) {
    return wrong("parameter 'network_namespace' is '{}': it is a name as `ip netns list` shows it",
                 o.network_namespace);
  }
  return {};
}

void read_announcements(Options& o, const Values& values) {
  o.check_link = values.flag("check_link_status");
  o.arp_count = static_cast<int>(values.number("arp_count"));
  o.arp_interval = std::chrono::milliseconds(values.number("arp_interval"));
  o.arp_bg = values.flag("arp_bg");
  o.arp_count_refresh = static_cast<int>(values.number("arp_count_refresh"));
  o.flush_routes = values.flag("flush_routes");
  o.report_faults = values.text("watch_report") != "none";
  const std::string& check = values.text("conflict_check");
  if (check == "off") o.conflict_check = ConflictCheck::off;
  if (check == "before") o.conflict_check = ConflictCheck::before;
  if (values.flag("run_arping") && !values.given("conflict_check")) o.conflict_check = ConflictCheck::before;
}

}  // namespace

std::string label_of(const Options& options, const std::string& nic) {
  if (options.ip.is_v6()) return {};  // IPv6 addresses have none
  return options.iflabel.empty() ? nic : nic + ":" + options.iflabel;
}

Result<Options> options_from(const Values& values, const Meta& meta) {
  Options o;
  const auto given = given_ip(values);
  const auto ip = given ? own_ip(*given, values, meta) : given;
  if (!ip) return ip.error();
  o.ip = *ip;
  for (const auto read : {read_link, read_network, read_lvs, read_scripts}) {
    if (const auto done = read(o, values); !done) return done.error();
  }
  read_announcements(o, values);
  const auto cloned = cloned_from(values, meta, o.ip);
  if (!cloned) return cloned.error();
  o.cloned = *cloned;
  if (o.cloned) o.conflict_check = ConflictCheck::off;  // the other owners are the other instances
  return o;
}

std::optional<Options> options_for_stop(const Values& values, const Meta& meta, std::vector<std::string>& faults) {
  Options o;
  const auto given = given_ip(values);
  if (!given) {
    faults.push_back(given.error().what);
    return std::nullopt;
  }
  const auto own = own_ip(*given, values, meta);
  if (!own) faults.push_back(own.error().what);
  o.ip = own ? *own : *given;  // a primitive that became a clone meanwhile
  for (const auto read : {read_link, read_network, read_lvs}) {
    if (const auto done = read(o, values); !done) faults.push_back(done.error().what);
  }
  o.lvs = o.lvs && !o.ip.is_v6();
  read_announcements(o, values);
  const auto cloned = cloned_from(values, meta, o.ip);
  if (cloned) o.cloned = *cloned;
  if (!cloned) faults.push_back(cloned.error().what);
  const auto scripts = read_scripts(o, values);
  if (scripts) return o;
  faults.push_back(scripts.error().what);
  return is_namespace_name(o.network_namespace) ? std::optional(o) : std::nullopt;
}

}  // namespace systole::agents::ipaddr
