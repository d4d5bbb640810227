// SPDX-License-Identifier: GPL-2.0-or-later
// Owned handles, errno in words, and the process that ends when an invariant breaks.
#include "common/base/handles.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "common/base/ensure.hpp"
#include "common/base/result.hpp"
#include "common/base/term.hpp"

namespace systole {
namespace {

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(Descriptor, is_closed_when_its_owner_goes) {
  int number = -1;
  {
    const Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    number = fd.get();
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Descriptor, moves_and_lets_go) {
  Fd a(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = a.get();
  Fd b(std::move(a));
  EXPECT_EQ(b.get(), number);
  EXPECT_EQ(b.release(), number);
  EXPECT_FALSE(static_cast<bool>(b));
  EXPECT_TRUE(is_open(number));
  Fd c(number);
  c = Fd();
  EXPECT_FALSE(is_open(number));
}

TEST(ErrnoError, says_what_was_tried_and_why_it_failed) {
  const Error error = errno_error("opening /x", ENOENT);
  EXPECT_EQ(error.what, "opening /x: No such file or directory");
  EXPECT_EQ(error.code, Errc::not_found);
  EXPECT_EQ(errno_error("x", EACCES).code, Errc::permission);
  EXPECT_EQ(errno_error("x", ENOSPC).code, Errc::io);
}

TEST(UncheckedResult, throws_with_the_errors_words) {
  const Result<int> failed = Error{Errc::io, "the disk is gone"};
  try {
    (void)failed.value();
    FAIL() << "no exception";
  } catch (const std::runtime_error& caught) {
    EXPECT_NE(std::string(caught.what()).find("the disk is gone"), std::string::npos);
  }
}

TEST(BrokenInvariant, ends_the_process_and_names_the_condition) {
  EXPECT_DEATH(ensure(1 + 1 == 3), "internal invariant broken: 1 \\+ 1 == 3");
}

TEST(Stamps, order_by_term_before_index) {
  EXPECT_LT((Stamp{{1, NodeId{2}}, 99}), (Stamp{{2, NodeId{1}}, 1}));
  EXPECT_LT((Stamp{{2, NodeId{1}}, 99}), (Stamp{{2, NodeId{2}}, 1}));
  EXPECT_LT((Stamp{{2, NodeId{1}}, 1}), (Stamp{{2, NodeId{1}}, 2}));
}

}  // namespace
}  // namespace systole
