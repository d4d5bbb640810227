// SPDX-License-Identifier: GPL-2.0-or-later
// cluster.conf: who is in the cluster, on which addresses, how fast it beats. Syntax and words are corosync.conf's
// (corosync.conf(5)), as far as Systole needs them:
//
//   totem    { version: 2  cluster_name: NAME  keepalive: MS  deadtime: MS (or token: MS)  initdead: MS  port: 5407
//              key_file: /etc/systole/authkey  lease: MS  guard: MS  takeover_delay: MS
//              transport: udpu  interface { linknumber: 0  interface: eth1  port: 5408 }
//              transport: multicast  interface { …  mcastaddr: 239.192.7.1 (or broadcast: yes)  mcastport: 5408 } }
//   nodelist { node { nodeid: 1  name: alpha  ring0_addr: 192.0.2.1  ring1_addr: 198.51.100.1  witness: no } … }
//   quorum   { mode: majority|witness|ping|none (two_node: 1 is mode none)  ping_target: ADDR, ADDR …
//              wait_for_all: 0  provider: corosync_votequorum  expected_votes: N }
//   guardian { watchdog_device: /dev/watchdog  watchdog_timeout: SECONDS }
//   logging  { to_syslog: yes  syslog_facility: daemon  to_logfile: no  logfile: PATH  to_stderr: yes  debug: off }
//
// Other than in corosync, two_node does not switch wait_for_all on: a node that finds itself alone at power-on goes on
// after initdead unless it is told to wait.
//
// A word that we do not know is refused with its place and the words that are known: a setting that is silently
// ignored is worse than a daemon that does not start. Reading is a pure function of the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::config {

inline constexpr std::string_view default_cluster_conf = "/etc/systole/cluster.conf";
inline constexpr std::string_view default_key_file = "/etc/systole/authkey";
/// Corosync takes 5404-5406 and Heartbeat 694; both may live on the same machine while one moves over.
inline constexpr std::uint16_t default_port = 5407;

enum class QuorumMode {
  majority,  // only who has more than half of the nodes leads; a witness counts as one of them
  ping,      // two nodes: whoever is left leads if one of ping_targets answers it
  none,      // two nodes: whoever is left leads
};
/// The word of the configuration language.
std::string_view name_of(QuorumMode mode);

struct LinkConf {
  std::string interface;   // SO_BINDTODEVICE; "": the kernel's routes decide
  std::uint16_t port = 0;  // resolved: never 0 after parsing
  /// "": each packet goes to its receiver alone. A multicast address, or "broadcast": all of the network hear it.
  std::string group{};
  bool operator==(const LinkConf&) const = default;
};

struct NodeConf {
  NodeId id;
  std::string name;
  std::vector<std::string> addresses;  // one per link, IP literals
  bool witness = false;                // votes and keeps the configuration; resources never run there
  int line = 0;                        // where its section begins
  bool operator==(const NodeConf&) const = default;
};

struct LoggingConf {
  bool to_syslog = true, to_logfile = false, to_stderr = false, debug = false;
  std::string logfile = "/var/log/systole.log";
  std::string facility = "daemon";
  bool operator==(const LoggingConf&) const = default;
};

struct GuardianConf {
  std::string watchdog_device;               // "": no watchdog is armed
  std::optional<Duration> watchdog_timeout;  // nullopt: see watchdog_timeout(); never set without a device
  bool operator==(const GuardianConf&) const = default;
};

struct ClusterConf {
  std::string cluster_name;
  /// keepalive, where it is not given, is 200 ms or a fifth of deadtime, whichever is less.
  Duration keepalive = 200ms, deadtime = 1s, initdead = 10s;
  /// How long a node may go on after its last proof of membership, the margin for late timers, and how much longer than
  /// deadtime a successor waits. nullopt: not said (for the lease also "0"), to be computed from the other times.
  std::optional<Duration> lease, guard, takeover_delay;
  std::string key_file{default_key_file};
  std::vector<LinkConf> links;  // as many as each node has addresses
  std::vector<NodeConf> nodes;
  /// What holds now: a single node, to which others are yet to join, is its own majority whatever mode it is to have.
  QuorumMode mode = QuorumMode::majority;
  std::vector<std::string> ping_targets;  // IP literals; at least one where the file says mode ping, else none
  bool wait_for_all = false;              // after a start, no resource runs before all nodes were seen once
  GuardianConf guardian;
  LoggingConf logging;

  bool has_witness() const;
  bool operator==(const ClusterConf&) const = default;
};

/// file is only for messages: "FILE:LINE: what, and what would be right".
Result<ClusterConf> parse_cluster_conf(std::string_view text, std::string_view file);

/// Reads and parses. Errc::not_found when there is no such file.
Result<ClusterConf> read_cluster_conf(const std::string& path);

/// Which of the nodes this machine is: by the name given, else by the host name (whole, or up to its first dot), else
/// by an address that this machine has. Index into nodes; the error lists the names.
Result<std::size_t> find_self(const ClusterConf& conf, std::string_view given, std::string_view host_name,
                              const std::vector<std::string>& local_addresses);

}  // namespace systole::config
