// SPDX-License-Identifier: GPL-2.0-or-later
// A simulated cluster: nodes with a program, a disk and a clock each, a network between them, clients that write, and
// everything that goes wrong, all out of one seed. One thread, virtual time: the same seed gives the same run.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "common/base/dice.hpp"
#include "tests/sim/judge.hpp"
#include "tests/sim/machine.hpp"
#include "tests/sim/network.hpp"

namespace systole::sim {

struct Plan {  // what a run is made of
  std::uint64_t seed = 1;
  std::size_t nodes = 3;
  std::size_t links = 1;
  membership::Mode mode = membership::Mode::majority;
  Duration keepalive = 200ms, deadtime = 1s, initdead = 4s;
  Duration takeover_delay{}, lease = 900ms;
  std::optional<NodeId> witness;  // votes and stores, runs nothing
  Duration lost_after() const { return deadtime + takeover_delay; }
  Duration extra_time{};            // beyond eight deadtimes, to settle: agents take time
  std::vector<Expected> resources;  // where they must be in the end
  std::string text() const;
};
/// What the inequality allows for beside the lease: how late the guardian's timer may be, how long its ladder may take.
inline constexpr Duration guard = 20ms, ladder = 10ms;

/// Nodes, links, mode and times drawn from the seed; what is set in the options stays.
Plan draw_plan(std::uint64_t seed, std::optional<std::size_t> nodes, std::optional<membership::Mode> mode);

struct Report {
  std::optional<std::string> verdict;  // what must not have happened
  Time at{};
  Duration settled_after{};  // from the end of the faults
  std::size_t steps = 0, writes = 0, acknowledged = 0;
  std::map<std::string, std::uint64_t> rare;
};

class World {
 public:
  /// trace: called with each line of the story; empty: no story.
  World(Plan plan, Factory factory, std::function<void(const std::string&)> trace);

  Report run();

 private:
  struct Store {  // asked of the disk, not yet durable
    std::variant<Vote, replica::Stamped> what;
  };
  struct Agent {  // under way
    std::string action;
    std::uint64_t call = 0;
    bool in_kernel = false;  // killed in D state: it does nothing more, but does not end either
  };
  struct Guardian {  // another process of the node: it outlives the daemon
    Time until{};    // by the node's clock
    std::vector<executor::Held> held;
    bool climbing = false;
    std::uint64_t life = 0;  // of the node: ends with its power
  };
  struct Node {
    NodeId id;
    Disk disk;
    std::deque<Store> stores;
    Duration store_time = 300us;
    Time full_until{};                 // no document can be stored before
    std::unique_ptr<Machine> machine;  // none: down
    std::uint64_t life = 0;            // counts starts; what belongs to an earlier one is void
    bool paused = false;
    std::deque<Input> inbox;  // while paused
    Time clock{};             // this boot's monotonic clock minus the world's, but for its drift
    std::int64_t wall_step_s = 0;
    std::map<std::string, int>
        active;  // resource → 1 started, 2 promoted; a dead or stopped daemon changes nothing of it
    std::map<std::string, Agent> under_way;  // by resource: the agents that this daemon waits for
    Guardian guardian;
    bool frozen = false;                            // with all its processes: a suspended virtual machine
    std::deque<std::function<void()>> when_thawed;  // what its processes would have done meanwhile
    Time excused{};                                 // thawed a moment ago: its guardian is about to act
    bool target_cut = false;                        // mode ping: it does not reach the ping target, nor any address
    int drift_ppm = 0;                              // how much faster its clock runs
    Time wake = never;
    int wakes_in_a_row = 0;
    bool was_ready = false;
    Term was_leading;
    Time started{}, look_again{};
    std::map<NodeId, Time> heard;  // when it last took in a packet that the peer itself had sent to it
  };
  struct Happening {
    Time at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator>(const Happening& other) const { return std::pair(at, order) > std::pair(other.at, other.order); }
  };

  // ---- the course of things
  void at(Time when, std::function<void()> what) { happenings_.push({when, next_order_++, std::move(what)}); }
  void run_until(Time end);
  bool settled() const;
  std::string why_not_settled() const;
  void settle_down();

  // ---- nodes
  void start(Node& node);
  void crash(Node& node, bool power_off);
  void pause(Node& node, Duration how_long);
  void left(Node& node, const Left& left);
  void begins_again(Node& node);
  /// The toy controller neither tries a store again nor gives up who does not store.
  bool whole_core() const { return !plan_.resources.empty(); }
  void resume(Node& node);
  void feed(Node& node, const Input& input);
  void look_for_ghosts(const Node& node);
  void step(Node& node, const Input& input);
  void look(Node& node);
  Time local(const Node& node) const { return local(node, now_); }
  Time local(const Node& node, Time world) const {
    return node.clock + world.time_since_epoch() + world.time_since_epoch() * node.drift_ppm / 1'000'000;
  }
  Time world(const Node& node, Time its) const {
    const Duration since = its - node.clock;
    return Time{} + since - since * node.drift_ppm / (1'000'000 + node.drift_ppm);
  }
  void carry_out(Node& node, Output& output, std::uint64_t known_term);
  void transmit(Node& node, const membership::Transmit& transmit);
  void arrive(const membership::Transmit& transmit, bool genuine);
  void store(Node& node, Store what);
  void stored(Node& node);
  void acknowledged(Node& node, std::uint64_t write);
  std::set<std::uint64_t> writes_of(const Node& node) const;

  // ---- resources (agents.cpp)
  void run_agent(Node& node, const executor::RunAgent& run);
  int act(Node& node, const std::string& resource, const std::string& action);
  void resource_dies(Node& node);
  void end_agent(Node& node, const std::string& resource, const Agent& agent, bool done, Duration took);
  void kill_agent(Node& node, std::uint64_t call);
  void count_owners(const Node& newest, const std::string& resource);

  // ---- guardians (guardians.cpp)
  void hold(Node& node, std::vector<executor::Held> held);
  void feed_guardian(Node& node, Time until);
  void guardian_wakes(Node& node);
  void climb(Node& node);
  void freeze(Node& node, Duration how_long);
  void thaw(Node& node);
  void process_of(Node& node, std::function<void()> what);
  void ping(Node& node);
  bool resources_in_place() const;
  std::string where_resources_are() const;
  void look_for_second_owner(const Node& leader, const std::string& decision);

  // ---- what goes wrong (storm.cpp)
  void storm(Time end);
  void misfortune();
  void hasty_restarts(Node& node, int times);
  void hasty_death(Node& node);
  void cut_some();
  void isolate(Node& node);
  void split();
  void bad_weather();
  void one_late_way();
  void slow_disk(Node& node);
  void replay_old_packets(Time end);
  void power_cut();
  void for_all_links(NodeId from, NodeId to, const std::function<void(Network::Way)>& change);
  void client_writes();
  Node& any_node() { return nodes_[dice_.below(nodes_.size())]; }
  Duration some(Duration low, Duration high) { return Duration(dice_.between(low.count(), high.count())); }

  void count(const std::string& rare) { ++report_.rare[rare]; }
  void tell(const std::string& line);
  bool tracing() const { return static_cast<bool>(trace_); }

  Plan plan_;
  Factory factory_;
  std::function<void(const std::string&)> trace_;
  Dice dice_;
  Judge judge_;
  Network network_;
  std::vector<Node> nodes_;
  Time now_{};
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> happenings_;
  std::uint64_t next_order_ = 0, next_write_ = 1;
  bool storming_ = true;
  Time last_trouble_ = Time::min();             // when the network or a disk last failed, or will until
  std::deque<membership::Transmit> overheard_;  // by somebody who will play them back
  Report report_;
};

std::string describe(const wire::Packet& packet);

}  // namespace systole::sim
