// SPDX-License-Identifier: GPL-2.0-or-later
// A program that lives no longer than we do: it is killed when this goes, and by the kernel when we are killed. What is
// half done must not go on by itself.
#pragma once

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::agents {

struct ChildUser {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
};
/// not_found: there is no such user.
Result<ChildUser> user_by_name(const std::string& name);

struct Command {
  std::vector<std::string> argv = {};
  std::vector<int> inherits = {};    // descriptors that stay open in it
  std::optional<ChildUser> as = {};  // whom it runs as; a server that changes its user itself would outlive us
};

/// A text in memory that programs which we start can read as a file, and nobody else: what is secret has no place in
/// arguments and environments, which others can read.
class SecretText {
 public:
  static Result<SecretText> of(std::string_view text);
  int fd() const { return fd_.get(); }
  /// Its name in the program that inherits it.
  std::string path() const;

 private:
  explicit SecretText(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

class Child {
 public:
  Child() = default;
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  /// standard: the descriptors that become 0, 1 and 2.
  Result<void> begin(const Command& command, const std::array<int, 3>& standard);
  pid_t pid() const { return pid_; }
  Result<void> signal(int number) const;
  /// True: it has ended, and was reaped.
  bool ended_by(Time deadline);
  /// Waits for its end: the exit code, 128 + signal when a signal ended it.
  int reap();

 private:
  pid_t pid_ = 0;
  int code_ = 0;
};

}  // namespace systole::agents
