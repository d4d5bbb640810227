// SPDX-License-Identifier: GPL-2.0-or-later
// The agent's table: the names of IPaddr2, and those of IPaddr as older names, so that a configuration moves over by
// changing the agent's name alone. What chose between programs that this agent does not need is understood and has no
// effect; its text says so.
#include "agents/ocf/IPaddr/options.hpp"

namespace systole::agents::ipaddr {

namespace {

std::vector<Param> where_it_goes() {
  return {
      {.name = "ip",
       .required = true,
       .unique = true,
       .brief = "IPv4 or IPv6 address",
       .about = "The address that is to be kept, such as 192.0.2.10 or 2001:db8::10.",
       .example = "192.0.2.10"},
      {.name = "nic",
       .brief = "Network interface",
       .about =
           "The interface that gets the address. Without it: the interface whose own route covers the address, the "
           "most exact one first. INTERFACE:LABEL, the old form, is understood."},
      {.name = "cidr_netmask",
       .brief = "Length of the network prefix",
       .about =
           "1 to 32 (IPv6: 128), or a dotted mask such as 255.255.255.0. Without it: that of the route by which the "
           "interface was found.",
       .aliases = {"netmask"}},
      {.name = "broadcast",
       .brief = "Broadcast address",
       .about = "IPv4: an address, '+' (all host bits set, also without this parameter) or '-' (none set)."},
      {.name = "proto",
       .brief = "Only routes made by this one count",
       .about =
           "kernel, boot, static, ra, dhcp, redirect or a number: interface and prefix are taken only from routes of "
           "that origin. For machines on which several routes fit."},
      {.name = "iflabel",
       .brief = "Label of the address",
       .about =
           "IPv4: shown as INTERFACE:LABEL by ifconfig(8) and ip(8); interface, colon and label are 15 characters at "
           "most."},
      {.name = "noprefixroute",
       .type = ParamType::boolean,
       .fallback = "false",
       .brief = "Add no route for the network",
       .about = "When true, the kernel makes no route to the address's network."},
      {.name = "preferred_lft",
       .fallback = "forever",
       .brief = "Preferred lifetime",
       .about = "Seconds, or 'forever'. With 0 the address is never picked as the source of a new connection."},
      {.name = "network_namespace",
       .brief = "Network namespace",
       .about = "The address is kept inside this network namespace, named as `ip netns list` shows it."},
      {.name = "check_link_status",
       .type = ParamType::boolean,
       .fallback = "true",
       .brief = "A dead link is a fault",
       .about = "When true, the address counts as not running while its interface's link is down, and does not start "
                "there."},
  };
}

std::vector<Param> how_neighbours_learn() {
  return {
      {.name = "arp_count",
       .type = ParamType::integer,
       .fallback = "6",
       .brief = "Number of announcements at start",
       .about = "How often the neighbours are told at start. The default schedule is at once, then after 50, 150 and "
                "500 ms, 1 s, 5 s, and every 5 s from there on.",
       .least = 1,
       .greatest = 1000,
       .aliases = {"ARP_REPEAT"}},
      {.name = "arp_interval",
       .type = ParamType::integer,
       .fallback = "0",
       .brief = "Milliseconds between announcements",
       .about = "A fixed interval in place of the default schedule; 0 keeps the schedule.",
       .least = 0,
       .greatest = 60000,
       .aliases = {"ARP_INTERVAL_MS"}},
      {.name = "arp_bg",
       .type = ParamType::boolean,
       .fallback = "true",
       .brief = "Announce in the background",
       .about = "When true, start returns after the first announcement and the resident helper makes the others. When "
                "false, start makes them all, as far as its timeout allows.",
       .aliases = {"ARP_BACKGROUND"}},
      {.name = "arp_count_refresh",
       .type = ParamType::integer,
       .fallback = "0",
       .brief = "Number of announcements at each monitor",
       .about = "Announcements at every recurring monitor, for switches that forget or mislearn; 0: none.",
       .least = 0,
       .greatest = 100},
      {.name = "arp_sender",
       .brief = "No effect here",
       .about = "IPaddr2's choice of a program. This agent sends by itself."},
      {.name = "send_arp_opts",
       .brief = "No effect here",
       .about = "IPaddr2's options for send_arp, such as -A. This agent always sends both forms, request and reply."},
      {.name = "ARP_NETMASK",
       .brief = "No effect here",
       .about = "IPaddr's mask for send_arp. Announcements always go to everybody on the link, and to each known "
                "neighbour alone."},
  };
}

std::vector<Param> who_else_has_it() {
  return {
      {.name = "conflict_check",
       .fallback = "after",
       .brief = "When to look for a second owner",
       .about =
           "after: the address is taken and announced at once; then three probes 50 ms apart ask whether somebody "
           "else has it, and claims of others are heard as long as it is served. A second owner is a failure of the "
           "next monitor, and told at once where watch or watch_report allow. before: asks first, for a quarter of "
           "a second, and does not take an address that somebody has. off: neither. The packets are RFC 5227's and "
           "RFC 4862's; the times are shorter than theirs, so a machine that answers later than 250 ms is found "
           "only by what it says itself later.",
       .choices = {"after", "before", "off"}},
      {.name = "run_arping",
       .type = ParamType::boolean,
       .fallback = "false",
       .brief = "As conflict_check=before",
       .about = "IPaddr2's name for asking before the address is taken. conflict_check says it better and goes first."},
      {.name = "nodad",
       .type = ParamType::boolean,
       .fallback = "false",
       .brief = "No effect here",
       .about =
           "IPv6 addresses are always added without the kernel's own duplicate address detection, which takes more "
           "than a second; conflict_check is what this agent has instead."},
      {.name = "optimistic",
       .type = ParamType::boolean,
       .fallback = "false",
       .brief = "IPv6: let the kernel detect duplicates too",
       .about = "When true, the kernel's detection runs while the address is in use already (RFC 4429). Needs "
                "net.ipv6.conf.INTERFACE.optimistic_dad=1. When it finds a duplicate, that is a failure of monitor."},
      {.name = "watch_report",
       .fallback = "fail",
       .brief = "Tell Pacemaker of faults at once",
       .about =
           "fail: when the address, its link or its only ownership is lost, the resident helper runs crm_resource "
           "--fail once, unless the resource is unmanaged or in maintenance; recovery begins at once instead of at "
           "the next monitor. none: it does not.",
       .choices = {"fail", "none"}},
  };
}

std::vector<Param> cloned_addresses() {
  return {
      {.name = "mac",
       .brief = "Common hardware address of a cloned address",
       .about =
           "In a clone with globally-unique=true and without unique_clone_address, all nodes have the address at once "
           "and each answers its share of the clients. This group address (its first byte is odd) is what neighbours "
           "learn for it. Without it: 03:56 and the four bytes of 'ip'. No effect on an ordinary address.",
       .example = "03:56:c0:00:02:0a"},
      {.name = "clusterip_hash",
       .fallback = "sourceip-sourceport",
       .brief = "What decides which instance answers",
       .about = "Of a cloned address. sourceip: all connections of a client go to one node. With the ports they are "
                "spread better. Packets without ports go by their source in every case. Must be the same on all nodes, "
                "as in one resource it is.",
       .choices = {"sourceip", "sourceip-sourceport", "sourceip-sourceport-destport"}},
      {.name = "clusterip_hash_seed",
       .brief = "Start value of that hash",
       .about = "0 to 0xffffffff. Another one shares the clients out otherwise. Without it: made from 'ip'."},
      {.name = "clusterip_firewall",
       .fallback = "auto",
       .brief = "No effect here",
       .about = "IPaddr2's choice between nft and iptables for a cloned address. This agent always uses nft.",
       .choices = {"auto", "nft", "iptables"}},
      {.name = "clusterip_table",
       .brief = "No effect here",
       .about =
           "IPaddr2's table for rules. This agent has tables of its own for each cloned address, named systole-vip-IP, "
           "which are gone when the last instance has stopped."},
      {.name = "clusterip_chain",
       .brief = "No effect here",
       .about = "IPaddr2's chain for rules; see clusterip_table."},
      {.name = "clusterip_mac_mangle",
       .type = ParamType::boolean,
       .fallback = "true",
       .brief = "No effect here",
       .about =
           "IPaddr2's wish that the kernel's ARP packets carry the common hardware address. Here they always do: a "
           "neighbour that learns a node's own one reaches only that node's share."},
  };
}

std::vector<Param> special_set_ups() {
  return {
      {.name = "unique_clone_address",
       .type = ParamType::boolean,
       .fallback = "false",
       .brief = "One address for each instance of a clone",
       .about =
           "When true, an instance adds its number to the last byte of 'ip'. Needs a clone with globally-unique=true "
           "and IPv4. When false, such a clone has one address on all its nodes: see 'mac'."},
      {.name = "lvs_support",
       .type = ParamType::boolean,
       .fallback = "false",
       .brief = "Keep a stopped address on the loopback interface",
       .about =
           "For directors of LVS's direct routing that are real servers too: stop moves the address to the loopback "
           "interface (/32), where it serves without being announced, and start takes it from there. IPv4."},
      {.name = "lvs_ipv6_addrlabel",
       .type = ParamType::boolean,
       .fallback = "false",
       .brief = "IPv6: never the source of connections",
       .about =
           "When true, the address gets an address label of its own (RFC 6724), so that it is not picked as a source."},
      {.name = "lvs_ipv6_addrlabel_value",
       .type = ParamType::integer,
       .fallback = "99",
       .brief = "That label",
       .least = 0,
       .greatest = 0xfffffffe},
      {.name = "flush_routes",
       .type = ParamType::boolean,
       .fallback = "false",
       .brief = "Flush cached routes at stop",
       .about = "When true, routes that the kernel has cached are dropped when the address has left."},
      {.name = "local_start_script",
       .brief = "Program to run before the address is added",
       .about = "An absolute path; run without arguments and with the agent's environment. A failure is logged only."},
      {.name = "local_stop_script",
       .brief = "Program to run before the address is taken from the loopback interface",
       .about = "An absolute path; only with an address that lvs_support keeps there, not at a usual stop."},
  };
}

std::vector<Param> all_of(std::initializer_list<std::vector<Param>> groups) {
  std::vector<Param> all;
  for (const auto& group : groups) all.insert(all.end(), group.begin(), group.end());
  return all;
}

}  // namespace

const About about{
    .name = "IPaddr",
    .version = "0.2",
    .brief = "Keeps an IPv4 or IPv6 address on this node",
    .about =
        "Adds an address to a network interface and takes it off again. At start the neighbours are told by gratuitous "
        "ARP, in the request and in the reply form, or by unsolicited neighbour advertisements, several times within "
        "the "
        "first seconds. A resident helper, one small process from start to stop, makes the later announcements, hears "
        "whether another machine claims the address, and notices at once when address or link are lost. At stop the "
        "TCP "
        "connections to the address are reset, so that clients connect anew at once instead of waiting for their "
        "time-outs; under Systole's own manager also those of a node whose power went. Speaks to the kernel itself: "
        "needs neither ip(8) nor arping(8). Takes the configuration of "
        "ocf:heartbeat:IPaddr2 and ocf:heartbeat:IPaddr as it is.",
    .params =
        all_of({where_it_goes(), how_neighbours_learn(), who_else_has_it(), cloned_addresses(), special_set_ups()}),
    .actions =
        {
            {.name = "start", .timeout = "20s"},
            {.name = "stop", .timeout = "20s"},
            {.name = "status", .timeout = "20s", .interval = "10s", .depth = "0"},
            {.name = "monitor", .timeout = "20s", .interval = "10s", .depth = "0"},
            {.name = "watch", .timeout = "20s"},
            {.name = "validate-all", .timeout = "20s"},
            {.name = "meta-data", .timeout = "5s"},
        },
};

}  // namespace systole::agents::ipaddr
