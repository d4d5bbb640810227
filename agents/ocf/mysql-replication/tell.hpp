// SPDX-License-Identifier: GPL-2.0-or-later
// What the cluster is told and asked. Each tool is a process, so a value is told again only when it has changed, when
// it is old (the cluster may have forgotten it), or when the caller insists.
#pragma once

#include "agents/kit/attributes.hpp"
#include "agents/ocf/mysql-replication/judge.hpp"

namespace systole::mysql_replication {

class Cluster {
 public:
  Cluster(agents::Call& call, const Settings& settings, Memory& memory);

  void tell(const Verdict& verdict, bool insist);
  /// Nobody watches here any more.
  void withdraw();

 private:
  void step_readers(const Verdict& verdict);
  /// False: nothing follows from it at this time.
  bool take(ReaderStep step);
  /// What all nodes but this one have published; nullopt: that could not be read.
  std::optional<std::vector<ReaderView>> views();
  void publish(const std::string& name, const std::string& value, std::string& told, bool insist);
  void publish_score(const Score& score, bool insist);
  Time deadline() const;
  std::string mark_name() const { return "late-" + settings_.reader_attribute; }

  agents::Call& call_;
  const Settings& settings_;
  Memory& memory_;
  agents::Attributes attributes_;
  ReaderLimits limits_;
  std::int64_t now_ms_ = 0;
};

}  // namespace systole::mysql_replication
