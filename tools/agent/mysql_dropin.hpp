// SPDX-License-Identifier: GPL-2.0-or-later
// The file that makes a packaged server fit for a pair: Debian's listens on 127.0.0.1 only and has server-id 1 on every
// machine. What keeps the data safe the agent puts on the command line itself; here stands what it leaves to the
// configuration, and what makes a server harmless that somebody starts beside the cluster.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace systole::tools {

struct DropInFacts {
  std::string resource;
  unsigned server_id = 1;
  bool log_bin_set = false, relay_log_set = false;  // elsewhere in the server's configuration: left as they are
  std::vector<std::string> services = {};           // what ran the server before, one line each: see own_service.hpp
};

/// Sorts behind the distribution's files, so that it counts.
inline constexpr std::string_view drop_in_name = "90-systole.cnf";

std::string drop_in_text(const DropInFacts& facts);
/// Did we write it, for this database?
bool is_drop_in_of(std::string_view text, std::string_view resource);
/// The lines of `services`.
std::vector<std::string> services_noted(std::string_view text);

/// The folder that the server reads last, by the configuration file's !includedir lines; "": there is none.
std::string last_included_folder(std::string_view configuration);

}  // namespace systole::tools
