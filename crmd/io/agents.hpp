// SPDX-License-Identifier: GPL-2.0-or-later
// All agent calls of this node: begins them, logs what they said, hands their outcomes back. One line per call in the
// log when it begins (debug) and when it ends; recurring monitors that find everything as before are debug only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "common/log/log.hpp"
#include "crmd/io/agent_call.hpp"
#include "crmd/io/cgroups.hpp"

namespace systole::io {

class Agents {
 public:
  using OnDone = std::function<void(std::uint64_t call, executor::Outcome outcome)>;
  using OnWatchEnd = std::function<void(std::uint64_t call, bool offered)>;

  /// cgroups: nullopt where there are none; then an agent's process group is all that is known of what it starts.
  Agents(boost::asio::io_context& context, AgentSettings settings, std::optional<Cgroups> cgroups, Log& log,
         OnDone on_done, OnWatchEnd on_watch_end);
  ~Agents();

  /// on_done comes exactly once per call, later, from the io_context.
  void run(const executor::RunAgent& run);
  void kill(std::uint64_t call);
  /// Runs the action watch of an agent whose meta-data names it. on_watch_end comes once per call, unless end_watch
  /// comes first.
  void watch(const executor::RunAgent& run);
  void end_watch(std::uint64_t call);
  std::size_t running() const { return calls_.size(); }
  /// Where a resource's processes are; "": nowhere in particular.
  std::string cgroup_of(const std::string& resource) const { return cgroups_ ? cgroups_->path_of(resource) : ""; }
  /// Removes what is empty.
  void tidy_cgroups() const {
    if (cgroups_) cgroups_->remove_empty();
  }

 private:
  void ended(const executor::RunAgent& run, const AgentCall::Ended& ended);
  void begin_watching(const executor::RunAgent& run, AgentCall::OnEnd on_end);
  void watch_ended(const executor::RunAgent& run, bool offered, std::string_view reason);

  boost::asio::io_context& context_;
  AgentSettings settings_;
  std::optional<Cgroups> cgroups_;
  Log& log_;
  OnDone on_done_;
  OnWatchEnd on_watch_end_;
  std::map<std::uint64_t, std::shared_ptr<AgentCall>> calls_;
  std::map<std::uint64_t, std::shared_ptr<AgentCall>> watches_;  // those that watch, or are asked whether they can
  std::map<std::string, bool> can_watch_;                        // PROVIDER/TYPE, by its meta-data
};

}  // namespace systole::io
