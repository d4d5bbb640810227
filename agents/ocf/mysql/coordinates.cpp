// SPDX-License-Identifier: GPL-2.0-or-later
// See coordinates.hpp.
#include "agents/ocf/mysql/coordinates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::size_t fields_of_place = 3;

std::optional<std::uint64_t> number_of(std::string_view file) {
  const std::size_t dot = file.rfind('.');
  return dot == std::string_view::npos ? std::nullopt : parse_int<std::uint64_t>(file.substr(dot + 1));
}

bool is_host(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == '_' || c == ':' || c == '%';
  };
  return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, fits);
}

std::optional<Coordinates> place_in(const std::vector<std::string>& fields, std::size_t at) {
  if (fields.size() < at + fields_of_place) return std::nullopt;
  const auto position = parse_int<std::uint64_t>(trim(fields[at + 2]));
  Coordinates place{.host = fields[at], .file = fields[at + 1], .position = position.value_or(0)};
  return position && is_host(place.host) && is_log_file(place.file) ? std::optional(std::move(place)) : std::nullopt;
}

/// What helps somebody who cannot be followed further.
constexpr std::string_view remedy =
    "give this node a new copy of the primary, and the place of the copy by CHANGE MASTER TO (it is kept then); with "
    "GTIDs (replicate_by=gtid) the servers find it themselves";

Entry refused(std::string why) {
  return {.kind = Entry::Kind::refuse, .from = {}, .why = fmt::format("{}: {}", why, remedy)};
}

/// It followed somebody else: that somebody must be the one after whom the primary was promoted.
Entry after_change(const std::string& primary, const Takeover& published, const Coordinates& applied) {
  if (!published.former)
    return refused(fmt::format("this server stands at {}, and where that is in the log of {} was never known",
                               to_string(applied), primary));
  const Coordinates& former = *published.former;
  if (former.host != applied.host)
    return refused(fmt::format("this server stands at {}, but {} was promoted after {}", to_string(applied), primary,
                               to_string(former)));
  if (applied == former) return {.kind = Entry::Kind::at, .from = published.own, .why = {}};
  if (is_after(applied, former))
    return refused(fmt::format("this server has applied more than the primary {} had when it was promoted: {}, not {}",
                               primary, to_string(applied), to_string(former)));
  return refused(
      fmt::format("this server lacks what came between {} and {}, and where that is in the log of {} is not "
                  "known",
                  to_string(applied), to_string(former), primary));
}

}  // namespace

std::string to_string(const Coordinates& place) {
  return fmt::format("{} {}:{}", place.host, place.file, place.position);
}

bool is_log_file(std::string_view name) {
  const auto fits = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '/' && c != '|' && c != '\''; };
  return name.size() <= 255 && number_of(name).has_value() && std::ranges::all_of(name, fits);
}

bool is_after(const Coordinates& one, const Coordinates& other) {
  return std::pair(number_of(one.file).value_or(0), one.position) >
         std::pair(number_of(other.file).value_or(0), other.position);
}

std::optional<Coordinates> parse_coordinates(std::string_view text) {
  const std::vector<std::string> fields = split(text, '|');
  return fields.size() == fields_of_place ? place_in(fields, 0) : std::nullopt;
}

std::string to_text(const Coordinates& place) {
  return fmt::format("{}|{}|{}", place.host, place.file, place.position);
}

std::optional<Takeover> parse_takeover(std::string_view text) {
  const std::vector<std::string> fields = split(trim(text), '|');
  auto own = place_in(fields, 0);
  if (!own) return std::nullopt;
  Takeover takeover{.own = std::move(*own), .former = place_in(fields, fields_of_place)};
  // Something stands there that we do not understand: then nothing is to be concluded from there being no former.
  if (fields.size() != fields_of_place && !takeover.former) return std::nullopt;
  return takeover;
}

std::string to_text(const Takeover& takeover) {
  return to_text(takeover.own) + (takeover.former ? "|" + to_text(*takeover.former) : "");
}

Entry entry_point(const std::string& primary, const std::optional<Takeover>& published, const Follower& follower) {
  if (follower.applied && follower.applied->host == primary) return {.kind = Entry::Kind::keep, .from = {}, .why = {}};
  if (!published || published->own.host != primary)
    return {.kind = Entry::Kind::later,
            .from = {},
            .why = fmt::format("{} has not published at which place of its log it was promoted (RESOURCE_REPL_INFO)",
                               primary)};
  if (follower.applied) return after_change(primary, *published, *follower.applied);
  if (!published->former)  // the first primary: who has an equal database begins where it began
    return {.kind = Entry::Kind::at, .from = published->own, .why = {}};
  if (published->former->host != follower.self)
    return refused(
        fmt::format("this server follows nobody, and {} was promoted after {}: how far this database is, is "
                    "not known",
                    primary, published->former->host));
  if (follower.surplus.empty()) return {.kind = Entry::Kind::at, .from = published->own, .why = {}};
  return refused(fmt::format("as the former primary, of which {} had {}: {}", primary, to_string(*published->former),
                             follower.surplus));
}

std::string better_candidate(const CoordinateCandidate& self, const std::vector<CoordinateCandidate>& others) {
  const CoordinateCandidate* best = &self;
  for (const CoordinateCandidate& other : others)
    if (other.received.host == self.received.host && is_after(other.received, best->received)) best = &other;
  return best == &self ? std::string{} : best->node;
}

}  // namespace systole::mysql
