// SPDX-License-Identifier: GPL-2.0-or-later
// A small fuzzer for compilers without one: samples are cut, doubled, spliced and spoilt, from a seed, for a bounded
// time. It knows no coverage; samples that hold every construct make up for part of that. Each round has a seed of its
// own, so that one round can be repeated alone.
#pragma once

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/dice.hpp"

namespace systole::fuzz {

class Mutator {
 public:
  Mutator(std::vector<std::string> samples, std::vector<std::string> words)
      : samples_(std::move(samples)), words_(std::move(words)) {}

  std::string make(Dice& dice) const {
    std::string text = samples_[dice.below(samples_.size())];
    for (auto changes = dice.below(8); changes > 0; --changes) change(dice, text);
    return text;
  }

 private:
  void change(Dice& dice, std::string& text) const {
    const std::size_t at = dice.below(text.size() + 1);
    const std::size_t length =
        dice.below(dice.chance(1, 4) ? text.size() - at + 1 : std::min<std::size_t>(text.size() - at, 24) + 1);
    switch (dice.below(7)) {
      case 0:
        text.erase(at, length);
        return;
      case 1:
        text.insert(at, text.substr(at, length));
        return;
      case 2:
        text.insert(at, words_[dice.below(words_.size())]);
        return;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(dice.below(256));
        return;
      case 4: {
        const std::string& other = samples_[dice.below(samples_.size())];
        const std::size_t from = dice.below(other.size() + 1);
        text.replace(at, length, other.substr(from, dice.below(other.size() - from + 1)));
        return;
      }
      case 5:
        text.resize(at);
        return;
      case 6: {  // one element's worth twice over, elsewhere
        const std::size_t open = text.find('<', at), close = open == std::string::npos ? open : text.find('>', open);
        if (close != std::string::npos) text.insert(dice.below(text.size() + 1), text.substr(open, close - open + 1));
        return;
      }
    }
  }

  std::vector<std::string> samples_, words_;
};

/// What a run without arguments does: the same rounds each time, because a red run must be the commit's doing, not the
/// hour's. `PROGRAM FIRST SECONDS` is for those who have more time and seeds of their own.
struct Plan {
  std::uint64_t first_seed = 20'261'123;
  std::chrono::seconds time_max{4};
  std::uint64_t rounds_max = 20'000, rounds_min = 100;  // on a crowded machine it takes longer rather than proving less
};

inline Plan plan_of(int argc, char** argv) {
  Plan plan;
  if (argc < 3) return plan;
  plan.first_seed = std::strtoull(argv[1], nullptr, 10);
  plan.time_max = std::chrono::seconds(std::strtoll(argv[2], nullptr, 10));
  plan.rounds_max = ~std::uint64_t{0};
  return plan;
}

/// In the child; it counts where the parent sees it.
template <class Round>
void run_rounds(const Plan& plan, std::uint64_t& done, const Round& round) {
  const auto end = std::chrono::steady_clock::now() + plan.time_max;
  for (; done < plan.rounds_min || (done < plan.rounds_max && std::chrono::steady_clock::now() < end); ++done) {
    Dice dice(plan.first_seed + done);
    round(dice);
  }
}

/// Runs rounds until the time is up; `PROGRAM SEED` runs the one round of that seed. The rounds run in a child, so that
/// whatever ends it (a signal, a sanitizer, an exception) somebody is left to say which seed it was.
template <class Round>
int hammer(int argc, char** argv, const Round& round) {
  if (argc == 2) {
    Dice dice(std::strtoull(argv[1], nullptr, 10));
    round(dice);
    std::printf("seed %s: survived\n", argv[1]);
    return 0;
  }
  const Plan plan = plan_of(argc, argv);
  void* const shared =
      ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 1;
  auto* const rounds = static_cast<std::uint64_t*>(shared);
  const pid_t child = ::fork();
  if (child == 0) {
    run_rounds(plan, *rounds, round);
    std::exit(0);
  }
  int state = 0;
  if (child < 0 || ::waitpid(child, &state, 0) != child) return 1;
  if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
    std::printf("died in round %" PRIu64 "; repeat it with: %s %" PRIu64 "\n", *rounds, argv[0],
                plan.first_seed + *rounds);
    return 1;
  }
  std::printf("%" PRIu64 " rounds from seed %" PRIu64 ", all survived\n", *rounds, plan.first_seed);
  return 0;
}

}  // namespace systole::fuzz
