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
#include "crmd/guardian/conversation.hpp"
#include "tests/sim/judge.hpp"
#include "tests/sim/machine.hpp"
#include "tests/sim/network.hpp"

namespace systole::sim {

enum class WatchdogKind {
  none,
  soft,      // of the kernel: it stands still with the machine, but not with its processes
  hardware,  // it resets whatever stands still
};

struct Plan {  // what a run is made of
  std::uint64_t seed = 1;
  std::size_t nodes = 3;
  std::size_t links = 1;
  membership::Mode mode = membership::Mode::majority;
  Duration keepalive = 200ms, deadtime = 1s, initdead = 4s;
  Duration takeover_delay{}, lease = 900ms;
  std::optional<NodeId> witness;  // votes and stores, runs nothing
  WatchdogKind watchdog = WatchdogKind::none;
  Duration watchdog_timeout{};
  bool changes_nodes = false;  // one node more comes, later one goes
  Duration lost_after() const { return deadtime + takeover_delay; }
  Duration extra_time{};            // beyond eight deadtimes, to settle: agents take time
  std::vector<Expected> resources;  // where they must be in the end
  std::string text() const;
};
/// What the inequality allows for beside the lease: how late the guardian's timer may be, how long its ladder may take.
inline constexpr Duration guard = 20ms, ladder = 10ms;

/// For the whole core: what watchdogs the nodes have, and whether the list of nodes changes.
void draw_rest(Plan& plan);
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
  struct Guardian {                             // another process of the node: it outlives the daemon
    std::optional<guardian::Guardian> machine;  // none: there is no such process
    std::uint64_t life = 0;                     // counts processes
    std::uint64_t crmd = 0;                     // the life of the daemon that is connected and has greeted; 0: none
    bool armed = false;                         // it has opened its watchdog
    std::uint64_t sleeps = 0;                   // counts: what would wake it from an earlier sleep is void
  };
  struct Shell {  // the daemon's end of it, and of its agents: ends with the daemon
    guardian::Conversation talk;
    std::uint64_t guardian = 0;  // the life of the guardian to which it is connected; 0: none
    bool starting_one = false, page_is_mapped = false;
    Time fed{};
    std::deque<executor::RunAgent> not_yet_held;
    std::map<std::uint64_t, std::string> watches;  // call → resource
  };
  enum class Frozen { no, processes, machine };
  struct Node {
    NodeId id;
    Disk disk;
    std::deque<Store> stores;
    Duration store_time = 300us;
    Time full_until{};                 // no document can be stored before
    std::unique_ptr<Machine> machine;  // none: down
    std::uint64_t life = 0;            // counts starts; what belongs to an earlier one is void
    bool paused = false;
    Time paused_at{};
    std::deque<std::function<void()>> inbox;  // while paused
    Time clock{};                             // this boot's monotonic clock minus the world's, but for its drift
    std::int64_t wall_step_s = 0;
    std::map<std::string, int>
        active;  // resource → 1 started, 2 promoted; a dead or stopped daemon changes nothing of it
    std::map<std::string, Agent> under_way;  // by resource: the agents that this daemon waits for
    Guardian guardian;
    Shell shell;
    // Until the power is off: the lease page and the list that the guardians leave to each other, the watchdog.
    std::uint64_t power = 0;  // counts boots
    Time page{};              // the lease's end by the node's clock; none: 0
    std::vector<guardian::Holding> remembered;
    Time spawn_at{};     // no guardian is started before
    Time bites{};        // by the node's clock; 0: the watchdog is not armed
    Time stuck_until{};  // its servers hang in the kernel: nothing can kill them before
    Frozen frozen = Frozen::no;
    Time frozen_at{};
    std::deque<std::function<void()>> when_thawed;  // what its processes would have done meanwhile
    Time excused{};                                 // thawed a moment ago: its guardian is about to act
    Time guarded_from{};                            // its guardian began a moment ago: what was due, it does by then
    bool in_service = true;                         // not: it is not yet, or no longer, a node of this cluster
    std::set<NodeId> listed, list;                  // in its cluster.conf; and as its daemon has taken over
    Time edit_at{};                                 // when the administrator comes to it
    bool target_cut = false;                        // mode ping: it does not reach the ping target, nor any address
    int drift_ppm = 0;                              // how much faster its clock runs
    Time wake = never;
    int wakes_in_a_row = 0;
    bool was_ready = false;
    Term was_leading;
    std::uint64_t committed = 0;  // as its replica said last
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
  bool is_confirmed(const Node& leader) const;
  bool settled() const;
  std::string why_not_settled() const;
  void settle_down();

  // ---- nodes
  void start(Node& node);
  void crash(Node& node, bool power_off);
  void lose_power(Node& node);
  void pause(Node& node, Duration how_long);
  void left(Node& node, const Left& left);
  void begins_again(Node& node);
  /// The toy controller neither tries a store again nor gives up who does not store.
  bool whole_core() const { return !plan_.resources.empty(); }
  void resume(Node& node);
  void feed(Node& node, const Input& input);
  void daemon_of(Node& node, std::function<void()> what);
  void look_for_ghosts(const Node& node);
  void look_at_commits(Node& node);
  bool one_leads() const;
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
  void begin_watch(Node& node, const executor::RunAgent& run);
  void end_watch(Node& node, std::uint64_t call, bool offered);
  void count_owners(const Node& newest, const std::string& resource);
  std::string excuse_of(const Node& node) const;

  // ---- the daemon's shell, as far as it talks to its guardian (shell.cpp)
  void hold(Node& node, const std::vector<executor::Held>& held);
  void feed_guardian(Node& node, Time until);
  void agent_wanted(Node& node, const executor::RunAgent& run);
  void agent_unwanted(Node& node, std::uint64_t call);
  void connect(Node& node);
  void spawn_guardian(Node& node);
  void say(Node& node, const std::vector<guardian::FromCrmd>& messages);
  void crmd_hears(Node& node, const guardian::State& state);
  void crmd_hears(Node& node, const guardian::Ack& ack);
  void crmd_hears(Node& node, const guardian::LadderedNews& news);
  void guardian_is_lost(Node& node, std::uint64_t which);

  // ---- guardians and what they do (guardians.cpp)
  void begin_guardian(Node& node);
  void end_guardian(Node& node);
  void kill_guardian(Node& node);
  void look_at_page(Node& node);
  void guardian_takes(Node& node, const guardian::Event& event);
  void guardian_hears(Node& node, std::uint64_t from, const guardian::FromCrmd& message);
  void guardian_turns(Node& node);
  void guardian_says(Node& node, const guardian::FromGuardian& message);
  void guardian_does(Node& node, guardian::Effect& effect);
  void daemon_is_gone(Node& node);
  void climbed(Node& node, const std::vector<guardian::Holding>& holdings);
  bool end_by_force(Node& node, const std::string& resource);
  void pet(Node& node);
  void watch(Node& node);
  void freeze(Node& node, Duration how_long, Frozen how);
  void thaw(Node& node);

  // ---- the list of nodes (administrator.cpp)
  void administer();
  void visit(Node& node);
  void add_node();
  void remove_node();
  void reloaded(Node& node, const Reloaded& reloaded);
  void careless_reload(Node& node);
  bool all_know() const;
  bool administered() const { return !plan_.changes_nodes || stage_ == Stage::done; }
  std::vector<membership::Member> members_of(const std::set<NodeId>& list) const;
  std::size_t in_service() const;
  void process_of(Node& node, std::function<void()> what);
  void ping(Node& node);
  bool resources_in_place() const;
  std::string where_resources_are() const;
  void look_for_second_owner(const Node& leader, const std::string& decision);

  // ---- what goes wrong (storm.cpp)
  void storm(Time end);
  void misfortune();
  void misfortune_of_core(Node& node);
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
  void client_write(std::uint64_t write);
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
  enum class Stage { waiting, adding, added, removing, done } stage_ = Stage::waiting;
  Time next_stage_ = never;
  NodeId going_;                                // that is to be removed
  std::set<NodeId> target_;                     // the list of nodes that the administrator wants everywhere
  Time last_trouble_ = Time::min();             // when the network or a disk last failed, or will until
  std::deque<membership::Transmit> overheard_;  // by somebody who will play them back
  Report report_;
};

std::string describe(const wire::Packet& packet);
/// A line of the log without its numbers: lines that say the same count as one.
std::string kind_of(const std::string& line);

}  // namespace systole::sim
