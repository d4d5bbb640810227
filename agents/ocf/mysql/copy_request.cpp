// SPDX-License-Identifier: GPL-2.0-or-later
// See copy_request.hpp.
#include "agents/ocf/mysql/copy_request.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::size_t name_bytes_max = 255;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_bytes_max && text.front() != '-' &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '\'' && c != '"' && c != '\\'; });
}

}  // namespace

std::string to_text(const CopyRequest& request) {
  return fmt::format("{} {} {} {}{}", request.giver, request.host, request.port, request.nonce,
                     request.dump_only ? " dump" : "");
}

std::optional<CopyRequest> parse_copy_request(std::string_view text) {
  const auto parts = words(text);
  const bool dump_only = parts.size() == 5 && parts[4] == "dump";
  if ((parts.size() != 4 && !dump_only) || !std::ranges::all_of(parts, is_name)) return std::nullopt;
  const auto port = parse_int<std::uint16_t>(parts[2]);
  if (!port || *port == 0) return std::nullopt;
  return CopyRequest{.giver = parts[0], .host = parts[1], .port = *port, .nonce = parts[3], .dump_only = dump_only};
}

std::string copy_request_name(std::string_view resource) {
  return fmt::format("{}-copy", resource);
}

}  // namespace systole::mysql
