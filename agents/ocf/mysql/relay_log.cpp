// SPDX-License-Identifier: GPL-2.0-or-later
// A transaction may begin in one file and end in the next, so the scanner's state outlives the file.
#include "agents/ocf/mysql/relay_log.hpp"

#include <fmt/format.h>

#include <cstring>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::size_t header_bytes = 19;
constexpr std::size_t query_fixed_bytes = 13;  // thread 4, time 4, database length 1, error 2, status length 2
enum EventType : std::uint8_t {
  query = 2,
  xid = 16,
  xa_prepare = 38,
  gtid_event = 162,
  start_encryption = 164,
  query_compressed = 165,
};

template <class N>
N little_endian(std::span<const std::byte> bytes, std::size_t at) {
  N value{};
  for (std::size_t i = 0; i < sizeof(N); ++i) value |= static_cast<N>(static_cast<N>(bytes[at + i]) << (8 * i));
  return value;
}

struct Event {
  std::uint8_t type = 0;
  std::uint32_t server = 0;
  std::span<const std::byte> body;
};

/// The statement of a Query event, or "" when the event is too short to hold one.
std::string_view statement_of(std::span<const std::byte> body) {
  if (body.size() < query_fixed_bytes) return {};
  const std::size_t status = little_endian<std::uint16_t>(body, 11);
  const std::size_t begin = query_fixed_bytes + status + std::to_integer<std::size_t>(body[8]) + 1;
  if (begin > body.size()) return {};
  const std::span<const std::byte> rest = body.subspan(begin);
  return {reinterpret_cast<const char*>(rest.data()), rest.size()};
}

bool ends_transaction(const Event& event) {
  if (event.type == xid || event.type == xa_prepare) return true;
  if (event.type != query) return false;
  const std::string_view text = statement_of(event.body);  // a checksum may follow it
  return text.starts_with("COMMIT") || text.starts_with("ROLLBACK");
}

class Scanner {
 public:
  explicit Scanner(const GtidList& applied) : applied_(applied) {}

  Result<void> read(const RelayFile& file) {
    static constexpr std::string_view magic =
        "\xfe"
        "bin";
    if (file.bytes.size() < magic.size()) {
      scan_.torn = true;  // created, nothing written yet
      return {};
    }
    if (std::memcmp(file.bytes.data(), magic.data(), magic.size()) != 0)
      return Error{Errc::corrupt,
                   fmt::format("'{}' is no relay log: it does not begin with its magic number", file.path)};
    std::size_t at = magic.size();
    while (at + header_bytes <= file.bytes.size()) {
      const std::uint32_t length = little_endian<std::uint32_t>(file.bytes, at + 9);
      if (length < header_bytes || length > file.bytes.size() - at) break;
      const Event event{.type = std::to_integer<std::uint8_t>(file.bytes[at + 4]),
                        .server = little_endian<std::uint32_t>(file.bytes, at + 5),
                        .body = file.bytes.subspan(at + header_bytes, length - header_bytes)};
      if (event.type == start_encryption)
        return Error{Errc::invalid, fmt::format("'{}' is encrypted: its transactions cannot be listed", file.path)};
      take(event, {file.path, at});
      at += length;
    }
    torn_tail_ = at != file.bytes.size();
    return {};
  }

  RelayScan finish() && {
    scan_.received = position_of(scan_.received);
    scan_.torn = torn_tail_ || open_.has_value();
    return std::move(scan_);
  }

 private:
  void take(const Event& event, RelayPlace place) {
    if (event.type == gtid_event && event.body.size() >= 13) {
      open_ = Gtid{.domain = little_endian<std::uint32_t>(event.body, 8),
                   .server = event.server,
                   .sequence = little_endian<std::uint64_t>(event.body, 0)};
      opened_at_ = std::move(place);
      standalone_ = (std::to_integer<unsigned>(event.body[12]) & 1U) != 0;
      return;
    }
    const bool statement = event.type == query || event.type == query_compressed;
    if (open_ && (ends_transaction(event) || (standalone_ && statement))) close();
  }

  void close() {
    scan_.received = merged(scan_.received, {*open_});
    if (!contains(applied_, {*open_})) {
      if (!scan_.resume) scan_.resume = opened_at_;
      ++scan_.unapplied;
    }
    open_.reset();
  }

  GtidList applied_;
  RelayScan scan_;
  std::optional<Gtid> open_;  // begun, not ended
  RelayPlace opened_at_;
  bool standalone_ = false;
  bool torn_tail_ = false;
};

}  // namespace

Result<RelayScan> scan_relay_log(std::span<const RelayFile> files, const GtidList& applied) {
  Scanner scanner(applied);
  for (const RelayFile& file : files)
    if (const Result<void> read = scanner.read(file); !read) return read.error();
  return std::move(scanner).finish();
}

std::vector<std::string> relay_files(std::string_view index, std::string_view datadir) {
  std::vector<std::string> files;
  for (const std::string& line : split(index, '\n')) {
    std::string_view name = trim(line);
    if (name.empty()) continue;
    if (name.starts_with("./")) name.remove_prefix(2);
    files.push_back(name.starts_with('/') ? std::string(name) : fmt::format("{}/{}", datadir, name));
  }
  return files;
}

std::string relay_log_name(std::string_view info) {
  for (const std::string& line : split(info, '\n')) {
    const std::size_t dot = line.rfind('.');
    if (dot == std::string::npos || dot == 0) continue;
    if (!parse_int<std::uint64_t>(std::string_view(line).substr(dot + 1))) continue;
    return line.starts_with("./") ? line.substr(2, dot - 2) : line.substr(0, dot);
  }
  return "mysql-relay-bin";
}

}  // namespace systole::mysql
