// SPDX-License-Identifier: GPL-2.0-or-later
// Everything between the command line and the first event: configuration, key, directories, lock, stored state. Each
// failure is a sentence and an exit code; nothing has been sent, started or changed by then.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cib/store/posix_disk.hpp"
#include "cib/store/store.hpp"
#include "common/config/cluster_conf.hpp"
#include "common/config/key_file.hpp"
#include "common/config/timing.hpp"
#include "common/log/log.hpp"
#include "crmd/controller/core.hpp"
#include "crmd/io/run_directory.hpp"
#include "crmd/main/options.hpp"

namespace systole {

struct Failure {
  int exit_code = 0;
  std::string what;
};
/// Thrown only when a Started is unwrapped without a check: a bug of ours.
[[noreturn]] void throw_exception_from_error(const Failure& failure, const boost::source_location& where);
template <class T>
using Started = boost::system::result<T, Failure>;

/// What the configuration means for this node.
struct Setting {
  config::ClusterConf conf;
  std::vector<config::Key> keys;
  std::size_t self = 0;  // index into conf.nodes
  config::Timing timing;
  std::string first_document;
};
Started<Setting> read_setting(const Options& options);

/// cluster.conf and keys alone, while the daemon runs.
Started<Setting> read_again(const Options& options);

/// Each other node's addresses, one per link.
std::map<NodeId, std::vector<std::string>> peer_addresses(const Setting& setting);

/// A sentence or two for --check.
std::string describe(const Setting& setting);

/// True: stderr is among the places where lines go.
bool open_log(Log& log, const config::LoggingConf& logging);

/// What this node's disk remembers. The disk is on the heap: the store holds a reference to it.
struct Memory {
  std::unique_ptr<cib::PosixDisk> disk;
  std::unique_ptr<cib::Store> store;
  Stamped document;
  bool may_have_forgotten = false;
  Vote vote;
  std::vector<std::string> notes;
};
Started<Memory> open_memory(const std::string& directory);

/// For --accept-loss: what is left becomes the stored configuration. What was done, for people.
Started<std::string> accept_loss(const Memory& memory, const std::string& directory);

Started<io::PidFile> take_run_directory(const std::string& directory);

controller::Config core_config(const Setting& setting, const Options& options);

/// How long a silent node may go on, given whether this one is granted real-time priority.
Started<config::Timing> timing_of(const Setting& setting, bool realtime);

/// "20260102-030405", for names of files that are kept aside.
std::string file_stamp();

}  // namespace systole
