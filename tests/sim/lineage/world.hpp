// SPDX-License-Identifier: GPL-2.0-or-later
// Two or three database nodes, what goes wrong with them, and the helpers' decisions that ship, all out of one seed:
// servers that do what MariaDB was seen to do, a cluster manager that promotes and fences, clients with a ledger of
// what was acknowledged. One thread, virtual time: the same seed gives the same run.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "agents/ocf/mysql/lineage.hpp"
#include "common/base/dice.hpp"

namespace systole::sim_lineage {

using mysql::Evidence;
using mysql::Lineage;
using mysql::LineageEffect;
using mysql::LineageEvent;
using mysql::Notice;
using mysql::Outcome;
using mysql::Record;
using mysql::Standing;

enum class Mode {
  majority,  // three voters, leases; lossless
  pair,      // two nodes that know nothing of each other when they are cut apart; crash_safe
  fencing,   // two nodes, the lost one is fenced before anything else happens; lossless
};
std::string_view to_string(Mode mode);

struct Plan {
  std::uint64_t seed = 1;
  Mode mode = Mode::majority;
  int nodes = 2;              // with a database; with two and a majority there is a witness, too
  bool cuts = true;           // links break, not only machines and processes
  bool waits_for_all = true;  // a node that was booted acts only after it has seen the other one
  Duration storm = 40s, settle = 90s;
  Duration ack_timeout = 1s, deadtime = 1s, lease = 800ms;
  bool strict() const { return mode != Mode::pair || !cuts; }
  std::string text() const;
};
Plan draw_plan(std::uint64_t seed, std::optional<Mode> mode);

/// A transaction. GTID: server and seq. id: what it really is.
struct Trx {
  std::uint32_t server = 0;
  std::uint64_t seq = 0, id = 0;
};

struct Receiver {
  bool running = false, acks = false, diverged = false;
  int source = -1;
  std::uint64_t conn = 0;
  Time next_try{}, heard{};
};

struct Server {
  // On disk.
  std::vector<Trx> log;       // the binary log
  std::size_t committed = 0;  // the rest is prepared: those commits wait for an acknowledgement
  std::size_t loose = 0;      // committed, but a start in the replica's role after this crash cuts them off, too
  std::deque<Trx> relay;      // received, not applied
  bool relay_damaged = false;
  bool needs_copy = false;  // its history is not the beginning of the primary's
  // The process.
  bool alive = false, frozen = false;
  std::uint64_t life = 0;
  Time died{}, frozen_at{}, last_commit{};
  bool read_only = true, source_on = false, slave_enabled = false;
  std::uint32_t id = 0;
  std::uint64_t epoch = 0;  // under which it became writable
  struct Waiter {
    Time since;
    bool client;
  };
  std::deque<Waiter> waiters;  // of log[committed...]
  std::uint64_t alone = 0;
  Receiver receiver;
  bool applier = false, applier_failed = false, applying = false;
  Duration apply_time = 1ms;
};

/// A replication connection; each side may know less than the other of its end.
struct Conn {
  int replica = 0, source = 0;
  std::uint64_t replica_life = 0, source_life = 0, replica_power = 0;
  bool acks = false, replica_open = true, source_open = true, pumping = false;
  std::size_t next = 0;     // of the source's log
  std::size_t pending = 0;  // acknowledged up to here, but the link holds it back
  std::optional<Time> close_at = {};
};

struct Helper {
  std::unique_ptr<Lineage> machine = {};
  bool alive = false, frozen = false, busy = false;
  std::uint64_t life = 0, turn = 0;
  std::deque<LineageEffect> queue = {};
  std::deque<LineageEvent> inbox = {};
  std::uint64_t barrier = 0;  // the id of the transaction
  Time died{};
};

enum class Go { next, again, failed, done };
struct Action {
  std::string name;
  std::vector<std::function<Go()>> steps;
  std::size_t at = 0;
  std::uint64_t id = 0;
  Time begun{};
  // What its steps know.
  Standing standing{};
  mysql::Permission permission{};
  std::optional<Outcome> outcome = {};
  Time wait_until{};
};

enum class Rsc { stopped, started, promoted, failed };

struct Node {
  std::string name;
  // On disk.
  Server server;
  Record own, cib;
  bool must_follow = false;
  std::uint64_t follow_aim = 0;  // the transaction to reach; 0: no primary was asked yet
  // Until the power is off.
  bool up = false;
  std::uint64_t power = 0;  // counts boots
  Time booted{}, boots_at = never;
  Helper helper;
  Rsc rsc = Rsc::stopped;
  bool was_promoted = false;  // of an instance that failed
  std::unique_ptr<Action> action;
  bool locked = false;
  Time next_start{}, next_promote{}, noticed_at = never;
  std::set<int> seen, fenced;
  std::optional<Record> operator_word;  // holds for this record
  std::optional<Notice> notice;         // as published
  std::map<int, Notice> notices;        // as seen here
  std::map<int, Notice> heard;          // the last one since it joined, kept when it leaves
  int score = 0;
  Duration disk{};       // how slow, at most
  bool fencing = false;  // this node has asked for the other's fencing
  // The administrator's.
  bool standby = false, goes_down = false;
};

struct Report {
  std::optional<std::string> verdict;
  Time at{};
  std::size_t events = 0, writes = 0, acknowledged = 0, promotions = 0;
  std::map<std::string, std::uint64_t> rare;
};

class World {
 public:
  World(Plan plan, std::function<void(const std::string&)> trace);
  Report run();

 private:
  // world.cpp: time, clients, what must hold.
  void after(Duration delay, std::function<void()> what);
  void every(Duration period, const std::function<void()>& what);
  Duration ms(std::int64_t low, std::int64_t high) { return std::chrono::milliseconds(dice_.between(low, high)); }
  Duration us(std::int64_t low, std::int64_t high) { return std::chrono::microseconds(dice_.between(low, high)); }
  void say(const std::string& line);
  void count(const std::string& what) { ++report_.rare[what]; }
  void fail(const std::string& what, bool may_be_excused);
  void clients_write();
  void acknowledged(int n, const Trx& trx);
  void check_history(int n, std::string_view when);
  void check_settled();
  std::string state_of(int n) const;
  Node& node(int n) { return nodes_[static_cast<std::size_t>(n)]; }
  const Node& node(int n) const { return nodes_[static_cast<std::size_t>(n)]; }
  int index_of(const std::string& name) const;

  // mariadb.cpp
  void launch(int n, bool as_replica);
  void kill_server(int n);
  void end_server(int n);
  void thaw_server(int n);
  std::uint64_t append(int n, bool client);
  void commit_up_to(int n, std::size_t count);
  void set_source(int n, bool on);
  void kill_query(int n);
  void start_replication(int n, int source);
  void stop_receiver(int n);
  void acknowledge_anew(int n, bool on);
  void connect(int n);
  void close_by_replica(int n);
  void pump(std::uint64_t id);
  void deliver(std::uint64_t id);
  void on_ack(std::uint64_t id, std::size_t count);
  void apply_some(int n);
  void apply_all(int n);
  void replication_tick();
  void tick_conn(std::uint64_t id, Conn& conn);
  unsigned clients_of(int n) const;
  bool has_trx(int n, std::uint64_t id, bool received) const;
  bool streams(int n) const;

  // cluster.cpp
  bool link(const std::vector<std::vector<int>>& cuts, int from, int to) const;
  bool linked(int a, int b) const;  // for the cluster's messages, both ways
  bool replicates(int a, int b) const;
  bool member(int viewer, int other) const;
  bool was_agreed_with(int n, int other) const;
  bool quorate(int n) const;
  bool decided(int n) const;
  bool acts(int n) const;
  void membership_tick();
  void majority_tick();
  void pair_tick();
  void elect();
  void lapse(int n);
  void join(int a, int b);
  void part(int viewer, int lost);
  void merge_cib();
  void fence(int by);
  void power_off(int n, bool comes_back);
  void boot(int n);
  std::optional<Record> read_cib(int n);
  bool available(int n) const;
  Outcome apply_write(int n, const Record& from, const Record& wanted);
  void request(int n, const Record& from, const Record& wanted, std::function<void(Outcome)> answer);
  struct Ask;
  void try_request(const std::shared_ptr<Ask>& ask);
  void keep_own(int n, const Record& record);
  void tell_own_version(int n);
  void publish(int n, const Notice& notice);

  // helper.cpp
  void start_helper(int n);
  void kill_helper(int n);
  void thaw_helper(int n);
  void look(int n);
  void feed(int n, LineageEvent event);
  void serve(int n);
  void take(int n, const LineageEvent& event);
  void perform_next(int n);
  void perform(int n, const LineageEffect& effect);
  void write_record(int n, const mysql::WriteRecord& write);
  void commit_barrier(int n);
  void watch_barrier(int n, std::uint64_t id, Time until);
  bool confirmed(int n, const std::string& invited) const;
  mysql::SeenServer seen_server(int n) const;
  mysql::SeenCluster seen_cluster(int n);
  void publish_score(int n);
  void count_state(int n, const Lineage& machine, const std::vector<LineageEffect>& effects);

  // manager.cpp, actions.cpp
  void manage();
  void manage_partition(const std::vector<int>& members);
  bool manage_node(int n, const std::vector<int>& members);
  void plan_beside_start(int n, const std::vector<int>& members);
  void choose_primary(const std::vector<int>& members);
  void monitor(int n);
  void follow_primary(int n);
  void begin(int n, std::string name, std::vector<std::function<Go()>> steps);
  void step_action(int n, std::uint64_t id);
  void end_action(int n, bool done);
  void drop_action(int n);
  Go lock(int n);
  Standing fresh_standing(int n);
  void start_action(int n);
  void promote_action(int n);
  void demote_action(int n);
  void stop_action(int n);
  Go become_writable(int n);

  // storm.cpp
  void storm();
  void strike();
  void strike_link();
  void strike_machine();
  void strike_process();
  void strike_database();
  void freeze_helper(int n, int patience);
  void damage_relay(int n);
  void administer();
  void heal_everything();
  void copy_anew(int n);
  bool calm() const;

  Plan plan_;
  std::function<void(const std::string&)> trace_;
  Dice dice_;
  Time now_{};
  struct Event {
    Time at;
    std::uint64_t number;
    std::function<void()> what;
    bool operator<(const Event& other) const { return std::tie(other.at, other.number) < std::tie(at, number); }
  };
  std::priority_queue<Event> events_;
  std::uint64_t numbers_ = 0;
  Report report_;

  std::vector<Node> nodes_;  // the witness is the last
  int databases_ = 2, voters_ = 2;
  std::map<std::uint64_t, Conn> conns_;
  std::uint64_t last_conn_ = 0, last_trx_ = 0, last_action_ = 0;
  std::uint32_t last_server_id_ = 100;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> gtids_;  // → id
  std::set<std::uint64_t> ledger_, excused_;
  std::map<std::uint64_t, bool> is_client_;
  std::uint64_t newest_acking_epoch_ = 0;
  Time last_ack_{};
  bool lost_something_ = false, storming_ = false;

  std::vector<std::vector<int>> cut_, cut_replication_;  // [from][to], how many faults cut it
  // majority
  Record register_;
  int leader_ = -1;
  Time leader_lost_ = never;
  std::vector<Time> contact_, leased_;
  std::vector<bool> in_;
  // pair, fencing
  bool together_ = false;
  Time linked_since_ = never, unlinked_since_{};
  int switch_to_ = -1;
  int planned_ = -1;  // whom a transition that has begun promotes, once all starts are done
};

}  // namespace systole::sim_lineage
