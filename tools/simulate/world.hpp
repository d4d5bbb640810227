// SPDX-License-Identifier: GPL-2.0-or-later
// A cluster out of a CIB, in which transitions can be played: every action succeeds, as long as nobody says otherwise.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cib/model/change.hpp"
#include "cib/model/configuration.hpp"
#include "cib/model/status.hpp"
#include "common/base/result.hpp"
#include "crmd/scheduler/scheduler.hpp"
#include "tools/simulate/events.hpp"

namespace systole::tools {

/// "db" of "db:0"; other names as they are.
std::string without_number(const std::string& id);

class World {
 public:
  /// now_s: seconds since the epoch, where the CIB does not say when it was.
  static Result<World> of(std::string_view cib, std::int64_t now_s);

  scheduler::View view() const;
  /// From now on decisions and nodes are crmd's: nobody fences, a lost node ran nothing any more when its lease ended.
  /// Without this they are as Pacemaker takes them.
  void as_crmd() { whole_ = false; }
  /// Seconds since the epoch at which the CIB says that it was; nullopt: it does not.
  std::optional<std::int64_t> said_time() const { return said_time_; }
  /// The CIB says that no schema holds for it.
  bool unchecked() const { return unchecked_; }
  /// Another time than the CIB's; seconds since the epoch.
  void set_time(std::int64_t now_s) { now_s_ = now_s; }
  /// A line for each. Errc::not_found: no such node or resource; what came before it has happened.
  Result<std::vector<std::string>> happen(const Events& events);
  /// Each action's line, in the order in which they were done. An action that is named in `failing` ends as it says,
  /// and nothing is begun after it.
  std::vector<std::string> play(const scheduler::Transition& transition,
                                const std::vector<ImaginedResult>& failing = {});
  // Of a cluster of crmd's; Errc::not_found: no such node or resource, Errc::refused: not as it is now.
  /// Its lease has ended: what ran there does no more.
  Result<void> lose(const NodeName& node);
  Result<void> ask_to_leave(const NodeName& node);
  /// It has left in order.
  void gone(const NodeName& node);
  /// Rebooted: nothing runs there.
  Result<void> bring_back(const NodeName& node);
  Result<void> set_attribute(const NodeName& node, const std::string& name, const std::string& value);
  /// Another configuration, of a whole CIB; the status stays.
  Result<void> configure(const std::string& cib);
  void pass_time(Duration time);
  /// RESOURCE or RESOURCE@NODE: its recurring monitor finds it not running. What is worth a line.
  Result<std::string> fail_resource(const std::string& asked);

  /// The resource of this history is meant by this name: its own, its primitive's or its clone's or group's.
  bool means(const std::string& asked, const ResourceId& id) const;
  /// The actions as they would be done, in passes over them as they are listed.
  enum class Listed { by_id, by_rank };
  static std::vector<const scheduler::Action*> in_order(const scheduler::Transition& transition, Listed listed);

  /// The whole CIB as it is now.
  Result<std::string> document() const;

 private:
  cib::Header header() const;
  Result<void> set_property(const std::string& name, const std::string& value);
  Result<cib::NodeState*> state_of(const NodeName& node);
  Result<void> happen(const ImaginedResult& result, std::vector<std::string>& lines);
  /// A line for each attribute that is new or has another value than before.
  static void tell_attributes(const cib::Pairs& before, const cib::NodeState& state, std::vector<std::string>& lines);
  bool do_action(const scheduler::Action& action, const std::vector<ImaginedResult>& failing,
                 std::vector<std::string>& lines);
  void mention(const NodeName& node, const ResourceId& resource);
  std::string shown_name(const scheduler::Action& action) const;
  std::string line_of(const scheduler::Action& action) const;

  std::string source_;  // the CIB as it was read
  cib::Configuration configuration_;
  cib::Status status_;
  std::vector<scheduler::Mentioned> order_;
  bool quorate_ = false, panics_ = false, unchecked_ = false, whole_ = true;
  NodeName dc_;
  std::int64_t now_s_ = 0;
  std::optional<std::int64_t> said_time_;
  std::set<std::string> known_;  // what the CIB's histories are of
  std::int32_t call_id_ = 0;
};

}  // namespace systole::tools
