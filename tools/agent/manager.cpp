// SPDX-License-Identifier: GPL-2.0-or-later
// See manager.hpp.
#include "tools/agent/manager.hpp"

#include <fmt/format.h>

#include "agents/kit/process.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/exit_codes.hpp"
#include "common/base/text.hpp"

namespace systole::tools {
namespace {

constexpr Duration patience = 20s;

Result<std::string> run_for(const std::vector<std::string>& argv, Duration limit) {
  const auto ran = agents::run_program(argv, agents::process_environment(), boot_time() + limit);
  if (!ran) return ran.error();
  if (ran->code == 0) return ran->out;
  return Error{ran->code == exit_code::no_such ? Errc::not_found : Errc::io,
               fmt::format("'{}' left with {}: {}", agents::shown(argv), ran->code,
                           trim(ran->err.empty() ? ran->out : ran->err))};
}

}  // namespace

Result<std::string> run_tool(const std::vector<std::string>& argv) {
  return run_for(argv, patience);
}

Result<void> wait_until_idle(bool crmd, Duration limit) {
  const std::string seconds = std::to_string(to_ms(limit) / 1000);
  const auto waited = crmd ? run_for({"systole", "wait", "--timeout", seconds}, limit + patience)
                           : run_for({"crm_resource", "--wait", "--timeout", seconds + "s"}, limit + patience);
  return waited ? Result<void>() : waited.error();
}

bool crmd_answers() {
  // By what it prints: it leaves with 1 when it has something to complain of.
  const auto status =
      agents::run_program({"systole", "status", "--json"}, agents::process_environment(), boot_time() + patience);
  return status && status->out.find("\"mode\": \"") != std::string::npos;
}

}  // namespace systole::tools
