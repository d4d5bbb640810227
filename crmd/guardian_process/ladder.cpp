// SPDX-License-Identifier: GPL-2.0-or-later
// See ladder.hpp.
#include "crmd/guardian_process/ladder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "common/base/text.hpp"
#include "crmd/guardian_process/processes.hpp"

namespace systole::guardian {
namespace {

constexpr int looks_max = 80;   // × 1 ms and what looking takes
constexpr int clean_looks = 2;  // in a row: an address may come back from somebody whom we do not kill
constexpr useconds_t between_looks_us = 1'000;

std::string left_of(const std::vector<Processes>& all) {
  std::vector<std::string> left;
  for (const Processes& processes : all)
    if (std::string text = processes.left(); !text.empty()) left.push_back(std::move(text));
  return join(left, ", ");
}

}  // namespace

Climbed Ladder::climb(const std::vector<Holding>& holdings, const std::vector<pid_t>& spared) {
  std::vector<Ip> unwanted;
  for (const Holding& holding : holdings)
    for (const std::string& address : holding.addresses)
      if (const auto ip = parse_held_ip(address)) unwanted.push_back(*ip);
  auto dropped = addresses_.drop(unwanted);
  std::vector<Processes> all;
  for (const Holding& holding : holdings) all.emplace_back(holding, spared);
  for (const Processes& processes : all) processes.kill();
  std::string left;
  for (int look = 0, clean = 0; look < looks_max; ++look) {
    left = left_of(all);
    dropped = addresses_.drop(unwanted);  // after the processes were seen dead: nobody is left to add one again
    clean = left.empty() && dropped && *dropped == 0 ? clean + 1 : 0;
    if (clean == clean_looks) return {true, ""};
    ::usleep(between_looks_us);
  }
  if (!dropped)
    left += fmt::format("{}addresses, perhaps ({})", left.empty() ? "" : ", ", dropped.error().what);
  else if (*dropped > 0)
    left += fmt::format("{}addresses that are added again and again", left.empty() ? "" : ", ");
  return {false, left};
}

}  // namespace systole::guardian
