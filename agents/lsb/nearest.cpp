// SPDX-License-Identifier: GPL-2.0-or-later
// Distance after Damerau (optimal string alignment): three rows of the table suffice.
#include "agents/lsb/nearest.hpp"

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::lsb {

std::size_t distance(std::string_view one, std::string_view other) {
  const std::string a = lower(one), b = lower(other);
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t least = std::string_view::npos;
  for (const std::string& candidate : candidates) {
    const bool begins =
        name.size() >= 2 && (starts_with_ignoring_case(candidate, name) || starts_with_ignoring_case(name, candidate));
    const std::size_t apart = distance(name, candidate);
    const std::size_t allowed = std::max<std::size_t>(1, std::max(name.size(), candidate.size()) / 3);
    if ((apart > allowed && !begins) || apart >= least) continue;
    least = apart;
    best = candidate;
  }
  return best;
}

}  // namespace systole::lsb
