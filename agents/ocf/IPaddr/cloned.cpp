// SPDX-License-Identifier: GPL-2.0-or-later
// See cloned.hpp.
#include "agents/ocf/IPaddr/cloned.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace systole::agents::ipaddr {

namespace {

constexpr std::uint8_t group_bit = 1;  // of a hardware address's first byte
constexpr Mac everyone{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/// Decimal, or hexadecimal behind 0x.
std::optional<std::uint32_t> parse_seed(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint32_t seed = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seed, hex ? 16 : 10);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return seed;
}

Result<Mac> mac_from(const std::string& text, const Ip& ip) {
  if (text.empty()) return common_mac(ip);
  const auto mac = parse_mac(text);
  if (!mac) {
    return Error{Errc::invalid,
                 fmt::format("parameter 'mac' is '{}', no hardware address such as {}", text, to_text(common_mac(ip)))};
  }
  if ((mac->front() & group_bit) == 0 || *mac == everyone) {
    return Error{Errc::invalid,
                 fmt::format("parameter 'mac' is '{}', which is no group address, and only those reach several nodes: "
                             "its first byte has to be odd, as in {}; or leave 'mac' out",
                             text, to_text(common_mac(ip)))};
  }
  return *mac;
}

std::uint32_t number_of(const Ip& ip) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < ip.size(); ++i) number = number << 8 | ip.bytes[i];
  return number;
}

}  // namespace

std::string_view to_text(CloneHash hash) {
  switch (hash) {
    case CloneHash::source:
      return "sourceip";
    case CloneHash::source_port:
      return "sourceip-sourceport";
    case CloneHash::both_ports:
      return "sourceip-sourceport-destport";
  }
  return "";
}

Mac common_mac(const Ip& ip) {
  return {0x03, 0x56, ip.bytes[0], ip.bytes[1], ip.bytes[2], ip.bytes[3]};
}

Result<std::optional<Cloned>> cloned_from(const Values& values, const Meta& meta, const Ip& ip) {
  if (meta.text("globally_unique") != "true" || values.flag("unique_clone_address")) return std::optional<Cloned>{};
  if (ip.is_v6()) {
    return Error{Errc::invalid,
                 fmt::format("the same address on several nodes at once works for IPv4 only, and 'ip' is '{}': run it "
                             "without a clone",
                             to_text(ip))};
  }
  if (values.flag("lvs_support")) {
    return Error{
        Errc::invalid,
        "lvs_support and a clone with globally-unique=true exclude each other: both decide which node answers"};
  }
  const auto mac = mac_from(values.text("mac"), ip);
  if (!mac) return mac.error();
  const std::string& given = values.text("clusterip_hash_seed");
  const auto seed = given.empty() ? number_of(ip) : parse_seed(given);
  if (!seed) {
    return Error{Errc::invalid,
                 fmt::format("parameter 'clusterip_hash_seed' is '{}', no number from 0 to 0xffffffff", given)};
  }
  CloneHash hash = CloneHash::source_port;
  for (const CloneHash one : {CloneHash::source, CloneHash::both_ports})
    if (values.text("clusterip_hash") == to_text(one)) hash = one;
  // A number beyond the others is an instance that a smaller clone-max left over: its stop has to work.
  return std::optional(Cloned{.instance = std::max(meta.clone_number().value_or(0), 0),
                              .instances = std::max(meta.clone_max(), 1),
                              .mac = *mac,
                              .hash = hash,
                              .seed = *seed});
}

}  // namespace systole::agents::ipaddr
