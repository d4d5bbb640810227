// SPDX-License-Identifier: GPL-2.0-or-later
// See share_rules.hpp; nft(8). Every rule has a comment that no other has: people read it in `nft list ruleset`, and
// monitor knows the rule by it. What a rule depends on is in its comment or in that of the rule which leads to it.
#include "agents/ocf/IPaddr/share_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "common/base/ensure.hpp"
#include "common/base/text.hpp"

namespace systole::agents::ipaddr {

namespace {

struct Rule {
  std::string_view family;
  std::string chain, text, comment;
};

constexpr std::string_view with_ports = "{ tcp, udp, udplite, sctp, dccp }";
constexpr std::string_view instance_chain = "instance-";

std::string chain_of(int instance) {
  return fmt::format("{}{}", instance_chain, instance);
}

std::string_view hashed(CloneHash hash) {
  switch (hash) {
    case CloneHash::source:
      return "ip saddr";
    case CloneHash::source_port:
      return "ip saddr . th sport";
    case CloneHash::both_ports:
      return "ip saddr . th sport . th dport";
  }
  return "";
}

void add_instance(std::vector<Rule>& rules, const Cloned& cloned, int instance) {
  const std::string chain = chain_of(instance);
  rules.push_back({"netdev", "cloned", fmt::format("jump {}", chain), fmt::format("to instance {}", instance)});
  if (instance >= cloned.instances) return;  // has no share, and nft refuses to compare with it
  const auto share = [&](std::string_view what) {
    return fmt::format("jhash {} mod {} seed {:#x} == {} accept", what, cloned.instances, cloned.seed, instance);
  };
  if (cloned.hash == CloneHash::source) {
    rules.push_back({"netdev", chain, share("ip saddr"), fmt::format("packets of instance {}", instance)});
    return;
  }
  rules.push_back({"netdev", chain, fmt::format("meta l4proto {} {}", with_ports, share(hashed(cloned.hash))),
                   fmt::format("connections of instance {}", instance)});
  rules.push_back({"netdev", chain, fmt::format("meta l4proto != {} {}", with_ports, share("ip saddr")),
                   fmt::format("packets without ports of instance {}", instance)});
}

std::vector<Rule> rules_for(const Shares& shares) {
  const Cloned& cloned = shares.cloned;
  const std::string ip = to_text(shares.ip), mac = to_text(cloned.mac);
  std::vector<Rule> rules{
      // TCP takes only what is for this host; to the kernel a frame to a group is not.
      {"netdev", "arriving", fmt::format("ether daddr {} meta pkttype set host", mac),
       fmt::format("frames to {} are for this host, on {}", mac, shares.nic)},
      {"netdev", "arriving", fmt::format("ip daddr {} goto cloned", ip),
       fmt::format("{}: {} instances by {}, seed {:#x}", ip, cloned.instances, to_text(cloned.hash), cloned.seed)},
      // Who sends them is a router, whose address says nothing of the connection that they are about.
      {"netdev", "cloned",
       "icmp type { destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem } accept",
       "errors concern whoever has the connection"},
  };
  if (cloned.hash != CloneHash::source) {
    rules.push_back({"netdev", "cloned", "ip frag-off & 0x1fff != 0 accept",
                     "later fragments have no ports; only who has the first can use them"});
  }
  for (const int instance : shares.instances) add_instance(rules, cloned, instance);
  rules.push_back({"netdev", "cloned", "counter drop", "other nodes answer the rest"});
  rules.push_back({"arp", "saying",
                   fmt::format("oifname \"{}\" arp saddr ip {} arp saddr ether set {}", shares.nic, ip, mac),
                   fmt::format("neighbours learn {} for {} on {}", mac, ip, shares.nic)});
  return rules;
}

}  // namespace

std::string table_name(const Ip& ip) {
  return fmt::format("systole-vip-{}", to_text(ip));
}

bool is_plain_name(std::string_view nic) {
  return !nic.empty() && std::ranges::all_of(nic, [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("-_.@:+").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

std::string making_of(const Shares& shares) {
  ensure(is_plain_name(shares.nic));
  const std::string table = table_name(shares.ip);
  std::string text = removal_of(shares.ip);
  text += fmt::format("add table netdev {}\nadd table arp {}\n", table, table);
  text += fmt::format(
      "add chain netdev {} arriving {{ type filter hook ingress device \"{}\" priority -300; policy accept; }}\n",
      table, shares.nic);
  text += fmt::format("add chain netdev {} cloned\n", table);
  for (const int instance : shares.instances)
    text += fmt::format("add chain netdev {} {}\n", table, chain_of(instance));
  text += fmt::format("add chain arp {} saying {{ type filter hook output priority 0; policy accept; }}\n", table);
  for (const Rule& rule : rules_for(shares)) {
    text +=
        fmt::format("add rule {} {} {} {} comment \"{}\"\n", rule.family, table, rule.chain, rule.text, rule.comment);
  }
  return text;
}

std::string removal_of(const Ip& ip) {
  // A table that is not there cannot be deleted; one that is there is added without effect.
  std::string text;
  for (const std::string_view family : {"netdev", "arp"})
    text += fmt::format("add table {0} {1}\ndelete table {0} {1}\n", family, table_name(ip));
  return text;
}

std::string listing_of(std::string_view family, const Ip& ip) {
  return fmt::format("list table {} {}\n", family, table_name(ip));
}

std::set<int> instances_in(std::string_view listing) {
  std::set<int> instances;
  for (const std::string& line : split(listing, '\n')) {
    const auto parts = words(line);
    if (parts.size() < 2 || parts[0] != "chain" || !parts[1].starts_with(instance_chain)) continue;
    const auto number = parse_int<int>(std::string_view(parts[1]).substr(instance_chain.size()));
    if (number && *number >= 0) instances.insert(*number);
  }
  return instances;
}

std::vector<std::string> missing_rules(const Shares& shares, std::string_view listing) {
  std::vector<std::string> missing;
  for (const Rule& rule : rules_for(shares)) {
    if (listing.find(fmt::format("comment \"{}\"", rule.comment)) == std::string_view::npos)
      missing.push_back(rule.comment);
  }
  return missing;
}

Verdict judge_share(const Options& options, const Facts& facts, const Verdict& address, const ShareSeen& seen) {
  const Cloned& cloned = *options.cloned;
  const std::string who = fmt::format("instance {} of {}", cloned.instance, to_text(options.ip));
  const bool here = seen.instances.contains(cloned.instance);
  const auto there = served(options, facts);
  if (address.code != Ocf::ok) {
    if (!here || address.code != Ocf::not_running) return address;
    return {Ocf::generic, fmt::format("{} has its rules here, but {}", who, address.why)};
  }
  if (!here && !seen.instances.empty())
    return {Ocf::not_running, fmt::format("{} is not on this node, only others are", who)};
  if (!here) {
    return {Ocf::generic, fmt::format("{} is on this node without the rules of any instance: was the ruleset of "
                                      "nftables flushed?",
                                      to_text(options.ip))};
  }
  const std::string& nic = facts.interface(there.front().index)->name;
  const auto missing = missing_rules({options.ip, nic, cloned, seen.instances}, seen.listing);
  if (!missing.empty()) {
    return {Ocf::generic, fmt::format("{} lacks {} of its rules in the tables '{}' of nftables, or has older ones; the "
                                      "first is '{}'",
                                      who, missing.size(), table_name(options.ip), missing.front())};
  }
  if (std::ranges::find(seen.hearing, nic) == seen.hearing.end()) {
    return {Ocf::generic,
            fmt::format("{} hears nothing: '{}' does not take frames to {} any more", who, nic, to_text(cloned.mac))};
  }
  return {};
}

std::vector<std::string> hearing_interfaces(std::string_view dev_mcast, const Mac& mac) {
  std::string wanted = to_text(mac);
  std::erase(wanted, ':');
  std::vector<std::string> names;
  for (const std::string& line : split(dev_mcast, '\n')) {  // index, interface, users, told by a person, address
    const auto fields = words(line);
    if (fields.size() == 5 && fields[3] != "0" && fields[4] == wanted) names.push_back(fields[1]);
  }
  return names;
}

}  // namespace systole::agents::ipaddr
