// SPDX-License-Identifier: GPL-2.0-or-later
// Rules, attribute sets and look-ups over a configuration.
#include "cib/model/configuration.hpp"
#include "common/base/overloaded.hpp"

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::cib {

namespace {

std::optional<std::string> attribute_of(const RuleSubject& subject, std::string_view name) {
  if (name == "#uname") return std::string(subject.uname);
  if (name == "#id") return std::string(subject.id);
  if (name == "#kind") return "cluster";
  if (name == "#is_dc") return subject.is_dc ? "true" : "false";
  if (subject.attributes == nullptr) return std::nullopt;
  const auto found = subject.attributes->find(std::string(name));
  if (found == subject.attributes->end()) return std::nullopt;
  return found->second;
}

int sign(auto a, auto b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/// As C reads numbers: what follows one does not count. nullopt: it begins with none.
template <class N>
std::optional<N> leading_number(const std::string& text, N (*read)(const char*, char**)) {
  char* end = nullptr;
  const N value = read(text.c_str(), &end);
  return end == text.c_str() ? std::nullopt : std::optional(value);
}

int compare_versions(const std::string& a, const std::string& b) {
  const auto x = split(a, '.'), y = split(b, '.');
  for (std::size_t i = 0; i < std::max(x.size(), y.size()); ++i) {
    const int difference = sign(i < x.size() ? parse_int<long>(x[i]).value_or(0) : 0L,
                                i < y.size() ? parse_int<long>(y[i]).value_or(0) : 0L);
    if (difference != 0) return difference;
  }
  return 0;
}

/// -1, 0, 1. What is no number is compared as text, as Pacemaker does: node attributes without regard to case.
int compare(const std::string& a, const std::string& b, ValueType type) {
  if (type == ValueType::version) return compare_versions(a, b);
  if (type == ValueType::integer) {
    const auto read = [](const char* text, char** end) { return std::strtoll(text, end, 10); };
    const auto x = leading_number<long long>(a, read), y = leading_number<long long>(b, read);
    if (x && y) return sign(*x, *y);
  }
  if (type == ValueType::number) {
    const auto x = leading_number<double>(a, std::strtod), y = leading_number<double>(b, std::strtod);
    if (x && y) return sign(*x, *y);
  }
  return sign(lower(a), lower(b));
}

ValueType effective_type(const Expression& expression, const std::string& actual) {
  if (expression.type != ValueType::automatic) return expression.type;
  switch (expression.operation) {
    case Compare::lt:
    case Compare::gt:
    case Compare::lte:
    case Compare::gte:
      // Order comparisons of values that look like numbers mean numbers (Pacemaker Explained, "Node attribute
      // expressions").
      return (expression.value + actual).find('.') == std::string::npos ? ValueType::integer : ValueType::number;
    case Compare::eq:
    case Compare::ne:
    case Compare::defined:
    case Compare::not_defined:
      return ValueType::string;
  }
  return ValueType::string;
}

bool holds(const Expression& expression, const RuleSubject& subject) {
  const auto actual = attribute_of(subject, expression.attribute);
  if (expression.operation == Compare::defined) return actual.has_value();
  if (expression.operation == Compare::not_defined) return !actual.has_value();
  if (!actual) return expression.operation == Compare::ne;
  const int order = compare(*actual, expression.value, effective_type(expression, *actual));
  switch (expression.operation) {
    case Compare::lt:
      return order < 0;
    case Compare::gt:
      return order > 0;
    case Compare::lte:
      return order <= 0;
    case Compare::gte:
      return order >= 0;
    case Compare::eq:
      return order == 0;
    case Compare::ne:
      return order != 0;
    case Compare::defined:
    case Compare::not_defined:
      break;
  }
  return false;
}

constexpr std::string_view not_set = "#default";  // as if it were not there

/// Applicable sets, strongest first.
std::vector<const AttributeSet*> ranked(const std::vector<AttributeSet>& sets, const RuleSubject* subject) {
  std::vector<const AttributeSet*> order;
  for (const AttributeSet& set : sets) {
    if (!set.rule || (subject != nullptr && matches(*set.rule, *subject))) order.push_back(&set);
  }
  std::ranges::stable_sort(order, [](const auto* a, const auto* b) { return a->score > b->score; });
  return order;
}

}  // namespace

bool matches(const Rule& rule, const RuleSubject& subject) {
  if (!rule.unsupported.empty()) return false;
  const auto expression_holds = [&](const Expression& expression) { return holds(expression, subject); };
  const auto rule_holds = [&](const Rule& inner) { return matches(inner, subject); };
  if (rule.any) {
    return std::ranges::any_of(rule.expressions, expression_holds) || std::ranges::any_of(rule.rules, rule_holds);
  }
  return std::ranges::all_of(rule.expressions, expression_holds) && std::ranges::all_of(rule.rules, rule_holds);
}

std::optional<std::string> value_of(const std::vector<AttributeSet>& sets, std::string_view name,
                                    const RuleSubject* subject) {
  for (const AttributeSet* set : ranked(sets, subject)) {
    const auto found = set->pairs.find(std::string(name));
    if (found != set->pairs.end() && found->second != not_set) return found->second;
  }
  return std::nullopt;
}

Pairs all_values(const std::vector<AttributeSet>& sets, const RuleSubject* subject) {
  Pairs values;
  for (const AttributeSet* set : ranked(sets, subject))
    for (const auto& [name, value] : set->pairs)
      if (value != not_set) values.emplace(name, value);
  return values;
}

std::optional<std::string> property(const Configuration& configuration, std::string_view name) {
  for (const AttributeSet& set : configuration.cluster_properties) {
    if (set.id != "cib-bootstrap-options") continue;
    if (const auto found = set.pairs.find(std::string(name)); found != set.pairs.end()) return found->second;
  }
  return value_of(configuration.cluster_properties, name);
}

bool is_promotable(const Clone& clone) {
  const auto flag = value_of(clone.meta, "promotable");
  return clone.legacy_master || (flag && parse_bool(*flag).value_or(false));
}

const ResourceId& id_of(const Resource& resource) {
  return std::visit([](const auto& any) -> const ResourceId& { return any.id; }, resource);
}

namespace {
void collect(const Resource& resource, std::vector<const Primitive*>& found) {
  const auto add_group = [&](const Group& group) {
    for (const Primitive& member : group.members) found.push_back(&member);
  };
  std::visit(
      Overloaded{
          [&](const Primitive& primitive) { found.push_back(&primitive); }, add_group,
          [&](const Clone& clone) {
            std::visit(Overloaded{[&](const Primitive& child) { found.push_back(&child); }, add_group}, clone.child);
          }},
      resource);
}
}  // namespace

std::vector<const Primitive*> primitives_of(const Configuration& configuration) {
  std::vector<const Primitive*> found;
  for (const Resource& resource : configuration.resources) collect(resource, found);
  return found;
}

const Primitive* find_primitive(const Configuration& configuration, const ResourceId& id) {
  for (const Primitive* primitive : primitives_of(configuration)) {
    if (primitive->id == id) return primitive;
  }
  return nullptr;
}

const Resource* find_top(const Configuration& configuration, const ResourceId& id) {
  for (const Resource& resource : configuration.resources) {
    if (id_of(resource) == id) return &resource;
    if (const auto* clone = std::get_if<Clone>(&resource); clone != nullptr) {
      if (const auto* group = std::get_if<Group>(&clone->child); group != nullptr && group->id == id) return &resource;
    }
    std::vector<const Primitive*> inside;
    collect(resource, inside);
    if (std::ranges::any_of(inside, [&](const Primitive* primitive) { return primitive->id == id; })) return &resource;
  }
  return nullptr;
}

std::string modern_role(std::string_view role) {
  const std::string plain = lower(role);
  if (plain == "master" || plain == "promoted") return "Promoted";
  if (plain == "slave" || plain == "unpromoted") return "Unpromoted";
  if (plain == "started") return "Started";
  if (plain == "stopped") return "Stopped";
  return std::string(role);
}

}  // namespace systole::cib
