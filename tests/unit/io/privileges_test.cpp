// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon gives up, in a process of its own; and that the programs which it starts have it again.
#include "crmd/io/privileges.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace systole::io {
namespace {

std::uint64_t permitted_in(std::istream&& status) {
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("CapPrm:")) return std::stoull(line.substr(7), nullptr, 16);
  return 0;
}

/// 0: all is well; else which step failed.
int drop_and_look(const std::string& file) {
  const std::uint64_t before = permitted_in(std::ifstream("/proc/self/status"));
  Log log;
  drop_capabilities(log);
  const std::uint64_t after = permitted_in(std::ifstream("/proc/self/status"));
  const auto has = [&](int capability) { return (after >> capability & 1) != 0; };
  if (has(CAP_SYS_ADMIN) || has(CAP_SYS_PTRACE) || has(CAP_SYS_MODULE)) return 1;
  if (!has(CAP_KILL) || !has(CAP_NET_RAW)) return 2;
  if (std::system(("cat /proc/self/status >" + file).c_str()) != 0) return 3;
  return permitted_in(std::ifstream(file)) == before ? 0 : 4;
}

TEST(Privileges, that_are_not_needed_are_given_up_and_what_is_started_has_them_again) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const std::string file = testing::TempDir() + "systole-capabilities-" + std::to_string(::getpid());
  const pid_t child = ::fork();
  if (child == 0) ::_exit(drop_and_look(file));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "step " << WEXITSTATUS(status);
  std::remove(file.c_str());
}

}  // namespace
}  // namespace systole::io
