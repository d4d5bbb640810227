// SPDX-License-Identifier: GPL-2.0-or-later
// Text helpers and scores as text.
#include "common/base/text.hpp"

#include <algorithm>
#include <cctype>

#include "common/base/score.hpp"

namespace systole {

namespace {
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  std::string word;
  for (const char c : text) {
    if (!is_blank(c)) {
      word += c;
    } else if (!word.empty()) {
      found.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) found.push_back(std::move(word));
  return found;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) text += separator;
    text += part;
  }
  return text;
}

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), to_lower);
  return result;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && lower(text.substr(0, prefix.size())) == lower(prefix);
}

std::optional<bool> parse_bool(std::string_view text) {
  const std::string word = lower(text);
  if (word == "true" || word == "on" || word == "yes" || word == "y" || word == "1") return true;
  if (word == "false" || word == "off" || word == "no" || word == "n" || word == "0") return false;
  return std::nullopt;
}

std::optional<Score> parse_score(std::string_view text) {
  if (text == "INFINITY" || text == "+INFINITY") return Score::infinity();
  if (text == "-INFINITY") return Score::minus_infinity();
  const bool plus = !text.empty() && text.front() == '+';
  if (plus) text.remove_prefix(1);
  const std::string_view digits = !plus && !text.empty() && text.front() == '-' ? text.substr(1) : text;
  if (digits.empty() || !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const auto value = parse_int<long>(text);
  if (!value) return text.front() == '-' ? Score::minus_infinity() : Score::infinity();
  return Score{static_cast<int>(std::clamp<long>(*value, -Score::inf, Score::inf))};
}

std::string to_string(Score score) {
  if (score.points >= Score::inf) return "INFINITY";
  if (score.points <= -Score::inf) return "-INFINITY";
  return std::to_string(score.points);
}

std::optional<std::string> between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t begin = text.find(before);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(begin + before.size());
  const std::size_t end = rest.find(after);
  return end == std::string_view::npos ? std::nullopt : std::optional<std::string>(rest.substr(0, end));
}

}  // namespace systole
