// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration half of a cluster information base (CIB) as plain values: what the administrator wants. Read from
// Pacemaker's XML (schema pacemaker-3.9, the subset that is named here) by cib/xml; the scheduler sees only these.
// Names follow Pacemaker Explained. Text stays text where rules or defaults may still change its meaning; the
// functions at the end give typed views of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/score.hpp"
#include "common/base/time.hpp"

namespace systole::cib {

using Pairs = std::map<std::string, std::string>;  // name → value

enum class Compare { lt, gt, lte, gte, eq, ne, defined, not_defined };
enum class ValueType { automatic, string, integer, number, version };

/// <expression>: a test of one node attribute; #uname, #id, #kind, #is_dc are built in.
struct Expression {
  std::string id, attribute, value;
  Compare operation = Compare::eq;
  ValueType type = ValueType::automatic;
  bool operator==(const Expression&) const = default;
};

/// <rule>: all (or any) of its parts hold. score_attribute, if set, names the node attribute that gives the score.
/// unsupported is set (with the element's name) when a part of it is beyond this subset (date_expression, …): such a
/// rule never matches, and verify says so.
struct Rule {
  std::string id;
  Score score;
  std::string score_attribute;
  bool any = false;  // boolean-op="or"
  std::string role;  // "" or Started, Promoted, Unpromoted (legacy names are translated)
  std::vector<Expression> expressions;
  std::vector<Rule> rules;
  std::string unsupported;
  bool operator==(const Rule&) const = default;
};

/// One instance_attributes, meta_attributes or cluster_property_set. Among several the highest score wins per name; a
/// set whose rule does not match does not count.
struct AttributeSet {
  std::string id;
  Score score;
  std::optional<Rule> rule;
  Pairs pairs;
  bool operator==(const AttributeSet&) const = default;
};

/// <op>: interval 0 means "once" (start, stop, …). attributes holds every XML attribute but id, name and interval.
struct Operation {
  std::string id, name;
  Duration interval{};
  Pairs attributes;
  std::vector<AttributeSet> meta, instance;
  bool operator==(const Operation&) const = default;
};

struct Primitive {
  ResourceId id;
  std::string standard;  // class: ocf, lsb, systemd, service, stonith
  std::string provider;  // "" where the class has none
  std::string type;
  std::vector<AttributeSet> meta, instance;
  std::vector<Operation> operations;
  bool operator==(const Primitive&) const = default;
};

struct Group {
  ResourceId id;
  std::vector<AttributeSet> meta, instance;
  std::vector<Primitive> members;  // at least one, in start order
  bool operator==(const Group&) const = default;
};

/// <clone>, or the old <master>, for which promotable is set.
struct Clone {
  ResourceId id;
  std::vector<AttributeSet> meta, instance;
  std::variant<Primitive, Group> child;
  bool legacy_master = false;
  bool operator==(const Clone&) const = default;
};

using Resource = std::variant<Primitive, Group, Clone>;
const ResourceId& id_of(const Resource& resource);

enum class OrderKind { mandatory, optional, serialize };

/// <resource_set> of a constraint. What is not given is as the constraint says, or as Pacemaker Explained ("Resource
/// sets") says of its kind.
struct ResourceSet {
  std::string id;
  std::vector<ResourceId> members;
  std::optional<bool> sequential;
  bool require_all = true;
  std::string action = "start", role, ordering;
  std::optional<Score> score;
  std::optional<OrderKind> kind;
  std::optional<bool> symmetrical;
  bool operator==(const ResourceSet&) const = default;
};

/// <rsc_location>: node + score, or rules (each rule carries its own score), for one resource, those whose ids match a
/// pattern, or those of sets. Constraints with tickets are beyond this subset; the parser lists them in
/// Configuration::unsupported.
struct Location {
  std::string id;
  ResourceId resource;
  NodeName node;  // empty where rules are used
  Score score;
  std::vector<Rule> rules;
  std::string role;          // "" = Started
  std::string discovery;     // resource-discovery: "" = always, never, exclusive
  std::string pattern = {};  // instead of resource: a POSIX extended expression; "!" before it: those that do not match
  std::vector<ResourceSet> sets = {};
  bool operator==(const Location&) const = default;
};

struct Colocation {
  std::string id;
  ResourceId resource, with;
  Score score;  // 0 where absent: such a colocation says nothing (seen on Pacemaker 2.1.5)
  std::string resource_role, with_role;
  std::vector<ResourceSet> sets = {};  // instead of resource and with
  bool operator==(const Colocation&) const = default;
};

struct Order {
  std::string id;
  ResourceId first, then;
  std::string first_action = "start", then_action;  // then_action defaults to first_action
  OrderKind kind = OrderKind::mandatory;
  bool symmetrical = true;               // Pacemaker: default true, false for kind Serialize
  std::optional<bool> require_all = {};  // false: of a clone one instance is enough
  std::vector<ResourceSet> sets = {};    // instead of first and then
  bool operator==(const Order&) const = default;
};

struct Node {
  std::string id;
  NodeName uname;
  std::string type;                      // member, remote, ping; "" = member
  std::vector<AttributeSet> attributes;  // permanent: standby, maintenance, …
  bool operator==(const Node&) const = default;
};

struct Version {
  std::int64_t admin_epoch = 0, epoch = 0, num_updates = 0;
  auto operator<=>(const Version&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(admin_epoch)(epoch)(num_updates);
  }
};

struct Configuration {
  Version version;
  std::vector<AttributeSet> cluster_properties;  // crm_config
  std::vector<Node> nodes;
  std::vector<Resource> resources;
  std::vector<Location> locations;
  std::vector<Colocation> colocations;
  std::vector<Order> orders;
  std::vector<AttributeSet> resource_defaults, operation_defaults;
  /// What the document holds and this subset does not act on, as "element id": said by verify, never silently obeyed.
  std::vector<std::string> unsupported;
  bool operator==(const Configuration&) const = default;
};

/// What a rule is tested against: a node's name, id and its attributes (transient ones override permanent ones).
struct RuleSubject {
  std::string_view uname, id;
  const Pairs* attributes = nullptr;
  bool is_dc = false;
};
bool matches(const Rule& rule, const RuleSubject& subject);

/// The value of a name over all sets that apply: highest set score wins, then the first in document order. Sets with
/// rules count only when subject is given and matches. nullopt: not set.
std::optional<std::string> value_of(const std::vector<AttributeSet>& sets, std::string_view name,
                                    const RuleSubject* subject = nullptr);
Pairs all_values(const std::vector<AttributeSet>& sets, const RuleSubject* subject = nullptr);

/// A cluster property (crm_config): cib-bootstrap-options always wins over other sets.
std::optional<std::string> property(const Configuration& configuration, std::string_view name);

/// By its meta-attribute (sets with rules do not count), or as a <master>.
bool is_promotable(const Clone& clone);

/// Resource of that id at top level, inside groups or clones; nullptr where there is none.
const Primitive* find_primitive(const Configuration& configuration, const ResourceId& id);
/// The top-level resource that has this id or contains it; nullptr where there is none.
const Resource* find_top(const Configuration& configuration, const ResourceId& id);
/// All primitives, in document order.
std::vector<const Primitive*> primitives_of(const Configuration& configuration);

/// Role names of old and new CIBs: Master → Promoted, Slave → Unpromoted; others unchanged.
std::string modern_role(std::string_view role);

}  // namespace systole::cib
