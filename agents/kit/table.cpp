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

// ocf-tester validates by DTD. The one of resource-agents is of OCF 1.0: it knows neither 1.1's attributes nor actions
// such as reload-agent, and a document that refers to it may add attributes but not elements (a second declaration of
// an element is an error). So the document refers to none and brings its own; pcs' RELAX NG schema ignores it. It
// names no encoding (UTF-8 goes without saying), because crmsh reads no document that does.
constexpr std::string_view head = R"(<?xml version="1.0"?>
<!DOCTYPE resource-agent [
<!ELEMENT resource-agent (version,longdesc,shortdesc,parameters,actions)>
<!ATTLIST resource-agent name CDATA #REQUIRED version CDATA #IMPLIED>
<!ELEMENT version (#PCDATA)>
<!ELEMENT longdesc (#PCDATA)>
<!ATTLIST longdesc lang NMTOKEN #IMPLIED>
<!ELEMENT shortdesc (#PCDATA)>
<!ATTLIST shortdesc lang NMTOKEN #IMPLIED>
<!ELEMENT parameters (parameter*)>
<!ELEMENT parameter (longdesc,shortdesc,deprecated?,content)>
<!ATTLIST parameter name CDATA #REQUIRED unique (1|0) "0" required (1|0) "0" reloadable (1|0) "0"
 unique-group CDATA #IMPLIED>
<!ELEMENT deprecated (replaced-with*)>
<!ELEMENT replaced-with EMPTY>
<!ATTLIST replaced-with name CDATA #REQUIRED>
<!ELEMENT content (option*)>
<!ATTLIST content type (string|integer|boolean|time|select) #REQUIRED default CDATA #IMPLIED>
<!ELEMENT option EMPTY>
<!ATTLIST option value CDATA #REQUIRED>
<!ELEMENT actions (action*)>
<!ELEMENT action EMPTY>
<!ATTLIST action name CDATA #REQUIRED timeout CDATA #REQUIRED interval CDATA #IMPLIED role CDATA #IMPLIED
 depth CDATA #IMPLIED>
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

std::string content(const Param& p, std::string_view fallback) {
  if (p.choices.empty())
    return fmt::format("<content type=\"{}\"{}/>\n", type_name(p.type), attribute("default", fallback));
  std::string out = fmt::format("<content type=\"select\"{}>\n", attribute("default", fallback));
  for (const std::string_view choice : p.choices) out += fmt::format("<option value=\"{}\"/>\n", xml_escaped(choice));
  return out + "</content>\n";
}

/// alias empty: the parameter under its own name.
void append_parameter(std::string& out, const Param& p, std::string_view alias) {
  auto at = std::back_inserter(out);
  fmt::format_to(at, "<parameter name=\"{}\" unique=\"{:d}\" required=\"{:d}\" reloadable=\"{:d}\"{}>\n",
                 xml_escaped(alias.empty() ? p.name : alias), p.unique, p.required && alias.empty(), p.reloadable,
                 p.unique ? attribute("unique-group", p.name) : "");
  const std::string about =
      alias.empty() ? std::string(p.about.empty() ? p.brief : p.about) : fmt::format("The older name of '{}'.", p.name);
  fmt::format_to(at, "<longdesc lang=\"en\">{}</longdesc>\n", xml_escaped(about));
  fmt::format_to(at, "<shortdesc lang=\"en\">{}</shortdesc>\n", xml_escaped(p.brief));
  if (!alias.empty()) {
    fmt::format_to(at, "<deprecated>\n<replaced-with name=\"{}\"/>\n</deprecated>\n", xml_escaped(p.name));
  }
  out += content(p, alias.empty() ? p.fallback : std::string_view{});
  out += "</parameter>\n";
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
  for (const Param& p : about.params) {
    append_parameter(out, p, {});
    for (const std::string_view alias : p.aliases) append_parameter(out, p, alias);
  }
  out += "</parameters>\n<actions>\n";
  for (const Action& a : about.actions) append_action(out, a);
  out += "</actions>\n</resource-agent>\n";
  return out;
}

}  // namespace systole::agents
