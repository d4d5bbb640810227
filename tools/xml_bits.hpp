// SPDX-License-Identifier: GPL-2.0-or-later
// As much XML as the attribute tools need, without libxml2, which would triple their start-up time: attribute values of
// the elements that the daemon itself printed, and text made safe to be put into XML or XPath.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace systole::tools {

std::string escape_xml(std::string_view text);

/// A literal for XPath; nullopt: the text holds both kinds of quotes, which XPath 1.0 cannot say.
std::optional<std::string> xpath_literal(std::string_view text);

struct Nvpair {
  std::string id, name, value;
  bool operator==(const Nvpair&) const = default;
};

/// All <nvpair …> start tags in XML as libxml2 prints it.
std::vector<Nvpair> find_nvpairs(std::string_view xml);

/// Value of an attribute of the first start tag of that name; nullopt: no such tag or attribute.
std::optional<std::string> find_attribute(std::string_view xml, std::string_view tag, std::string_view attribute);

/// The same of every start tag of that name, in order; "" where it has no such attribute.
std::vector<std::string> find_attributes(std::string_view xml, std::string_view tag, std::string_view attribute);

/// An id that XML allows: other characters become dots.
std::string safe_id(std::string_view text);

}  // namespace systole::tools
