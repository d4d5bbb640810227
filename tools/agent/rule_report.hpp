// SPDX-License-Identifier: GPL-2.0-or-later
// One line per rule: "ok", "FAIL" with what was seen instead, or "note" where a rule could not be tried.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace systole::tools {

class RuleReport {
 public:
  /// out: where the lines go to. quiet: without those that hold.
  RuleReport(std::string& out, bool quiet) : out_(out), quiet_(quiet) {}

  /// instead: what was seen where the rule does not hold.
  bool rule(bool holds, std::string_view text, std::string_view instead = "") {
    if (muted_) return holds;
    ++(holds ? kept_ : broken_);
    if (!holds)
      out_ += fmt::format("FAIL  {}{}{}\n", text, instead.empty() ? "" : ": ", instead);
    else if (!quiet_)
      out_ += fmt::format("ok    {}\n", text);
    return holds;
  }
  void note(std::string_view text) {
    if (muted_) return;
    ++notes_;
    out_ += fmt::format("note  {}\n", text);
  }

  /// From now on nothing counts and nothing is said: what follows is not the tested one's doing.
  void mute() { muted_ = true; }
  int broken() const { return broken_; }
  std::string summary() const {
    return fmt::format("{} rules hold, {} broken{}\n", kept_, broken_,
                       notes_ == 0 ? std::string() : fmt::format(", {} notes", notes_));
  }

 private:
  std::string& out_;
  bool quiet_, muted_ = false;
  int kept_ = 0, broken_ = 0, notes_ = 0;
};

}  // namespace systole::tools
