// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the language of story.hpp. Bad lines are errors with the line in them, as for any input.
#include "tests/golden/scheduler/story.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cib/model/digest.hpp"
#include "common/base/text.hpp"

namespace systole::scheduler::testing {

namespace {

using cib::Pairs;
using Words = std::vector<std::string>;

std::pair<std::string, std::string> cut(const std::string& word, char separator) {
  const auto at = word.find(separator);
  if (at == std::string::npos) return {word, ""};
  return {word.substr(0, at), word.substr(at + 1)};
}

cib::AttributeSet set_of(const std::string& id, Pairs pairs) {
  return {.id = id, .score = {}, .rule = std::nullopt, .pairs = std::move(pairs)};
}

struct Sections {
  Pairs params, meta;
  std::vector<cib::Operation> operations;
};

/// "params a=b meta c=d op monitor interval=10s …" from position `at` on.
Sections read_sections(const Words& line, std::size_t at, const std::string& id) {
  Sections sections;
  std::string section;
  for (; at < line.size(); ++at) {
    if (line[at] == "params" || line[at] == "meta") {
      section = line[at];
    } else if (line[at] == "op" && at + 1 < line.size()) {
      section = "op";
      cib::Operation& operation = sections.operations.emplace_back();
      operation.name = line[++at];
      operation.id = fmt::format("{}-op{}", id, sections.operations.size());
    } else {
      const auto [name, value] = cut(line[at], '=');
      if (section == "params") sections.params[name] = value;
      if (section == "meta") sections.meta[name] = value;
      if (section == "op" && name == "interval") {
        sections.operations.back().interval = parse_duration(value).value_or(Duration{});
      } else if (section == "op") {
        sections.operations.back().attributes[name] = value;
      }
    }
  }
  return sections;
}

class Reader {
 public:
  Result<Story> read(std::string_view text) {
    story_.configuration.cluster_properties.push_back(set_of("cib-bootstrap-options", {{"stonith-enabled", "false"}}));
    std::string joined;
    for (const std::string& raw : split(text, '\n')) {
      const std::string line = raw.starts_with('#') ? "" : raw;  // attributes may have # in them
      if (trim(line).empty()) continue;
      if (line.front() != ' ' && !joined.empty()) {
        if (!take(joined)) return bad(joined);
        joined.clear();
      }
      joined += ' ' + line;
    }
    if (!joined.empty() && !take(joined)) return bad(joined);
    for (const ResourceId& id : order_) story_.configuration.resources.push_back(resources_.at(id));
    return story_;
  }

 private:
  static Error bad(const std::string& line) { return {Errc::invalid, fmt::format("not understood: {}", line)}; }

  bool take(const std::string& text) {
    const Words line = words(text);
    static const std::map<std::string, bool (Reader::*)(const Words&)> statements = {
        {"property", &Reader::property},
        {"rsc-default", &Reader::rsc_default},
        {"op-default", &Reader::op_default},
        {"node", &Reader::node},
        {"attribute", &Reader::attribute},
        {"primitive", &Reader::primitive},
        {"group", &Reader::group},
        {"clone", &Reader::clone},
        {"location", &Reader::location},
        {"colocation", &Reader::colocation},
        {"order", &Reader::order},
        {"order-sets", &Reader::order_sets},
        {"colocation-sets", &Reader::colocation_sets},
        {"whole", &Reader::whole},
        {"history", &Reader::history},
        {"no-quorum", &Reader::no_quorum},
        {"time", &Reader::time},
        {"dc", &Reader::dc}};
    const auto found = statements.find(line.front());
    return found != statements.end() && (this->*found->second)(line);
  }

  bool pairs_into(const Words& line, Pairs& pairs) {
    for (std::size_t i = 1; i < line.size(); ++i)
      pairs.insert_or_assign(cut(line[i], '=').first, cut(line[i], '=').second);
    return line.size() > 1;
  }
  bool property(const Words& line) { return pairs_into(line, story_.configuration.cluster_properties[0].pairs); }
  bool rsc_default(const Words& line) {
    auto& sets = story_.configuration.resource_defaults;
    if (sets.empty()) sets.push_back(set_of("rsc-defaults", {}));
    return pairs_into(line, sets[0].pairs);
  }
  bool op_default(const Words& line) {
    auto& sets = story_.configuration.operation_defaults;
    if (sets.empty()) sets.push_back(set_of("op-defaults", {}));
    return pairs_into(line, sets[0].pairs);
  }
  bool no_quorum(const Words&) {
    story_.quorate = false;
    return true;
  }
  bool time(const Words& line) {
    if (line.size() != 2) return false;
    story_.epoch_s = parse_int<std::int64_t>(line[1]).value_or(0);
    return story_.epoch_s > 0;
  }
  bool dc(const Words& line) {
    if (line.size() != 2) return false;
    story_.dc = NodeName{line[1]};
    return true;
  }

  bool node(const Words& line) {
    if (line.size() < 2) return false;
    cib::Node& node = story_.configuration.nodes.emplace_back();
    node.uname = NodeName{line[1]};
    node.id = std::to_string(story_.configuration.nodes.size());
    cib::NodeState state{.id = node.id,
                         .uname = node.uname,
                         .member = true,
                         .online = true,
                         .join = "member",
                         .expected = "member",
                         .transient = {},
                         .history = {}};
    bool seen = true;
    Pairs attributes;
    for (std::size_t i = 2; i < line.size(); ++i) {
      if (line[i] == "new") seen = false;
      if (line[i] == "offline" || line[i] == "lost") {
        state.member = state.online = false;
        state.join = "down";
        if (line[i] == "offline") state.expected = "down";
      }
      if (line[i].find('=') != std::string::npos) attributes.insert(cut(line[i], '='));
    }
    if (!attributes.empty()) node.attributes.push_back(set_of("nodes-" + node.id, attributes));
    if (seen) story_.status.nodes[node.uname] = state;
    return true;
  }

  bool attribute(const Words& line) {
    if (line.size() < 3) return false;
    Pairs& transient = story_.status.nodes[NodeName{line[1]}].transient;
    for (std::size_t i = 2; i < line.size(); ++i) transient.insert(cut(line[i], '='));
    return true;
  }

  void keep(const std::string& id, cib::Resource resource) {
    order_.push_back(ResourceId{id});
    resources_.insert_or_assign(ResourceId{id}, std::move(resource));
  }
  cib::Resource* release(const std::string& id) {
    std::erase(order_, ResourceId{id});
    const auto found = resources_.find(ResourceId{id});
    return found == resources_.end() ? nullptr : &found->second;
  }

  bool primitive(const Words& line) {
    if (line.size() < 3) return false;
    cib::Primitive primitive;
    primitive.id = ResourceId{line[1]};
    const Words agent = split(line[2], ':');
    primitive.standard = agent.front();
    primitive.type = agent.back();
    if (agent.size() == 3) primitive.provider = agent[1];
    Sections sections = read_sections(line, 3, line[1]);
    if (!sections.params.empty()) primitive.instance.push_back(set_of(line[1] + "-params", sections.params));
    if (!sections.meta.empty()) primitive.meta.push_back(set_of(line[1] + "-meta", sections.meta));
    primitive.operations = sections.operations;
    keep(line[1], primitive);
    return true;
  }

  bool group(const Words& line) {
    cib::Group group;
    group.id = ResourceId{line[1]};
    std::size_t at = 2;
    for (; at < line.size() && line[at] != "meta" && line[at] != "params"; ++at) {
      cib::Resource* member = release(line[at]);
      if (member == nullptr || !std::holds_alternative<cib::Primitive>(*member)) return false;
      group.members.push_back(std::get<cib::Primitive>(*member));
    }
    Sections sections = read_sections(line, at, line[1]);
    if (!sections.meta.empty()) group.meta.push_back(set_of(line[1] + "-meta", sections.meta));
    keep(line[1], group);
    return !group.members.empty();
  }

  bool clone(const Words& line) {
    if (line.size() < 3) return false;
    cib::Clone clone;
    clone.id = ResourceId{line[1]};
    const cib::Resource* child = release(line[2]);
    if (child == nullptr) return false;
    if (const auto* primitive = std::get_if<cib::Primitive>(child)) clone.child = *primitive;
    if (const auto* group = std::get_if<cib::Group>(child)) clone.child = *group;
    Sections sections = read_sections(line, 3, line[1]);
    if (!sections.meta.empty()) clone.meta.push_back(set_of(line[1] + "-meta", sections.meta));
    keep(line[1], clone);
    return true;
  }

  bool location(const Words& line) {
    if (line.size() < 5) return false;
    cib::Location location;
    location.id = line[1];
    location.resource = ResourceId{line[2]};
    std::size_t at = 3;
    if (line[at].starts_with("role=")) location.role = cut(line[at++], '=').second;
    if (line[at] != "rule") {
      location.node = NodeName{line[at]};
      const auto score = at + 1 < line.size() ? parse_score(line[at + 1]) : std::nullopt;
      location.score = score.value_or(Score{});
      story_.configuration.locations.push_back(location);
      return score.has_value();
    }
    if (at + 3 >= line.size()) return false;
    cib::Rule rule;
    rule.id = line[1] + "-rule";
    rule.score = parse_score(line[at + 1]).value_or(Score{});
    rule.role = location.role;
    static const std::map<std::string, cib::Compare> compares = {
        {"lt", cib::Compare::lt},           {"gt", cib::Compare::gt},
        {"lte", cib::Compare::lte},         {"gte", cib::Compare::gte},
        {"eq", cib::Compare::eq},           {"ne", cib::Compare::ne},
        {"defined", cib::Compare::defined}, {"not_defined", cib::Compare::not_defined}};
    const auto compare = compares.find(line[at + 3]);
    if (compare == compares.end()) return false;
    rule.expressions.push_back({.id = line[1] + "-expr",
                                .attribute = line[at + 2],
                                .value = at + 4 < line.size() ? line[at + 4] : "",
                                .operation = compare->second});
    location.rules.push_back(rule);
    story_.configuration.locations.push_back(location);
    return true;
  }

  bool colocation(const Words& line) {
    if (line.size() != 5 || !parse_score(line[2])) return false;
    cib::Colocation colocation;
    colocation.id = line[1];
    colocation.score = *parse_score(line[2]);
    colocation.resource = ResourceId{cut(line[3], ':').first};
    colocation.resource_role = cut(line[3], ':').second;
    colocation.with = ResourceId{cut(line[4], ':').first};
    colocation.with_role = cut(line[4], ':').second;
    story_.configuration.colocations.push_back(colocation);
    return true;
  }

  static std::vector<cib::ResourceSet> sets(const Words& line, std::size_t at) {
    std::vector<cib::ResourceSet> found;
    for (; at < line.size(); ++at) {
      if (line[at] == "set") {
        found.emplace_back().id = fmt::format("{}-{}", line[1], found.size());
      } else if (line[at] == "sequential=false") {
        found.back().sequential = false;
      } else if (line[at] == "require-all=false") {
        found.back().require_all = false;
      } else {
        found.back().members.push_back(ResourceId{line[at]});
      }
    }
    return found;
  }

  bool whole(const Words&) {
    story_.whole = true;
    return true;
  }

  bool order_sets(const Words& line) {
    if (line.size() < 4) return false;
    cib::Order order;
    order.id = line[1];
    if (line[2] == "optional") order.kind = cib::OrderKind::optional;
    const std::size_t at = line[2] == "set" ? 2 : 3;
    if (line[at] != "set") return false;
    order.sets = sets(line, at);
    story_.configuration.orders.push_back(order);
    return true;
  }

  bool colocation_sets(const Words& line) {
    if (line.size() < 5 || !parse_score(line[2]) || line[3] != "set") return false;
    cib::Colocation colocation;
    colocation.id = line[1];
    colocation.score = *parse_score(line[2]);
    colocation.sets = sets(line, 3);
    story_.configuration.colocations.push_back(colocation);
    return true;
  }

  bool order(const Words& line) {
    if (line.size() < 4) return false;
    cib::Order order;
    order.id = line[1];
    std::size_t at = 2;
    if (line[at] == "optional") order.kind = cib::OrderKind::optional;
    if (line[at] == "serialize") order.kind = cib::OrderKind::serialize, order.symmetrical = false;
    if (line[at] == "optional" || line[at] == "serialize" || line[at] == "mandatory") ++at;
    if (at + 1 >= line.size()) return false;
    const auto [first, first_action] = cut(line[at], ':');
    const auto [then, then_action] = cut(line[at + 1], ':');
    order.first = ResourceId{first};
    order.then = ResourceId{then};
    if (!first_action.empty()) order.first_action = first_action;
    order.then_action = then_action.empty() ? order.first_action : then_action;
    if (line.back() == "symmetrical=false") order.symmetrical = false;
    story_.configuration.orders.push_back(order);
    return true;
  }

  /// NAME=VALUE,…[^NAME,…]
  static void parameters(const std::string& text, cib::OperationResult& result) {
    const auto [all, fixed] = cut(text, '^');
    Pairs with, needing_restart;
    for (const std::string_view pair : split(all, ',')) with.insert(cut(std::string(pair), '='));
    result.digests.all = cib::digest_of(with, result.interval, std::chrono::seconds(20));
    if (text.find('^') == std::string::npos) return;
    result.digests.restart_only = " ";
    for (const std::string_view name : split(fixed, ',')) {
      result.digests.restart_only += fmt::format("{} ", name);
      if (const auto found = with.find(std::string(name)); found != with.end()) needing_restart.insert(*found);
    }
    result.digests.restart = cib::digest_of(needing_restart);
  }

  /// OP[/ms][@epoch][!expected]=RC[~PARAMETERS]
  bool result(const std::string& word, cib::OperationResult& result) {
    const auto [told, with] = cut(word, '~');
    const auto [left, right] = cut(told, '=');
    auto [rest, expected] = cut(left, '!');
    auto [name, when] = cut(rest, '@');
    auto [operation, interval] = cut(name, '/');
    result.operation = operation == "probe" ? "monitor" : operation;
    result.interval = std::chrono::milliseconds(parse_int<std::int64_t>(interval).value_or(0));
    result.expected_rc = expected.empty() ? (operation == "probe" ? 7 : 0) : parse_int<int>(expected).value_or(0);
    result.last_rc_change = parse_int<std::int64_t>(when).value_or(1);
    if (right == "pending") {
      result.status = cib::OpStatus::pending;
      result.rc = int(cib::Rc::pending);
    } else if (right == "timeout") {
      result.status = cib::OpStatus::timed_out;
      result.rc = int(cib::Rc::error);
    } else {
      const auto rc = parse_int<int>(right);
      if (!rc) return false;
      result.rc = *rc;
    }
    if (word.find('~') != std::string::npos) parameters(with, result);
    return true;
  }

  bool history(const Words& line) {
    if (line.size() < 4) return false;
    cib::NodeState& node = story_.status.nodes[NodeName{line[1]}];
    cib::ResourceHistory& history = node.history[ResourceId{line[2]}];
    const std::string plain = cut(line[2], ':').first;
    const auto found = resources_.find(ResourceId{plain});
    history.standard = "ocf";
    history.provider = "heartbeat";
    history.type = "Dummy";
    if (found != resources_.end() && std::holds_alternative<cib::Primitive>(found->second)) {
      const auto& primitive = std::get<cib::Primitive>(found->second);
      history.standard = primitive.standard;
      history.provider = primitive.provider;
      history.type = primitive.type;
    }
    for (std::size_t i = 3; i < line.size(); ++i) {
      cib::OperationResult entry;
      entry.resource = ResourceId{line[2]};
      entry.call_id = ++call_;
      if (!result(line[i], entry)) return false;
      cib::record(history, entry);
    }
    return true;
  }

  Story story_;
  std::map<ResourceId, cib::Resource> resources_;
  std::vector<ResourceId> order_;
  std::int32_t call_ = 0;
};

}  // namespace

Result<Story> parse_story(std::string_view text) {
  return Reader{}.read(text);
}

}  // namespace systole::scheduler::testing
