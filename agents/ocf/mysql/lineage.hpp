// SPDX-License-Identifier: GPL-2.0-or-later
// The resident helper's decisions, as a machine without I/O: step(now, event) -> effects. One helper lives beside each
// started instance. On the primary it brings one replica in sync (that one receives every commit before it is
// acknowledged), writes that down, and when the replica is lost lets the waiting writers go only after the record says
// that the replica is out. On a replica it gives up the place in sync when it cannot fill it. Who is promoted is not
// its business: that is the cluster manager's, by may_promote().
//
// If the helper dies, writers that wait go on waiting: nothing is lost by it. What it must never do is turn the
// semi-synchronous source off while the record names a replica: that acknowledges what nobody else has.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agents/ocf/mysql/promotion.hpp"
#include "agents/ocf/mysql/record.hpp"
#include "common/base/time.hpp"

namespace systole::mysql {

/// What a helper tells the others, as a private node attribute. Gone with its node.
struct Notice {
  enum class Kind { down, replica, primary };
  Kind kind = Kind::down;
  bool streams = false;      // replica: it receives, and applies without an error
  unsigned behind_s = 0;     // replica: applies that much later than it was done, in coarse steps; 0: not noticeably
  bool stalled = false;      // primary: writers wait, and the in-sync replica is asked to give up its place
  std::string invites = {};  // primary: the replica that shall acknowledge; "" none
  bool wants_copy = false;   // replica: it waits for a copy of the database (copy_request.hpp)
  std::uint64_t epoch = 0, sequence = 0;  // of the record that it goes by
  bool operator==(const Notice&) const = default;
};
std::string to_string(const Notice& notice);
std::optional<Notice> parse_notice(std::string_view text);
/// Of a node where nothing runs.
Notice down_notice(const Record& own);
/// For OtherNode::agrees.
bool agrees_with(const Notice& notice, const Record& record);

/// The server, as one look saw it. What was not answered has the value that hinders most.
struct SeenServer {
  bool alive = true;              // its process
  bool answers = false;           // nothing below counts when it does not
  bool writable = false;          // read_only=0
  bool source_on = false;         // rpl_semi_sync_master_enabled
  unsigned clients = 0;           // semi-synchronous replicas connected; may count one that is gone
  Duration longest_wait = {};     // of a session that waits for an acknowledgement; zero: none waits
  std::uint64_t alone = 0;        // commits acknowledged without a replica while the source was on (no_tx)
  bool streams = false;           // it receives from its primary, and something came lately
  bool applier_failed = false;    // it stopped with an error
  Duration behind = {};           // how much later the applier is than the primary was
  bool acknowledges = false;      // as a replica, on the connection that it has (rpl_semi_sync_slave_status)
  bool flushes = false;           // its relay log, before it acknowledges
  bool will_acknowledge = false;  // on the next one, too (rpl_semi_sync_slave_enabled)
  bool wants_copy = false;        // nothing of it decides anything here: it is passed on in the notice
};

/// The cluster, as it was read a moment ago.
struct SeenCluster {
  std::optional<Record> shared = {};           // nullopt: could not be read
  Record own = {};                             // this node's copy on disk: a promotion may have written it
  std::map<std::string, Notice> notices = {};  // by node; others' and our own
  std::vector<std::string> members = {};       // nodes that are members now
  std::vector<std::string> seen = {};          // nodes that were members at some time since this node was booted
  std::vector<std::string> fenced = {};        // nodes confirmed fenced, see OtherNode::fenced
  bool majority = false;
};

enum class Outcome { done, refused, unknown };  // refused: the record had changed meanwhile
struct WriteEnded {
  Record wanted;
  Outcome outcome = Outcome::unknown;
};
struct BarrierEnded {
  bool acknowledged = false;  // a replica has all that was committed before it
};
/// Answer to Confirm: the invited replica itself says that it acknowledges and has the barrier, and the server counts
/// one semi-synchronous replica, and no other replica says that it acknowledges.
struct Confirmed {
  bool so = false;
};
/// The operator's word that the node named last is out. It holds for the record as it was then.
struct OperatorWord {
  Record record;
};
using LineageEvent = std::variant<SeenServer, SeenCluster, WriteEnded, BarrierEnded, Confirmed, OperatorWord>;

struct ReadCluster {};  // → SeenCluster
/// rpl_semi_sync_master_enabled; on: AFTER_SYNC, longest timeout, wait_no_slave. `first`: nothing may be acknowledged
/// alone before this is published: a node that returns must not take us for one that knows no newer record.
struct SetSource {
  bool on;
  std::optional<Notice> first = {};
};
struct CommitBarrier {};  // → BarrierEnded, at the latest after ack_timeout
struct Confirm {
  std::string node;
};  // → Confirmed
/// Conditional on `from` being the cluster's record. own_first: this node's copy is written before. → WriteEnded
struct WriteRecord {
  Record from, wanted;
  bool own_first = false;
};
struct KeepOwn {
  Record record;
};  // this node's copy follows the cluster's
/// The receiver begins anew, and acknowledges on that connection alone or no more. One that the server makes by itself,
/// after a cut perhaps, never does: meanwhile another replica may have been brought in sync. Not to be begun after
/// `until`.
struct Acknowledge {
  bool on;
  Time until = never;
};
/// All replicas' connections. One whose other end is gone is counted for a minute and longer, as long as the kernel or
/// the server tries to reach it. Who lives connects again at once, without the right to acknowledge.
struct EndStreams {};
/// sync_relay_log: what is acknowledged is on the disk. Only in sync: one that catches up with a flush for each event
/// may never do so.
struct Flush {
  bool on;
};
struct BindRight {};  // what may acknowledge on its next connection may no more; the present one stays as it is
struct KillServer {
  std::string why;
};  // SIGKILL, never SIGTERM: waiting commits must not be acknowledged
struct Publish {
  Notice notice;
};
struct Say {
  enum class Level { notice, warning, error } level = Level::notice;
  std::string text;
};
using LineageEffect = std::variant<ReadCluster, SetSource, CommitBarrier, Confirm, WriteRecord, KeepOwn, Acknowledge,
                                   EndStreams, Flush, BindRight, KillServer, Publish, Say>;

struct LineageRules {
  std::string self;
  Durability durability = Durability::lossless;
  Duration ack_timeout = 1s;      // a commit that waits longer makes its primary look for a way out
  Duration join_lag = 10s;        // a replica that has not applied the barrier by then is not brought in sync
  Duration apply_lag_max = 10s;   // one that applies later than this is told of, and not invited; zero: no bound
  Duration right_valid = 500ms;   // a replica begins to acknowledge only by what it asked so shortly before; of three
                                  // and more, a primary waits twice as long before it goes over to another one
  Duration read_every = 1s;       // the cluster's state, while all is well
  Duration read_stalled = 200ms;  // while writers wait
  Duration back_off_first = 1s, back_off_last = 5min;  // between attempts to bring a replica in sync
  unsigned instances = 0;                              // that the cluster wants
  bool flushes = false;                                // a replica in sync acknowledges only what is on its disk
};

/// In words of the protocol.
enum class LineageState { replica, in_sync, solo, joining, sync, stalled, outdated };
std::string_view to_string(LineageState state);

class Lineage {
 public:
  /// own: this node's copy of the record, as read from its disk.
  Lineage(LineageRules rules, Record own, Time begin);

  std::vector<LineageEffect> step(Time now, const LineageEvent& event);

  LineageState state() const;
  const Record& record() const;
  /// Since when it has been so, for people.
  Time since() const { return since_; }
  /// For may_promote() and is_eligible(). must_follow is for whoever knows the datadir to say.
  Standing standing() const;

 private:
  using Effects = std::vector<LineageEffect>;
  void on(Time now, const SeenServer& seen, Effects& out);
  void on(Time now, const SeenCluster& seen, Effects& out);
  void on(Time now, const WriteEnded& ended, Effects& out);
  void on(Time now, const BarrierEnded& ended, Effects& out);
  void on(Time now, const Confirmed& confirmed, Effects& out);
  void on(Time now, const OperatorWord& word, Effects& out);

  void decide(Time now, Effects& out);
  void lead(Time now, Effects& out);
  void lead_alone(Time now, Effects& out);
  bool go_alone(Time now, Effects& out);
  bool is_out(const std::string& node) const;
  void note_release();
  OtherNode what_is_known_of(const std::string& node) const;
  bool invite(Time now, Effects& out);
  void confirm(Time now, Effects& out);
  void lead_in_sync(Time now, Effects& out);
  void release(Time now, Effects& out);
  void complain(Time now, Effects& out);
  void watch_for_lone_commits(Effects& out);
  void follow(Time now, Effects& out);
  void acknowledge(Time now, bool wanted, Effects& out);
  void hold_place(Time now, const Notice* primary, Effects& out);
  void give_up_place(std::string_view why, Effects& out);
  void give_up_joining(Time now, std::string_view why, Effects& out);
  void set_source(bool on, Effects& out);
  void write(const Record& wanted, bool own_first, Effects& out);
  void agree_on_record(Effects& out);
  void read(Time now, Effects& out);
  void publish(Effects& out);
  unsigned behind_in_steps() const;
  void note_role(Time now, bool writable);
  void note_state(Time now);
  Notice notice() const;
  const Notice* notice_of(const std::string& node) const;
  bool is_member(const std::string& node) const;
  bool leads() const { return led_since_.has_value(); }
  std::string candidate() const;

  LineageRules rules_;
  Record own_;
  SeenServer server_{};
  SeenCluster cluster_{};
  std::optional<Time> read_at_;    // when cluster_ was true
  std::optional<Time> led_since_;  // our server is writable, as far as it has told
  bool tail_undecided_ = false;    // it was writable, and has not been made read-only in an orderly way since
  std::optional<WriteRecord> writing_;
  Time next_read_, since_;
  bool reading_ = false;
  Time asked_at_{};          // when the cluster was asked for what cluster_ says, or is being asked
  Time right_left_at_{};     // the primary: when another replica was invited than before
  Time without_right_at_{};  // when the server was last seen without acknowledging, after it had
  LineageState last_state_ = LineageState::replica;

  // As primary.
  enum class Joining { no, barrier, confirm } joining_ = Joining::no;
  bool confirming_ = false;   // an answer is awaited
  bool confirm_due_ = false;  // once a look, however soon the answer comes
  Time barrier_at_;
  std::string invited_;
  std::string leaving_;  // the replica that the cluster's record names no more and ours still does
  Time left_at_{};       // when we had written it out
  Time next_attempt_, next_ending_;
  Duration back_off_;
  std::optional<Time> stalled_since_;
  Time next_complaint_;
  std::optional<std::uint64_t> alone_before_;

  // As a replica.
  std::optional<Time> broken_since_;
  std::optional<Time> restarted_at_;  // the receiver, because the primary asked

  std::optional<Record> operator_word_;
  std::optional<Notice> published_;
};

}  // namespace systole::mysql
