// SPDX-License-Identifier: GPL-2.0-or-later
// sim: runs simulated clusters. Without options 1000 seeds; a failure prints its seed, the end of its story and the
// command that replays it alone. Exit code: 0 all well, 1 an invariant broke or a rare branch was never taken, 2 wrong
// usage.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <span>
#include <thread>

#include "common/base/text.hpp"
#include "tests/sim/world.hpp"

namespace {

using namespace systole;
using namespace systole::sim;

constexpr const char* usage =
    "usage: sim [--core] [--seeds A..B] [--nodes N] [--mode majority|ping|none] [--jobs N] [--no-rare]\n"
    "           [--until-failure]\n"
    "       sim [--core] --seed N [--trace] [--nodes N] [--mode majority|ping|none]\n"
    "--core: nodes run the whole core of crmd with agents; without it membership and replica under a toy controller\n";

struct Options {
  std::uint64_t first = 1, last = 1000;
  bool trace = false, rare = true, core = false, until_failure = false;
  std::optional<std::size_t> nodes;
  std::optional<membership::Mode> mode;
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
};

/// Branches that a run of 1000 seeds must have taken; a name is a part of a counter.
constexpr const char* rare_branches_of_core[] = {
    "gives up term : hears only",
    "gives up term : node  knows term",
    "leads alone",
    "this daemon did not run for",
    "document kept aside",
    "the configuration could not be stored",
    "crash that lost an unsynced write",
    "vote refused",
    "packet of an old session",
    "replayed packet",
    "a resource died by itself",
    "a watch ended",
    "an agent without watch",
    "write refused: the leader was lost while it worked on this change",
    "write refused: no leader",
    "write refused: leadership was lost before",
    "gives up term : node  leads a term of the same number",
    "link  to node is dead",
    "node node is lost: it had lost us",
    "transition  ended early: node node is lost",
    "transition  ended early: node node is shutting down",
    "transition  ended early: one was found active",
    "left: all resources have left this node",
    "agent call cancelled",
    "ladder",
    "this node's lease is over (nobody renewed it in time): what it runs is dropped",
    "gives up term : its lease ran out",
    "gives up term : the other node is silent, and nothing shows",
    "resources inherited by the next daemon",
    "has not joined within",
    "has not stored the configuration for",
    "the leader gave this node up",
    "stores again",
    "this witness leaves the lead",
    "daemon began again as its successor",
    "guardian killed",
    "the ladder left something",
    "the guardian lets the watchdog bite",
    "watchdog fired",
    "reload taken over",
    "reload refused: too many nodes come and go at once",
    "reload refused: node node would be removed and is a member",
    "reload refused: nobody leads",
    "reload refused: this node has not stored",
    "two owners: one of them was frozen",
    "two owners: mode ping",
    "two owners: mode none",
};
constexpr const char* rare_branches[] = {
    "peer lost: silent",
    "peer lost: its daemon restarted",
    "peer lost: it had lost us and began anew",
    "gives up term : hears only",
    "gives up term : node  leads the later term",
    "gives up term : node  knows term",
    "leads alone",
    "this daemon did not run for",
    "link  to node is dead",
    "link  to node is back",
    "document kept aside",
    "proposal dropped with the leadership",
    "order of another term refused",
    "crash that lost an unsynced write",
    "crash that kept an unconfirmed write",
    "document could not be stored",
    "all nodes crashed at once",
    "asked to resign",
    "vote refused",
    "pre-vote refused",
    "packet of an old session",
    "replayed packet",
    "leader ready",
};

std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  const auto first = parse_int<std::uint64_t>(text.substr(0, dots));
  const auto last = parse_int<std::uint64_t>(text.substr(dots + 2));
  if (!first || !last || *first > *last) return std::nullopt;
  return std::pair(*first, *last);
}

bool take_value(Options& options, std::string_view name, std::string_view value) {
  if (name == "--seeds") {
    const auto range = parse_range(value);
    if (!range) return false;
    std::tie(options.first, options.last) = *range;
    return true;
  }
  if (name == "--mode") {
    if (value == "none") options.mode = membership::Mode::none;
    if (value == "ping") options.mode = membership::Mode::ping;
    if (value == "majority") options.mode = membership::Mode::majority;
    return options.mode.has_value();
  }
  const auto number = parse_int<std::uint64_t>(value);
  if (!number) return false;
  if (name == "--seed") {
    options.first = options.last = *number;
    options.jobs = 1;
    options.rare = false;
    return true;
  }
  if (name == "--nodes" && *number >= 1 && *number <= 7) {
    options.nodes = *number;
    return true;
  }
  if (name == "--jobs" && *number >= 1 && *number <= 64) {
    options.jobs = static_cast<unsigned>(*number);
    return true;
  }
  return false;
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
    } else if (name == "--core") {
      options.core = true;
    } else {
      if (i + 1 >= argc || !take_value(options, name, argv[i + 1])) {
        fmt::print(stderr, "sim: cannot use '{}{}{}'\n{}", name, i + 1 < argc ? " " : "",
                   i + 1 < argc ? argv[i + 1] : "", usage);
        return std::nullopt;
      }
      ++i;
    }
  }
  return options;
}

struct Total {
  std::mutex mutex;
  std::map<std::string, std::uint64_t> rare;
  std::size_t steps = 0, writes = 0, acknowledged = 0;
  std::atomic<std::size_t> failures = 0;
  Duration slowest{};
  std::uint64_t slowest_seed = 0;
};

Plan plan_of(const Options& options, std::uint64_t seed) {
  Plan plan = draw_plan(seed, options.nodes, options.mode);
  if (!options.core) return plan;
  plan.resources = core_resources();
  plan.extra_time = 20s;
  draw_rest(plan);
  return plan;
}

Factory factory_of(const Options& options) {
  return options.core ? core_machine : small_machine;
}

void story_of(const Options& options, const Plan& plan, std::size_t lines) {
  std::deque<std::string> end;
  World world(plan, factory_of(options), [&](const std::string& line) {
    end.push_back(line);
    if (end.size() > lines) end.pop_front();
  });
  world.run();
  for (const std::string& line : end) fmt::print("{}\n", line);
}

void run_one(const Options& options, std::uint64_t seed, Total& total) {
  const Plan plan = plan_of(options, seed);
  std::function<void(const std::string&)> trace;
  if (options.trace) trace = [](const std::string& line) { fmt::print("{}\n", line); };
  const Report report = World(plan, factory_of(options), trace).run();
  const std::lock_guard lock(total.mutex);
  for (const auto& [what, times] : report.rare) total.rare[what] += times;
  total.steps += report.steps;
  total.writes += report.writes;
  total.acknowledged += report.acknowledged;
  if (report.settled_after > total.slowest) {
    total.slowest = report.settled_after;
    total.slowest_seed = seed;
  }
  if (!report.verdict) return;
  ++total.failures;
  if (!options.trace && total.failures == 1) story_of(options, plan, 60);
  fmt::print("FAILED at {:.4f} s: {}\n  {}\n  replay: sim{} --seed {} --trace{}{}\n",
             std::chrono::duration<double>(report.at.time_since_epoch()).count(), *report.verdict, plan.text(),
             options.core ? " --core" : "", seed, options.nodes ? fmt::format(" --nodes {}", *options.nodes) : "",
             options.mode ? fmt::format(" --mode {}", *options.mode == membership::Mode::none   ? "none"
                                                      : *options.mode == membership::Mode::ping ? "ping"
                                                                                                : "majority")
                          : "");
}

bool all_rare_taken(const Total& total, std::span<const char* const> names) {
  bool all = true;
  for (const char* name : names) {
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
  std::atomic<std::uint64_t> next = options->first;
  const auto begun = std::chrono::steady_clock::now();
  const auto work = [&] {
    for (std::uint64_t seed = next++; seed <= options->last; seed = next++) {
      run_one(*options, seed, total);
      if (options->until_failure && total.failures > 0) break;
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options->jobs; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  const std::span<const char* const> names =
      options->core ? std::span<const char* const>(rare_branches_of_core) : std::span<const char* const>(rare_branches);
  const bool rare = !options->rare || all_rare_taken(total, names);
  fmt::print("{} seeds, {} steps, {} of {} writes acknowledged, slowest to settle {} (seed {}), {} failed, {:.1f} s\n",
             options->last - options->first + 1, total.steps, total.acknowledged, total.writes, to_text(total.slowest),
             total.slowest_seed, total.failures.load(), took.count());
  return total.failures == 0 && rare ? 0 : 1;
}
