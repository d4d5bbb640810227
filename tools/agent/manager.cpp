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

}  // namespace

Result<std::string> run_tool(const std::vector<std::string>& argv) {
  const auto ran = agents::run_program(argv, agents::process_environment(), boot_time() + patience);
  if (!ran) return ran.error();
  if (ran->code == 0) return ran->out;
  return Error{ran->code == exit_code::no_such ? Errc::not_found : Errc::io,
               fmt::format("'{}' left with {}: {}", agents::shown(argv), ran->code,
                           trim(ran->err.empty() ? ran->out : ran->err))};
}

bool crmd_answers() {
  // By what it prints: it leaves with 1 when it has something to complain of.
  const auto status =
      agents::run_program({"systole", "status", "--json"}, agents::process_environment(), boot_time() + patience);
  return status && status->out.find("\"mode\": \"") != std::string::npos;
}

}  // namespace systole::tools
