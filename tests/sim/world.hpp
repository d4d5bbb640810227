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
  Duration extra_time{};            // beyond eight deadtimes, to settle: agents take time
  std::vector<Expected> resources;  // where they must be in the end
  std::string text() const;
};
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
  struct Node {
    NodeId id;
    Disk disk;
    std::deque<Store> stores;
    Duration store_time = 300us;
    bool fail_next_document = false;
    std::unique_ptr<Machine> machine;  // none: down
    std::uint64_t life = 0;            // counts starts; what belongs to an earlier one is void
    bool paused = false;
    std::deque<Input> inbox;  // while paused
    Duration clock{};         // this boot's monotonic clock minus the world's
    std::int64_t wall_step_s = 0;
    std::map<std::string, int>
        active;  // resource → 1 started, 2 promoted; a dead or stopped daemon changes nothing of it
    std::map<std::string, std::string> under_way;  // resource → action of the agent that this daemon waits for
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
  void resume(Node& node);
  void feed(Node& node, const Input& input);
  void look_for_ghosts(const Node& node);
  void step(Node& node, const Input& input);
  void look(Node& node);
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
  bool resources_in_place() const;
  std::string where_resources_are() const;
  void look_for_second_owner(const Node& leader, const std::string& decision);

  // ---- what goes wrong (storm.cpp)
  void storm(Time end);
  void misfortune();
  void hasty_restarts(Node& node, int times);
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
  std::deque<membership::Transmit> overheard_;  // by somebody who will play them back
  Report report_;
};

std::string describe(const wire::Packet& packet);

}  // namespace systole::sim
