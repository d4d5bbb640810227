// SPDX-License-Identifier: GPL-2.0-or-later
// Relative values, dampening and patterns of node attributes.
#include "crmd/attributes/attributes.hpp"

#include <regex.h>

#include <algorithm>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace systole::attributes {

namespace {

/// "value++" → current + 1, "value+=N" → current + N, in score arithmetic; anything else is itself.
std::string evaluate(const std::string& text, const Value* current) {
  constexpr std::string_view plus = "value+=", increment = "value++";
  std::optional<Score> step;
  if (text == increment) step = Score{1};
  if (text.starts_with(plus)) step = parse_score(std::string_view(text).substr(plus.size()));
  if (!step) return text;
  const Score base = current != nullptr ? parse_score(current->text).value_or(Score{}) : Score{};
  return to_string(base + *step);
}

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= limits::node_name_bytes_max && std::ranges::none_of(name, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '<' || c == '>' || c == '"' || c == '\'';
  });
}

}  // namespace

Result<std::optional<std::string>> Attributes::apply(const Change& change) {
  if (!is_name(change.name))
    return Error{Errc::invalid,
                 "'" + change.name +
                     "' cannot be the name of an attribute: it is empty, too long or holds blanks, quotes or < >"};
  if (change.value && change.value->size() > limits::attribute_value_bytes_max) {
    return Error{Errc::too_big, "the value of attribute '" + change.name + "' has " +
                                    std::to_string(change.value->size()) + " bytes; the limit is " +
                                    std::to_string(limits::attribute_value_bytes_max)};
  }
  OfNode& values = memory_[change.node];
  if (!change.value) {
    values.erase(change.name);
    return std::optional<std::string>{};
  }
  const std::string text = evaluate(*change.value, find(change.node, change.name));
  values[change.name] = Value{text, change.is_private};
  return std::optional<std::string>{text};
}

void Attributes::schedule_write(Now now, const Change& change) {
  Duration& dampening = dampening_[change.name];
  const bool changed = change.dampening && *change.dampening != dampening;
  if (change.dampening) dampening = *change.dampening;
  // A changed delay takes effect by an immediate write; otherwise the timer starts again with each change.
  waiting_[{change.node, change.name}] = changed ? now.at : now.at + dampening;
}

std::vector<std::pair<NodeName, std::string>> Attributes::due(Now now) {
  std::vector<std::pair<NodeName, std::string>> ready;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->second > now.at) {
      ++it;
      continue;
    }
    ready.push_back(it->first);
    it = waiting_.erase(it);
  }
  return ready;
}

Time Attributes::next_deadline() const {
  Time soonest = never;
  for (const auto& [which, when] : waiting_) soonest = std::min(soonest, when);
  return soonest;
}

const Value* Attributes::find(const NodeName& node, const std::string& name) const {
  const auto values = memory_.find(node);
  if (values == memory_.end()) return nullptr;
  const auto value = values->second.find(name);
  return value == values->second.end() ? nullptr : &value->second;
}

void Attributes::forget(const NodeName& node) {
  memory_.erase(node);
  std::erase_if(waiting_, [&](const auto& entry) { return entry.first.first == node; });
}

Result<std::vector<std::string>> Attributes::matching(const NodeName& node, const std::string& pattern) const {
  regex_t expression;  // libc's, not std::regex, whose recursion long input can exhaust
  if (const int code = regcomp(&expression, pattern.c_str(), REG_EXTENDED | REG_NOSUB); code != 0) {
    char words[128];
    regerror(code, &expression, words, sizeof words);
    return Error{Errc::invalid, "'" + pattern + "' is no regular expression: " + words};
  }
  std::vector<std::string> names;
  if (const auto values = memory_.find(node); values != memory_.end()) {
    for (const auto& [name, value] : values->second) {
      if (regexec(&expression, name.c_str(), 0, nullptr, 0) == 0) names.push_back(name);
    }
  }
  regfree(&expression);
  return names;
}

}  // namespace systole::attributes
