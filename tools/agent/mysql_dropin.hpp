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

/// Its name beside these files: one that sorts behind them, so that it counts. Debian's begin with numbers, Red Hat's
/// do not. One that is there already keeps its name.
std::string drop_in_name(const std::vector<std::string>& files);

std::string drop_in_text(const DropInFacts& facts);
/// Did we write it, for this database?
bool is_drop_in_of(std::string_view text, std::string_view resource);
/// The lines of `services`.
std::vector<std::string> services_noted(std::string_view text);

/// Options that put a database's files outside of its datadir, as "--name=value": a new datadir would meet old files.
std::vector<std::string> files_elsewhere(const std::vector<std::string>& options);

/// The folder that the server reads last, by the configuration file's !includedir lines; "": there is none.
std::string last_included_folder(std::string_view configuration);

}  // namespace systole::tools
