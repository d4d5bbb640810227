// SPDX-License-Identifier: GPL-2.0-or-later
// See options.hpp.
#include "tools/endpoint/options.hpp"

#include <CLI/CLI.hpp>

namespace systole::endpoint {

void describe(CLI::App& app, Options& options) {
  app.add_option("--resource", options.resource, "the database's resource in the cluster (default: the only one)");
  app.add_option(
         "--listen", options.listen,
         "ADDRESS:PORT, as 192.0.2.1:9200 or [2001:db8::1]:9200; *:PORT for all addresses; may be given several "
         "times")
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--patience", options.patience_ms, "ms after which a server that does not answer counts as silent")
      ->check(CLI::Range(50, 60'000))
      ->capture_default_str();
}

std::vector<std::string> words_of(const Options& options) {
  std::vector<std::string> words{"--patience", std::to_string(options.patience_ms)};
  if (!options.resource.empty()) words.push_back("--resource=" + options.resource);
  for (const std::string& each : options.listen) words.push_back("--listen=" + each);
  return words;
}

}  // namespace systole::endpoint
