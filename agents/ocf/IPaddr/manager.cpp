// SPDX-License-Identifier: GPL-2.0-or-later
// See manager.hpp.
#include "agents/ocf/IPaddr/manager.hpp"

#include <fmt/format.h>

#include "agents/kit/process.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr Duration manager_patience = 20s;

bool pacemaker_called(const Environment& env) {
  return !value_or(env, "PCMK_mcp", "").empty() || !value_or(env, "HA_mcp", "").empty();
}

bool says(std::string_view element, std::string_view attribute, std::string_view value) {
  return element.find(fmt::format(" {}=\"{}\"", attribute, value)) != std::string_view::npos;
}

}  // namespace

bool is_managed(std::string_view crm_mon_xml, std::string_view resource) {
  const std::string begin = fmt::format("<resource id=\"{}\"", resource),
                    numbered = fmt::format("<resource id=\"{}:", resource);
  std::size_t at = crm_mon_xml.find(begin);
  if (at == std::string_view::npos) at = crm_mon_xml.find(numbered);
  if (at == std::string_view::npos) return false;
  const std::string_view element = crm_mon_xml.substr(at, crm_mon_xml.find('>', at) - at);
  return says(element, "managed", "true") && !says(element, "maintenance", "true");
}

Result<void> report_failure(Call& call) {
  if (!pacemaker_called(call.environment())) return {};
  const std::string instance = call.meta().instance(), resource = instance.substr(0, instance.find(':'));
  const std::string node = call.meta().on_node();
  const Time deadline = boot_now() + manager_patience;
  const auto seen = run_program({"crm_mon", "-1", "--output-as=xml"}, call.environment(), deadline);
  if (!seen) return seen.error();
  if (!is_managed(seen->out, resource)) return {};
  std::vector<std::string> command{"crm_resource", "--fail", "-r", resource};
  if (!node.empty()) command.insert(command.end(), {"-N", node});
  const auto told = run_program(command, call.environment(), deadline);
  if (!told) return told.error();
  if (told->code != 0)
    return Error{Errc::io, fmt::format("crm_resource --fail -r {} left with {}: {}", resource, told->code, told->err)};
  return {};
}

}  // namespace systole::agents::ipaddr
