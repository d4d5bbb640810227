// SPDX-License-Identifier: GPL-2.0-or-later
// The cluster's copy of the record, and what else the cluster says that the protocol needs: who is a member, what the
// other helpers tell, whether a write counts by majority. All through the tools that Pacemaker and Systole both have.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agents/kit/attributes.hpp"
#include "agents/ocf/mysql/fencing.hpp"
#include "agents/ocf/mysql/lineage.hpp"
#include "agents/ocf/mysql/own_copy.hpp"
#include "common/log/log.hpp"

namespace systole::mysql {

class SharedRecord {
 public:
  /// env and log must outlive this.
  SharedRecord(const agents::Environment& env, Log& log, std::string resource);

  /// A record that does not exist when the cluster has none. invalid: what stands there is no record.
  Result<Record> read(Time deadline) const;
  /// Only if the cluster's record is `from` at that moment: refused when it is not. done: the cluster has taken it;
  /// where majority() holds, a majority has stored it.
  Outcome swap(const Record& from, const Record& wanted, Time deadline) const;

  Result<std::vector<std::string>> members(Time deadline) const;
  std::map<std::string, Notice> notices(Time deadline) const;
  Result<void> publish(const Notice& notice, Time deadline) const;
  /// crmd with three votes or more: a write that was answered is stored by a majority.
  bool majority(Time deadline) const;
  /// Pacemaker that fences lost nodes before it recovers what ran there.
  bool fencing(Time deadline) const;
  /// Pacemaker's fencing of the node has succeeded since it was last seen (s since the epoch), and it is not back.
  bool fenced(const std::string& node, std::int64_t last_seen_s, Time deadline) const;

 private:
  Outcome create(const Record& wanted, Time deadline) const;
  std::string notice_name() const { return resource_ + "-lineage"; }

  const agents::Environment& env_;
  Log& log_;
  agents::Attributes attributes_;
  std::string resource_;
  mutable std::optional<bool> majority_;  // as it was at majority_at_: it is seldom changed, and costs a program
  mutable Time majority_at_{};
};

/// All of it, as one look.
SeenCluster look_at_cluster(const SharedRecord& shared, const OwnCopy& own, Time deadline);

}  // namespace systole::mysql
