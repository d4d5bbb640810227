// SPDX-License-Identifier: GPL-2.0-or-later
// The table as OCF meta-data. Written by hand, line by line: an XML library would double the start-up time of every
// agent, and the only danger of writing XML by hand, forgotten escapes, is met by passing all text through one
// function.
#include "agents/kit/table.hpp"

#include <fmt/format.h>

#include <iterator>

#include "common/base/ensure.hpp"

namespace systole::agents {

namespace {

// ocf-tester and crmsh validate by the OCF 1.0 DTD of resource-agents, which knows nothing of OCF 1.1's attributes and
// of actions such as reload-agent; the first declaration of an attribute wins, and the internal subset is read first.
constexpr std::string_view head = R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd" [
<!ATTLIST parameter unique-group CDATA #IMPLIED reloadable (1|0) #IMPLIED>
<!ATTLIST action name CDATA #REQUIRED>
]>
)";

std::string_view type_name(ParamType type) {
  switch (type) {
    case ParamType::string:
      return "string";
    case ParamType::integer:
      return "integer";
    case ParamType::boolean:
      return "boolean";
    case ParamType::time:
      return "time";
  }
  return "string";
}

std::string attribute(std::string_view name, std::string_view value) {
  return value.empty() ? std::string() : fmt::format(" {}=\"{}\"", name, xml_escaped(value));
}

void append_parameter(std::string& out, const Param& p) {
  auto at = std::back_inserter(out);
  fmt::format_to(at, "<parameter name=\"{}\" unique=\"{:d}\" required=\"{:d}\" reloadable=\"{:d}\"{}>\n",
                 xml_escaped(p.name), p.unique, p.required, p.reloadable,
                 p.unique ? attribute("unique-group", p.name) : "");
  fmt::format_to(at, "<longdesc lang=\"en\">{}</longdesc>\n", xml_escaped(p.about.empty() ? p.brief : p.about));
  fmt::format_to(at, "<shortdesc lang=\"en\">{}</shortdesc>\n", xml_escaped(p.brief));
  fmt::format_to(at, "<content type=\"{}\"{}/>\n</parameter>\n", type_name(p.type), attribute("default", p.fallback));
}

void append_action(std::string& out, const Action& a) {
  ensure(!a.timeout.empty());
  fmt::format_to(std::back_inserter(out), "<action{}{}{}{}{}/>\n", attribute("name", a.name),
                 attribute("timeout", a.timeout), attribute("interval", a.interval), attribute("role", a.role),
                 attribute("depth", a.depth));
}

}  // namespace

std::string xml_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
      case '\t':
        out += c;
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;  // XML 1.0 has no way to write these
    }
  }
  return out;
}

std::string meta_data(const About& about) {
  std::string out(head);
  auto at = std::back_inserter(out);
  fmt::format_to(at, "<resource-agent name=\"{}\" version=\"{}\">\n<version>1.1</version>\n", xml_escaped(about.name),
                 xml_escaped(about.version));
  fmt::format_to(at, "<longdesc lang=\"en\">{}</longdesc>\n<shortdesc lang=\"en\">{}</shortdesc>\n",
                 xml_escaped(about.about), xml_escaped(about.brief));
  out += "<parameters>\n";
  for (const Param& p : about.params) append_parameter(out, p);
  out += "</parameters>\n<actions>\n";
  for (const Action& a : about.actions) append_action(out, a);
  out += "</actions>\n</resource-agent>\n";
  return out;
}

}  // namespace systole::agents
