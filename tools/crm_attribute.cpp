// SPDX-License-Identifier: GPL-2.0-or-later
// crm_attribute and crm_master: node attributes (until the next restart, or for ever) and cluster properties. Options,
// output and exit codes as agents and scripts know them from Pacemaker 2.1.
#include <fmt/format.h>

#include "tools/arguments.hpp"
#include "tools/program.hpp"
#include "tools/stored_attribute.hpp"

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

const std::vector<Option>& options() {
  static const std::vector<Option> options{
      {'n', {"name", "attr-name"}, Takes::value, "name of the attribute"},
      {'p', {"promotion"}, Takes::maybe, "the promotion score of this resource (default: $OCF_RESOURCE_INSTANCE)"},
      {'v', {"update", "attr-value"}, Takes::value, "set it to this value"},
      {'G', {"query", "get-value"}, Takes::nothing, "print it"},
      {'D', {"delete", "delete-attr"}, Takes::nothing, "delete it"},
      {'N', {"node", "node-uname"}, Takes::value, "of this node (default: the local one)"},
      {'U', {"uname"}, Takes::value, ""},
      {'l', {"lifetime"}, Takes::value, "reboot (until the node leaves) or forever"},
      {'t', {"type"}, Takes::value, "crm_config, nodes (= forever) or status (= reboot)"},
      {'d', {"default"}, Takes::value, "print this where nothing is set"},
      {'s', {"set-name"}, Takes::value, "id of the attribute set"},
      {'i', {"id", "attr-id"}, Takes::value, "id of the nvpair"},
      {'P', {"pattern"}, Takes::nothing, "the name is a regular expression (with -D or -v, reboot only)"},
      {'q', {"quiet"}, Takes::nothing, "print the value only"},
      {'Q', {"quiet-old"}, Takes::nothing, ""},
      {'V', {"verbose"}, Takes::nothing, ""},
      {'$', {"version"}, Takes::nothing, "print the version"},
      {'?', {"help", "help-all"}, Takes::nothing, "print this help"},
  };
  return options;
}

enum class Kind { transient, nodes, crm_config };

struct Wish {
  Kind kind = Kind::nodes;
  std::string tool;
  std::string name, node, set, id;
  char action = 'G';
  std::string value;
  std::optional<std::string> fallback;
  bool quiet = false, pattern = false;

  std::string_view scope() const {
    switch (kind) {
      case Kind::transient:
        return "status";
      case Kind::nodes:
        return "nodes";
      case Kind::crm_config:
        return "crm_config";
    }
    return "";
  }
};

int finish(Surroundings& here, const Wish& wish, int code, const std::string& text) {
  if (code == 0) return 0;
  const bool missing = code == exit_code::no_such;
  here.err +=
      fmt::format("{}: Error performing operation: {}\n", wish.tool, missing ? "No such device or address" : text);
  return code;
}

int print_value(Surroundings& here, const Wish& wish, const std::optional<std::string>& value) {
  const std::optional<std::string>& shown = value ? value : wish.fallback;
  if (!shown) return finish(here, wish, exit_code::no_such, "");
  here.out += wish.quiet ? *shown + "\n" : fmt::format("scope={}  name={} value={}\n", wish.scope(), wish.name, *shown);
  return 0;
}

int transient(Surroundings& here, const Wish& wish) {
  if (wish.action == 'G') {
    ipc::QueryAttribute query;
    query.name = wish.name;
    query.node = wish.node;
    const auto reply = here.daemon->ask(query);
    if (!reply) return fail(here, wish.tool, reply.error());
    if (reply->exit_code != 0 && reply->exit_code != exit_code::no_such)
      return finish(here, wish, reply->exit_code, reply->text);
    std::optional<std::string> value;
    if (reply->exit_code == 0 && !reply->attributes.empty()) value = reply->attributes.front().value;
    return print_value(here, wish, value);
  }
  ipc::SetAttribute set;
  set.name = wish.name;
  set.node = wish.node;
  set.pattern = wish.pattern;
  if (wish.action == 'v') set.value = wish.value;
  const auto reply = here.daemon->ask(set);
  if (!reply) return fail(here, wish.tool, reply.error());
  return finish(here, wish, reply->exit_code, reply->text);
}

int stored(Surroundings& here, Wish wish) {
  if (wish.kind == Kind::nodes && wish.node.empty()) {
    const auto reply = here.daemon->ask(ipc::QueryCluster{});
    if (!reply) return fail(here, wish.tool, reply.error());
    if (!reply->cluster) return finish(here, wish, reply->exit_code, reply->text);
    wish.node = reply->cluster->self;
  }
  StoredAttribute attribute;
  attribute.where = wish.kind == Kind::nodes ? StoredAttribute::Where::nodes : StoredAttribute::Where::crm_config;
  attribute.name = wish.name;
  attribute.node = wish.node;
  attribute.set = wish.set;
  attribute.id = wish.id;
  if (wish.action == 'G') {
    const auto found = find_stored(*here.daemon, attribute);
    if (!found) return fail(here, wish.tool, found.error());
    return print_value(here, wish, found->empty() ? std::nullopt : std::optional(found->front().value));
  }
  const auto done = wish.action == 'D' ? erase(*here.daemon, attribute, wish.tool)
                                       : store(*here.daemon, attribute, wish.value, wish.tool);
  if (!done) return fail(here, wish.tool, done.error());
  if (wish.action == 'D' && done->exit_code == 0 && !done->text.empty())
    here.out += fmt::format("Deleted {} attribute: id={} name={}\n", wish.scope(), done->text, wish.name);
  return finish(here, wish, done->exit_code, done->text);
}

/// Which attribute is meant; an empty name: the sentence is in *problem.
std::string name_of(const Surroundings& here, const Arguments& arguments, bool promotion, std::string* problem) {
  if (!promotion) {
    if (!arguments.value('n') || arguments.value('n')->empty()) *problem = "the name of the attribute is missing (-n)";
    return arguments.value('n').value_or("");
  }
  const auto resource = arguments.value('p') ? arguments.value('p') : here.environment("OCF_RESOURCE_INSTANCE");
  if (!resource || resource->empty()) {
    *problem = "a promotion score belongs to a resource: say -p RESOURCE, or set OCF_RESOURCE_INSTANCE";
    return "";
  }
  return "master-" + *resource;
}

std::optional<Kind> kind_of(const Arguments& arguments, bool promotion, bool has_node) {
  const std::string type = arguments.value('l').value_or(arguments.value('t').value_or(""));
  if (type == "reboot" || type == "status") return Kind::transient;
  if (type == "forever" || type == "nodes") return Kind::nodes;
  if (type == "crm_config") return Kind::crm_config;
  if (!type.empty()) return {};
  return promotion ? Kind::transient : has_node ? Kind::nodes : Kind::crm_config;
}

int run(Surroundings& here, const std::string& tool, const Arguments& arguments, bool promotion) {
  Wish wish;
  wish.tool = tool;
  std::string problem;
  wish.name = name_of(here, arguments, promotion, &problem);
  if (!problem.empty()) return usage(here, tool, problem);
  wish.node = arguments.value('N').value_or(arguments.value('U').value_or(""));
  const auto kind = kind_of(arguments, promotion, !wish.node.empty());
  if (!kind)
    return usage(here, tool,
                 "-t takes crm_config, nodes or status, -l reboot or forever; other types are not supported");
  wish.kind = *kind;
  if (wish.node.empty() || wish.node == "localhost") wish.node = node_of_environment(here);
  wish.action = arguments.last_of("vGD");
  if (wish.action == 0) wish.action = 'G';
  wish.value = arguments.value('v').value_or("");
  wish.set = arguments.value('s').value_or("");
  wish.id = arguments.value('i').value_or("");
  wish.fallback = arguments.value('d');
  wish.quiet = arguments.has('q') || arguments.has('Q');
  wish.pattern = arguments.has('P');
  if (wish.pattern && wish.kind != Kind::transient) return usage(here, tool, "-P needs -l reboot");
  return wish.kind == Kind::transient ? transient(here, wish) : stored(here, wish);
}

}  // namespace

int crm_attribute(Surroundings& here) {
  const auto arguments = Arguments::parse(options(), here.words);
  if (!arguments) return usage(here, "crm_attribute", arguments.error().what);
  if (arguments->has('?')) {
    here.out += help_text("crm_attribute: show, set and delete node attributes and cluster properties", options());
    return 0;
  }
  if (arguments->has('$')) {
    here.out += "Pacemaker 2.1.5 (Systole " SYSTOLE_VERSION ")\n";
    return 0;
  }
  return run(here, "crm_attribute", *arguments, arguments->has('p'));
}

int crm_master(Surroundings& here) {
  std::vector<Option> mine = options();
  mine.push_back({'r', {"resource"}, Takes::value, "the resource (default: $OCF_RESOURCE_INSTANCE)"});
  auto words = here.words;
  const auto first = Arguments::parse(mine, words);
  if (!first) return usage(here, "crm_master", first.error().what);
  if (first->has('?')) {
    here.out += help_text("crm_master: the promotion score of a resource on a node (same as crm_attribute -p)", mine);
    return 0;
  }
  // -r RESOURCE is crm_attribute's -p RESOURCE.
  if (const auto resource = first->value('r')) words.insert(words.end(), {"-p", *resource});
  const auto arguments = Arguments::parse(mine, words);
  return run(here, "crm_master", *arguments, true);
}

}  // namespace systole::tools
