// SPDX-License-Identifier: GPL-2.0-or-later
// A few nodes on one machine: each has its own datadir, socket and loopback address, and the agent is called as a
// cluster would call it. All is below one folder in /tmp that goes with the rig, and so do the servers.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "agents/ocf/mysql/process.hpp"
#include "agents/ocf/mysql/settings.hpp"
#include "agents/sql/connection.hpp"

namespace systole::mysql {

using Extra = std::map<std::string, std::string, std::less<>>;

struct Answer {
  int code = -1;
  std::string out, err;
  Duration took{};
};

class Rig {
 public:
  explicit Rig(const std::vector<std::string>& nodes);
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  /// The agent on a node. Names in `extra` that begin with a small letter are parameters or CRM_meta_… values
  /// (OCF_RESKEY_ is put before them), others are taken as they are.
  Answer call(const std::string& node, const std::string& action, const Extra& extra = {});
  /// The same with another program than the agent.
  Answer call_program(const std::string& program, const std::string& node, const std::string& action,
                      const Extra& extra);

  /// A statement as root; all cells, row by row, joined by blanks. "error: …" when it failed.
  std::string sql(const std::string& node, const std::string& statement);
  void kill_server(const std::string& node);
  std::optional<ServerProcess> server(const std::string& node) const;
  std::string slave(const std::string& node, const std::string& column);

  /// The value that the tools keep; "" none. node "cluster": a property.
  std::string attribute(const std::string& node, const std::string& name) const;
  void set_attribute(const std::string& node, const std::string& name, const std::string& value) const;
  /// Lines that the tools left: one per call.
  std::size_t tool_calls() const;
  std::string log(const std::string& node) const;  // the agent's own lines
  std::string folder(const std::string& node) const { return root_ + "/" + node; }
  std::string address(const std::string& node) const;
  unsigned port() const { return port_; }

  /// Both started, the first promoted, the second following; table d.t(k INT PRIMARY KEY) is there.
  void make_pair_of(const std::string& primary, const std::string& replica);
  /// What the cluster says of a promotion of `node` while `live` run.
  static Extra promotion(const std::string& node, const std::string& live);
  static Extra after_promotion(const std::string& node, const std::string& live);

  /// What `call` hands to the agent, without its extras.
  agents::Environment environment(const std::string& node, const std::string& action) const;

 private:
  void make_node(const std::string& node);
  std::string root_;
  std::vector<std::string> nodes_;
  unsigned port_;
};

/// Inserts 1, 2, 3 … from its own connection until told to stop; keeps what was acknowledged.
class Writer {
 public:
  Writer(Rig& rig, const std::string& node, int first);
  ~Writer() { stop(); }
  void stop();
  /// As long as the lock lives it stands still, holding nothing: a process that is forked meanwhile finds no lock
  /// taken.
  std::unique_lock<std::mutex> hold();
  const std::set<int>& acknowledged() const { return acknowledged_; }  // after stop()
  int count() const { return count_; }

 private:
  void work(const std::string& socket, int first);
  std::mutex at_work_;
  std::atomic<bool> stop_{false}, wanted_{false};
  std::atomic<int> count_{0};
  std::set<int> acknowledged_;
  std::thread thread_;
};

/// Waits until the question is answered by true, 10 s at most.
bool eventually(const std::function<bool()>& question);

}  // namespace systole::mysql
