// SPDX-License-Identifier: GPL-2.0-or-later
// What the agent tells the cluster and asks of it: promotion score, reader attribute, the primary's address, received
// positions. Each tool costs a process, so what was said last is kept in a memo on /run and said again only when it
// changes, when it is old (the cluster may have forgotten it), or when the caller insists (a probe: this node has just
// joined).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/kit/agent.hpp"
#include "agents/kit/attributes.hpp"
#include "agents/ocf/mysql/coordinates.hpp"
#include "agents/ocf/mysql/election.hpp"
#include "agents/ocf/mysql/judge.hpp"
#include "agents/ocf/mysql/receipt_folder.hpp"
#include "agents/ocf/mysql/record.hpp"
#include "agents/ocf/mysql/settings.hpp"

namespace systole::mysql {

/// The memo; also where the primary is known to be.
struct Memo {
  std::string score;  // last sent; "" never or deleted
  std::string readable;
  std::string published;    // our address, sent as <resource>_REPL_INFO
  std::string takeover;     // by file and position: where we took over, sent with it
  std::int64_t sent_s = 0;  // boot seconds of the last sending
  std::string primary_host;
  unsigned primary_port = 0;
};

std::string to_text(const Memo& memo);
Memo parse_memo(std::string_view text);

class Cluster {
 public:
  Cluster(agents::Call& call, const Settings& settings);

  Memo& memo() { return memo_; }
  void save();

  /// Score and reader attribute as the verdict says.
  void publish(const Verdict& verdict, bool insist = false);
  void publish_score(std::optional<int> score, bool insist = false);
  /// The reader attribute alone: with a record, the helper publishes the score.
  void publish_readable(bool may_read, bool insist = false);
  /// The address of this node, where replicas find the primary when nobody notified them.
  void publish_primary();
  /// The same with the place in its log, for replication by file and position. What cannot be sent is sent by
  /// publish_primary().
  void publish_takeover(const Takeover& takeover);
  /// Nothing runs here any more.
  void withdraw();
  void set_score_of(const std::string& node, int score);

  const std::string& self();
  /// What is said only now and then is due to be said again.
  bool is_time_to_repeat() const;
  /// Where what this database loses is kept.
  ReceiptPlace receipts() const { return receipt_place(call_); }
  /// This node's copy of the record; one that does not exist when there is none or it cannot be read.
  Record own_copy() const;
  /// Nodes, other than this one, that run an instance now and are not being stopped, as the manager told us.
  std::vector<std::string> live_others();
  /// The node, other than this one, that is promoted now, or else in this very transition; "" none or not told.
  std::string primary_elsewhere();

  /// The permanent attribute <resource>_mysql_master_IP of the node, else the node's name.
  std::string address_of(const std::string& node);
  /// <resource>_REPL_INFO: the last primary's address; "" none.
  std::string published_primary();

  /// The whole of it, as it stands there.
  std::string published_text();
  Surroundings surroundings();

  /// A Candidate's history; empty: takes no part in the election.
  void publish_history(const GtidList& history) { publish_progress(to_string(history)); }
  /// The same in another form than MariaDB's.
  void publish_progress(const std::string& text);
  /// nullopt: it published none.
  std::optional<std::string> progress_of(const std::string& node);
  /// nullopt: it published none.
  std::optional<GtidList> history_of(const std::string& node);

 private:
  Time tool_deadline() const;

  agents::Call& call_;
  const Settings& settings_;
  agents::Attributes attributes_;
  std::string resource_, memo_path_, self_;
  Memo memo_;
};

}  // namespace systole::mysql
