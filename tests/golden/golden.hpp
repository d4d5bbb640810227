// SPDX-License-Identifier: GPL-2.0-or-later
// Golden files: the expected output stands in a file that a person can read and a reviewer can see change. One command
// renews them: SYSTOLE_RENEW_GOLDEN=1 ctest …, then look at `git diff`.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace systole::tests {

/// Compares text with the file (path from the source root), or writes it there when SYSTOLE_RENEW_GOLDEN is set.
inline void expect_golden(const std::string& path, const std::string& text) {
  const std::string full = std::string(SYSTOLE_SOURCE_DIR) + "/" + path;
  if (std::getenv("SYSTOLE_RENEW_GOLDEN") != nullptr) {
    std::ofstream(full) << text;
    GTEST_SKIP() << "wrote " << full;
  }
  std::ifstream file(full);
  ASSERT_TRUE(file) << full << " is missing; SYSTOLE_RENEW_GOLDEN=1 writes it";
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(text, expected.str()) << "if the new text is right, SYSTOLE_RENEW_GOLDEN=1 writes it to " << path;
}

}  // namespace systole::tests
