// SPDX-License-Identifier: GPL-2.0-or-later
// See stored_attribute.hpp.
#include "tools/stored_attribute.hpp"

#include <fmt/format.h>

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

std::string_view scope_of(const StoredAttribute& attribute) {
  return attribute.where == StoredAttribute::Where::nodes ? "nodes" : "crm_config";
}

Result<std::string> path_of(const StoredAttribute& attribute) {
  std::string path = "/cib/configuration/crm_config/cluster_property_set";
  if (attribute.where == StoredAttribute::Where::nodes) {
    const auto node = xpath_literal(attribute.node);
    if (!node) return Error{Errc::invalid, fmt::format("'{}' is no name of a node", attribute.node)};
    path = fmt::format("/cib/configuration/nodes/node[@uname={}]/instance_attributes", *node);
  }
  const auto step = [](std::string_view key, const std::string& value) -> Result<std::string> {
    if (value.empty()) return std::string();
    const auto literal = xpath_literal(value);
    if (!literal) return Error{Errc::invalid, fmt::format("'{}' holds both kinds of quotes", value)};
    return fmt::format("[@{}={}]", key, *literal);
  };
  const auto set = step("id", attribute.set), name = step("name", attribute.name), id = step("id", attribute.id);
  for (const auto* part : {&set, &name, &id})
    if (!*part) return part->error();
  return fmt::format("{}{}/nvpair{}{}", path, *set, *name, *id);
}

ipc::Request query(std::string xpath, bool no_children = false) {
  ipc::QueryCib query;
  query.xpath = std::move(xpath);
  query.no_children = no_children;
  return query;
}

ipc::Request change(cib::Change kind, std::string_view scope, std::string xml, const std::string& client) {
  ipc::ChangeCib change;
  change.request.change = kind;
  change.request.scope = scope;
  change.request.xml = std::move(xml);
  change.request.allow_create = true;
  change.request.client = client;
  return change;
}

Result<Done> ask(DaemonLink& daemon, const ipc::Request& request) {
  const auto reply = daemon.ask(request);
  if (!reply) return reply.error();
  return Done{reply->exit_code, reply->text};
}

/// Whole path down to the nvpair: what exists of it is found by its ids, the rest is made.
Result<std::string> new_element(DaemonLink& daemon, const StoredAttribute& attribute, const std::string& value) {
  const auto nvpair = [&](const std::string& set) {
    return fmt::format(R"(<nvpair id="{}" name="{}" value="{}"/>)", escape_xml(set + "-" + safe_id(attribute.name)),
                       escape_xml(attribute.name), escape_xml(value));
  };
  if (attribute.where == StoredAttribute::Where::crm_config) {
    const std::string set = attribute.set.empty() ? "cib-bootstrap-options" : attribute.set;
    return fmt::format(R"(<crm_config><cluster_property_set id="{}">{}</cluster_property_set></crm_config>)",
                       escape_xml(set), nvpair(set));
  }
  const auto literal = xpath_literal(attribute.node);
  if (!literal) return Error{Errc::invalid, fmt::format("'{}' is no name of a node", attribute.node)};
  const auto node = daemon.ask(query(fmt::format("/cib/configuration/nodes/node[@uname={}]", *literal), true));
  if (!node) return node.error();
  const auto id = find_attribute(node->text, "node", "id");
  if (node->exit_code != 0 || !id)
    return Error{Errc::not_found, fmt::format("the configuration knows no node '{}'", attribute.node)};
  const std::string set = attribute.set.empty() ? "nodes-" + *id : attribute.set;
  return fmt::format(
      R"(<nodes><node id="{}" uname="{}"><instance_attributes id="{}">{}</instance_attributes></node></nodes>)",
      escape_xml(*id), escape_xml(attribute.node), escape_xml(set), nvpair(set));
}

}  // namespace

Result<std::vector<Nvpair>> find_stored(DaemonLink& daemon, const StoredAttribute& attribute) {
  const auto path = path_of(attribute);
  if (!path) return path.error();
  const auto reply = daemon.ask(query(*path));
  if (!reply) return reply.error();
  if (reply->exit_code == exit_code::no_such) return std::vector<Nvpair>{};
  if (reply->exit_code != 0) return refusal(*reply);
  return find_nvpairs(reply->text);
}

Result<Done> store(DaemonLink& daemon, const StoredAttribute& attribute, const std::string& value,
                   const std::string& client) {
  const auto found = find_stored(daemon, attribute);
  if (!found) return found.error();
  if (found->size() > 1)
    return Done{exit_code::multiple,
                fmt::format("'{}' is set {} times; name the set with -s", attribute.name, found->size())};
  if (found->size() == 1)
    return ask(daemon, change(cib::Change::modify, scope_of(attribute),
                              fmt::format(R"(<nvpair id="{}" name="{}" value="{}"/>)", escape_xml(found->front().id),
                                          escape_xml(attribute.name), escape_xml(value)),
                              client));
  auto element = new_element(daemon, attribute, value);
  if (!element) return element.error();
  return ask(daemon, change(cib::Change::modify, scope_of(attribute), std::move(*element), client));
}

Result<Done> erase(DaemonLink& daemon, const StoredAttribute& attribute, const std::string& client) {
  const auto found = find_stored(daemon, attribute);
  if (!found) return found.error();
  if (found->empty()) return Done{};
  if (found->size() > 1)
    return Done{exit_code::multiple,
                fmt::format("'{}' is set {} times; name the set with -s", attribute.name, found->size())};
  auto done = ask(daemon, change(cib::Change::erase, scope_of(attribute),
                                 fmt::format(R"(<nvpair id="{}" name="{}"/>)", escape_xml(found->front().id),
                                             escape_xml(attribute.name)),
                                 client));
  if (done && done->exit_code == 0) done->text = found->front().id;
  return done;
}

}  // namespace systole::tools
