// SPDX-License-Identifier: GPL-2.0-or-later
// See settings.hpp.
#include "agents/lsb/settings.hpp"

#include <fmt/format.h>

#include "agents/lsb/assignments.hpp"

namespace systole::lsb {

Result<Settings> parse_settings(std::string_view text, std::string_view file) {
  const auto lines = parse_assignments(text, file);
  if (!lines) return lines.error();
  Settings settings;
  bool named = false;
  for (const Assignment& one : *lines) {
    const auto fault = [&](std::string_view what) {
      return Error{Errc::invalid, fmt::format("{}:{}: {}", file, one.line, what)};
    };
    constexpr std::string_view prefix = "OCF_RESKEY_";
    if (one.name == "OCF_AGENT") {
      auto name = parse_agent_name(one.value);
      if (!name) return fault(name.error().what);
      settings.agent = std::move(*name);
      named = true;
    } else if (one.name == "OCF_TIMEOUT") {
      settings.timeout = parse_duration(one.value);
      if (!settings.timeout || *settings.timeout <= Duration{})
        return fault(fmt::format("OCF_TIMEOUT='{}' is no time such as 60s", one.value));
    } else if (one.name.starts_with(prefix) && one.name.size() > prefix.size()) {
      settings.parameters[one.name.substr(prefix.size())] = one.value;
    } else {
      settings.parameters[one.name] = one.value;
    }
  }
  if (!named)
    return Error{Errc::invalid,
                 fmt::format("{}: OCF_AGENT is missing: add a line such as OCF_AGENT=ocf:systole:IPaddr", file)};
  return settings;
}

std::string make_settings(std::string_view agent, const Parameters& parameters) {
  std::string text = fmt::format(
      "# Parameters of {}, read by systole-lsb. Not run by a shell: plain values, in quotes where they need some.\n"
      "OCF_AGENT={}\n"
      "# Each action is killed after this time (default: never):\n"
      "#OCF_TIMEOUT=60s\n",
      agent, shell_quoted(agent));
  for (const auto& [name, value] : parameters) text += fmt::format("{}={}\n", name, shell_quoted(value));
  return text;
}

}  // namespace systole::lsb
