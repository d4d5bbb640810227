// SPDX-License-Identifier: GPL-2.0-or-later
// The table from errors to exit codes.
#include "common/base/exit_codes.hpp"

#include <gtest/gtest.h>

namespace systole {
namespace {

int code_for(Errc code) {
  return exit_code_of({code, "words"});
}

TEST(ExitCode, of_an_error_is_the_one_that_pacemakers_tools_have) {
  EXPECT_EQ(code_for(Errc::refused), 1);
  EXPECT_EQ(code_for(Errc::invalid), 65);
  EXPECT_EQ(code_for(Errc::too_big), 65);
  EXPECT_EQ(code_for(Errc::io), 74);
  EXPECT_EQ(code_for(Errc::protocol), 76);
  EXPECT_EQ(code_for(Errc::permission), 77);
  EXPECT_EQ(code_for(Errc::schema), 78);
  EXPECT_EQ(code_for(Errc::not_connected), 102);
  EXPECT_EQ(code_for(Errc::old_version), 103);
  EXPECT_EQ(code_for(Errc::corrupt), 104);
  EXPECT_EQ(code_for(Errc::not_found), 105);
  EXPECT_EQ(code_for(Errc::exists), 108);
  EXPECT_EQ(code_for(Errc::timeout), 124);
}

}  // namespace
}  // namespace systole
