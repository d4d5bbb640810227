// SPDX-License-Identifier: GPL-2.0-or-later
// See program.hpp.
#include "tools/program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace systole::tools {
namespace {

void print_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done <= 0) return;  // nobody reads: nothing is left to be said
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

}  // namespace

int run_program(Program program, int argc, char** argv) {
  SocketLink daemon;
  Surroundings here;
  here.words.assign(argv + 1, argv + argc);
  here.environment = [](std::string_view name) -> std::optional<std::string> {
    const char* const value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return {};
    return std::string(value);
  };
  here.daemon = &daemon;
  const int code = program(here);
  print_all(STDOUT_FILENO, here.out);
  print_all(STDERR_FILENO, here.err);
  return code;
}

int fail(Surroundings& here, std::string_view tool, const Error& error) {
  here.err += fmt::format("{}: {}\n", tool, error.what);
  return exit_code_of(error);
}

int usage(Surroundings& here, std::string_view tool, std::string_view problem) {
  here.err += fmt::format("{}: {} (see {} --help)\n", tool, problem, tool);
  return exit_code::usage;
}

std::string node_of_environment(const Surroundings& here) {
  return here.environment("OCF_RESKEY_CRM_meta_on_node").value_or("");
}

}  // namespace systole::tools
