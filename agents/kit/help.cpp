// SPDX-License-Identifier: GPL-2.0-or-later
// See help.hpp.
#include "agents/kit/help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/base/text.hpp"

namespace systole::agents {

namespace {

constexpr std::size_t columns = 80;
constexpr std::string_view folder = "/usr/lib/ocf/resource.d/systole";

std::string_view long_text(const Param& p) {
  return p.about.empty() ? p.brief : p.about;
}

/// What a parameter may hold, in brackets behind its name: "integer, 1 to 100, default 3".
std::string kind_of(const Param& p) {
  std::vector<std::string> facts;
  switch (p.type) {
    case ParamType::string:
      break;
    case ParamType::integer:
      facts.emplace_back("integer");
      break;
    case ParamType::boolean:
      facts.emplace_back("boolean");
      break;
    case ParamType::time:
      facts.emplace_back("time");
      break;
  }
  using Limits = std::numeric_limits<std::int64_t>;
  if (p.least != Limits::min() && p.greatest != Limits::max())
    facts.push_back(fmt::format("{} to {}", p.least, p.greatest));
  else if (p.least != Limits::min())
    facts.push_back(fmt::format("at least {}", p.least));
  if (!p.choices.empty()) facts.push_back(fmt::format("{}", fmt::join(p.choices, " | ")));
  if (p.required) facts.emplace_back("required");
  if (!p.fallback.empty()) facts.push_back(fmt::format("default {}", p.fallback));
  if (p.unique) facts.emplace_back("unique");
  if (p.reloadable) facts.emplace_back("changes need no restart");
  return join(facts, ", ");
}

std::string aliases_of(const Param& p) {
  return p.aliases.empty() ? "" : fmt::format("Older names: {}.", fmt::join(p.aliases, ", "));
}

/// "timeout 20s, every 10s as Promoted".
std::string times_of(const Action& a) {
  std::string text = fmt::format("timeout {}", a.timeout);
  if (!a.interval.empty()) text += fmt::format(", every {}", a.interval);
  if (!a.role.empty()) text += fmt::format(" as {}", a.role);
  return text;
}

std::string_view example_of(const Param& p) {
  if (!p.example.empty()) return p.example;
  return p.fallback.empty() ? "VALUE" : p.fallback;
}

/// "NAME=VALUE " for each parameter that must be given, with something before the name.
std::string required_words(const About& about, std::string_view before) {
  std::string text;
  for (const Param& p : about.params) {
    if (!p.required) continue;
    const std::string_view value = example_of(p);
    const char* const quote = value.find(' ') == std::string_view::npos ? "" : "'";
    text += fmt::format("{}{}={}{}{} ", before, p.name, quote, value, quote);
  }
  return text;
}

std::string call_by_hand(const About& about, std::string_view action) {
  return fmt::format("{}{}/{} {}", required_words(about, "OCF_RESKEY_"), folder, about.name, action);
}

/// Words of text, folded, each line after `indent` blanks.
std::string folded(std::string_view text, std::size_t indent) {
  const std::string margin(indent, ' ');
  std::string out, line = margin;
  for (const std::string& word : words(text)) {
    if (line.size() > indent && line.size() + 1 + word.size() > columns) {
      out += line + "\n";
      line = margin;
    }
    if (line.size() > indent) line += ' ';
    line += word;
  }
  return line.size() > indent ? out + line + "\n" : out;
}

// --- the manual page: roff ---

/// Text as roff takes it: no control line, no escape, and hyphens that can be searched and copied.
std::string roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out = "\\&";
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '\n')
      out += ' ';
    else
      out += c;
  }
  return out;
}

std::string parameters_page(const About& about) {
  std::string out;
  auto at = std::back_inserter(out);
  for (const Param& p : about.params) {
    const std::string kind = kind_of(p);
    fmt::format_to(at, ".TP\n.B {}\n", roff(p.name));
    if (!kind.empty()) fmt::format_to(at, "({})\n.br\n", roff(kind));
    fmt::format_to(at, "{}\n", roff(long_text(p)));
    if (!p.aliases.empty()) fmt::format_to(at, "{}\n", roff(aliases_of(p)));
  }
  return out;
}

std::string actions_page(const About& about) {
  std::string out;
  for (const Action& a : about.actions) out += fmt::format(".TP\n.B {}\n{}\n", roff(a.name), roff(times_of(a)));
  return out;
}

bool is_promotable(const About& about) {
  return std::ranges::any_of(about.actions, [](const Action& a) { return a.name == "promote"; });
}

/// One line for each row of "monitor": crmsh's and pcs' words for it.
std::string monitors(const About& about) {
  std::string text;
  for (const Action& a : about.actions) {
    if (a.name != "monitor" || a.interval.empty()) continue;
    text += fmt::format(" op monitor interval={} timeout={}", a.interval, a.timeout);
    if (!a.role.empty()) text += fmt::format(" role={}", a.role);
  }
  return text;
}

std::string examples_page(const About& about) {
  const std::string given(trim(required_words(about, "")));
  const std::string blank_given = given.empty() ? "" : " " + given;
  std::string out;
  const auto add = [&out](std::string_view what, const std::string& command) {
    out += fmt::format("{}\n.PP\n.nf\n.RS\n{}\n.RE\n.fi\n.PP\n", roff(what), roff(command));
  };
  add("By hand, as a manager would ask whether it runs:", fmt::format("{}; echo $?", call_by_hand(about, "monitor")));
  add("With pcs(8):", fmt::format("pcs resource create {0}1 ocf:systole:{0}{1}{2}{3}", about.name, blank_given,
                                  monitors(about), is_promotable(about) ? " promotable" : ""));
  add("With crmsh:", fmt::format("crm configure primitive {0}1 ocf:systole:{0}{1}{2}", about.name,
                                 given.empty() ? "" : " params" + blank_given, monitors(about)));
  return out;
}

}  // namespace

std::string help_text(const About& about) {
  std::string out = fmt::format("ocf:systole:{} - {}\n\nusage: [OCF_RESKEY_NAME=VALUE ...] {} ACTION\n\n", about.name,
                                about.brief, about.name);
  auto at = std::back_inserter(out);
  out += folded(about.about, 0);
  if (!about.params.empty()) out += "\nParameters\n";
  for (const Param& p : about.params) {
    const std::string kind = kind_of(p);
    out += folded(fmt::format("{}{}", p.name, kind.empty() ? "" : fmt::format(" ({})", kind)), 2);
    out += folded(long_text(p), 6) + folded(aliases_of(p), 6);
  }
  out += "\nActions\n";
  for (const Action& a : about.actions) fmt::format_to(at, "  {:<14} {}\n", a.name, times_of(a));
  fmt::format_to(at, "  {:<14} prints the manual page: {} man | man -l -\n", "man", about.name);
  fmt::format_to(at, "\nBy hand\n  {}; echo $?\n", call_by_hand(about, "monitor"));
  return out;
}

std::string manual_page(const About& about) {
  std::string upper = fmt::format("ocf_systole_{}", about.name);
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  std::string out = fmt::format(".TH {} 7 \"\" \"Systole {}\" \"OCF resource agents\"\n.nh\n.ad l\n", roff(upper),
                                roff(about.version));
  auto at = std::back_inserter(out);
  fmt::format_to(at, ".SH NAME\nocf_systole_{} \\- {}\n", roff(about.name), roff(about.brief));
  fmt::format_to(at, ".SH SYNOPSIS\n.nf\n[OCF_RESKEY_\\fINAME\\fR=\\fIVALUE\\fR ...] \\fB{}\\fR \\fIACTION\\fR\n.fi\n",
                 roff(about.name));
  fmt::format_to(at, ".SH DESCRIPTION\n{}\n.PP\nThe agent follows the OCF Resource Agent API 1.1.\n",
                 roff(about.about));
  if (!about.params.empty()) out += ".SH PARAMETERS\n" + parameters_page(about);
  out += ".SH ACTIONS\nWith the time\\-outs and intervals that are advised:\n" + actions_page(about);
  out +=
      ".SH EXIT STATUS\n0 done, or it runs; 1 failed; 2 and 6 a parameter is wrong, here or everywhere; "
      "3 no such action; 4 missing rights; 5 something is not installed here; 7 it does not run; 8 it runs as "
      "promoted; "
      "9 failed as promoted; 190 and 191 it runs, and as promoted, but degraded. The reason of a failure stands on "
      "standard error behind \\(lqocf\\-exit\\-reason:\\(rq.\n";
  out += ".SH EXAMPLES\n" + examples_page(about);
  out += ".SH SEE ALSO\n.BR systole (8),\n.BR pcs (8),\n.BR crm (8)\n";
  return out;
}

}  // namespace systole::agents
