// SPDX-License-Identifier: GPL-2.0-or-later
// `systole init`, `invite` and `join`: a cluster from nothing, one command per node, without a shell from one to the
// other. They work on files alone, so they need no daemon; a running one is told.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.hpp"
#include "common/config/cluster_conf.hpp"
#include "common/config/write_cluster_conf.hpp"

namespace systole::tools {

/// Where words go at once: out for what a script may read, err for what a person should.
struct Voice {
  std::function<void(std::string_view)> out, err;
};

struct FoundingPaths {
  std::string config{config::default_cluster_conf};
  std::string state_directory = "/var/lib/systole";
  std::string run_directory;  // of the daemon that is to be told

  /// Beside cluster.conf: what crmd begins with where no CIB is stored yet.
  std::string first_cib() const;
  std::string folder() const;
};

struct InitOptions {
  FoundingPaths paths;
  config::Founding founding;  // key_file: beside cluster.conf
};
int init(const Voice& voice, InitOptions options);

struct InviteOptions {
  FoundingPaths paths;
  std::string node;        // which one this is; "": found by host name or address
  std::string address;     // to listen on; "": this node's ring0_addr
  std::uint16_t port = 0;  // 0: the one after the cluster's
  std::string again;       // only for this node, which is listed already; "": for a new one
  bool witness = false;    // the newcomer votes and runs nothing
  Duration patience = 15min;
};
int invite(const Voice& voice, const InviteOptions& options);

struct JoinOptions {
  FoundingPaths paths;
  std::string host;                    // ADDRESS[:PORT]
  std::string token;                   // "": read from standard input
  std::string name;                    // "": the host name
  std::vector<std::string> addresses;  // none: the one from which the host is reached
};
int join(const Voice& voice, JoinOptions options);

// ---- common to the three
// ---------------------------------------------------------------------------------------------

/// "systole: …" on err; the exit code for the error.
int fail(const Voice& voice, const Error& error);
std::string host_name();
/// Errc::invalid if one of them is on no interface of this machine.
Result<void> all_local(const std::vector<std::string>& addresses);
/// Where the joining is done: one above the cluster's first link.
std::uint16_t port_above(std::uint16_t cluster_port);
/// A CIB in which a resource may start: without a fencing device, Pacemaker's default keeps everything stopped.
std::string first_cib(std::string_view cluster_name);
/// "n1 (192.0.2.1)".
std::string title_of(const config::NodeConf& node);

}  // namespace systole::tools
