// SPDX-License-Identifier: GPL-2.0-or-later
// Seeded chance that is the same on every machine: the standard fixes engines, not distributions, so we map by hand
// (xoshiro256**, D. Blackman and S. Vigna, public domain description at prng.di.unimi.it; seeded by splitmix64).
#pragma once

#include <array>
#include <cstdint>

namespace systole {

class Dice {
 public:
  explicit Dice(std::uint64_t seed);
  std::uint64_t next();
  /// 0 … bound-1; bound must be > 0.
  std::uint64_t below(std::uint64_t bound);
  /// True in n of d cases.
  bool chance(std::uint64_t n, std::uint64_t d) { return below(d) < n; }
  /// low … high, both included.
  std::int64_t between(std::int64_t low, std::int64_t high);

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace systole
