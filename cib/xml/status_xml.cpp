// SPDX-License-Identifier: GPL-2.0-or-later
// The status section both ways. Names, ids and attribute order are those that Pacemaker 2.1 writes, since agents, crmsh
// and the exporter read them with regular expressions.
#include <fmt/format.h>

#include <algorithm>

#include "cib/xml/cib_xml.hpp"
#include "cib/xml/reader.hpp"
#include "common/base/text.hpp"

namespace systole::cib::xml {

namespace {

constexpr const char* feature_set = "3.16.1";
constexpr const char* origin = "systole";

/// Ids cannot hold '#' and ':'; Pacemaker writes '.' instead.
std::string as_id(std::string text) {
  std::ranges::replace(text, '#', '.');
  std::ranges::replace(text, ':', '.');
  return text;
}

void write_result(xmlNode* parent, const std::string& key, const NodeState& node, const OperationResult& result) {
  xmlNode* op = add_child(parent, "lrm_rsc_op");
  const auto set = [&](const char* name, const std::string& value) { set_attribute(op, name, value); };
  const auto number = [&](const char* name, std::int64_t value) { set_attribute(op, name, std::to_string(value)); };
  set("id", result.resource.value + "_" + key);
  set("operation_key", fmt::format("{}_{}_{}", result.resource.value, result.operation, to_ms(result.interval)));
  set("operation", result.operation);
  set("crm-debug-origin", origin);
  set("crm_feature_set", feature_set);
  set("transition-key", result.transition_key);
  set("transition-magic",
      fmt::format("{}:{};{}", static_cast<std::int32_t>(result.status), result.rc, result.transition_key));
  set("exit-reason", result.exit_reason);
  set("on_node", node.uname.value);
  number("call-id", result.call_id);
  number("rc-code", result.rc);
  number("op-status", static_cast<std::int32_t>(result.status));
  number("interval", to_ms(result.interval));
  number("last-rc-change", result.last_rc_change);
  number("exec-time", result.exec_ms);
  number("queue-time", result.queue_ms);
  const Digests& with = result.digests;
  for (const auto& [name, value] : {std::pair{"op-digest", &with.all},
                                    {"op-restart-digest", &with.restart},
                                    {"op-force-restart", &with.restart_only},
                                    {"op-secure-digest", &with.open},
                                    {"op-secure-params", &with.secrets}})
    if (!value->empty()) set(name, *value);
}

void write_history(xmlNode* state, const NodeState& node) {
  xmlNode* lrm = add_child(state, "lrm");
  set_attribute(lrm, "id", node.id);
  xmlNode* resources = add_child(lrm, "lrm_resources");
  for (const auto& [id, history] : node.history) {
    xmlNode* resource = add_child(resources, "lrm_resource");
    set_attribute(resource, "id", id.value);
    set_attribute(resource, "type", history.type);
    set_attribute(resource, "class", history.standard);
    if (!history.provider.empty()) set_attribute(resource, "provider", history.provider);
    for (const auto& [key, entry] : history.entries) {
      OperationResult named = entry;
      named.resource = id;
      write_result(resource, key, node, named);
    }
  }
}

void write_attributes(xmlNode* state, const NodeState& node) {
  if (node.transient.empty()) return;
  xmlNode* all = add_child(state, "transient_attributes");
  set_attribute(all, "id", node.id);
  xmlNode* set = add_child(all, "instance_attributes");
  const std::string set_id = "status-" + node.id;
  set_attribute(set, "id", set_id);
  for (const auto& [name, value] : node.transient) {
    xmlNode* pair = add_child(set, "nvpair");
    set_attribute(pair, "id", as_id(set_id + "-" + name));
    set_attribute(pair, "name", name);
    set_attribute(pair, "value", value);
  }
}

/// "action:transition:target_rc:uuid": the third field.
std::int32_t target_rc(std::string_view transition_key) {
  const auto parts = split(transition_key, ':');
  return parts.size() < 4 ? 0 : parse_int<std::int32_t>(parts[2]).value_or(0);
}

OperationResult read_result(const xmlNode* op, const ResourceId& resource) {
  const auto number = [&]<class N>(const char* name, N fallback) {
    return parse_int<N>(text_of(op, name)).value_or(fallback);
  };
  OperationResult read;
  read.resource = resource;
  read.operation = text_of(op, "operation");
  read.interval =
      std::chrono::milliseconds(std::clamp<std::int64_t>(number("interval", std::int64_t{0}), 0, 1LL << 42));
  read.call_id = number("call-id", std::int32_t{0});
  read.rc = number("rc-code", std::int32_t{0});
  const auto status = number("op-status", std::int32_t{0});
  const bool known = status >= -1 && status <= static_cast<std::int32_t>(OpStatus::invalid);
  read.status = known ? static_cast<OpStatus>(status) : OpStatus::error;
  read.exit_reason = text_of(op, "exit-reason");
  read.transition_key = text_of(op, "transition-key");
  if (read.transition_key.empty()) {  // older releases wrote only the magic: "status:rc;key"
    const std::string magic = text_of(op, "transition-magic");
    const auto at = magic.find(';');
    if (at != std::string::npos) read.transition_key = magic.substr(at + 1);
  }
  read.expected_rc = target_rc(read.transition_key);
  read.last_rc_change = number("last-rc-change", std::int64_t{0});
  read.exec_ms = number("exec-time", std::int64_t{0});
  read.queue_ms = number("queue-time", std::int64_t{0});
  read.digests = {.all = text_of(op, "op-digest"),
                  .restart = text_of(op, "op-restart-digest"),
                  .restart_only = text_of(op, "op-force-restart"),
                  .open = text_of(op, "op-secure-digest"),
                  .secrets = text_of(op, "op-secure-params")};
  return read;
}

/// The key under which record() would file it: the id without "RSC_", or what the operation says.
std::string key_of(const xmlNode* op, const OperationResult& read) {
  const std::string id = text_of(op, "id"), prefix = read.resource.value + "_";
  if (id.starts_with(prefix) && id.size() > prefix.size()) return id.substr(prefix.size());
  return fmt::format("{}_{}", read.operation, to_ms(read.interval));
}

std::map<ResourceId, ResourceHistory> read_history(const xmlNode* state) {
  std::map<ResourceId, ResourceHistory> all;
  for (const xmlNode* resource : elements(child(child(state, "lrm"), "lrm_resources"), "lrm_resource")) {
    const ResourceId id{text_of(resource, "id")};
    ResourceHistory& history = all[id];
    history.standard = text_of(resource, "class");
    history.provider = text_of(resource, "provider");
    history.type = text_of(resource, "type");
    for (const xmlNode* op : elements(resource, "lrm_rsc_op")) {
      OperationResult read = read_result(op, id);
      history.entries[key_of(op, read)] = std::move(read);
    }
  }
  return all;
}

/// true, or (since Pacemaker 2.1.7) the time since when.
bool holds(const std::string& text) {
  return parse_bool(text).value_or(parse_int<std::int64_t>(text).value_or(0) > 0);
}

}  // namespace

void write_status(xmlNode* section, const Status& status) {
  for (const auto& [uname, node] : status.nodes) {
    xmlNode* state = add_child(section, "node_state");
    set_attribute(state, "id", node.id);
    set_attribute(state, "uname", uname.value);
    set_attribute(state, "in_ccm", node.member ? "true" : "false");
    set_attribute(state, "crmd", node.online ? "online" : "offline");
    set_attribute(state, "join", node.join);
    set_attribute(state, "expected", node.expected);
    set_attribute(state, "crm-debug-origin", origin);
    write_history(state, node);
    write_attributes(state, node);
  }
}

StatusOrder read_status_order(const xmlNode* section) {
  StatusOrder order;
  for (const xmlNode* state : elements(section, "node_state")) {
    order.push_back({NodeName{attribute(state, "uname").value_or(text_of(state, "id"))}, {}});
    for (const xmlNode* resource : elements(child(child(state, "lrm"), "lrm_resources"), "lrm_resource"))
      order.back().second.push_back(ResourceId{text_of(resource, "id")});
  }
  return order;
}

Status read_status(const xmlNode* section) {
  Status status;
  for (const xmlNode* state : elements(section, "node_state")) {
    NodeState node;
    node.id = text_of(state, "id");
    node.uname.value = attribute(state, "uname").value_or(node.id);
    node.member = holds(text_of(state, "in_ccm"));
    node.online = text_of(state, "crmd") == "online" || holds(text_of(state, "crmd"));
    node.join = attribute(state, "join").value_or("down");
    node.expected = attribute(state, "expected").value_or("down");
    for (const xmlNode* set : elements(child(state, "transient_attributes"), "instance_attributes")) {
      for (const xmlNode* pair : elements(set, "nvpair")) {
        if (const auto value = attribute(pair, "value")) node.transient.emplace(text_of(pair, "name"), *value);
      }
    }
    node.history = read_history(state);
    status.nodes[node.uname] = std::move(node);
  }
  return status;
}

}  // namespace systole::cib::xml
