// SPDX-License-Identifier: GPL-2.0-or-later
// cibadmin: read and change the CIB. Options, texts and exit codes as scripts and shells know them from Pacemaker 2.1;
// after Pacemaker's line comes ours, which says what was wrong.
#include "tools/cibadmin.hpp"

#include <fmt/format.h>

#include "cib/xml/cib_xml.hpp"
#include "tools/arguments.hpp"
#include "tools/cib_file.hpp"

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

constexpr std::string_view tool = "cibadmin";
constexpr std::string_view actions = "QRCMDdPBuEa";

const std::vector<Option>& options() {
  static const std::vector<Option> options{
      {'Q', {"query"}, Takes::nothing, "print the CIB, or a part of it"},
      {'R', {"replace"}, Takes::nothing, "replace the CIB, a section or an element"},
      {'C', {"create"}, Takes::nothing, "create an element"},
      {'M', {"modify"}, Takes::nothing, "change attributes of an element and add children"},
      {'D', {"delete"}, Takes::nothing, "delete the first element that fits"},
      {'d', {"delete-all"}, Takes::nothing, "delete all elements that --xpath finds"},
      {'P', {"patch"}, Takes::nothing, "apply a patch (crm_diff)"},
      {'B', {"bump"}, Takes::nothing, "raise the epoch"},
      {'u', {"upgrade"}, Takes::nothing, "go to the newest schema (needs --force)"},
      {'E', {"erase"}, Takes::nothing, "empty the configuration (needs --force)"},
      {'a', {"empty"}, Takes::nothing, "print an empty CIB"},
      {'o', {"scope", "obj_type"}, Takes::value, "section: resources, constraints, nodes, crm_config, status …"},
      {'A', {"xpath"}, Takes::value, "the elements that this XPath finds"},
      {'X', {"xml-text"}, Takes::value, "XML from this word"},
      {'x', {"xml-file"}, Takes::value, "XML from this file"},
      {'p', {"xml-pipe"}, Takes::nothing, "XML from standard input"},
      {'c', {"allow-create"}, Takes::nothing, "-M creates what is missing"},
      {'n', {"no-children"}, Takes::nothing, "-Q without children"},
      {'e', {"node-path"}, Takes::nothing, "-Q --xpath: print the paths of what is found"},
      {'f', {"force"}, Takes::nothing, "do it although it is dangerous"},
      {'l', {"local"}, Takes::nothing, "-Q: this node's copy (always so)"},
      {'t', {"timeout"}, Takes::value, "seconds to wait for the answer"},
      {'s', {"sync-call"}, Takes::nothing, ""},
      {'N', {"node"}, Takes::value, ""},
      {'U', {"user"}, Takes::value, ""},
      {'V', {"verbose"}, Takes::nothing, ""},
      {'!', {"feature-set"}, Takes::nothing, ""},
      {'$', {"version"}, Takes::nothing, "print the version"},
      {'?', {"help"}, Takes::nothing, "print this help"},
  };
  return options;
}

/// Pacemaker's words for its codes; scripts look for them.
std::string_view words_for(int code) {
  switch (code) {
    case exit_code::data:
      return "Invalid data given";
    case exit_code::no_input:
      return "File or directory does not exist";
    case exit_code::permission:
      return "Permission denied";
    case exit_code::configuration:
      return "Update does not conform to the configured schema";
    case exit_code::not_connected:
      return "Transport endpoint is not connected";
    case exit_code::old_version:
      return "Update was older than existing configuration";
    case exit_code::no_such:
      return "No such device or address";
    case exit_code::no_quorum:
      return "Quorum required";
    case exit_code::exists:
      return "File exists";
    case exit_code::timeout:
      return "Timer expired";
    default:
      return "Error";
  }
}

int failed(Surroundings& here, const ipc::Reply& reply) {
  here.err += fmt::format("Call failed: {}\n", words_for(reply.exit_code));
  if (!reply.text.empty()) here.err += fmt::format("{}: {}\n", tool, reply.text);
  return reply.exit_code;
}

int run(Surroundings& here, const ipc::Request& request, std::string* answer = nullptr) {
  const auto reply = here.daemon->ask(request);
  if (!reply) {
    here.err += fmt::format("{}: {}\n", tool, reply.error().what);
    return exit_code_of(reply.error());
  }
  if (reply->exit_code != 0) return failed(here, *reply);
  std::string& out = answer != nullptr ? *answer : here.out;
  out += reply->text;
  if (!out.empty() && out.back() != '\n') out += '\n';
  return 0;
}

int query(Surroundings& here, const Arguments& arguments) {
  ipc::QueryCib query;
  query.scope = arguments.value('o').value_or("");
  query.xpath = arguments.value('A').value_or("");
  query.no_children = arguments.has('n');
  if (!arguments.has('e') || query.xpath.empty()) return run(here, query);
  std::string whole;
  if (const int code = run(here, ipc::QueryCib{}, &whole); code != 0) return code;
  const auto paths = cib::query_paths(whole, query.xpath);
  if (!paths) {
    ipc::Reply reply;
    reply.exit_code = exit_code_of(paths.error());
    reply.text = paths.error().what;
    return failed(here, reply);
  }
  for (const std::string& path : *paths) here.out += path + "\n";
  return 0;
}

Result<std::string> given_xml(const Arguments& arguments) {
  switch (arguments.last_of("Xxp")) {
    case 'X':
      return arguments.value('X').value_or("");
    case 'x':
      return read_whole(arguments.value('x').value_or(""));
    case 'p':
      return read_whole("-");
    default:
      return std::string();
  }
}

cib::Change change_of(char action) {
  switch (action) {
    case 'R':
    case 'E':
      return cib::Change::replace;
    case 'C':
      return cib::Change::create;
    case 'D':
    case 'd':
      return cib::Change::erase;
    case 'P':
      return cib::Change::patch;
    case 'B':
      return cib::Change::bump;
    case 'u':
      return cib::Change::upgrade;
    default:
      return cib::Change::modify;
  }
}

int change(Surroundings& here, const Arguments& arguments, char action) {
  ipc::ChangeCib change;
  cib::Request& request = change.request;
  request.change = change_of(action);
  request.scope = arguments.value('o').value_or("");
  request.xpath = arguments.value('A').value_or("");
  request.allow_create = arguments.has('c');
  request.force = arguments.has('f');
  request.all_matches = action == 'd';
  request.client = tool;
  if ((action == 'E' || action == 'u') && !request.force) {
    here.err += fmt::format("{}: --{} needs --force: the supplied command is considered dangerous\n", tool,
                            action == 'E' ? "erase" : "upgrade");
    return exit_code::needs_force;
  }
  auto xml = given_xml(arguments);
  if (!xml) {
    here.err += fmt::format("{}: {}\n", tool, xml.error().what);
    return exit_code::no_input;
  }
  request.xml = std::move(*xml);
  if (action == 'E') {
    request.scope = "configuration";
    request.xml = "<configuration><crm_config/><nodes/><resources/><constraints/></configuration>";
  }
  const bool by_xpath = (action == 'D' || action == 'd') && !request.xpath.empty();
  const bool alone = action == 'B' || action == 'u' || by_xpath;
  if (request.xml.empty() && !alone)
    return usage(here, tool, "XML is missing: -p (standard input), -x FILE or -X TEXT");
  return run(here, change);
}

}  // namespace

int cibadmin(Surroundings& here) {
  const auto arguments = Arguments::parse(options(), here.words);
  if (!arguments) return usage(here, tool, arguments.error().what);
  if (arguments->has('?')) {
    here.out += help_text("cibadmin: read and change the cluster's configuration (CIB)", options());
    return 0;
  }
  if (arguments->has('$') || arguments->has('!')) {
    here.out += "Pacemaker 2.1.5 (Systole " SYSTOLE_VERSION ")\n";
    return 0;
  }
  if (!arguments->rest().empty()) return usage(here, tool, fmt::format("what is '{}' for?", arguments->rest().front()));
  const char action = arguments->last_of(actions);
  if (action == 0) return usage(here, tool, "say what to do: -Q, -R, -C, -M, -D, -P …");
  if (action == 'a') {
    here.out += cib::empty_document("");
    return 0;
  }
  std::optional<CibFile> file;
  if (const auto path = here.environment("CIB_file"); path && !path->empty()) here.daemon = &file.emplace(*path);
  return action == 'Q' ? query(here, *arguments) : change(here, *arguments, action);
}

}  // namespace systole::tools
