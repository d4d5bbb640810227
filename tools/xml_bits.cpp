// SPDX-License-Identifier: GPL-2.0-or-later
// See xml_bits.hpp. libxml2 prints attributes as name="value" with ", <, > and & escaped, so that a quote ends the
// value and a '>' outside of quotes ends the tag.
#include "tools/xml_bits.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include "common/base/text.hpp"

namespace systole::tools {
namespace {

struct Entity {
  std::string_view name;
  char meaning;
};
constexpr std::array<Entity, 5> entities{{{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}}};

void append_utf8(std::string& text, std::uint32_t code) {
  const auto put = [&text](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

std::optional<std::uint32_t> character_number(std::string_view name) {
  if (!name.starts_with("#")) return {};
  const bool hex = name.starts_with("#x");
  const std::string_view digits = name.substr(hex ? 2 : 1);
  std::uint32_t code = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
  if (failed != std::errc{} || end != digits.data() + digits.size() || code > 0x10ffff) return {};
  return code;
}

std::string unescape(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const std::size_t end = text.front() == '&' ? text.find(';') : std::string_view::npos;
    if (end == std::string_view::npos) {
      plain.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    const std::string_view name = text.substr(1, end - 1);
    const auto entity = std::ranges::find(entities, name, &Entity::name);
    if (entity != entities.end())
      plain.push_back(entity->meaning);
    else if (const auto code = character_number(name))
      append_utf8(plain, *code);
    else
      plain += text.substr(0, end + 1);
    text.remove_prefix(end + 1);
  }
  return plain;
}

/// The start tag at the beginning of the text: from "<" to its ">" outside of quotes.
std::string_view start_tag(std::string_view text) {
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == quote) quote = 0;
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    } else if (text[i] == '>') {
      return text.substr(0, i + 1);
    }
  }
  return text;
}

/// Finds the next start tag of that name at or after `from`; npos: none.
std::size_t next_tag(std::string_view xml, std::string_view tag, std::size_t from) {
  for (std::size_t at = xml.find('<', from); at != std::string_view::npos; at = xml.find('<', at + 1)) {
    const std::string_view rest = xml.substr(at + 1);
    if (rest.starts_with(tag) && rest.size() > tag.size() &&
        (std::isspace(static_cast<unsigned char>(rest[tag.size()])) != 0 || rest[tag.size()] == '>' ||
         rest[tag.size()] == '/'))
      return at;
  }
  return std::string_view::npos;
}

std::optional<std::string> attribute_of(std::string_view tag, std::string_view name) {
  std::size_t at = tag.find_first_of(" \t\n");
  while (at != std::string_view::npos) {
    at = tag.find_first_not_of(" \t\n", at);
    if (at == std::string_view::npos) break;
    const std::size_t equals = tag.find('=', at);
    if (equals == std::string_view::npos || equals + 1 >= tag.size()) break;
    const char quote = tag[equals + 1];
    const std::size_t end = tag.find(quote, equals + 2);
    if ((quote != '"' && quote != '\'') || end == std::string_view::npos) break;
    if (tag.substr(at, equals - at) == name) return unescape(tag.substr(equals + 2, end - equals - 2));
    at = end + 1;
  }
  return {};
}

}  // namespace

std::string escape_xml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto entity = std::ranges::find(entities, c, &Entity::meaning);
    if (entity != entities.end())
      escaped.append("&").append(entity->name).append(";");
    else if (c == '\n')
      escaped += "&#10;";
    else if (c == '\t')
      escaped += "&#9;";
    else
      escaped.push_back(c);
  }
  return escaped;
}

std::optional<std::string> xpath_literal(std::string_view text) {
  const char quote = text.find('\'') == std::string_view::npos ? '\'' : '"';
  if (text.find(quote) != std::string_view::npos) return {};
  return quote + std::string(text) + quote;
}

std::vector<Nvpair> find_nvpairs(std::string_view xml) {
  std::vector<Nvpair> found;
  for (std::size_t at = next_tag(xml, "nvpair", 0); at != std::string_view::npos;
       at = next_tag(xml, "nvpair", at + 1)) {
    const std::string_view tag = start_tag(xml.substr(at));
    found.push_back({attribute_of(tag, "id").value_or(""), attribute_of(tag, "name").value_or(""),
                     attribute_of(tag, "value").value_or("")});
  }
  return found;
}

std::optional<std::string> find_attribute(std::string_view xml, std::string_view tag, std::string_view attribute) {
  const std::size_t at = next_tag(xml, tag, 0);
  if (at == std::string_view::npos) return {};
  return attribute_of(start_tag(xml.substr(at)), attribute);
}

std::vector<std::string> find_attributes(std::string_view xml, std::string_view tag, std::string_view attribute) {
  std::vector<std::string> found;
  for (std::size_t at = next_tag(xml, tag, 0); at != std::string_view::npos; at = next_tag(xml, tag, at + 1))
    found.push_back(attribute_of(start_tag(xml.substr(at)), attribute).value_or(""));
  return found;
}

std::string safe_id(std::string_view text) {
  std::string id(text);
  for (char& c : id) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 && c != '-' && c != '_' && c != '.') c = '.';
  }
  return id;
}

}  // namespace systole::tools
