// SPDX-License-Identifier: GPL-2.0-or-later
// The schema as a table, and the walk that holds a document against it. Source of the table: the RELAX NG files of
// Pacemaker 2.1.5 (pacemaker-3.9.rng and what it includes), read as a specification.
#include "cib/xml/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "common/base/score.hpp"
#include "common/base/text.hpp"

namespace systole::cib::xml {

namespace {

enum class Kind { text, id, idref, score, boolean, count, word };

struct AttributeRule {
  std::string_view name;
  Kind kind = Kind::text;
  bool required = false;
  std::string_view allowed = {};  // for word: the words
};

struct ElementRule {
  std::string_view tag;
  std::span<const AttributeRule> attributes;
  std::string_view children;  // tags, separated by blanks
  bool opaque = false;        // what is inside is not ours to judge
};

constexpr std::string_view roles = "Stopped Started Promoted Unpromoted Master Slave";
constexpr std::string_view actions = "start promote demote stop";

constexpr std::array cib_attributes = {AttributeRule{"admin_epoch", Kind::count, true},
                                       AttributeRule{"epoch", Kind::count, true},
                                       AttributeRule{"num_updates", Kind::count, true},
                                       AttributeRule{"validate-with"},
                                       AttributeRule{"crm_feature_set"},
                                       AttributeRule{"remote-tls-port", Kind::count},
                                       AttributeRule{"remote-clear-port", Kind::count},
                                       AttributeRule{"have-quorum", Kind::boolean},
                                       AttributeRule{"dc-uuid"},
                                       AttributeRule{"cib-last-written"},
                                       AttributeRule{"no-quorum-panic", Kind::boolean},
                                       AttributeRule{"update-origin"},
                                       AttributeRule{"update-client"},
                                       AttributeRule{"update-user"},
                                       AttributeRule{"execution-date"}};
constexpr std::array set_attributes = {AttributeRule{"id", Kind::id}, AttributeRule{"id-ref", Kind::idref},
                                       AttributeRule{"score", Kind::score}};
constexpr std::array pair_attributes = {AttributeRule{"id", Kind::id}, AttributeRule{"id-ref", Kind::idref},
                                        AttributeRule{"name"}, AttributeRule{"value"}};
constexpr std::array node_attributes = {AttributeRule{"id", Kind::text, true}, AttributeRule{"uname", Kind::text, true},
                                        AttributeRule{"type", Kind::word, false, "member ping remote"},
                                        AttributeRule{"description"}, AttributeRule{"score", Kind::score}};
constexpr std::array primitive_attributes = {
    AttributeRule{"id", Kind::id, true},
    AttributeRule{"class", Kind::word, false, "ocf lsb systemd service stonith heartbeat upstart nagios"},
    AttributeRule{"provider"},
    AttributeRule{"type"},
    AttributeRule{"template", Kind::idref},
    AttributeRule{"description"}};
constexpr std::array parent_attributes = {AttributeRule{"id", Kind::id, true}, AttributeRule{"description"}};
constexpr std::array operations_attributes = {AttributeRule{"id", Kind::id}, AttributeRule{"id-ref", Kind::idref}};
constexpr std::array op_attributes = {
    AttributeRule{"id", Kind::id, true},
    AttributeRule{"name", Kind::text, true},
    AttributeRule{"interval", Kind::text, true},
    AttributeRule{"description"},
    AttributeRule{"start-delay"},
    AttributeRule{"interval-origin"},
    AttributeRule{"timeout"},
    AttributeRule{"enabled", Kind::boolean},
    AttributeRule{"record-pending", Kind::boolean},
    AttributeRule{"role", Kind::word, false, roles},
    AttributeRule{"on-fail", Kind::word, false, "ignore block demote stop restart standby fence restart-container"}};
constexpr std::array location_attributes = {
    AttributeRule{"id", Kind::id, true},
    AttributeRule{"rsc", Kind::idref},
    AttributeRule{"rsc-pattern"},
    AttributeRule{"role", Kind::word, false, roles},
    AttributeRule{"score", Kind::score},
    AttributeRule{"node"},
    AttributeRule{"resource-discovery", Kind::word, false, "always never exclusive"}};
constexpr std::array colocation_attributes = {AttributeRule{"id", Kind::id, true},
                                              AttributeRule{"score", Kind::score},
                                              AttributeRule{"influence"},
                                              AttributeRule{"rsc", Kind::idref},
                                              AttributeRule{"with-rsc", Kind::idref},
                                              AttributeRule{"node-attribute"},
                                              AttributeRule{"rsc-role", Kind::word, false, roles},
                                              AttributeRule{"with-rsc-role", Kind::word, false, roles}};
constexpr std::array order_attributes = {AttributeRule{"id", Kind::id, true},
                                         AttributeRule{"symmetrical", Kind::boolean},
                                         AttributeRule{"require-all", Kind::boolean},
                                         AttributeRule{"score", Kind::score},
                                         AttributeRule{"kind", Kind::word, false, "Optional Mandatory Serialize"},
                                         AttributeRule{"first", Kind::idref},
                                         AttributeRule{"then", Kind::idref},
                                         AttributeRule{"first-action", Kind::word, false, actions},
                                         AttributeRule{"then-action", Kind::word, false, actions}};
constexpr std::array rule_attributes = {AttributeRule{"id", Kind::id},
                                        AttributeRule{"id-ref", Kind::idref},
                                        AttributeRule{"score", Kind::score},
                                        AttributeRule{"score-attribute"},
                                        AttributeRule{"boolean-op", Kind::word, false, "and or"},
                                        AttributeRule{"role"}};
constexpr std::array expression_attributes = {
    AttributeRule{"id", Kind::id, true},
    AttributeRule{"attribute", Kind::text, true},
    AttributeRule{"operation", Kind::word, true, "lt gt lte gte eq ne defined not_defined"},
    AttributeRule{"value"},
    AttributeRule{"type", Kind::word, false, "string integer number version"},
    AttributeRule{"value-source", Kind::word, false, "literal param meta"}};

constexpr std::string_view resource_tags = "primitive template group clone master bundle";
constexpr std::string_view member_tags = "meta_attributes instance_attributes primitive group";
constexpr std::span<const AttributeRule> none{};

constexpr std::array element_rules = {
    ElementRule{"cib", cib_attributes, "configuration status"},
    ElementRule{"configuration", none,
                "crm_config nodes resources constraints rsc_defaults op_defaults fencing-topology acls tags alerts"},
    ElementRule{"crm_config", none, "cluster_property_set"},
    ElementRule{"cluster_property_set", set_attributes, "rule nvpair"},
    ElementRule{"rsc_defaults", none, "meta_attributes"},
    ElementRule{"op_defaults", none, "meta_attributes"},
    ElementRule{"meta_attributes", set_attributes, "rule nvpair"},
    ElementRule{"instance_attributes", set_attributes, "rule nvpair"},
    ElementRule{"utilization", set_attributes, "rule nvpair"},
    ElementRule{"nvpair", pair_attributes, ""},
    ElementRule{"nodes", none, "node"},
    ElementRule{"node", node_attributes, "instance_attributes utilization"},
    ElementRule{"resources", none, resource_tags},
    ElementRule{"primitive", primitive_attributes, "meta_attributes instance_attributes operations utilization"},
    ElementRule{"group", parent_attributes, "meta_attributes instance_attributes primitive"},
    ElementRule{"clone", parent_attributes, member_tags},
    ElementRule{"master", parent_attributes, member_tags},
    ElementRule{"operations", operations_attributes, "op"},
    ElementRule{"op", op_attributes, "meta_attributes instance_attributes"},
    ElementRule{"constraints", none, "rsc_location rsc_colocation rsc_order rsc_ticket"},
    ElementRule{"rsc_location", location_attributes, "rule resource_set lifetime"},
    ElementRule{"rsc_colocation", colocation_attributes, "resource_set lifetime"},
    ElementRule{"rsc_order", order_attributes, "resource_set lifetime"},
    ElementRule{"rule", rule_attributes, "expression date_expression rsc_expression op_expression rule"},
    ElementRule{"expression", expression_attributes, ""},
    ElementRule{"date_expression", none, "", true},
    ElementRule{"rsc_expression", none, "", true},
    ElementRule{"op_expression", none, "", true},
    ElementRule{"lifetime", none, "", true},
    ElementRule{"resource_set", none, "", true},
    ElementRule{"rsc_ticket", none, "", true},
    ElementRule{"template", none, "", true},
    ElementRule{"bundle", none, "", true},
    ElementRule{"fencing-topology", none, "", true},
    ElementRule{"acls", none, "", true},
    ElementRule{"tags", none, "", true},
    ElementRule{"alerts", none, "", true},
    ElementRule{"status", none, "", true},
};

const ElementRule* rule_of(std::string_view tag) {
  const auto* const found = std::ranges::find(element_rules, tag, &ElementRule::tag);
  return found == element_rules.end() ? nullptr : &*found;
}

bool has_word(std::string_view list, std::string_view word) {
  const auto all = words(list);
  return std::ranges::find(all, word) != all.end();
}

/// An XML name without colon: what the type ID allows.
bool is_xml_id(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  return !text.empty() && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
}

/// Elements whose id is a reference, or a name of its own kind.
bool id_is_no_xml_id(const xmlNode* element) {
  const std::string_view tag = tag_of(element);
  return tag == "node" || tag == "resource_ref" || tag == "obj_ref" || tag == "acl_target" || tag == "acl_group" ||
         (tag == "role" && (is_element(element->parent, "acl_target") || is_element(element->parent, "acl_group")));
}

class Walk {
 public:
  Walk(Strictness strictness, Checked& out) : full_(strictness == Strictness::full), out_(out) {}

  void structure(xmlNode* element) {
    const ElementRule* rule = rule_of(tag_of(element));
    if (rule == nullptr || rule->opaque) return;
    if (full_) check_attributes(element, *rule);
    check_shape(element);
    for (xmlNode* inner : elements(element)) {
      if (has_word(rule->children, tag_of(inner))) {
        structure(inner);
      } else if (full_) {
        problem("{} does not belong into {}", label(inner), label(element));
      }
    }
  }

  void collect_ids(xmlNode* element) {
    if (const auto id = attribute(element, "id"); id && !id_is_no_xml_id(element)) {
      const auto [earlier, is_new] = out_.ids.emplace(*id, element);
      if (!is_new && full_) problem("{} has the same id as {}", label(element), label(earlier->second));
      if (!is_xml_id(*id) && full_) {
        problem("{}: '{}' is no valid id (a letter or _ first, then letters, digits, '.', '-' and '_')", label(element),
                *id);
      }
    }
    for (xmlNode* inner : elements(element)) collect_ids(inner);
  }

  void references(xmlNode* element) {
    if (!full_) return;
    const std::string_view tag = tag_of(element);
    for (const char* name : {"rsc", "with-rsc", "first", "then"}) {
      const auto id = tag.starts_with("rsc_") ? attribute(element, name) : std::nullopt;
      if (id && !is_resource(*id)) problem("{}: {}=\"{}\" names no resource", label(element), name, *id);
    }
    if (tag == "resource_ref" && !is_resource(text_of(element, "id"))) problem("{} names no resource", label(element));
    for (const char* name : {"id-ref", "template"}) {
      const auto id = attribute(element, name);
      if (id && !out_.ids.contains(*id)) problem("{}: {}=\"{}\" names nothing", label(element), name, *id);
    }
    for (xmlNode* inner : elements(element)) references(inner);
  }

  void nodes(const xmlNode* section) {
    std::set<std::string> names, ids;
    for (const xmlNode* node : elements(section, "node")) {
      if (!names.insert(text_of(node, "uname")).second) problem("{}: two nodes have this name", label(node));
      if (!ids.insert(text_of(node, "id")).second) problem("{}: two nodes have this id", label(node));
    }
  }

 private:
  template <class... Args>
  void problem(fmt::format_string<Args...> format, Args&&... args) {
    out_.problems.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  bool is_resource(const std::string& id) const {
    const auto found = out_.ids.find(id);
    return found != out_.ids.end() &&
           (has_word(resource_tags, tag_of(found->second)) || tag_of(found->second) == "tag");
  }

  void check_attributes(const xmlNode* element, const ElementRule& rule) {
    for (const auto& [name, value] : attributes(element)) {
      const auto known = std::ranges::find(rule.attributes, name, &AttributeRule::name);
      if (known == rule.attributes.end()) {
        problem("{}: unknown attribute '{}'", label(element), name);
      } else {
        check_value(element, *known, value);
      }
    }
    for (const AttributeRule& one : rule.attributes) {
      const bool missing = one.required && !attribute(element, std::string(one.name).c_str());
      if (missing) problem("{}: attribute '{}' is missing", label(element), one.name);
    }
  }

  void check_value(const xmlNode* element, const AttributeRule& rule, const std::string& value) {
    switch (rule.kind) {
      case Kind::text:
      case Kind::id:
      case Kind::idref:
        return;
      case Kind::score:
        if (!parse_score(value)) {
          problem("{}: {}=\"{}\" is no score (a whole number, INFINITY or -INFINITY)", label(element), rule.name,
                  value);
        }
        return;
      case Kind::boolean:
        if (value != "true" && value != "false" && value != "1" && value != "0") {
          problem("{}: {}=\"{}\" is neither true nor false", label(element), rule.name, value);
        }
        return;
      case Kind::count:
        if (parse_int<std::int64_t>(value).value_or(-1) < 0) {
          problem("{}: {}=\"{}\" is no whole number from 0 up", label(element), rule.name, value);
        }
        return;
      case Kind::word:
        if (!has_word(rule.allowed, value)) {
          problem("{}: {}=\"{}\" is none of: {}", label(element), rule.name, value, rule.allowed);
        }
        return;
    }
  }

  /// Rules that a table of names cannot say.
  void check_shape(const xmlNode* element) {
    const std::string_view tag = tag_of(element);
    if (tag == "cib") exactly_one(element, {"configuration"});
    if (tag == "configuration") {
      for (const char* name : {"crm_config", "nodes", "resources", "constraints"}) exactly_one(element, {name});
      for (const char* name : {"rsc_defaults", "op_defaults"}) {
        if (elements(element, name).size() > 1) problem("{}: more than one <{}>", label(element), name);
      }
    }
    if (tag == "group" && child(element, "primitive") == nullptr)
      problem("{}: a group without members", label(element));
    if (tag == "clone" || tag == "master") exactly_one(element, {"primitive", "group"});
    if (tag == "primitive") check_primitive(element);
    if (full_) check_choices(element);
  }

  void exactly_one(const xmlNode* element, std::initializer_list<std::string_view> tags) {
    std::size_t count = 0;
    std::string names;
    for (const std::string_view tag : tags) {
      count += elements(element, tag).size();
      names += fmt::format("{}<{}>", names.empty() ? "" : " or ", tag);
    }
    if (count != 1) problem("{}: exactly one {} is needed, not {}", label(element), names, count);
  }

  void check_primitive(const xmlNode* element) {
    if (attribute(element, "template")) return;
    const std::string standard = text_of(element, "class");
    if (standard.empty() || text_of(element, "type").empty()) {
      problem("{}: attributes 'class' and 'type' are needed", label(element));
    } else if (standard == "ocf" && text_of(element, "provider").empty()) {
      problem("{}: class ocf needs the attribute 'provider'", label(element));
    }
  }

  /// "Either this or that" among attributes.
  void check_choices(const xmlNode* element) {
    const std::string_view tag = tag_of(element);
    const auto has = [&](const char* name) { return attribute(element, name).has_value(); };
    const bool sets = child(element, "resource_set") != nullptr;
    const bool referable = tag == "meta_attributes" || tag == "instance_attributes" || tag == "utilization" ||
                           tag == "cluster_property_set" || tag == "nvpair" || tag == "rule";
    if (referable && has("id") == has("id-ref")) problem("{}: either 'id' or 'id-ref' is needed", label(element));
    if (tag == "nvpair" && has("id") && !has("name")) problem("{}: attribute 'name' is missing", label(element));
    if (tag == "rule" && has("id") && elements(element).empty())
      problem("{}: a rule without expressions", label(element));
    if (tag == "rsc_location") {
      if (has("rsc") + has("rsc-pattern") + sets != 1) {
        problem("{}: exactly one of 'rsc', 'rsc-pattern' and <resource_set> is needed", label(element));
      }
      const bool by_rule = child(element, "rule") != nullptr;
      if (by_rule == has("node") || has("node") != has("score")) {
        problem("{}: either 'node' with 'score', or <rule> is needed", label(element));
      }
    }
    if (tag == "rsc_colocation" && sets == (has("rsc") && has("with-rsc"))) {
      problem("{}: either 'rsc' with 'with-rsc', or <resource_set> is needed", label(element));
    }
    if (tag == "rsc_order") {
      if (sets == (has("first") && has("then"))) {
        problem("{}: either 'first' with 'then', or <resource_set> is needed", label(element));
      }
      if (has("score") && has("kind")) problem("{}: 'score' and 'kind' exclude each other", label(element));
    }
  }

  bool full_;
  Checked& out_;
};

}  // namespace

Result<Strictness> strictness_of(const xmlNode* cib) {
  const auto name = attribute(cib, "validate-with");
  if (!name) return Strictness::full;
  if (!name->starts_with("pacemaker-")) {
    if (*name == "none" || *name == "transitional-0.6") return Strictness::lenient;
    return Error{Errc::schema, fmt::format("validate-with=\"{}\" names no schema; use pacemaker-3.9", *name)};
  }
  if (*name == "pacemaker-next") return Strictness::lenient;
  const auto parts = split(std::string_view(*name).substr(10), '.');
  const int major = parse_int<int>(parts.front()).value_or(-1);
  const int minor = parts.size() == 2 ? parse_int<int>(parts.back()).value_or(-1) : -1;
  if (major < 0 || minor < 0) {
    return Error{Errc::schema, fmt::format("validate-with=\"{}\" names no schema; use pacemaker-3.9", *name)};
  }
  if (major > 3 || (major == 3 && minor > 9)) {
    return Error{Errc::schema,
                 fmt::format("validate-with=\"{}\" is newer than what is known here (pacemaker-3.9)", *name)};
  }
  return major == 3 ? Strictness::full : Strictness::lenient;
}

Checked check(xmlNode* cib, Strictness strictness) {
  Checked out;
  Walk walk(strictness, out);
  walk.structure(cib);
  if (xmlNode* configuration = child(cib, "configuration"); configuration != nullptr) {
    walk.collect_ids(configuration);
    walk.references(configuration);
    walk.nodes(child(configuration, "nodes"));
  }
  return out;
}

Error schema_error(const std::vector<std::string>& problems) {
  constexpr std::size_t shown_max = 5;
  const std::size_t shown = std::min(problems.size(), shown_max);
  std::string text = join({problems.begin(), problems.begin() + static_cast<std::ptrdiff_t>(shown)}, "; ");
  if (problems.size() > shown) text += fmt::format("; and {} more", problems.size() - shown);
  return {Errc::schema, std::move(text)};
}

}  // namespace systole::cib::xml
