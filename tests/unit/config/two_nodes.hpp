// SPDX-License-Identifier: GPL-2.0-or-later
// The cluster.conf that tests change and that the fuzzer mutates. Tests name its lines by number.
#pragma once

#include <string>

namespace systole::config {

inline const std::string two_nodes = R"(# two nodes
totem {
  version: 2
  cluster_name: shop
  keepalive: 100
  deadtime: 500
  interface {
    linknumber: 0
    interface: eth1
  }
}
nodelist {
  node {
    nodeid: 1
    name: alpha
    ring0_addr: 192.0.2.1
    ring1_addr: 2001:db8::1
  }
  node {
    nodeid: 2
    name: beta
    ring0_addr: 192.0.2.2
    ring1_addr: 2001:db8::2
  }
}
quorum {
  provider: corosync_votequorum
  two_node: 1
}
logging {
  to_syslog: no
  to_logfile: yes
  logfile: /var/log/cluster.log
  debug: on
}
)";

}  // namespace systole::config
