// SPDX-License-Identifier: GPL-2.0-or-later
// xoshiro256** and its seeding; see dice.hpp for the source.
#include "common/base/dice.hpp"

#include <bit>

#include "common/base/ensure.hpp"

namespace systole {

Dice::Dice(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    word = z ^ (z >> 31);
  }
}

std::uint64_t Dice::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Dice::below(std::uint64_t bound) {
  ensure(bound > 0);
  const std::uint64_t limit = bound * (UINT64_MAX / bound);  // reject the uneven rest
  std::uint64_t value = next();
  while (value >= limit) value = next();
  return value % bound;
}

std::int64_t Dice::between(std::int64_t low, std::int64_t high) {
  ensure(low <= high);
  return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
}

}  // namespace systole
