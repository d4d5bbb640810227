// SPDX-License-Identifier: GPL-2.0-or-later
// Command lines as Pacemaker's tools take them, which is GLib's and getopt's way mixed: bundled letters (-Gq, -Ql), a
// value in the next word, after "=" or right after its letter, several long names per option, options whose value may
// be missing (-p). Small, because the agents start these tools thousands of times a day.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::tools {

enum class Takes { nothing, value, maybe };

struct Option {
  char letter;
  std::vector<std::string_view> names;  // the first one is shown in the help
  Takes takes = Takes::nothing;
  std::string_view help;  // "": accepted, not shown
};

class Arguments {
 public:
  /// Errc::invalid: the sentence for the user. Long names may be shortened while they stay unique.
  static Result<Arguments> parse(const std::vector<Option>& options, const std::vector<std::string>& words);

  bool has(char letter) const;
  /// Of the last use of the option; nullopt where it was not given, or given without a value.
  std::optional<std::string> value(char letter) const;
  /// Of all uses of the option, in order.
  std::vector<std::string> values(char letter) const;
  /// The last one given of these letters; 0: none of them.
  char last_of(std::string_view letters) const;
  const std::vector<std::string>& rest() const { return rest_; }

 private:
  struct Given {
    char letter;
    std::optional<std::string> value;
  };
  std::vector<Given> given_;
  std::vector<std::string> rest_;
};

std::string help_text(std::string_view usage, const std::vector<Option>& options);

}  // namespace systole::tools
