// SPDX-License-Identifier: GPL-2.0-or-later
// See crm_simulate.hpp. The CIB comes from a file, from standard input or from the cluster; then somebody's events
// happen, the scheduler decides, and its transition is played. Nothing here touches the cluster.
#include "tools/simulate/crm_simulate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>

#include "common/base/text.hpp"
#include "crmd/scheduler/picture.hpp"
#include "tools/arguments.hpp"
#include "tools/cib_file.hpp"
#include "tools/simulate/date_time.hpp"
#include "tools/simulate/events.hpp"
#include "tools/simulate/show.hpp"
#include "tools/simulate/world.hpp"

namespace systole::tools {

namespace {

constexpr std::string_view tool = "crm_simulate";

const std::vector<Option>& options() {
  static const std::vector<Option> options{
      {'x', {"xml-file"}, Takes::value, "the CIB from this file"},
      {'p', {"xml-pipe"}, Takes::nothing, "the CIB from standard input (also without -x and -L)"},
      {'L', {"live-check"}, Takes::nothing, "the CIB of the running cluster"},
      {'R', {"run"}, Takes::nothing, "show what the cluster would do"},
      {'S', {"simulate"}, Takes::nothing, "play it, too, and show what comes of it"},
      {'X', {"in-place"}, Takes::nothing, "like -S, and write what comes of it to the file of -x"},
      {'s', {"show-scores"}, Takes::nothing, "show allocation and promotion scores"},
      {'W', {"why"}, Takes::nothing, "show for each resource why it goes where it goes"},
      {'A', {"show-attrs"}, Takes::nothing, "show the nodes' attributes"},
      {'c', {"show-failcounts"}, Takes::nothing, "show the resources' fail counts"},
      {'u', {"node-up"}, Takes::value, "this node is up; several times, as all of these"},
      {'d', {"node-down"}, Takes::value, "this node has been shut down"},
      {'f', {"node-fail"}, Takes::value, "this node has failed"},
      {'i', {"op-inject"}, Takes::value, "RESOURCE_OPERATION_INTERVAL@NODE=CODE: this result has come"},
      {'F', {"op-fail"}, Takes::value, "the same: if it is done in the simulation, it ends so (means -S)"},
      {'t', {"set-datetime"}, Takes::value, "it is this date and time (ISO 8601)"},
      {'q', {"quorum"}, Takes::value, "1 or 0: the cluster has quorum, or not"},
      {'w', {"watchdog"}, Takes::value, "1 or 0: the cluster has a watchdog, or not"},
      {'I', {"save-input"}, Takes::value, "write the CIB, with what was imagined, to this file"},
      {'O', {"save-output"}, Takes::value, "write the CIB that comes of it to this file"},
      {'G', {"save-graph"}, Takes::value, "write the transition to this file, as XML"},
      {'D', {"save-dotfile"}, Takes::value, "write the transition to this file, in Graphviz's language"},
      {'a', {"all-actions"}, Takes::nothing, "in the latter also what nothing asks for"},
      {'Q', {"quiet"}, Takes::nothing, "show only what was asked for by options"},
      {'P', {"profile"}, Takes::value, "how long planning takes for each *.xml of this directory"},
      {'N', {"repeat"}, Takes::value, "with -P: so often"},
      {'V', {"verbose"}, Takes::nothing, ""},
      {'$', {"version"}, Takes::nothing, "print the version"},
      {'?', {"help"}, Takes::nothing, "print this help"},
  };
  return options;
}

std::int64_t now_s() {
  return static_cast<std::int64_t>(std::time(nullptr));
}

Result<void> write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  if (!file) return Error{Errc::io, errno_error(fmt::format("cannot write '{}'", path)).what};
  return {};
}

Result<void> write_cib(const std::optional<std::string>& path, const World& world) {
  if (!path) return {};
  const auto document = world.document();
  if (!document) return document.error();
  return write_text(*path, *document);
}

/// A run of the tool: its options, and what is said so far.
class Run {
 public:
  Run(Surroundings& here, const Arguments& arguments) : here_(here), arguments_(arguments) {}

  Result<void> all();

 private:
  bool quiet() const { return arguments_.has('Q'); }
  void say(const std::string& text) {
    if (!quiet()) here_.out += text;
  }
  Result<std::string> read_cib() const;
  Result<void> set_up(World& world);
  Result<Events> events() const;
  Result<void> imagine(World& world);
  Result<void> save(const scheduler::Planned& planned) const;
  void show_state(const World& world, std::string_view title);
  void show_plan(const scheduler::Planned& planned);
  Result<void> play(World& world, const scheduler::Transition& transition);

  Surroundings& here_;
  const Arguments& arguments_;
  std::string time_line_;  // which time holds; "" the clock's
};

Result<std::string> Run::read_cib() const {
  const bool live = arguments_.last_of("xpL") == 'L';
  if (!live) return read_whole(arguments_.value('x').value_or("-"));
  const auto file = here_.environment("CIB_file");
  if (file) return read_whole(*file);
  const auto reply = here_.daemon->ask(wire::ipc::QueryCib{});
  if (!reply) return reply.error();
  if (reply->exit_code != 0) return refusal(*reply);
  return reply->text;
}

Result<void> Run::set_up(World& world) {
  if (const auto asked = arguments_.value('t')) {
    const auto time = parse_date_time(*asked);
    if (!time) return time.error();
    world.set_time(*time);
    time_line_ = fmt::format("Setting effective cluster time: {}\n", *asked);
  } else if (world.said_time()) {
    time_line_ = fmt::format("Using the original execution date of: {}\n", utc_text(*world.said_time()));
  }
  return {};
}

Result<std::optional<bool>> yes_or_no(const Arguments& arguments, char letter) {
  const auto text = arguments.value(letter);
  if (!text) return std::optional<bool>();
  const auto value = parse_bool(*text);
  if (!value) return Error{Errc::invalid, fmt::format("-{} '{}': 1 or 0 is meant", letter, *text)};
  return std::optional<bool>(*value);
}

Result<std::vector<ImaginedResult>> results(const Arguments& arguments, char letter) {
  std::vector<ImaginedResult> all;
  for (const std::string& text : arguments.values(letter)) {
    auto result = parse_imagined_result(text);
    if (!result) return result.error();
    all.push_back(std::move(*result));
  }
  return all;
}

Result<Events> Run::events() const {
  Events events;
  const auto quorum = yes_or_no(arguments_, 'q'), watchdog = yes_or_no(arguments_, 'w');
  if (!quorum) return quorum.error();
  if (!watchdog) return watchdog.error();
  events.quorum = *quorum;
  events.watchdog = *watchdog;
  for (const std::string& name : arguments_.values('u')) events.up.push_back(NodeName{name});
  for (const std::string& name : arguments_.values('d')) events.down.push_back(NodeName{name});
  for (const std::string& name : arguments_.values('f')) events.fails.push_back(NodeName{name});
  auto happened = results(arguments_, 'i');
  if (!happened) return happened.error();
  events.results = std::move(*happened);
  return events;
}

Result<void> Run::imagine(World& world) {
  const auto imagined = events();
  if (!imagined) return imagined.error();
  if (imagined->empty()) return {};
  const auto lines = world.happen(*imagined);
  if (!lines) return lines.error();
  say("\nPerforming Requested Modifications:\n" + join(*lines, "\n") + "\n" + time_line_);
  return {};
}

void Run::show_state(const World& world, std::string_view title) {
  const scheduler::Picture picture = scheduler::picture_of(world.view());
  std::string text = fmt::format("{}:\n{}", title, show_status(picture));
  if (arguments_.has('A')) text += "\n" + show_attributes(picture);
  if (arguments_.has('c')) text += "\n" + show_fail_counts(picture);
  say(text);
}

void Run::show_plan(const scheduler::Planned& planned) {
  if (arguments_.has('s')) {
    say("\nAllocation Scores:\n");
    here_.out += show_scores(planned.picture, quiet() ? "" : "  * ");
  }
  if (arguments_.has('W')) {
    say("\nReasons:\n");
    for (const scheduler::Decision& decision : planned.transition.decisions)
      here_.out += fmt::format("  * {}: {}\n", decision.resource.value, decision.sentence);
    for (const std::string& problem : planned.transition.problems) here_.out += fmt::format("  ! {}\n", problem);
  }
  say("\nTransition Summary:\n" + show_changes(planned.picture));
}

Result<void> Run::save(const scheduler::Planned& planned) const {
  if (const auto path = arguments_.value('G'))
    if (const auto done = write_text(*path, show_transition(planned.transition)); !done) return done.error();
  if (const auto path = arguments_.value('D'))
    return write_text(*path, show_graph(planned.picture, arguments_.has('a')));
  return {};
}

Result<void> Run::play(World& world, const scheduler::Transition& transition) {
  const auto failing = results(arguments_, 'F');
  if (!failing) return failing.error();
  const auto lines = world.play(transition, *failing);
  std::string text = "\nExecuting Cluster Transition:\n";
  for (const std::string& line : lines) text += line + "\n";
  say(text + time_line_ + "\n");
  show_state(world, "Revised Cluster Status");
  if (const auto saved = write_cib(arguments_.value('O'), world); !saved) return saved.error();
  return write_cib(arguments_.has('X') ? arguments_.value('x') : std::nullopt, world);
}

Result<void> Run::all() {
  const auto cib = read_cib();
  if (!cib) return cib.error();
  auto world = World::of(*cib, now_s());
  if (!world) return world.error();
  if (const auto ready = set_up(*world); !ready) return ready.error();
  if (world->unchecked())
    say("Schema validation of configuration is disabled "
        "(enabling is encouraged and prevents common misconfigurations)\n");
  say(time_line_ + show_counts(scheduler::picture_of(world->view())));
  show_state(*world, "Current cluster status");
  if (const auto done = imagine(*world); !done) return done.error();
  if (const auto saved = write_cib(arguments_.value('I'), *world); !saved) return saved.error();
  const bool plays = arguments_.last_of("SXFO") != 0;
  if (!plays && arguments_.last_of("RsWDG") == 0) return {};
  const scheduler::Planned planned = scheduler::schedule_in_full(world->view());
  show_plan(planned);
  if (const auto saved = save(planned); !saved) return saved.error();
  return plays ? play(*world, planned.transition) : Result<void>{};
}

/// CPU time of deciding alone: the CIB is read once.
Result<void> profile(Surroundings& here, const Arguments& arguments) {
  const std::string directory = *arguments.value('P');
  const int repeat = std::max(1, parse_int<int>(arguments.value('N').value_or("1")).value_or(1));
  std::error_code problem;
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory, problem))
    if (entry.path().extension() == ".xml") paths.push_back(entry.path().string());
  if (problem) return Error{Errc::io, fmt::format("cannot read directory '{}': {}", directory, problem.message())};
  std::ranges::sort(paths);
  here.out += "Timings:\n";
  for (const std::string& path : paths) {
    const auto cib = read_whole(path);
    if (!cib) return cib.error();
    const auto world = World::of(*cib, now_s());
    if (!world) return Error{world.error().code, fmt::format("{}: {}", path, world.error().what)};
    const std::clock_t begin = std::clock();
    for (int i = 0; i < repeat; ++i) scheduler::schedule(world->view());
    here.out += fmt::format("  * Testing {} ... {:.4f} secs\n", path, double(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  return {};
}

}  // namespace

int crm_simulate(Surroundings& here) {
  const auto arguments = Arguments::parse(options(), here.words);
  if (!arguments) return usage(here, tool, arguments.error().what);
  if (arguments->has('?')) {
    here.out += help_text("Usage: crm_simulate [OPTIONS]: what the cluster would do with a CIB", options());
    return exit_code::ok;
  }
  if (arguments->has('$')) {
    here.out += fmt::format("crm_simulate of Systole {}\n", SYSTOLE_VERSION);
    return exit_code::ok;
  }
  if (!arguments->rest().empty())
    return usage(here, tool, fmt::format("'{}' belongs to no option", arguments->rest().front()));
  if (arguments->has('X') && !arguments->has('x')) return usage(here, tool, "-X writes to the file of -x: which?");
  const auto done = arguments->has('P') ? profile(here, *arguments) : Run(here, *arguments).all();
  return done ? exit_code::ok : fail(here, tool, done.error());
}

}  // namespace systole::tools
