// SPDX-License-Identifier: GPL-2.0-or-later
// The program crm_simulate: what the scheduler would do with a CIB, in the words of Pacemaker's tool of that name.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>

#include "common/base/exit_codes.hpp"
#include "crmd/scheduler/picture.hpp"
#include "tools/cib_file.hpp"
#include "tools/simulate/show.hpp"
#include "tools/simulate/world.hpp"

namespace {

using namespace systole;

struct Options {
  std::string file, graph;
  bool simulate = false, quiet = false;
};

std::string said_time(const tools::World& world) {
  if (!world.said_time()) return "";
  const std::time_t time = *world.said_time();
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%SZ", &utc);
  return fmt::format("Using the original execution date of: {}\n", text.data());
}

Result<std::string> report(const Options& asked, tools::World& world) {
  const scheduler::Planned planned = scheduler::schedule_in_full(world.view());
  std::string text;
  if (!asked.quiet) {
    const scheduler::Picture before = scheduler::picture_of(world.view());
    if (world.unchecked())
      text +=
          "Schema validation of configuration is disabled "
          "(enabling is encouraged and prevents common misconfigurations)\n";
    text +=
        said_time(world) + tools::show_counts(before) + "Current cluster status:\n" + tools::show_status(before) + "\n";
    text += "Transition Summary:\n" + tools::show_changes(planned.picture) + "\n";
  }
  if (!asked.graph.empty()) {
    std::ofstream file(asked.graph);
    file << tools::show_graph(planned.picture) << std::flush;
    if (!file) return Error{Errc::io, fmt::format("cannot write '{}'", asked.graph)};
  }
  if (!asked.simulate) return text;
  const auto lines = world.play(planned.transition);
  if (asked.quiet) return text;
  text += "Executing Cluster Transition:\n";
  for (const std::string& line : lines) text += line + "\n";
  return text + said_time(world) + "\nRevised Cluster Status:\n" +
         tools::show_status(scheduler::picture_of(world.view()));
}

int run(const Options& asked) {
  const auto text = tools::read_whole(asked.file);
  auto world = text ? tools::World::of(*text, std::time(nullptr)) : Result<tools::World>(text.error());
  if (!world) {
    fmt::print(stderr, "crm_simulate: {}: {}\n", asked.file, world.error().what);
    return 1;
  }
  const auto said = report(asked, *world);
  if (!said) {
    fmt::print(stderr, "crm_simulate: {}\n", said.error().what);
    return 1;
  }
  fmt::print("{}", *said);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options asked;
  CLI::App app("What the scheduler would do with a CIB.");
  app.add_option("-x,--xml-file", asked.file, "the CIB, from this file")->required();
  app.add_flag("-S,--simulate,-R,--run", asked.simulate, "play what it would do, and show what comes of it");
  app.add_flag("-Q,--quiet", asked.quiet, "show only what was asked for by other options");
  app.add_option("-D,--save-dotfile", asked.graph, "write the transition there, in Graphviz's language");
  CLI11_PARSE(app, argc, argv);
  return run(asked);
}
