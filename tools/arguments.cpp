// SPDX-License-Identifier: GPL-2.0-or-later
// See arguments.hpp.
#include "tools/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace systole::tools {
namespace {

const Option* by_letter(const std::vector<Option>& options, char letter) {
  const auto found = std::ranges::find(options, letter, &Option::letter);
  return found == options.end() ? nullptr : &*found;
}

Result<const Option*> by_name(const std::vector<Option>& options, std::string_view name) {
  const Option* begun = nullptr;
  for (const Option& option : options)
    for (const std::string_view candidate : option.names) {
      if (candidate == name) return &option;
      if (!candidate.starts_with(name) || begun == &option) continue;
      if (begun != nullptr) return Error{Errc::invalid, fmt::format("option --{} is ambiguous", name)};
      begun = &option;
    }
  if (begun == nullptr) return Error{Errc::invalid, fmt::format("unknown option --{}", name)};
  return begun;
}

/// Walks over the words; takes the next one where an option needs it.
struct Walk {
  const std::vector<std::string>& words;
  std::size_t at = 0;

  Result<std::optional<std::string>> value_for(const Option& option, std::string_view shown,
                                               std::optional<std::string> attached) {
    if (option.takes == Takes::nothing) {
      if (attached) return Error{Errc::invalid, fmt::format("option {} takes no value", shown)};
      return std::optional<std::string>();
    }
    if (attached) return attached;
    const bool more = at + 1 < words.size();
    // An optional value is never one that looks like an option; a required one may begin with a minus (-INFINITY).
    if (option.takes == Takes::maybe && (!more || words[at + 1].starts_with("-"))) return std::optional<std::string>();
    if (!more) return Error{Errc::invalid, fmt::format("option {} needs a value", shown)};
    return std::optional<std::string>(words[++at]);
  }
};

}  // namespace

Result<Arguments> Arguments::parse(const std::vector<Option>& options, const std::vector<std::string>& words) {
  Arguments result;
  Walk walk{words};
  for (; walk.at < words.size(); ++walk.at) {
    const std::string_view word = words[walk.at];
    if (word == "--") {
      result.rest_.insert(result.rest_.end(), words.begin() + static_cast<std::ptrdiff_t>(walk.at) + 1, words.end());
      break;
    }
    if (word.starts_with("--")) {
      const std::size_t equals = word.find('=');
      const std::string_view name = word.substr(2, equals == std::string_view::npos ? equals : equals - 2);
      const auto option = by_name(options, name);
      if (!option) return option.error();
      std::optional<std::string> attached;
      if (equals != std::string_view::npos) attached = std::string(word.substr(equals + 1));
      auto value = walk.value_for(**option, fmt::format("--{}", name), std::move(attached));
      if (!value) return value.error();
      result.given_.push_back({(*option)->letter, std::move(*value)});
      continue;
    }
    if (word.size() < 2 || word[0] != '-') {
      result.rest_.emplace_back(word);
      continue;
    }
    for (std::size_t i = 1; i < word.size(); ++i) {
      const Option* const option = by_letter(options, word[i]);
      if (option == nullptr) return Error{Errc::invalid, fmt::format("unknown option -{}", word[i])};
      std::optional<std::string> attached;
      if (option->takes != Takes::nothing && i + 1 < word.size()) attached = std::string(word.substr(i + 1));
      const bool took_rest = attached.has_value();
      auto value = walk.value_for(*option, fmt::format("-{}", word[i]), std::move(attached));
      if (!value) return value.error();
      result.given_.push_back({option->letter, std::move(*value)});
      if (took_rest) break;
    }
  }
  return result;
}

bool Arguments::has(char letter) const {
  return std::ranges::find(given_, letter, &Given::letter) != given_.end();
}

std::optional<std::string> Arguments::value(char letter) const {
  for (auto it = given_.rbegin(); it != given_.rend(); ++it)
    if (it->letter == letter) return it->value;
  return {};
}

std::vector<std::string> Arguments::values(char letter) const {
  std::vector<std::string> all;
  for (const Given& given : given_)
    if (given.letter == letter && given.value) all.push_back(*given.value);
  return all;
}

char Arguments::last_of(std::string_view letters) const {
  for (auto it = given_.rbegin(); it != given_.rend(); ++it)
    if (letters.find(it->letter) != std::string_view::npos) return it->letter;
  return 0;
}

std::string help_text(std::string_view usage, const std::vector<Option>& options) {
  std::string text = fmt::format("{}\n\nOptions:\n", usage);
  for (const Option& option : options) {
    if (option.help.empty()) continue;
    const std::string_view value = option.takes == Takes::value   ? " VALUE"
                                   : option.takes == Takes::maybe ? " [VALUE]"
                                                                  : "";
    text += fmt::format("  -{}, {:<24} {}\n", option.letter, fmt::format("--{}{}", option.names.front(), value),
                        option.help);
  }
  return text;
}

}  // namespace systole::tools
