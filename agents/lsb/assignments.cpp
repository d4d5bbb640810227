// SPDX-License-Identifier: GPL-2.0-or-later
// One pass over the characters; the rules are those of POSIX's "Shell Command Language", 2.2 Quoting.
#include "agents/lsb/assignments.hpp"

#include <fmt/format.h>

namespace systole::lsb {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_name(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  Result<std::vector<Assignment>> read() {
    std::vector<Assignment> all;
    for (skip_layout(); !at_end(); skip_layout()) {
      if (all.size() == assignments_max) return fault(fmt::format("more than {} values", assignments_max));
      Assignment one;
      one.line = line_;
      if (auto done = read_name(one.name); !done) return done.error();
      if (auto done = read_value(one.value); !done) return done.error();
      if (auto done = end_of_line(); !done) return done.error();
      all.push_back(std::move(one));
    }
    return all;
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  char here() const { return at_end() ? '\n' : text_[at_]; }
  char take() {
    if (text_[at_] == '\n') ++line_;
    return text_[at_++];
  }

  Error fault(std::string_view what) const { return {Errc::invalid, fmt::format("{}:{}: {}", file_, line_, what)}; }

  void skip_comment() {
    while (!at_end() && here() != '\n') take();
  }
  void skip_layout() {
    for (; !at_end() && (is_blank(here()) || here() == '\n' || here() == '#');) {
      if (here() == '#')
        skip_comment();
      else
        take();
    }
  }

  Result<void> read_name(std::string& name) {
    if (text_.substr(at_).starts_with("export ")) {
      at_ += 7;
      while (is_blank(here())) take();
    }
    if (!at_end() && is_letter(here()))
      while (!at_end() && is_name(here())) name += take();
    if (name.empty() || at_end() || here() != '=') return fault("here NAME=value is expected (or # and a comment)");
    take();
    return {};
  }

  Result<void> read_value(std::string& value) {
    if (here() == '~') return fault("'~' is not expanded here: write the path, or put the value into single quotes");
    while (!at_end() && here() != '\n' && !is_blank(here())) {
      const char c = here();
      Result<void> done;
      if (c == '\'')
        done = read_single(value);
      else if (c == '"')
        done = read_double(value);
      else if (c == '\\')
        done = read_escaped(value, "");
      else
        done = read_plain(value);
      if (!done) return done;
    }
    return {};
  }

  Result<void> read_plain(std::string& value) {
    const char c = here();
    if (c == '$' || c == '`') return computed(c);
    if (std::string_view(";&|<>()").find(c) != std::string_view::npos)
      return fault(fmt::format("'{}' ends a value in a shell: put the value into single quotes", c));
    return add(value);
  }

  Result<void> read_single(std::string& value) {
    const std::size_t begin = line_;
    take();
    while (!at_end() && here() != '\'')
      if (auto done = add(value); !done) return done;
    return close(begin);
  }

  Result<void> read_double(std::string& value) {
    const std::size_t begin = line_;
    take();
    while (!at_end() && here() != '"') {
      const char c = here();
      Result<void> done;
      if (c == '$' || c == '`')
        done = computed(c);
      else if (c == '\\')
        done = read_escaped(value, "$`\"\\");
      else
        done = add(value);
      if (!done) return done;
    }
    return close(begin);
  }

  /// special: the only characters that lose their backslash; "": all do. An escaped end of line vanishes.
  Result<void> read_escaped(std::string& value, std::string_view special) {
    take();
    if (at_end()) return fault("the file ends after a backslash");
    if (here() == '\n') {
      take();
      return {};
    }
    if (!special.empty() && special.find(here()) == std::string_view::npos) value += '\\';
    return add(value);
  }

  Result<void> add(std::string& value) {
    const auto byte = static_cast<unsigned char>(here());
    if (byte < 0x20 && byte != '\n' && byte != '\t')
      return fault(fmt::format("control character {:#04x} in a value", byte));
    value += take();
    return {};
  }

  Result<void> close(std::size_t begin) {
    if (at_end()) return fault(fmt::format("the quote of line {} is never closed", begin));
    take();
    return {};
  }

  Result<void> computed(char c) const {
    return fault(
        fmt::format("'{}' is not computed here, this is no shell: put the value into single quotes, or a "
                    "backslash before it",
                    c));
  }

  Result<void> end_of_line() {
    const bool blank = is_blank(here());
    while (!at_end() && is_blank(here())) take();
    if (blank && here() == '#') skip_comment();
    if (!at_end() && here() != '\n') return fault("a second word: put values with blanks into quotes");
    return {};
  }

  std::string_view text_, file_;
  std::size_t at_ = 0, line_ = 1;
};

}  // namespace

Result<std::vector<Assignment>> parse_assignments(std::string_view text, std::string_view file) {
  if (text.size() > assignments_bytes_max)
    return Error{Errc::too_big, fmt::format("{}:1: larger than {} bytes", file, assignments_bytes_max)};
  return Reader(text, file).read();
}

std::string shell_quoted(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

}  // namespace systole::lsb
