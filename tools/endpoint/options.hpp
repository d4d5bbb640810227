// SPDX-License-Identifier: GPL-2.0-or-later
// The endpoint's command line: the same for `systole mysql endpoint`, which people call, and for the program that it
// becomes. Nothing secret is in it: users and passwords are among the resource's parameters.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace systole::endpoint {

struct Options {
  std::string resource = {};  // "": the only database
  std::vector<std::string> listen = {"*:9200"};
  unsigned patience_ms = 1000;
};

void describe(CLI::App& app, Options& options);
/// The words that give the same options again.
std::vector<std::string> words_of(const Options& options);

}  // namespace systole::endpoint
