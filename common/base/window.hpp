// SPDX-License-Identifier: GPL-2.0-or-later
// Which packet numbers have been seen: the newest 1024 exactly, everything below as "known". A copy that comes twice,
// or much too late, is told from a fresh packet; a packet above all earlier ones is told from one that was overtaken.
#pragma once

#include <bitset>
#include <cstdint>

namespace systole {

class Window {
 public:
  enum class Verdict { newest, overtaken, known };

  Verdict take(std::uint64_t seq) {
    if (seq > highest_) {
      if (seq - highest_ >= size)
        seen_.reset();
      else
        for (std::uint64_t skipped = highest_ + 1; skipped < seq; ++skipped) seen_.reset(skipped % size);
      highest_ = seq;
      seen_.set(seq % size);
      return Verdict::newest;
    }
    if (highest_ - seq >= size || seen_.test(seq % size)) return Verdict::known;
    seen_.set(seq % size);
    return Verdict::overtaken;
  }
  std::uint64_t highest() const { return highest_; }

 private:
  static constexpr std::size_t size = 1024;
  std::uint64_t highest_ = 0;
  std::bitset<size> seen_;
};

}  // namespace systole
