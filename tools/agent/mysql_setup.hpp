// SPDX-License-Identifier: GPL-2.0-or-later
// `systole mysql create` and `join`: from two servers with MariaDB installed to a pair. create makes the server with
// the data the first, and for the time being the only, instance; join copies the primary to a further server and lets
// the cluster run an instance there. Nobody needs a shell on the other machine: what both must know, the cluster's
// configuration says, and the password of replication each computes from the key that all nodes have.
//
// Both look at everything first and say all that stands in the way at once; both undo what they did when a later step
// fails; both can be run again after they were killed, and go on where that one ended.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/log/log.hpp"
#include "tools/agent/local_network.hpp"
#include "tools/agent/mysql_commands.hpp"
#include "tools/agent/mysql_own_server.hpp"
#include "tools/agent/mysql_setup_cib.hpp"
#include "tools/agent/own_service.hpp"
#include "tools/agent/undo.hpp"

namespace systole::tools {

/// Words at once: a copy may take hours.
void say(std::string_view text);
void complain(std::string_view text);

inline constexpr std::string_view replication_user = "systole_replication";
/// Of a server that is prepared.
inline constexpr const char* private_folder = "/run/systole-mysql";

/// This node, its cluster and the database in it.
struct ClusterSeen {
  bool answers = false, crmd = false;
  std::string self;
  CibFacts cib;
  MysqlView view;       // the record
  std::string address;  // of this node's server; "": not known
  std::vector<std::string> faults = {};
};
ClusterSeen look_at_cluster(const SetupOptions& options, const SetupNames& names, Log& log);

/// The numeric id of this node in the CIB, or else its place in the list; what server-id becomes.
unsigned server_id_of(const CibFacts& cib, const std::string& self);

/// What may be the password of replication: from the file, or computed from each of the cluster's keys, the one that
/// counts first.
Result<std::vector<std::string>> possible_passwords(const SetupOptions& options, bool crmd);

/// Not twice at a time on one machine; it ends with the process.
Result<Fd> lock_setup();

/// "\n  1. …\n  2. …\n".
std::string numbered(const std::vector<std::string>& lines);
/// "The following stands in the way": faults on err; the exit code.
int refuse(std::string_view verb, const std::vector<std::string>& faults);

/// A step failed: says so, undoes the ones before it, and says whether all of it is undone; the exit code.
int take_back(std::string_view verb, const Error& why, Undo& undo);

/// A moment for names: 20261129-074012.
std::string time_for_names();
/// "3.2 GB".
std::string bytes_in_words(std::uint64_t bytes);

int mysql_create(const SetupOptions& options);
int mysql_join(const SetupOptions& options);

}  // namespace systole::tools
