// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_endpoint.hpp.
#include "tools/agent/mysql_endpoint.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

namespace systole::tools {
namespace {

constexpr const char* program = "systole-mysql-endpoint";

/// Beside systole, where it is installed (sbin, lib/systole), or in its folder of the build.
std::string find_program() {
  std::error_code code;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) return {};
  for (const char* const relative : {".", "../lib/systole", "endpoint"}) {
    const auto path = (self.parent_path() / relative / program).lexically_normal();
    if (std::filesystem::is_regular_file(path, code)) return path.string();
  }
  return {};
}

}  // namespace

int become_endpoint(Surroundings& here, const endpoint::Options& options) {
  constexpr std::string_view tool = "systole mysql endpoint";
  const std::string path = find_program();
  if (path.empty())
    return fail(here, tool, {Errc::not_found, fmt::format("'{}' is not in /usr/lib/systole: install it", program)});
  std::vector<std::string> words = endpoint::words_of(options);
  std::vector<char*> argv{const_cast<char*>(program)};
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(path.c_str(), argv.data());
  return fail(here, tool, errno_error(fmt::format("cannot become '{}'", path)));
}

}  // namespace systole::tools
