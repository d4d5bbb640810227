// SPDX-License-Identifier: GPL-2.0-or-later
// attrd_updater: node attributes in the daemons' memory, with dampening. Options, output and exit codes as agents know
// them.
#include <fmt/format.h>

#include "tools/arguments.hpp"
#include "tools/program.hpp"

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

constexpr std::string_view tool = "attrd_updater";
constexpr int exit_no_value = 78;  // as Pacemaker 2.1.5's answers for an attribute that is not set

const std::vector<Option>& options() {
  static const std::vector<Option> options{
      {'n', {"name"}, Takes::value, "name of the attribute"},
      {'U', {"update"}, Takes::value, "set it; value++ and value+=N add"},
      {'v', {"update-value"}, Takes::value, ""},
      {'B', {"update-both"}, Takes::value, "set value and dampening (-d)"},
      {'Y', {"update-delay"}, Takes::nothing, "set the dampening (-d) only"},
      {'Q', {"query"}, Takes::nothing, "print it"},
      {'D', {"delete"}, Takes::nothing, "delete it"},
      {'R', {"refresh"}, Takes::nothing, "nothing to do here: attributes are always written"},
      {'d', {"delay"}, Takes::value, "dampening: how long to wait for further changes"},
      {'N', {"node"}, Takes::value, "of this node (default: the local one)"},
      {'A', {"all"}, Takes::nothing, "with -Q: of all nodes"},
      {'p', {"private"}, Takes::nothing, "never in the CIB"},
      {'S', {"section"}, Takes::value, ""},
      {'s', {"set"}, Takes::value, ""},
      {'l', {"lifetime"}, Takes::value, ""},
      {'q', {"quiet"}, Takes::nothing, ""},
      {'V', {"verbose"}, Takes::nothing, ""},
      {'$', {"version"}, Takes::nothing, "print the version"},
      {'?', {"help", "help-all"}, Takes::nothing, "print this help"},
  };
  return options;
}

int answer(Surroundings& here, const Result<ipc::Reply>& reply) {
  if (!reply) return fail(here, tool, reply.error());
  if (reply->exit_code != 0) here.err += fmt::format("{}: {}\n", tool, reply->text);
  return reply->exit_code;
}

/// Quotes within values would end them: agents eval these lines.
std::string quoted(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '"')
      safe += "&quot;";
    else
      safe.push_back(c);
  }
  return safe;
}

int query(Surroundings& here, const std::string& name, const std::string& node, bool all) {
  ipc::QueryAttribute query;
  query.name = name;
  query.node = node;
  query.all_nodes = all;
  const auto reply = here.daemon->ask(query);
  if (reply && reply->exit_code == exit_code::no_such) {
    here.err += fmt::format("Could not query value of {}: attribute does not exist\n", name);
    return exit_no_value;
  }
  const int code = answer(here, reply);
  if (code != 0) return code;
  for (const ipc::AttributeValue& value : reply->attributes)
    here.out += fmt::format("name=\"{}\" host=\"{}\" value=\"{}\"\n", quoted(value.name), quoted(value.node),
                            quoted(value.value));
  return 0;
}

int update(Surroundings& here, const Arguments& arguments, ipc::SetAttribute set) {
  const char action = arguments.last_of("UvBYD");
  if (action == 'B' || action == 'Y') {
    const auto delay = arguments.value('d');
    if (!delay) return usage(here, tool, fmt::format("-{} needs a dampening (-d)", action));
    set.dampening = parse_duration(*delay);
    if (!set.dampening) return usage(here, tool, fmt::format("'{}' is no duration", *delay));
  }
  if (action == 'Y') {
    ipc::QueryAttribute query;
    query.name = set.name;
    query.node = set.node;
    const auto present = here.daemon->ask(query);
    if (const int code = answer(here, present); code != 0) return code;
    if (!present->attributes.empty()) set.value = present->attributes.front().value;
  } else if (action != 'D') {
    set.value = arguments.value(action);
  }
  return answer(here, here.daemon->ask(set));
}

}  // namespace

int attrd_updater(Surroundings& here) {
  const auto arguments = Arguments::parse(options(), here.words);
  if (!arguments) return usage(here, tool, arguments.error().what);
  if (arguments->has('?')) {
    here.out += help_text("attrd_updater: show, set and delete transient node attributes", options());
    return 0;
  }
  if (arguments->has('$')) {
    here.out += "Pacemaker 2.1.5 (Systole " SYSTOLE_VERSION ")\n";
    return 0;
  }
  if (arguments->has('R')) return 0;
  ipc::SetAttribute set;
  set.name = arguments->value('n').value_or("");
  if (set.name.empty()) return usage(here, tool, "the name of the attribute is missing (-n)");
  set.node = arguments->value('N').value_or("");
  if (set.node.empty() || set.node == "localhost") set.node = node_of_environment(here);
  set.is_private = arguments->has('p');
  if (arguments->has('Q')) return query(here, set.name, set.node, arguments->has('A'));
  if (arguments->last_of("UvBYD") == 0)
    return usage(here, tool, "say what to do: -U VALUE, -B VALUE -d TIME, -D or -Q");
  return update(here, *arguments, std::move(set));
}

}  // namespace systole::tools
