// SPDX-License-Identifier: GPL-2.0-or-later
// Constraints for many resources as constraints for one or two: sets of colocations and locations, and patterns.
#include <fmt/format.h>
#include <regex.h>

#include <algorithm>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

using cib::Colocation;
using cib::Location;
using cib::ResourceSet;

using Colocations = std::vector<Colocation>;

void add_pair(Colocations& pairs, const std::string& id, Score score, const ResourceId& one, const ResourceId& with,
              const std::string& role, const std::string& with_role) {
  pairs.push_back({id, one, with, score, role, with_role});
}

/// Each with the one before it, as in a group; who must keep apart keeps apart from all.
void within_set(Colocations& pairs, const Colocation& whole, const ResourceSet& set) {
  const Score score = set.score.value_or(whole.score);
  if (!set.sequential.value_or(true)) return;
  for (std::size_t i = 1; i < set.members.size(); ++i) {
    if (score.points > 0) {
      const bool like_group = set.ordering.empty() || set.ordering == "group";
      const std::size_t one = like_group ? i : i - 1, with = like_group ? i - 1 : i;
      add_pair(pairs, set.id, score, set.members[one], set.members[with], set.role, set.role);
    } else {
      for (std::size_t j = 0; j < i; ++j)
        add_pair(pairs, set.id, score, set.members[i], set.members[j], set.role, set.role);
    }
  }
}

std::vector<ResourceId> ends_of(const ResourceSet& set, bool last) {
  if (!set.sequential.value_or(true) || set.members.empty()) return set.members;
  return {last ? set.members.back() : set.members.front()};
}

void between_sets(Colocations& pairs, const Colocation& whole, const ResourceSet& set, const ResourceSet& next) {
  for (const ResourceId& one : ends_of(set, false))
    for (const ResourceId& with : ends_of(next, true))
      add_pair(pairs, whole.id, whole.score, one, with, set.role, next.role);
}

std::vector<ResourceId> matching(Plan& plan, const Location& location) {
  std::string pattern = location.pattern;
  const bool inverted = pattern.starts_with('!');
  if (inverted) pattern.erase(0, 1);
  regex_t expression;
  std::vector<ResourceId> found;
  if (::regcomp(&expression, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    plan.problems.push_back(
        fmt::format("location {}: '{}' is no regular expression: ignored", location.id, location.pattern));
    return found;
  }
  for (const Item* root : plan.roots) {
    const bool matches = ::regexec(&expression, root->id.c_str(), 0, nullptr, 0) == 0;
    if (matches != inverted && !root->orphan) found.push_back(ResourceId{root->id});
  }
  ::regfree(&expression);
  return found;
}

}  // namespace

std::vector<Colocation> colocations_of(const Plan& plan) {
  Colocations pairs;
  for (const Colocation& colocation : plan.configuration.colocations) {
    if (colocation.sets.empty()) pairs.push_back(colocation);
    for (std::size_t i = 0; i < colocation.sets.size(); ++i) {
      within_set(pairs, colocation, colocation.sets[i]);
      if (i > 0) between_sets(pairs, colocation, colocation.sets[i - 1], colocation.sets[i]);
    }
  }
  return pairs;
}

std::vector<Location> locations_of(Plan& plan) {
  std::vector<Location> all;
  const auto add = [&](const Location& location, const ResourceId& resource, const ResourceSet* set) {
    Location one = location;
    one.resource = resource;
    one.sets.clear();
    if (set != nullptr && !set->role.empty()) one.role = set->role;
    if (set != nullptr && set->score) one.score = *set->score;
    all.push_back(std::move(one));
  };
  for (const Location& location : plan.configuration.locations) {
    if (!location.pattern.empty()) {
      for (const ResourceId& id : matching(plan, location)) add(location, id, nullptr);
    } else if (location.sets.empty()) {
      all.push_back(location);
    }
    for (const ResourceSet& set : location.sets)
      for (const ResourceId& id : set.members) add(location, id, &set);
  }
  return all;
}

}  // namespace systole::scheduler
