// SPDX-License-Identifier: GPL-2.0-or-later
// Pacemaker's score arithmetic: whole numbers with two infinities at ±1000000. -INFINITY beats +INFINITY, and
// +INFINITY beats every finite score (Pacemaker Explained, "Scores").
#pragma once

#include <algorithm>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace systole {

struct Score {
  static constexpr int inf = 1'000'000;
  int points = 0;

  auto operator<=>(const Score&) const = default;
  constexpr bool is_infinite() const { return points >= inf || points <= -inf; }
  static constexpr Score infinity() { return {inf}; }
  static constexpr Score minus_infinity() { return {-inf}; }
  template <class Archive>
  void fields(Archive& a) {
    a(points);
  }
};

constexpr Score operator+(Score a, Score b) {
  if (a.points <= -Score::inf || b.points <= -Score::inf) return Score::minus_infinity();
  if (a.points >= Score::inf || b.points >= Score::inf) return Score::infinity();
  return {std::clamp(a.points + b.points, -Score::inf, Score::inf)};
}
constexpr Score operator-(Score a) {
  return {-a.points};
}

/// "INFINITY", "+INFINITY" and "-INFINITY" are the words allowed; anything
/// else must be a decimal number, which is clamped to ±1000000. nullopt: not a score.
std::optional<Score> parse_score(std::string_view text);

/// "INFINITY", "-INFINITY" or the number.
std::string to_string(Score score);

}  // namespace systole
