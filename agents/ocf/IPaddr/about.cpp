// SPDX-License-Identifier: GPL-2.0-or-later
// The agent's table: IPaddr2's names, so that a configuration moves over by changing the agent's name. A parameter is
// in here only when it does all that its name says.
#include "agents/ocf/IPaddr/plan.hpp"

namespace systole::agents::ipaddr {

const About about{
    .name = "IPaddr",
    .version = "0.1",
    .brief = "Keeps an IPv4 address on this node",
    .about =
        "Adds an IPv4 address to a network interface and takes it off again. At start the neighbours are told by "
        "gratuitous "
        "ARP, in the request and in the reply form, several times within the first seconds. At stop the TCP "
        "connections to "
        "the address are reset, so that clients connect anew at once instead of waiting for their time-outs. Speaks to "
        "the "
        "kernel itself: needs neither ip(8) nor arping(8).",
    .params =
        {
            {.name = "ip",
             .required = true,
             .unique = true,
             .brief = "IPv4 address",
             .about = "The IPv4 address that is to be kept, such as 192.0.2.10."},
            {.name = "nic",
             .brief = "Network interface",
             .about = "The interface that gets the address. Without it: the interface whose own route covers the "
                      "address, the "
                      "most exact one first. The old form 'eth0:label' is understood."},
            {.name = "cidr_netmask",
             .brief = "Length of the network prefix",
             .about = "1 to 32, or a dotted mask such as 255.255.255.0. Without it: that of the route by which the "
                      "interface "
                      "was found."},
            {.name = "broadcast",
             .brief = "Broadcast address",
             .about = "An IPv4 address, '+' (all host bits set, also without this parameter) or '-' (none set)."},
            {.name = "iflabel",
             .brief = "Label of the address",
             .about =
                 "Shown as INTERFACE:LABEL by ifconfig(8) and ip(8); interface, colon and label are 15 characters at "
                 "most."},
            {.name = "noprefixroute",
             .type = ParamType::boolean,
             .fallback = "false",
             .brief = "Add no route for the network",
             .about = "When true, the kernel makes no route to the address's network."},
            {.name = "check_link_status",
             .type = ParamType::boolean,
             .fallback = "true",
             .brief = "A dead link is a fault",
             .about =
                 "When true, the address counts as not running while its interface's link is down, and does not start "
                 "there."},
            {.name = "arp_count",
             .type = ParamType::integer,
             .fallback = "6",
             .brief = "Number of announcements at start",
             .about =
                 "How often the neighbours are told at start. The default schedule is at once, then after 50, 150 and "
                 "500 ms, 1 s, 5 s, and every 5 s from there on.",
             .least = 1,
             .greatest = 1000},
            {.name = "arp_interval",
             .type = ParamType::integer,
             .fallback = "0",
             .brief = "Milliseconds between announcements",
             .about = "A fixed interval in place of the default schedule; 0 keeps the schedule.",
             .least = 0,
             .greatest = 60000},
            {.name = "arp_bg",
             .type = ParamType::boolean,
             .fallback = "true",
             .brief = "Announce in the background",
             .about = "When true, start returns after the first announcement and a background process makes the "
                      "others. When "
                      "false, start makes them all, as far as its timeout allows."},
            {.name = "arp_count_refresh",
             .type = ParamType::integer,
             .fallback = "0",
             .brief = "Number of announcements at each monitor",
             .about = "Announcements at every recurring monitor, for switches that forget or mislearn; 0: none.",
             .least = 0,
             .greatest = 100},
        },
    .actions =
        {
            {.name = "start", .timeout = "20s"},
            {.name = "stop", .timeout = "20s"},
            {.name = "status", .timeout = "20s", .interval = "10s", .depth = "0"},
            {.name = "monitor", .timeout = "20s", .interval = "10s", .depth = "0"},
            {.name = "validate-all", .timeout = "20s"},
            {.name = "meta-data", .timeout = "5s"},
        },
};

}  // namespace systole::agents::ipaddr
