// SPDX-License-Identifier: GPL-2.0-or-later
// A transaction may begin in one file and end in the next, so the scanner's state outlives the file.
#include "agents/ocf/mysql/relay_log.hpp"

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

class Scanner {
 public:
  explicit Scanner(const GtidList& applied) : applied_(position_of(applied)) {}

  Result<void> read(const LogFile& file) {
    const auto end = read_events(file, [&](const LogEvent& event) {
      take(event, {file.path, event.offset});
      return true;
    });
    if (!end) return end.error();
    torn_tail_ = *end == 0 || *end != file.bytes.size();
    return {};
  }

  RelayScan finish() && {
    scan_.received = position_of(scan_.received);
    scan_.torn = torn_tail_ || open_.has_value();
    return std::move(scan_);
  }

 private:
  void take(const LogEvent& event, LogPlace place) {
    if (event.type == event_gtid) {
      const auto begun = gtid_of(event);
      if (!begun) return;
      open_ = begun->gtid;
      standalone_ = begun->standalone;
      opened_at_ = std::move(place);
      return;
    }
    const bool statement = event.type == event_query || event.type == event_query_compressed;
    if (open_ && (ends_transaction(event) || (standalone_ && statement))) close();
  }

  void close() {
    if (!contains(applied_, {*open_})) {
      if (!follows()) scan_.gap = RelayGap{.applied = of_its_domain(applied_), .next = *open_};
      if (!scan_.resume) {
        scan_.resume = opened_at_;
        scan_.first = *open_;
      }
      ++scan_.unapplied;
    }
    scan_.received = merged(scan_.received, {*open_});
    open_.reset();
  }

  /// What is received is written without holes: only the first of a domain can be far from what is applied. A primary
  /// may leave numbers out, but then nobody can tell whether something is missing.
  bool follows() const {
    if (scan_.gap || of_its_domain(scan_.received)) return true;
    const auto applied = of_its_domain(applied_);
    return open_->sequence == (applied ? applied->sequence : 0) + 1;
  }

  std::optional<Gtid> of_its_domain(const GtidList& position) const {
    const auto found = std::ranges::find(position, open_->domain, &Gtid::domain);
    return found == position.end() ? std::nullopt : std::optional(*found);
  }

  GtidList applied_;
  RelayScan scan_;
  std::optional<Gtid> open_;  // begun, not ended
  LogPlace opened_at_;
  bool standalone_ = false;
  bool torn_tail_ = false;
};

}  // namespace

Result<RelayScan> scan_relay_log(std::span<const LogFile> files, const GtidList& applied) {
  Scanner scanner(applied);
  for (const LogFile& file : files)
    if (const Result<void> read = scanner.read(file); !read) return read.error();
  return std::move(scanner).finish();
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
