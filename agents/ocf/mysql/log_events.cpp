// SPDX-License-Identifier: GPL-2.0-or-later
// See log_events.hpp.
#include "agents/ocf/mysql/log_events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::size_t header_bytes = 19;
constexpr std::size_t query_fixed_bytes = 13;  // thread 4, time 4, database length 1, error 2, status length 2
constexpr std::size_t listed_gtid_bytes = 16;  // domain 4, server 4, sequence 8
constexpr std::uint32_t listed_count_mask = 0x0fffffff;

}  // namespace

std::optional<GtidEvent> gtid_of(const LogEvent& event) {
  if (event.body.size() < 13) return std::nullopt;
  return GtidEvent{.gtid = {.domain = little_endian<std::uint32_t>(event.body, 8),
                            .server = event.server,
                            .sequence = little_endian<std::uint64_t>(event.body, 0)},
                   .standalone = (std::to_integer<unsigned>(event.body[12]) & 1U) != 0};
}

std::optional<GtidList> gtid_list_of(const LogEvent& event) {
  if (event.body.size() < 4) return std::nullopt;
  const std::size_t count = little_endian<std::uint32_t>(event.body, 0) & listed_count_mask;
  if (count > (event.body.size() - 4) / listed_gtid_bytes) return std::nullopt;
  GtidList list;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = 4 + i * listed_gtid_bytes;
    list.push_back({.domain = little_endian<std::uint32_t>(event.body, at),
                    .server = little_endian<std::uint32_t>(event.body, at + 4),
                    .sequence = little_endian<std::uint64_t>(event.body, at + 8)});
  }
  return list;
}

Statement statement_of(const LogEvent& event) {
  if (event.body.size() < query_fixed_bytes) return {};
  const std::size_t status = little_endian<std::uint16_t>(event.body, 11);
  const std::size_t begin = query_fixed_bytes + status + std::to_integer<std::size_t>(event.body[8]) + 1;
  if (begin > event.body.size()) return {};
  const std::span<const std::byte> rest = event.body.subspan(begin);
  return {.thread = little_endian<std::uint32_t>(event.body, 0),
          .text = {reinterpret_cast<const char*>(rest.data()), rest.size()}};
}

bool ends_transaction(const LogEvent& event) {
  if (event.type == event_xid || event.type == event_xa_prepare) return true;
  if (event.type != event_query) return false;
  const std::string_view text = statement_of(event).text;
  return text.starts_with("COMMIT") || text.starts_with("ROLLBACK");
}

bool ties_files(const LogEvent& event) {
  static constexpr std::array tying{event_stop,       event_rotate,    event_format,          event_heartbeat,
                                    event_checkpoint, event_gtid_list, event_start_encryption};
  return std::ranges::find(tying, event.type) != tying.end();
}

std::span<const std::byte> whole_event(const LogFile& file, const LogEvent& event) {
  return file.bytes.subspan(event.offset, header_bytes + event.body.size());
}

Result<std::uint64_t> read_events(const LogFile& file, const std::function<bool(const LogEvent&)>& take) {
  static constexpr std::string_view magic =
      "\xfe"
      "bin";
  if (file.bytes.size() < log_magic_bytes) return 0;  // created, nothing written yet
  if (std::memcmp(file.bytes.data(), magic.data(), magic.size()) != 0)
    return Error{Errc::corrupt,
                 fmt::format("'{}' is no binary or relay log: it does not begin with its magic number", file.path)};
  std::size_t at = magic.size();
  while (at + header_bytes <= file.bytes.size()) {
    const std::uint32_t length = little_endian<std::uint32_t>(file.bytes, at + 9);
    if (length < header_bytes || length > file.bytes.size() - at) break;
    const LogEvent event{.type = std::to_integer<std::uint8_t>(file.bytes[at + 4]),
                         .time_s = little_endian<std::uint32_t>(file.bytes, at),
                         .server = little_endian<std::uint32_t>(file.bytes, at + 5),
                         .offset = at,
                         .body = file.bytes.subspan(at + header_bytes, length - header_bytes)};
    if (event.type == event_start_encryption)
      return Error{Errc::invalid, fmt::format("'{}' is encrypted: its transactions cannot be listed", file.path)};
    if (!take(event)) return at;
    at += length;
  }
  return at;
}

std::vector<std::string> log_files(std::string_view index, std::string_view datadir) {
  std::vector<std::string> files;
  for (const std::string& line : split(index, '\n')) {
    std::string_view name = trim(line);
    if (name.empty()) continue;
    if (name.starts_with("./")) name.remove_prefix(2);
    files.push_back(name.starts_with('/') ? std::string(name) : fmt::format("{}/{}", datadir, name));
  }
  return files;
}

}  // namespace systole::mysql
