// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_dropin.hpp.
#include "tools/agent/mysql_dropin.hpp"

#include <fmt/format.h>

#include "agents/ocf/mysql/options.hpp"
#include "common/base/text.hpp"

namespace systole::tools {
namespace {

constexpr std::string_view service_mark = "# before: ";

std::string first_line(std::string_view resource) {
  return fmt::format("# Written by 'systole mysql' for the database '{}' of the cluster.", resource);
}

}  // namespace

std::string drop_in_name(const std::vector<std::string>& files) {
  const std::string usual = "90-systole.cnf", last = "zz-systole.cnf";
  bool behind = false;
  for (const std::string& file : files) {
    if (file == usual || file == last) return file;
    behind = behind || (file.ends_with(".cnf") && file > usual);
  }
  return behind ? last : usual;
}

std::vector<std::string> files_elsewhere(const std::vector<std::string>& options) {
  std::vector<std::string> found;
  for (const std::string_view name :
       {"innodb-data-home-dir", "innodb-log-group-home-dir", "innodb-undo-directory", "aria-log-dir-path"})
    if (const auto value = mysql::option_value(options, name); value && value->starts_with('/'))
      found.push_back(fmt::format("--{}={}", name, *value));
  return found;
}

std::string drop_in_text(const DropInFacts& facts) {
  std::string text = first_line(facts.resource) +
                     "\n# The cluster starts and stops this server; do not enable its service again. What started it "
                     "before:\n";
  for (const std::string& each : facts.services) text += fmt::format("{}{}\n", service_mark, each);
  text +=
      "[mysqld]\n"
      "# The other node and the clients come over the network.\n"
      "bind-address = *\n"
      "skip-networking = 0\n";
  text += fmt::format("# Its own on each node. The agent takes a fresh one at each start.\nserver-id = {}\n",
                      facts.server_id);
  if (!facts.log_bin_set) text += "log-bin = mysql-bin\n";
  if (!facts.relay_log_set) text += "relay-log = relay-bin\n";
  return text +
         "# Whole rows: from them what no replica received can be undone.\n"
         "binlog-format = ROW\n"
         "binlog-row-image = FULL\n"
         "# A server that somebody starts by hand beside the cluster takes no writes and follows nobody.\n"
         "read-only = ON\n"
         "skip-slave-start\n";
}

bool is_drop_in_of(std::string_view text, std::string_view resource) {
  return text.substr(0, text.find('\n')) == first_line(resource);
}

std::vector<std::string> services_noted(std::string_view text) {
  std::vector<std::string> noted;
  for (const std::string& line : split(text, '\n'))
    if (line.starts_with(service_mark)) noted.push_back(line.substr(service_mark.size()));
  return noted;
}

std::string last_included_folder(std::string_view configuration) {
  constexpr std::string_view word = "!includedir";
  std::string last;
  for (const std::string& raw : split(configuration, '\n')) {
    const std::string_view line = trim(raw);
    if (!line.starts_with(word)) continue;
    last = trim(line.substr(word.size()));
    while (last.size() > 1 && last.back() == '/') last.pop_back();
  }
  return last;
}

}  // namespace systole::tools
