// SPDX-License-Identifier: GPL-2.0-or-later
// See manager.hpp.
#include "agents/kit/manager.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "agents/kit/process.hpp"

namespace systole::agents {

namespace {

constexpr Duration manager_patience = 20s;

bool says(std::string_view element, std::string_view attribute, std::string_view value) {
  return element.find(fmt::format(" {}=\"{}\"", attribute, value)) != std::string_view::npos;
}

/// The next <resource> with that id, or with an instance's number behind it, whole; moves `xml` behind it.
std::optional<std::string_view> next_resource(std::string_view& xml, std::string_view id) {
  constexpr std::string_view begin = "<resource id=\"", close = "</resource>";
  for (std::size_t at = xml.find(begin); at != std::string_view::npos; at = xml.find(begin)) {
    xml.remove_prefix(at);
    const std::size_t end_of_tag = std::min(xml.find('>'), xml.size());
    const bool childless = end_of_tag > 0 && xml[end_of_tag - 1] == '/';
    const std::size_t end = childless ? end_of_tag : std::min(xml.find(close), xml.size());
    const std::string_view one = xml.substr(0, end);
    xml.remove_prefix(end);
    const std::string_view rest = one.substr(begin.size());
    if (rest.starts_with(id) && (rest.substr(id.size()).starts_with('"') || rest.substr(id.size()).starts_with(':')))
      return one;
  }
  return std::nullopt;
}

Question question_of(const Call& call) {
  const std::string instance = call.meta().instance();
  const Environment& env = call.environment();
  return {.resource = instance.substr(0, instance.find(':')),
          .agent = fmt::format("ocf:{}:{}", value_or(env, "OCF_RESOURCE_PROVIDER", "systole"),
                               value_or(env, "OCF_RESOURCE_TYPE", std::string(call.agent_name()))),
          .node = call.meta().on_node()};
}

}  // namespace

bool pacemaker_called(const Environment& env) {
  return !value_or(env, "PCMK_mcp", "").empty() || !value_or(env, "HA_mcp", "").empty();
}

bool crmd_called(const Environment& env) {
  return !value_or(env, "SYSTOLE_RUNDIR", "").empty();
}

Managed standing_of(std::string_view crm_mon_xml, const Question& question) {
  while (const auto resource = next_resource(crm_mon_xml, question.resource)) {
    const std::size_t end_of_tag = std::min(resource->find('>'), resource->size());
    const std::string_view tag = resource->substr(0, end_of_tag), nodes = resource->substr(end_of_tag);
    if (!says(tag, "resource_agent", question.agent)) return Managed::replaced;
    if (!question.node.empty() && !says(nodes, "name", question.node)) continue;  // another instance
    const bool managed = says(tag, "managed", "true") && !says(tag, "maintenance", "true");
    return managed ? Managed::managed : Managed::left_alone;
  }
  return Managed::left_alone;
}

Result<Managed> report_failure(Call& call) {
  if (!pacemaker_called(call.environment())) return Managed::left_alone;
  const Question question = question_of(call);
  const Time deadline = boot_now() + manager_patience;
  const auto seen = run_program({"crm_mon", "-1", "--output-as=xml"}, call.environment(), deadline);
  if (!seen) return seen.error();
  const Managed standing = standing_of(seen->out, question);
  if (standing != Managed::managed) return standing;
  std::vector<std::string> command{"crm_resource", "--fail", "-r", question.resource};
  if (!question.node.empty()) command.insert(command.end(), {"-N", question.node});
  const auto told = run_program(command, call.environment(), deadline);
  if (!told) return told.error();
  if (told->code == 0) return standing;
  return Error{Errc::io,
               fmt::format("crm_resource --fail -r {} left with {}: {}", question.resource, told->code, told->err)};
}

}  // namespace systole::agents
