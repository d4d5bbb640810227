// SPDX-License-Identifier: GPL-2.0-or-later
// Early returns, the surest evidence first.
#include "agents/ocf/mysql/promotion.hpp"

#include <fmt/format.h>

#include "agents/ocf/mysql/judge.hpp"

namespace systole::mysql {

namespace {

/// Evidence that the node `other` neither acknowledges nor is promoted without our knowledge.
Evidence evidence(const Standing& standing) {
  const OtherNode& other = standing.other;
  if (other.member && !other.promoted && other.agrees) return Evidence::member;
  if (other.promoted) return Evidence::none;
  if (standing.majority) return Evidence::majority;
  if (other.fenced) return Evidence::fenced;
  if (standing.operator_word) return Evidence::operator_word;
  const bool silent = other.seen && !other.member;
  if (standing.durability == Durability::crash_safe && silent) return Evidence::silence;
  return Evidence::none;
}

/// A first promotion that did not get as far as this node's disk. Another node may have begun one as well, on the other
/// side of a cut, and got further: whether the cluster's copy names this node says nothing of that.
bool is_half_founded(const Standing& standing) {
  const Record& record = record_of(standing);
  return !standing.own.exists() && record.primary == standing.self && record.in_sync.empty();
}

Permission found(const Standing& standing) {
  const bool all = standing.wanted > 0 && standing.present >= standing.wanted;
  if (all || standing.operator_word)
    return {.by = all ? Evidence::founding : Evidence::operator_word,
            .why = {},
            .next = after_promotion_of(standing.self, record_of(standing))};
  return {.by = Evidence::none,
          .why = fmt::format(
              "no record on a disk says yet which database is the true one, and only {} of {} instances are up: "
              "start the others, set clone-max to the number of databases if there are fewer, or 'systole mysql "
              "force' here if they are gone for good",
              standing.present, standing.wanted),
          .next = {}};
}

std::string waits_for(const Standing& standing, const std::string& other, bool we_are_primary) {
  const OtherNode& node = standing.other;
  if (node.promoted) return fmt::format("{} is still promoted", other);
  if (node.member) return fmt::format("{} is here, but has not said yet that it knows no newer record", other);
  const std::string_view may = we_are_primary ? "may have been promoted" : "may still acknowledge writes";
  const std::string_view seen = node.seen ? "is silent" : "has not been seen since this node was started";
  return fmt::format("{} {} and {}: switch it on, fence it, or 'systole mysql force' here if it is gone for good",
                     other, seen, may);
}

}  // namespace

std::optional<Durability> parse_durability(std::string_view word) {
  for (const Durability each : {Durability::lossless, Durability::crash_safe, Durability::available})
    if (word == to_string(each)) return each;
  return std::nullopt;
}

std::string_view to_string(Durability durability) {
  switch (durability) {
    case Durability::lossless:
      return "lossless";
    case Durability::crash_safe:
      return "crash-safe";
    case Durability::available:
      return "available";
  }
  return "";
}

std::string_view to_string(Evidence evidence) {
  switch (evidence) {
    case Evidence::none:
      return "none";
    case Evidence::founding:
      return "all instances are here, and none has a record";
    case Evidence::nobody_else:
      return "the record names nobody else";
    case Evidence::member:
      return "the other node is a member of the cluster";
    case Evidence::majority:
      return "a majority has stored the record";
    case Evidence::fenced:
      return "the other node was fenced";
    case Evidence::operator_word:
      return "an operator said so";
    case Evidence::silence:
      return "the other node is silent (crash-safe)";
  }
  return "";
}

const Record& record_of(const Standing& standing) {
  return standing.shared ? newer(*standing.shared, standing.own) : standing.own;
}

std::string other_node(const Record& record, const std::string& self) {
  if (record.primary == self) return record.in_sync;
  return record.in_sync == self ? record.primary : std::string{};
}

std::string other_node(const Standing& standing) {
  const Record& record = record_of(standing);
  std::string other = other_node(record, standing.self);
  const bool half_done = record.primary == standing.self && record.epoch > standing.own.epoch;
  return other.empty() && half_done ? other_node(standing.own, standing.self) : other;
}

Permission may_promote(const Standing& standing) {
  if (!standing.shared)
    return {.by = Evidence::none, .why = "the cluster's record of the true database cannot be read", .next = {}};
  const Record& record = record_of(standing);
  if (standing.must_follow)
    return {.by = Evidence::none,
            .why =
                "this server was started as a replica and has not caught up with a primary since: it may lack "
                "acknowledged transactions",
            .next = {}};
  if (!record.exists() || is_half_founded(standing)) return found(standing);
  const bool primary = record.primary == standing.self, replica = record.in_sync == standing.self;
  if (!primary && !replica && !standing.operator_word)
    return {.by = Evidence::none,
            .why = fmt::format("{} has the true database{}{} ({}); this one may lack acknowledged transactions",
                               record.primary, record.in_sync.empty() ? "" : ", as has ", record.in_sync,
                               to_string(record)),
            .next = {}};
  const std::string other = other_node(standing);
  const Record next = after_promotion_of(standing.self, record);
  if (other.empty() && primary) return {.by = Evidence::nobody_else, .why = {}, .next = next};
  if (other.empty()) return {.by = Evidence::operator_word, .why = {}, .next = next};
  const Evidence by = evidence(standing);
  if (by == Evidence::none) return {.by = by, .why = waits_for(standing, other, primary), .next = {}};
  return {.by = by, .why = {}, .next = next};
}

Evidence may_release(const Standing& standing) {
  const Record& record = record_of(standing);
  if (record.primary != standing.self || record.in_sync.empty()) return Evidence::none;
  // That it is a member proves nothing: the database on it may go on to acknowledge. It has to give up its place
  // itself.
  Standing without = standing;
  without.other.member = false;
  if (standing.other.member && !standing.majority) return Evidence::none;
  return evidence(without);
}

bool is_eligible(const Standing& standing) {
  const Record& record = record_of(standing);
  if (standing.must_follow || !standing.shared) return false;
  if (!record.exists()) return may_promote(standing).granted();
  return record.primary == standing.self || record.in_sync == standing.self || standing.operator_word;
}

std::optional<int> promotion_score(const Standing& standing) {
  if (!is_eligible(standing)) return std::nullopt;
  const Record& record = record_of(standing);
  if (!record.exists()) return score_unrelated;
  return record.primary == standing.self ? score_promoted : score_replica;
}

}  // namespace systole::mysql
