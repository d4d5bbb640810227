// SPDX-License-Identifier: GPL-2.0-or-later
// See script_rules.hpp. It reads lines, not the shell's grammar: it finds what people do, and lets the rest through to
// `lsb-check --run`, which sees what really happens.
#include "tools/agent/script_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <set>

#include "agents/lsb/header.hpp"
#include "common/base/text.hpp"

namespace systole::tools {
namespace {

struct Line {
  std::size_t number;
  std::string code;  // without comment lines
};

std::vector<Line> code_of(std::string_view text) {
  std::vector<Line> lines;
  std::size_t number = 0;
  for (const std::string& line : split(text, '\n')) {
    ++number;
    const std::string_view bare = trim(line);
    if (!bare.empty() && !bare.starts_with('#')) lines.push_back({number, std::string(bare)});
  }
  return lines;
}

bool any_line(const std::vector<Line>& lines, const std::regex& pattern) {
  return std::ranges::any_of(lines, [&](const Line& line) { return std::regex_search(line.code, pattern); });
}

/// The words of all branches of case, as in  "start"|begin)  and of comparisons, as in  [ "$1" = start ]
std::set<std::string> branches_of(const std::vector<Line>& lines) {
  static const std::regex branch(R"((?:^|;;|\bin\s)\s*\(?\s*((?:["']?[\w-]+["']?\s*\|\s*)*["']?[\w-]+["']?)\s*\))");
  static const std::regex comparison(R"(=\s*["']?([\w-]+))"), word(R"([\w-]+)");
  std::set<std::string> found;
  const auto each = [](const std::string& text, const std::regex& pattern, const auto& take) {
    for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) take(*at);
  };
  for (const Line& line : lines) {
    each(line.code, branch, [&](const std::smatch& alternatives) {
      each(alternatives.str(1), word, [&](const std::smatch& one) { found.insert(one.str()); });
    });
    each(line.code, comparison, [&](const std::smatch& one) { found.insert(one.str(1)); });
  }
  return found;
}

/// The script hands its words to another program or to a framework: its branches are not here.
bool delegates(const std::vector<Line>& lines, std::string_view interpreter) {
  static const std::regex handed(R"(("\$@"|\$\*|init-d-script))");
  return interpreter.find("init-d-script") != std::string_view::npos || any_line(lines, handed);
}

std::string questions(const std::vector<Line>& lines) {
  // A loop over a file or a pipe reads, too, but asks nobody.
  static const std::regex asks(
      R"((^|[;&()]\s*|\b(then|do|else|if|!)\s+)(read(\s|$)|select\s+\w+\s+in\b|dialog\s|whiptail\s))");
  static const std::regex fed(R"((<|\||\bwhile\b))");
  static const std::regex terminal(R"(<\s*/dev/tty\b)");
  std::vector<std::string> found;
  for (const Line& line : lines)
    if (std::regex_search(line.code, terminal) ||
        (std::regex_search(line.code, asks) && !std::regex_search(line.code, fed)))
      found.push_back(fmt::format("line {}: {}", line.number, line.code));
  return join(found, "; ");
}

std::string hidden_failures(const std::vector<Line>& lines) {
  static const std::regex leaves(R"((^|[;&|{(]\s*|\s)exit(\s|;|$))"), strict(R"(^set\s+(-\w*e|-o\s+errexit))");
  if (lines.empty()) return "it does nothing";
  const std::string& last = lines.back().code;
  if (last != "exit 0" && last != "exit 0;" && last != ":" && last != "true") return "";
  const auto exits =
      std::ranges::count_if(lines, [](const Line& line) { return std::regex_search(line.code, leaves); });
  if (exits > (last.starts_with("exit") ? 1 : 0) || any_line(lines, strict)) return "";
  return fmt::format("line {}: it always ends with '{}', whatever went wrong before", lines.back().number, last);
}

std::string interpreter_of(std::string_view first) {
  if (!first.starts_with("#!")) return "";
  const auto parts = words(first.substr(2));
  return parts.empty() ? "" : parts.front();
}

}  // namespace

ScriptFindings judge_script(std::string_view text, std::string_view name) {
  ScriptFindings found;
  const auto rule = [&](std::string sentence, std::string instead) {
    found.rules.push_back({std::move(sentence), std::move(instead)});
  };
  const std::string_view first = text.substr(0, text.find('\n'));
  found.interpreter = interpreter_of(first);
  const std::string_view stem =
      name.ends_with(".sh") ? name.substr(0, name.size() - 3) : name;  // systemd drops it, too
  rule("the name is one for init scripts", lsb::is_script_name(stem) ? "" : fmt::format("'{}'", name));
  rule("the first line names an interpreter",
       found.interpreter.starts_with('/') ? "" : fmt::format("it is '{}', not #!/bin/sh", trim(first)));
  rule("lines end as on Unix",
       text.find('\r') == std::string_view::npos ? "" : "there are carriage returns (see: dos2unix)");
  const lsb::ReadHeader header = lsb::read_header(text);
  rule("the LSB comment block is complete", join(header.faults, "; "));
  const auto lines = code_of(text);
  rule("it asks no questions", questions(lines));
  rule("failures are not hidden behind the last line", hidden_failures(lines));
  if (delegates(lines, first)) {
    found.notes.emplace_back("it hands its action on to another program: which ones exist is seen only with --run");
    return found;
  }
  const auto branches = branches_of(lines);
  for (const char* const action : {"start", "stop", "status"})
    rule(fmt::format("there is an action {}", action),
         branches.contains(action) ? "" : "no branch for it is found; a cluster manager cannot do without");
  for (const char* const action : {"restart", "force-reload"})
    if (!branches.contains(action))
      found.notes.push_back(fmt::format("LSB demands an action {}, cluster managers do not", action));
  rule("unknown actions have a branch of their own",
       any_line(lines, std::regex(R"((^|;;|\bin\s)\s*\(?\*\))")) || any_line(lines, std::regex(R"(\belse\b)"))
           ? ""
           : "there is no *)");
  return found;
}

}  // namespace systole::tools
