// SPDX-License-Identifier: GPL-2.0-or-later
// The agent's table: the names of ocf:pacemaker:ping, so that a configuration moves over by changing the provider.
#include "agents/ocf/ping/settings.hpp"

namespace systole::agents::ping {

const About about{
    .name = "ping",
    .version = "0.1",
    .brief = "How many of some hosts this node reaches",
    .about =
        "Asks hosts by ICMP echo and sets a node attribute to the number of those that answer, for location rules "
        "that prefer nodes with a connection to the outside. Best run as a clone. All hosts are asked at the same "
        "time, over IPv4 and IPv6, by the agent itself: neither ping(8) nor fping(8) is needed. What changed since "
        "the last monitor is logged.",
    .params =
        {
            {.name = "pidfile",
             .unique = true,
             .brief = "State file",
             .about = "Is there while the resource runs, and holds the hosts that did not answer last. Without it: "
                      "ping-NAME in /run/resource-agents, with the resource's name in globally unique clones."},
            {.name = "dampen",
             .type = ParamType::time,
             .fallback = "5s",
             .reloadable = true,
             .brief = "Dampening interval",
             .about = "How long the manager waits for further changes before it acts upon one of the attribute."},
            {.name = "name",
             .fallback = "pingd",
             .unique = true,
             .brief = "Attribute name",
             .about = "The node attribute to set; rules refer to it."},
            {.name = "multiplier",
             .type = ParamType::integer,
             .fallback = "1",
             .reloadable = true,
             .brief = "Value multiplier",
             .about = "The attribute's value is the number of hosts that answer, times this.",
             .least = -1'000'000,
             .greatest = 1'000'000},
            {.name = "host_list",
             .required = true,
             .reloadable = true,
             .brief = "Host list",
             .about = "Hosts to ask, blank-separated: IPv4 and IPv6 addresses (fe80::1%eth0 too) and names. Addresses "
                      "are better: a name that cannot be resolved within attempts x timeout counts as a host that does "
                      "not answer.",
             .example = "192.0.2.1 2001:db8::1"},
            {.name = "attempts",
             .type = ParamType::integer,
             .fallback = "3",
             .reloadable = true,
             .brief = "Number of attempts",
             .about = "How often a host is asked before it counts as silent.",
             .least = 1,
             .greatest = 100},
            {.name = "timeout",
             .type = ParamType::time,
             .fallback = "2",
             .reloadable = true,
             .brief = "Wait for an answer",
             .about = "How long, in seconds or with a unit (500ms), each attempt waits for an answer. Silent hosts are "
                      "known after attempts x timeout; that is cut down to what the monitor's own timeout leaves."},
            {.name = "options",
             .reloadable = true,
             .brief = "Options of ping(8)",
             .about =
                 "Understood are -I (interface or source address), -c (attempts), -W (timeout, seconds), -s "
                 "(payload, bytes), -t (time to live), -4 and -6; others have no effect and are named in the log at "
                 "start."},
            {.name = "failure_score",
             .type = ParamType::integer,
             .reloadable = true,
             .brief = "Failure score",
             .about = "The resource fails when the attribute's value is less than this. Without it: never."},
            {.name = "use_fping",
             .type = ParamType::boolean,
             .fallback = "1",
             .brief = "Without effect",
             .about = "Accepted for configurations of ocf:pacemaker:ping. No program is used here, neither fping nor "
                      "ping."},
            {.name = "debug",
             .fallback = "false",
             .reloadable = true,
             .brief = "Verbose logging",
             .about = "false: only changes are logged. true: every silent host at every monitor. verbose: every host."},
        },
    .actions =
        {
            {.name = "start", .timeout = "60s"},
            {.name = "stop", .timeout = "20s"},
            {.name = "reload-agent", .timeout = "60s"},
            {.name = "status", .timeout = "60s", .interval = "10s", .depth = "0"},
            {.name = "monitor", .timeout = "60s", .interval = "10s", .depth = "0"},
            {.name = "validate-all", .timeout = "30s"},
            {.name = "meta-data", .timeout = "5s"},
        },
};

}  // namespace systole::agents::ping
