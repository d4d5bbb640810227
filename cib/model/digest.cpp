// SPDX-License-Identifier: GPL-2.0-or-later
// Parameters as the text of one XML element, and its MD5. The escapes are Pacemaker's own, oddities included: another
// spelling would be another digest, and every resource of a CIB that came from there would look changed.
#include "cib/model/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/uuid/detail/md5.hpp>

namespace systole::cib {

namespace {

bool counts(std::string_view name) {
  constexpr std::array<std::string_view, 6> left_out{"id",      "crm_feature_set", "op_digest",
                                                     "on_node", "on_node_uuid",    "pcmk_external_ip"};
  return !name.starts_with("CRM_meta_") && std::ranges::find(left_out, name) == left_out.end();
}

std::string escaped(char c) {
  switch (c) {
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&apos;";
    case '&':
      return "&amp;";
    case '\t':
      return "    ";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    default:
      return c >= ' ' && c <= '~' ? std::string(1, c) : fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
}

/// From the first character beyond ASCII on nothing is escaped.
std::string escaped(std::string_view value) {
  std::string text;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const auto high = [&](std::size_t i) { return i < value.size() && (static_cast<unsigned char>(value[i]) & 0x80); };
    if (high(at) && high(at + 1)) return text.append(value.substr(at));
    text += escaped(value[at]);
  }
  return text;
}

std::string md5_of(std::string_view text) {
  boost::uuids::detail::md5 hash;
  hash.process_bytes(text.data(), text.size());
  boost::uuids::detail::md5::digest_type parts;  // words, or in later releases bytes: most significant digit first
  hash.get_digest(parts);
  std::string hex;
  for (const auto part : parts) hex += fmt::format("{:0{}x}", part, 2 * sizeof part);
  return hex;
}

}  // namespace

std::string digest_of(Pairs parameters, std::optional<Duration> timeout) {
  std::erase_if(parameters, [](const auto& pair) { return !counts(pair.first) || pair.second.empty(); });
  if (timeout) parameters["CRM_meta_timeout"] = std::to_string(to_ms(*timeout));
  std::string text;
  for (const auto& [name, value] : parameters) text += fmt::format(" {}=\"{}\"", name, escaped(value));
  return md5_of(fmt::format(" <parameters{}/>\n", text));
}

std::string digest_of(const Pairs& parameters, Duration interval, Duration timeout) {
  return digest_of(parameters, interval == Duration{} ? std::nullopt : std::optional(timeout));
}

}  // namespace systole::cib
