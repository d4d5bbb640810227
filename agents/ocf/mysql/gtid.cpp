// SPDX-License-Identifier: GPL-2.0-or-later
// GTID lists are short (one entry per domain, or per domain and server): linear searches are fine.
#include "agents/ocf/mysql/gtid.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

const Gtid* in_domain(const GtidList& list, std::uint32_t domain) {
  const Gtid* best = nullptr;
  for (const Gtid& gtid : list)
    if (gtid.domain == domain && (best == nullptr || gtid.sequence >= best->sequence)) best = &gtid;
  return best;
}

std::optional<Gtid> parse_gtid(std::string_view text) {
  const std::vector<std::string> parts = split(trim(text), '-');
  if (parts.size() != 3) return std::nullopt;
  const auto domain = parse_int<std::uint32_t>(parts[0]);
  const auto server = parse_int<std::uint32_t>(parts[1]);
  const auto sequence = parse_int<std::uint64_t>(parts[2]);
  if (!domain || !server || !sequence) return std::nullopt;
  return Gtid{.domain = *domain, .server = *server, .sequence = *sequence};
}

}  // namespace

std::optional<GtidList> parse_gtids(std::string_view text) {
  GtidList list;
  if (trim(text).empty()) return list;
  for (const std::string& part : split(text, ',')) {
    const std::optional<Gtid> gtid = parse_gtid(part);
    if (!gtid) return std::nullopt;
    list.push_back(*gtid);
  }
  return list;
}

std::string to_string(const Gtid& gtid) {
  return fmt::format("{}-{}-{}", gtid.domain, gtid.server, gtid.sequence);
}

std::string to_string(const GtidList& list) {
  std::vector<std::string> parts;
  for (const Gtid& gtid : list) parts.push_back(to_string(gtid));
  return join(parts, ",");
}

GtidList position_of(const GtidList& list) {
  GtidList position;
  for (const Gtid& gtid : list)
    if (in_domain(position, gtid.domain) == nullptr) position.push_back(*in_domain(list, gtid.domain));
  std::ranges::sort(position);
  return position;
}

GtidList merged(const GtidList& one, const GtidList& other) {
  GtidList both = one;
  both.insert(both.end(), other.begin(), other.end());
  return position_of(both);
}

bool contains(const GtidList& have, const GtidList& wanted) {
  return missing(have, wanted) == 0;
}

std::uint64_t missing(const GtidList& have, const GtidList& wanted) {
  std::uint64_t count = 0;
  for (const Gtid& last : position_of(wanted)) {
    const Gtid* const own = in_domain(have, last.domain);
    const std::uint64_t reached = own == nullptr ? 0 : own->sequence;
    if (last.sequence > reached) count += last.sequence - reached;
  }
  return count;
}

bool has_transaction(const GtidList& state, const Gtid& gtid) {
  return std::ranges::any_of(state, [&](const Gtid& last) {
    return last.domain == gtid.domain && last.server == gtid.server && last.sequence >= gtid.sequence;
  });
}

std::optional<Gtid> diverged(const GtidList& position, const GtidList& primary) {
  for (const Gtid& last : position_of(position)) {
    const Gtid* const newest = in_domain(primary, last.domain);
    if (newest == nullptr || last.sequence > newest->sequence) return last;
    if (!has_transaction(primary, last)) return last;
  }
  return std::nullopt;
}

GtidList state_up_to(const GtidList& position, const GtidList& known) {
  GtidList state;
  for (const Gtid& theirs : known) {
    const bool earlier = std::ranges::any_of(position, [&](const Gtid& last) {
      return last.domain == theirs.domain && theirs.sequence < last.sequence && theirs.server != last.server;
    });
    if (earlier) state.push_back(theirs);
  }
  state.insert(state.end(), position.begin(), position.end());
  std::ranges::stable_sort(state, {}, [](const Gtid& gtid) { return std::pair(gtid.domain, gtid.sequence); });
  const auto doubled = std::ranges::unique(state);
  state.erase(doubled.begin(), doubled.end());
  return state;
}

std::uint32_t fresh_server_id(const GtidList& used, const std::function<std::uint32_t()>& draw) {
  for (;;) {
    const std::uint32_t candidate = draw();
    const bool taken = std::ranges::any_of(used, [&](const Gtid& gtid) { return gtid.server == candidate; });
    if (candidate != 0 && !taken) return candidate;
  }
}

}  // namespace systole::mysql
