// SPDX-License-Identifier: GPL-2.0-or-later
// Reading the configuration. The document was checked before, so that missing parts here mean "absent", not "wrong";
// what is still judged is what only reading shows: intervals, and limits. Whatever this product does not act on ends up
// in Configuration::unsupported with its name, and so do constraints that lean on it: never silently obeyed, never
// dropped unseen.
#include "cib/xml/reader.hpp"

#include <fmt/format.h>

#include <set>

#include "cib/xml/cib_xml.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace systole::cib {

namespace xml {

namespace {

Score score_of(const xmlNode* element, Score fallback = {}) {
  const auto text = attribute(element, "score");
  return text ? parse_score(*text).value_or(fallback) : fallback;
}

std::string name_of(const xmlNode* element) {
  const std::string id = text_of(element, "id");
  return std::string(tag_of(element)) + (id.empty() ? "" : " " + id);
}

Compare compare_of(std::string_view word) {
  if (word == "lt") return Compare::lt;
  if (word == "gt") return Compare::gt;
  if (word == "lte") return Compare::lte;
  if (word == "gte") return Compare::gte;
  if (word == "ne") return Compare::ne;
  if (word == "defined") return Compare::defined;
  if (word == "not_defined") return Compare::not_defined;
  return Compare::eq;
}

ValueType value_type_of(std::string_view word) {
  if (word == "string") return ValueType::string;
  if (word == "integer") return ValueType::integer;
  if (word == "number") return ValueType::number;
  if (word == "version") return ValueType::version;
  return ValueType::automatic;
}

class Reader {
 public:
  Reader(Configuration& out, const Ids& ids, std::vector<std::string>& problems)
      : out_(out), ids_(ids), problems_(problems) {}

  void read(const xmlNode* cib) {
    out_.version = version_of(cib);
    const xmlNode* configuration = child(cib, "configuration");
    out_.cluster_properties = sets(child(configuration, "crm_config"), "cluster_property_set");
    out_.resource_defaults = sets(child(configuration, "rsc_defaults"), "meta_attributes");
    out_.operation_defaults = sets(child(configuration, "op_defaults"), "meta_attributes");
    for (const xmlNode* node : elements(child(configuration, "nodes"), "node")) read_node(node);
    for (const xmlNode* resource : elements(child(configuration, "resources"))) read_resource(resource);
    for (const xmlNode* constraint : elements(child(configuration, "constraints"))) read_constraint(constraint);
    for (const xmlNode* section : elements(configuration)) {
      const std::string_view tag = tag_of(section);
      const bool known = tag == "crm_config" || tag == "nodes" || tag == "resources" || tag == "constraints" ||
                         tag == "rsc_defaults" || tag == "op_defaults";
      if (known) continue;
      for (const xmlNode* inner : elements(section)) unsupported(inner);
    }
  }

 private:
  void unsupported(const xmlNode* element, std::string_view why = {}) {
    out_.unsupported.push_back(name_of(element) + (why.empty() ? "" : fmt::format(" ({})", why)));
  }

  /// The element that id-ref points to, where it has the same tag; the element itself where it is no reference.
  const xmlNode* resolved(const xmlNode* element) const {
    const auto reference = attribute(element, "id-ref");
    if (!reference) return element;
    const auto found = ids_.find(*reference);
    return found != ids_.end() && tag_of(found->second) == tag_of(element) ? found->second : nullptr;
  }

  Rule rule(const xmlNode* element, std::size_t depth = 0) {
    Rule read;
    const xmlNode* target = resolved(element);
    if (target == nullptr || depth > limits::xml_depth_max) {  // a rule that refers to its own ancestor never ends
      read.unsupported = name_of(element);
      unsupported(element, "id-ref leads nowhere");
      return read;
    }
    read.id = text_of(target, "id");
    read.score = score_of(target);
    read.score_attribute = text_of(target, "score-attribute");
    read.any = text_of(target, "boolean-op") == "or";
    read.role = modern_role(text_of(target, "role"));
    for (const xmlNode* part : elements(target)) {
      if (tag_of(part) == "expression" && text_of(part, "value-source") != "param" &&
          text_of(part, "value-source") != "meta") {
        read.expressions.push_back({text_of(part, "id"), text_of(part, "attribute"), text_of(part, "value"),
                                    compare_of(text_of(part, "operation")), value_type_of(text_of(part, "type"))});
      } else if (tag_of(part) == "rule") {
        read.rules.push_back(rule(part, depth + 1));
        if (!read.rules.back().unsupported.empty()) read.unsupported = read.rules.back().unsupported;
      } else {
        read.unsupported = name_of(part);
        unsupported(part);
      }
    }
    return read;
  }

  std::vector<AttributeSet> sets(const xmlNode* parent, std::string_view tag) {
    std::vector<AttributeSet> found;
    for (const xmlNode* element : elements(parent, tag)) {
      const xmlNode* target = resolved(element);
      if (target == nullptr) {
        unsupported(element, "id-ref leads nowhere");
        continue;
      }
      AttributeSet set{text_of(target, "id"), score_of(target), {}, {}};
      if (const xmlNode* only = child(target, "rule"); only != nullptr) set.rule = rule(only);
      for (const xmlNode* pair : elements(target, "nvpair")) {
        const xmlNode* source = resolved(pair);
        if (source == nullptr) continue;
        const auto value = attribute(source, "value");
        const std::string name = attribute(pair, "name").value_or(text_of(source, "name"));
        if (value && !name.empty()) set.pairs.emplace(name, *value);
      }
      found.push_back(std::move(set));
    }
    return found;
  }

  void read_node(const xmlNode* element) {
    out_.nodes.push_back({text_of(element, "id"), NodeName{text_of(element, "uname")}, text_of(element, "type"),
                          sets(element, "instance_attributes")});
    if (child(element, "utilization") != nullptr) unsupported(element, "utilization");
  }

  std::vector<Operation> operations(const xmlNode* primitive) {
    std::vector<Operation> found;
    for (const xmlNode* list : elements(primitive, "operations")) {
      const xmlNode* target = resolved(list);
      for (const xmlNode* op : elements(target, "op")) {
        Operation read;
        const std::string interval = attribute(op, "interval").value_or("0");
        if (const auto length = parse_duration(interval)) {
          read.interval = *length;
        } else {
          problems_.push_back(
              fmt::format("{}: interval=\"{}\" is no duration (10s, 500ms, 1min, PT10S)", label(op), interval));
        }
        for (auto& [name, value] : attributes(op)) {
          if (name == "role") value = modern_role(value);
          if (name == "id") {
            read.id = value;
          } else if (name == "name") {
            read.name = value;
          } else if (name != "interval") {
            read.attributes.emplace(name, value);
          }
        }
        read.meta = sets(op, "meta_attributes");
        read.instance = sets(op, "instance_attributes");
        found.push_back(std::move(read));
      }
    }
    return found;
  }

  Primitive primitive(const xmlNode* element) {
    if (child(element, "utilization") != nullptr) unsupported(element, "utilization");
    Primitive read;
    read.id.value = text_of(element, "id");
    read.standard = text_of(element, "class");
    read.provider = text_of(element, "provider");
    read.type = text_of(element, "type");
    read.meta = sets(element, "meta_attributes");
    read.instance = sets(element, "instance_attributes");
    read.operations = operations(element);
    known_.insert(read.id.value);
    return read;
  }

  Group group(const xmlNode* element) {
    Group read;
    read.id.value = text_of(element, "id");
    read.meta = sets(element, "meta_attributes");
    read.instance = sets(element, "instance_attributes");
    for (const xmlNode* member : elements(element, "primitive")) read.members.push_back(primitive(member));
    known_.insert(read.id.value);
    return read;
  }

  /// A primitive made of a template anywhere inside puts the whole resource out of reach.
  static bool uses_template(const xmlNode* element) {
    if (attribute(element, "template")) return true;
    for (const xmlNode* inner : elements(element)) {
      if (uses_template(inner)) return true;
    }
    return false;
  }

  void read_resource(const xmlNode* element) {
    const std::string_view tag = tag_of(element);
    if (uses_template(element)) return unsupported(element, "made from a template");
    if (tag == "primitive") {
      out_.resources.emplace_back(primitive(element));
    } else if (tag == "group") {
      out_.resources.emplace_back(group(element));
    } else if (tag == "clone" || tag == "master") {
      const xmlNode* inner = child(element, "primitive");
      Clone read;
      read.id.value = text_of(element, "id");
      read.legacy_master = tag == "master";
      read.meta = sets(element, "meta_attributes");
      read.instance = sets(element, "instance_attributes");
      if (inner != nullptr) {
        read.child = primitive(inner);
      } else {
        read.child = group(child(element, "group"));
      }
      known_.insert(read.id.value);
      out_.resources.emplace_back(std::move(read));
    } else {
      unsupported(element);
    }
  }

  /// Both ends must be resources that the model has.
  bool reachable(const xmlNode* constraint, std::initializer_list<const char*> names) {
    for (const char* name : names) {
      const std::string id = text_of(constraint, name);
      if (known_.contains(id)) continue;
      unsupported(constraint, fmt::format("{} {}", name, id.empty() ? "is absent" : id + " is out of reach"));
      return false;
    }
    return true;
  }

  void read_constraint(const xmlNode* element) {
    const std::string_view tag = tag_of(element);
    if (child(element, "lifetime") != nullptr) return unsupported(element, "lifetime");
    if (tag == "rsc_location") {
      read_location(element);
    } else if (tag == "rsc_colocation") {
      read_colocation(element);
    } else if (tag == "rsc_order") {
      read_order(element);
    } else {
      unsupported(element);
    }
  }

  static OrderKind kind_of(const xmlNode* element) {
    const auto kind = attribute(element, "kind");
    const bool advisory =
        !kind && attribute(element, "score") && score_of(element) == Score{};  // as before kind existed
    return advisory || kind == "Optional" ? OrderKind::optional
           : kind == "Serialize"          ? OrderKind::serialize
                                          : OrderKind::mandatory;
  }

  ResourceSet resource_set(const xmlNode* element) {
    ResourceSet read;
    read.id = text_of(element, "id");
    for (const xmlNode* member : elements(element, "resource_ref")) {
      ResourceId id{text_of(member, "id")};
      if (known_.contains(id.value)) {
        read.members.push_back(std::move(id));
      } else {
        unsupported(element, fmt::format("{} is out of reach", id.value));
      }
    }
    read.sequential = parse_bool(text_of(element, "sequential"));
    read.require_all = parse_bool(text_of(element, "require-all")).value_or(true);
    read.action = attribute(element, "action").value_or("start");
    read.role = modern_role(text_of(element, "role"));
    read.ordering = text_of(element, "ordering");
    if (attribute(element, "score")) read.score = score_of(element);
    if (attribute(element, "kind")) read.kind = kind_of(element);
    read.symmetrical = parse_bool(text_of(element, "symmetrical"));
    return read;
  }

  std::vector<ResourceSet> resource_sets(const xmlNode* constraint) {
    std::vector<ResourceSet> read;
    for (const xmlNode* set : elements(constraint, "resource_set")) read.push_back(resource_set(set));
    return read;
  }

  void read_location(const xmlNode* element) {
    Location read;
    read.pattern = text_of(element, "rsc-pattern");
    read.sets = resource_sets(element);
    if (read.pattern.empty() && read.sets.empty() && !reachable(element, {"rsc"})) return;
    read.id = text_of(element, "id");
    read.resource.value = text_of(element, "rsc");
    read.node.value = text_of(element, "node");
    read.score = score_of(element);
    for (const xmlNode* one : elements(element, "rule")) read.rules.push_back(rule(one));
    read.role = modern_role(text_of(element, "role"));
    read.discovery = text_of(element, "resource-discovery");
    out_.locations.push_back(std::move(read));
  }

  void read_colocation(const xmlNode* element) {
    std::vector<ResourceSet> sets = resource_sets(element);
    if (sets.empty() && !reachable(element, {"rsc", "with-rsc"})) return;
    const auto node_attribute = attribute(element, "node-attribute");
    if (node_attribute && *node_attribute != "#uname") return unsupported(element, "node-attribute");
    if (parse_bool(text_of(element, "influence")) == false) unsupported(element, "influence=false is ignored");
    out_.colocations.push_back({text_of(element, "id"), ResourceId{text_of(element, "rsc")},
                                ResourceId{text_of(element, "with-rsc")}, score_of(element),
                                modern_role(text_of(element, "rsc-role")),
                                modern_role(text_of(element, "with-rsc-role")), std::move(sets)});
  }

  void read_order(const xmlNode* element) {
    Order read;
    read.sets = resource_sets(element);
    if (read.sets.empty() && !reachable(element, {"first", "then"})) return;
    read.require_all = parse_bool(text_of(element, "require-all"));
    read.id = text_of(element, "id");
    read.first.value = text_of(element, "first");
    read.then.value = text_of(element, "then");
    read.first_action = attribute(element, "first-action").value_or("start");
    read.then_action = attribute(element, "then-action").value_or(read.first_action);
    read.kind = kind_of(element);
    read.symmetrical = parse_bool(text_of(element, "symmetrical")).value_or(read.kind != OrderKind::serialize) &&
                       read.kind != OrderKind::serialize;
    out_.orders.push_back(std::move(read));
  }

  Configuration& out_;
  const Ids& ids_;
  std::vector<std::string>& problems_;
  std::set<std::string> known_;
};

}  // namespace

Version version_of(const xmlNode* cib) {
  const auto number = [&](const char* name) {
    return std::max<std::int64_t>(parse_int<std::int64_t>(text_of(cib, name)).value_or(0), 0);
  };
  return {number("admin_epoch"), number("epoch"), number("num_updates")};
}

Result<Configuration> read_configuration(const Tree& tree) {
  xmlNode* cib = root_of(tree);
  if (!is_element(cib, "cib")) {
    return Error{Errc::schema, fmt::format("the document's root is {}, not <cib>", label(cib))};
  }
  const auto strictness = strictness_of(cib);
  if (!strictness) return strictness.error();
  Checked checked = check(cib, *strictness);
  if (!checked.problems.empty()) return schema_error(checked.problems);
  Configuration read;
  Reader(read, checked.ids, checked.problems).read(cib);
  if (!checked.problems.empty()) return schema_error(checked.problems);
  if (read.nodes.size() > limits::nodes_max) {
    return Error{Errc::too_big,
                 fmt::format("the CIB has {} nodes; the limit is {}", read.nodes.size(), limits::nodes_max)};
  }
  if (const std::size_t count = primitives_of(read).size(); count > limits::resources_max) {
    return Error{Errc::too_big, fmt::format("the CIB has {} resources; the limit is {}", count, limits::resources_max)};
  }
  return read;
}

}  // namespace xml

}  // namespace systole::cib
