// SPDX-License-Identifier: GPL-2.0-or-later
// What the scheduler's steps hand to each other: a Plan. Each step is one file and one function that reads what earlier
// steps wrote and adds its own part:
//
//   nodes → items → observe → ban → score → place → act → order → propagate → prune → explain
//
// A resource of the configuration becomes one Item (primitive), or a tree of them (group, clone with its instances).
// What could be done becomes Acts, necessary or not; orders are Edges between them. Only at the end the unnecessary and
// the impossible ones fall away. This is how Pacemaker thinks, too, and must be: an order constraint may turn an act
// that nobody needed into one that must happen (a dependent restarts because what it stands on restarts).
//
// Internal to crmd/scheduler.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crmd/scheduler/picture.hpp"

namespace systole::scheduler {

inline constexpr int nowhere = -1;

/// "n2" before "n10": names by what stands in them, numbers by their value.
bool comes_before(const NodeName& a, const NodeName& b);

/// A node as the scheduler sees it. Plan::nodes is sorted by name, and everything that is "per node" is indexed by it.
struct PlanNode {
  NodeName name;
  std::string id;
  const cib::NodeState* state = nullptr;
  cib::Pairs attributes;  // permanent ones, overridden by transient ones
  bool online = false, standby = false, maintenance = false, unclean = false, pending = false, leaving = false;
  bool standby_on_fail = false;
  std::string fence_why;  // in Pacemaker's words; only where unclean
  int assigned = 0;       // resources placed here so far: of equal nodes the emptier one wins
  bool can_run() const { return online && !standby && !pending && !maintenance && !unclean && !leaving; }
};

/// A resource's score for one node. Absent: never mentioned in a cluster that needs to be told
/// (symmetric-cluster=false).
struct Weight {
  Score score;
  bool present = false;
  Score value() const { return present ? score : Score::minus_infinity(); }
};
using Weights = std::vector<Weight>;

/// Why a score is what it is. node nowhere: all nodes.
struct Note {
  int node = nowhere;
  Score score;
  std::string why;
};

enum class Kind { primitive, group, clone };

/// What a failure asks for, in order of severity.
enum class OnFail { ignore, demote, restart, block, stop, standby, fence };

enum class Task {
  start,
  started,
  stop,
  stopped,
  promote,
  promoted,
  demote,
  demoted,  // the ..ed ones: collectives' end points
  monitor,
  probe,
  cancel,
  reload,
  clear_failure,
  forget,
  shutdown,
  fence,
  notify,
  boundary,
};

struct Act;
struct Item;

struct Coloc {
  std::string id;
  Item* dependent = nullptr;
  Item* primary = nullptr;
  Score score;
  std::optional<Role> dependent_role, primary_role;  // nullopt: any
  bool mandatory() const { return score.is_infinite(); }
};

/// Location constraint for the promoted role; applied when the promoted instance is chosen.
struct RoleLocation {
  std::string id;
  Role role = Role::promoted;
  std::vector<std::optional<Score>> scores;  // per node
};

struct Item {
  std::size_t index = 0;
  Kind kind = Kind::primitive;
  std::string id;         // "db:0" for clone instances
  ResourceId history_id;  // as in the status section
  // Nodes that have it under another name: CIBs of old numbered anonymous instances as well.
  std::map<int, ResourceId> numbered_on;
  ResourceId named;  // anonymous instances: as a history calls this one; empty: none does
  Item* parent = nullptr;
  std::vector<Item*> children;
  const cib::Primitive* primitive = nullptr;
  int instance = -1;
  bool orphan = false;

  // What is wanted.
  cib::Pairs meta;
  Score priority;
  int stickiness = 0;
  bool managed = true, maintenance = false, blocked = false;
  std::optional<Role> target;  // stopped or unpromoted; nullopt: as high as possible
  int migration_threshold = Score::inf;
  std::int64_t failure_timeout_s = 0;
  std::string multiple_active = "stop_start";
  // Clones only.
  bool unique = false, notify = false, interleave = false, ordered = false, promotable = false;
  int clone_max = 1, clone_node_max = 1, promoted_max = 1, promoted_node_max = 1;

  // What is.
  Role role = Role::stopped;
  std::vector<int> running_on;
  std::set<int> known_on;
  bool failed = false;  // its state must be rebuilt: stop, then start
  bool start_pending = false;
  bool agent_changed = false;         // it runs under another agent than is configured now
  bool redefined = false;             // it runs with other parameters, which only a restart can change
  bool stop_unexpected = false;       // of several places where it is active only the wrong ones are stopped
  std::vector<int> not_installed_on;  // nodes whose probe said so
  std::string pending;                // operation under way, except probes
  bool demote_on_fail = false;        // on-fail=demote: demote and promote again, no stop
  std::map<int, Task> mended_by;      // by node: what its failure there asks for
  bool failure_ignored = false;
  std::string failure;                    // in words
  std::map<int, std::string> cleared_on;  // nodes where the fail count is forgotten in this transition, and why
  std::vector<int> probe_never;           // resource-discovery

  // Where it should be.
  Weights weights;
  std::vector<Note> notes;
  std::vector<std::string> bound;  // what it must be with, in words
  std::vector<const Coloc*> this_with, with_this;
  std::vector<RoleLocation> role_locations;
  bool provisional = true, assigning = false, merging = false;
  bool all_colocations = false;  // clones with fewer instances than nodes: optional colocations count for them, too
  std::vector<int> counts;       // clones: instances per node; later promoted instances per node
  int allocated = nowhere;
  std::optional<Role> next_role;
  std::string role_why;  // why promoted, or why not
  Score promotion;       // promotion priority
  Score sort_index;

  // How to get there.
  std::vector<Act*> acts;

  bool leaf() const { return kind == Kind::primitive; }
  Role next() const { return next_role.value_or(allocated == nowhere ? Role::stopped : Role::started); }
};

std::string_view to_words(Task task);
/// start → started …; others unchanged.
Task completion(Task task);
/// started → start …; others unchanged.
Task beginning(Task task);
/// start ↔ stop, promote ↔ demote.
Task opposite(Task task);

using Flags = unsigned;
namespace edge {
inline constexpr Flags order = 0;          // only: if both happen, then in this order
inline constexpr Flags implies_then = 1;   // if the first happens, the second must
inline constexpr Flags inverse = 2;        // the way back of a mandatory order: what cannot stop holds up the second
inline constexpr Flags needs_first = 4;    // if the first cannot happen, the second cannot
inline constexpr Flags restart = 8;        // stop → start of one resource
inline constexpr Flags demote_first = 16;  // demote → stop: only where it is promoted now
inline constexpr Flags asymmetric = 32;    // symmetrical=false
inline constexpr Flags one_of = 128;       // the second needs some of its firsts: Act::needed
inline constexpr Flags loose = 64;         // the second waits for the end of the first, whatever came out
}  // namespace edge

struct Edge {
  Act* first = nullptr;
  Act* then = nullptr;
  Flags flags = 0;
};

struct Act {
  std::size_t index = 0;
  Item* item = nullptr;
  Task task = Task::start;
  int node = nowhere;
  Duration interval{};
  const cib::Operation* operation = nullptr;
  std::string name;  // boundary: its name; cancel: the operation cancelled
  std::string notify_type, notify_operation, notify_key_type, notify_key_operation;
  bool optional = true, runnable = true, pseudo = false;
  bool again = false;   // recurring: it runs with other parameters than today's
  bool always = false;  // done although nothing asks for it: it was under way
  // Collectives: a point of the picture also where no member can do what it must; nothing would be done there.
  bool shown_alone = false;
  int expected_rc = 0;
  int needed = 0;  // boundaries: so many of those before it must be possible (edge::one_of)
  std::string reason;
  std::string cause;      // in Pacemaker's words, which scripts read: only where it is not the resource's own affair
  cib::Pairs extra_meta;  // notify lists
  bool required() const { return !optional; }
};

struct Options {
  bool symmetric = true, stop_all = false, maintenance = false, startup_probes = true, start_failure_is_fatal = true;
  bool stonith = true, have_stonith_device = false, stop_orphans = true, stop_orphan_actions = true;
  bool startup_fencing = true;
  bool concurrent_fencing = false;
  std::string no_quorum_policy = "stop", stonith_action = "reboot";
};

/// A history that a node has of an item.
struct Seen {
  Item* item = nullptr;
  int node = nowhere;
  const cib::ResourceHistory* history = nullptr;
};

struct Plan {
  explicit Plan(const View& v) : view(v), configuration(*v.configuration), status(*v.status) {}
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const View& view;
  const cib::Configuration& configuration;
  const cib::Status& status;
  Options options;
  std::vector<PlanNode> nodes;
  std::deque<Item> items;
  std::vector<Item*> roots;  // in the order in which they are placed
  std::deque<cib::Primitive> orphan_primitives;
  std::deque<Coloc> colocations;
  std::vector<Seen> histories;  // by node
  std::deque<Act> acts;
  Item cluster;  // whose acts those on nodes are
  std::vector<Edge> edges;
  std::vector<std::string> problems;
  std::optional<std::int64_t> recheck_at;
  bool in_full = false;            // for whoever shows it to people: much in a large cluster
  std::vector<ShownScore> scores;  // only then

  int node_index(const NodeName& name) const;
  std::string node_name(int node) const { return node == nowhere ? "no node" : nodes[std::size_t(node)].name.value; }
};

// The steps, in order. Each essay is at the head of its file.
void read_options(Plan& plan);
void judge_nodes(Plan& plan);
void build_items(Plan& plan);
void observe_status(Plan& plan);
void ban_after_failures(Plan& plan);
void apply_scores(Plan& plan);
void check_histories(Plan& plan);
void place_all(Plan& plan);
void create_acts(Plan& plan);
void create_probes(Plan& plan);
void create_node_acts(Plan& plan);
void create_notifications(Plan& plan);
void create_orders(Plan& plan);
void propagate(Plan& plan);
/// What stops anyway, or gives up its role, starts with today's parameters: nothing to take over.
void drop_reloads(Plan& plan);
Transition prune(Plan& plan);
void explain(const Plan& plan, Transition& transition);
/// The act is a part of the transition.
bool stays(const Act& act);
Picture draw(const Plan& plan);

// Parts that several steps share.
/// As pairs, and for one resource each.
std::vector<cib::Colocation> colocations_of(const Plan& plan);
std::vector<cib::Location> locations_of(Plan& plan);
Item* find_item(Plan& plan, std::string_view id);
Item& add_orphan(Plan& plan, const ResourceId& id, const cib::ResourceHistory& history);
Item& add_orphan_instance(Plan& plan, Item& clone);
/// What a start or a promotion of a primitive needs (meta attribute 'requires').
enum class Needs { nothing, quorum, fencing };
Needs needs_of(const Plan& plan, const Item& item);
/// The node can be fenced, as configured: devices, quorum.
bool can_fence(const Plan& plan, const PlanNode& node);
Item& top_of(Item& item);
const Item& top_of(const Item& item);
/// The clone that this item is in, nullptr outside clones.
Item* clone_of(const Item& item);
std::string meta_of(const Item& item, std::string_view name, std::string_view otherwise);
/// All primitives below (or the item itself).
std::vector<Item*> leaves(Item& item);
const Item& first_leaf(const Item& item);
bool any_failed(const Item& item);
bool within(const Item& item, const Item& ancestor);
const ResourceId& history_on(const Item& item, int node);

/// Adds to the score of an item (and all below) on one node, or on all (nowhere), and remembers why.
void add_score(Plan& plan, Item& item, int node, Score score, const std::string& why);
bool any_available(const Plan& plan, const Weights& weights);
/// Remembers the scores of an item and all below, if they are to be shown.
void keep_scores(Plan& plan, const Item& item, ShownScore::For what);

/// Fail count that still counts (failure-timeout), and the nodes' bans.
Score effective_fail_count(const Plan& plan, const Item& item, int node);
std::string failures_are_over(const Item& item);

// Colocation.
void apply_colocation(Plan& plan, Item& dependent, Item& primary, const Coloc& colocation);
void apply_this_with(Plan& plan, Item& item, const Coloc& colocation);
void add_dependent_scores(Plan& plan, Item& item, const Coloc& colocation);
/// active: a wish that leaves no node is not granted. nonnegative: none makes a node worse than useless.
enum class Select { plain, nonnegative, active, active_nonnegative };
void add_colocated_scores(Plan& plan, Item& item, Weights& into, double factor, Select select);
std::vector<const Coloc*> all_this_with(const Item& item);
std::vector<const Coloc*> all_with_this(const Item& item);

// Placing.
int assign(Plan& plan, Item& item, int prefer);
void finalize(Plan& plan, Item& item, int node, bool force);
void assign_clone(Plan& plan, Item& clone, int prefer);
void add_promotion_scores(Plan& plan, Item& clone);
void choose_promoted(Plan& plan, Item& clone);
/// In the order in which they are given places, or roles among those that are equally good for one.
void sort_instances(Plan& plan, Item& clone, bool by_promotion);
Score promotion_score(const Plan& plan, const Item& item, int node, Score otherwise);
/// Where a collective is: the node of its members, nowhere if they are not placed.
int location(const Item& item);
Role state_now(const Item& item);
Role state_next(const Item& item);

/// The agent's parameters for an operation (nullptr: one that is not configured) on a node, evaluated for it.
cib::Pairs parameters_of(const Plan& plan, const Item& item, int node, const cib::Operation* operation);
Duration timeout_of(const Plan& plan, const cib::Operation* operation);
/// Whether an entry of a node's history tells of other parameters than today's, and what that asks for.
enum class Changed { no, needs_recurring, needs_reload, needs_restart };
Changed changed_since(const Plan& plan, const Item& item, int node, const cib::OperationResult& entry);

/// Whether a recurring operation runs on a node, by the node's history; failed: it ran, and its last result is a
/// failure.
enum class Recurring { no, runs, failed };
Recurring recurs(const Plan& plan, const Item& item, int node, const cib::Operation& operation);
Act* find_recurring(const Item& item, int node, const std::string& name, Duration interval);
/// The act of a recurring operation on a node: the one that its history made, or a new one.
Act& recurring_act(Plan& plan, Item& item, int node, const std::string& name, Duration interval);
/// The same as the end of that operation.
Act& cancelling_act(Plan& plan, Item& item, int node, const std::string& name, Duration interval,
                    const std::string& why);

// Acts.
Act& add_act(Plan& plan, Item& item, Task task, int node, bool optional, std::string reason);
/// An act that had no node yet gets one.
void put_on(const Plan& plan, Act& act, int node);
/// What waits for a stop of an item waits for the answers of its probes, too: they may find it where it must stop.
void add_probe_edges(Plan& plan, const Item& first, Act& then);
/// A start or promotion that will not be: it holds up what needs it, and is missed where the item stops.
Act& add_unplaced(Plan& plan, Item& item, Task task);
Act* find_act(const Item& item, Task task, int node);  // node nowhere: the first of that task
std::vector<Act*> find_acts(const Item& item, Task task);
void require(Act& act, const std::string& reason);
void add_edge(Plan& plan, Act& first, Act& then, Flags flags);
void create_recurring(Plan& plan, Item& item);
struct ActState {
  bool optional, runnable;
};
/// Collectives' acts are what their members' are; for a clone and a node, what the instance there is.
ActState state_of(const Act& act, int node);
const cib::Operation* find_operation(const Item& item, std::string_view name, Duration interval);
/// Value of an operation's attribute: <op> attribute, its meta attributes, op_defaults.
std::optional<std::string> operation_value(const Plan& plan, const cib::Operation* operation, std::string_view name);
OnFail on_fail_of(const Plan& plan, const Item& item, std::string_view operation, Duration interval);
std::string_view to_words(OnFail on_fail);

}  // namespace systole::scheduler
