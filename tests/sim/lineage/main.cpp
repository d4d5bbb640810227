// SPDX-License-Identifier: GPL-2.0-or-later
// sim_lineage: runs databases under the rules of their lineage, a cluster for each seed. A failure prints its seed, the
// end of its story and the command that replays it alone. Exit code: 0 all well, 1 an invariant broke or a rare branch
// was never taken, 2 wrong usage.
#include <fmt/format.h>

#include <deque>

#include "common/base/text.hpp"
#include "tests/sim/lineage/world.hpp"

namespace {

using namespace systole;
using namespace systole::sim_lineage;

constexpr const char* usage =
    "usage: sim_lineage [--seeds A..B] [--mode majority|pair|fencing] [--no-rare] [--until-failure] [--counters]\n"
    "       sim_lineage --seed N [--trace] [--mode majority|pair|fencing]\n";

struct Options {
  std::uint64_t first = 1, last = 2000;
  bool trace = false, rare = true, until_failure = false, counters = false;
  std::optional<Mode> mode;
};

/// Branches that a run of all modes must have taken; a name is a part of a counter.
constexpr const char* rare_branches[] = {
    "promotion: all instances are here",
    "promotion: the record names nobody else",
    "promotion: the other node is a member of the cluster",
    "promotion: a majority has stored the record",
    "promotion: the other node was fenced",
    "promotion: an operator said so",
    "promotion: the other node is silent",
    "release: a majority has stored the record",
    "release: the other node was fenced",
    "release: an operator said so",
    "release: the other node is silent",
    "promotion refused",
    "renounced by the helper",
    "renounced at stop",
    "looks: stalled",
    "unknown write: done",
    "unknown write: it comes late",
    "unknown write: lost",
    "unknown write: no quorum",
    "write refused",
    "outdated primary killed",
    "truncation: of a tail that nobody acknowledged",
    "truncation: of acknowledged transactions",
    "drain from files",
    "drain impossible",
    "relay log wiped by START SLAVE",
    "joining given up",
    "power lost everywhere",
    "errant tail: needs a new copy",
    "new copy",
    "start: both copies of the record differ",
    "own copy written to the cluster",
    "merge: equal versions",
    "merge: the older record is kept",
    "two promoted after a merge",
    "planned switch-over",
    "demote: killed while commits waited",
    "acknowledgement that came after a cut",
    "acknowledged alone by KILL QUERY",
    "lone commits noticed",
    "helper died between two effects",
    "helper killed for its lock",
    "receiver begun anew",
    "connections of replicas ended",
    "lease over",
    "agent killed: promote",
    "broken promise in a pair whose links were cut",
};

bool take_value(Options& options, std::string_view name, std::string_view value) {
  if (name == "--mode") {
    for (const Mode each : {Mode::majority, Mode::pair, Mode::fencing})
      if (value == to_string(each)) options.mode = each;
    return options.mode.has_value();
  }
  if (name == "--seed") {
    const auto number = parse_int<std::uint64_t>(value);
    options.first = options.last = number.value_or(0);
    options.rare = false;
    return number.has_value();
  }
  const std::size_t dots = value.find("..");
  if (name != "--seeds" || dots == std::string_view::npos) return false;
  const auto first = parse_int<std::uint64_t>(value.substr(0, dots));
  const auto last = parse_int<std::uint64_t>(value.substr(dots + 2));
  if (!first || !last || *first > *last) return false;
  std::tie(options.first, options.last) = std::pair(*first, *last);
  return true;
}

std::optional<Options> parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") {
      options.trace = true;
    } else if (name == "--no-rare") {
      options.rare = false;
    } else if (name == "--until-failure") {
      options.until_failure = true;
    } else if (name == "--counters") {
      options.counters = true;
    } else if (i + 1 >= argc || !take_value(options, name, argv[++i])) {
      fmt::print(stderr, "sim_lineage: cannot use '{}'\n{}", name, usage);
      return std::nullopt;
    }
  }
  return options;
}

struct Total {
  std::map<std::string, std::uint64_t> rare;
  std::size_t events = 0, writes = 0, acknowledged = 0, promotions = 0, failures = 0;
};

void story_of(const Plan& plan, std::size_t lines) {
  std::deque<std::string> end;
  World world(plan, [&](const std::string& line) {
    end.push_back(line);
    if (end.size() > lines) end.pop_front();
  });
  world.run();
  for (const std::string& line : end) fmt::print("{}\n", line);
}

void run_one(const Options& options, std::uint64_t seed, Total& total) {
  const Plan plan = draw_plan(seed, options.mode);
  std::function<void(const std::string&)> trace;
  if (options.trace) trace = [](const std::string& line) { fmt::print("{}\n", line); };
  const Report report = World(plan, trace).run();
  for (const auto& [what, times] : report.rare) total.rare[what] += times;
  total.events += report.events;
  total.writes += report.writes;
  total.acknowledged += report.acknowledged;
  total.promotions += report.promotions;
  if (!report.verdict) return;
  if (!options.trace && total.failures == 0) story_of(plan, 60);
  ++total.failures;
  fmt::print("FAILED at {:.4f} s: {}\n  {}\n  replay: sim_lineage --seed {} --trace{}\n",
             std::chrono::duration<double>(report.at.time_since_epoch()).count(), *report.verdict, plan.text(), seed,
             options.mode ? fmt::format(" --mode {}", to_string(*options.mode)) : "");
}

bool all_rare_taken(const Total& total) {
  bool all = true;
  for (const char* const name : rare_branches) {
    std::uint64_t times = 0;
    for (const auto& [what, count] : total.rare)
      if (what.find(name) != std::string::npos) times += count;
    fmt::print("{:>10}  {}\n", times, name);
    all = all && times > 0;
  }
  if (!all) fmt::print("FAILED: a branch above was never taken: the simulation is too weak\n");
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse_options(argc, argv);
  if (!options) return 2;
  Total total;
  for (std::uint64_t seed = options->first; seed <= options->last; ++seed) {
    run_one(*options, seed, total);
    if (options->until_failure && total.failures > 0) break;
  }
  if (options->counters)
    for (const auto& [what, times] : total.rare) fmt::print("{:>10}  {}\n", times, what);
  const bool rare = !options->rare || options->mode || all_rare_taken(total);
  fmt::print("{} seeds, {} events, {} promotions, {} of {} writes acknowledged, {} failed\n",
             options->last - options->first + 1, total.events, total.promotions, total.acknowledged, total.writes,
             total.failures);
  return total.failures == 0 && rare ? 0 : 1;
}
