// SPDX-License-Identifier: GPL-2.0-or-later
// See agent_meta_data.hpp. Names follow OCF Resource Agent API 1.0 and 1.1.
#include "cib/xml/agent_meta_data.hpp"

#include <fmt/format.h>

#include "cib/xml/tree.hpp"
#include "common/base/text.hpp"

namespace systole::cib {
namespace {

constexpr std::size_t meta_data_bytes_max = 1 << 20;

/// Of several languages the English one, else the first.
std::string description(const xmlNode* parent, std::string_view tag) {
  const auto all = xml::elements(parent, tag);
  for (const xmlNode* const one : all)
    if (xml::text_of(one, "lang").starts_with("en")) return xml::content_of(one);
  return all.empty() ? "" : xml::content_of(all.front());
}

bool is_true(const xmlNode* element, const char* name) {
  return parse_bool(xml::text_of(element, name)).value_or(false);
}

AgentParameter parameter_of(const xmlNode* element) {
  AgentParameter parameter;
  parameter.name = xml::text_of(element, "name");
  parameter.brief = description(element, "shortdesc");
  parameter.about = description(element, "longdesc");
  parameter.required = is_true(element, "required");
  parameter.unique = is_true(element, "unique") || xml::attribute(element, "unique-group").has_value();
  parameter.reloadable = is_true(element, "reloadable");
  if (const xmlNode* const content = xml::child(element, "content")) {
    parameter.type = xml::text_of(content, "type");
    parameter.fallback = xml::attribute(content, "default");
  }
  if (const xmlNode* const deprecated = xml::child(element, "deprecated")) {
    parameter.deprecated = xml::content_of(deprecated);
    if (parameter.deprecated.empty()) parameter.deprecated = "deprecated";
  }
  return parameter;
}

AgentAction action_of(const xmlNode* element) {
  return {xml::text_of(element, "name"), xml::text_of(element, "timeout"), xml::text_of(element, "interval"),
          xml::text_of(element, "role"), xml::text_of(element, "depth")};
}

}  // namespace

Result<AgentMetaData> parse_agent_meta_data(std::string_view text, std::string_view what) {
  const auto tree = xml::parse(text, meta_data_bytes_max, what, xml::Doctype::ignored);
  if (!tree) return tree.error();
  const xmlNode* const root = xml::root_of(*tree);
  if (!xml::is_element(root, "resource-agent"))
    return Error{Errc::invalid,
                 fmt::format("{}: the outermost element is <{}>, not <resource-agent>", what, xml::tag_of(root))};
  AgentMetaData data;
  data.name = xml::text_of(root, "name");
  data.version = xml::text_of(root, "version");
  data.ocf_version = xml::content_of(xml::child(root, "version"));
  data.brief = description(root, "shortdesc");
  data.about = description(root, "longdesc");
  for (const xmlNode* const list : xml::elements(root, "parameters"))
    for (const xmlNode* const one : xml::elements(list, "parameter")) data.parameters.push_back(parameter_of(one));
  for (const xmlNode* const list : xml::elements(root, "actions"))
    for (const xmlNode* const one : xml::elements(list, "action")) data.actions.push_back(action_of(one));
  return data;
}

}  // namespace systole::cib
