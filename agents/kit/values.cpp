// SPDX-License-Identifier: GPL-2.0-or-later
// From OCF_RESKEY_* to checked, typed values. All faults are told at once: nobody wants to learn of them one by one.
#include "agents/kit/values.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/ensure.hpp"
#include "common/base/text.hpp"

namespace systole::agents {

namespace {

constexpr std::string_view reskey = "OCF_RESKEY_";
constexpr std::string_view meta_prefix = "OCF_RESKEY_CRM_meta_";

std::string_view raw(const Environment& env, std::string_view prefix, std::string_view name) {
  const auto found = env.find(std::string(prefix) + std::string(name));
  return found == env.end() ? std::string_view{} : std::string_view(found->second);
}

struct Named {
  std::string_view name, text;
};

/// The value under the parameter's own name, else under the first older one that has a value.
Named find(const Environment& env, const Param& p) {
  if (const auto text = raw(env, reskey, p.name); !text.empty()) return {p.name, text};
  for (const std::string_view alias : p.aliases) {
    if (const auto text = raw(env, reskey, alias); !text.empty()) return {alias, text};
  }
  return {p.name, {}};
}

/// A parameter that somebody set and no row of the table knows; empty: the variable is none, or not for agents.
std::string_view unknown_parameter(const About& about, std::string_view variable) {
  if (!variable.starts_with(reskey) || variable.starts_with(meta_prefix)) return {};
  const std::string_view name = variable.substr(reskey.size());
  if (name.empty() || name == "crm_feature_set") return {};
  const auto has_name = [name](const Param& p) {
    return p.name == name || std::ranges::find(p.aliases, name) != p.aliases.end();
  };
  return std::ranges::any_of(about.params, has_name) ? std::string_view{} : name;
}

/// What is wrong with a value that is there, or nullopt.
std::optional<std::string> fault_of(const Param& p, std::string_view text) {
  switch (p.type) {
    case ParamType::string:
      if (p.choices.empty() || std::ranges::find(p.choices, text) != p.choices.end()) return std::nullopt;
      return fmt::format("must be one of: {}", fmt::join(p.choices, ", "));
    case ParamType::integer: {
      const auto number = parse_int<std::int64_t>(trim(text));
      if (!number) return "must be a whole number";
      if (*number < p.least) return fmt::format("must be at least {}", p.least);
      if (*number > p.greatest) return fmt::format("must be at most {}", p.greatest);
      return std::nullopt;
    }
    case ParamType::boolean:
      if (parse_bool(trim(text))) return std::nullopt;
      return "must be true or false (yes, no, on, off, 1, 0)";
    case ParamType::time:
      if (parse_duration(text)) return std::nullopt;
      return "must be a time such as 20s, 500ms or 2min";
  }
  return std::nullopt;
}

}  // namespace

Environment process_environment() {
  Environment env;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view entry(*at);
    const auto equals = entry.find('=');
    if (equals != std::string_view::npos) env.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return env;
}

Environment without_secrets(const Environment& env) {
  Environment rest = env;
  std::erase_if(rest, [](const auto& variable) {
    return std::string_view(variable.first).starts_with(reskey) &&
           lower(variable.first).find("passw") != std::string::npos;
  });
  return rest;
}

std::optional<std::string_view> lookup(const Environment& env, std::string_view name) {
  const auto found = env.find(name);
  if (found == env.end()) return std::nullopt;
  return std::string_view(found->second);
}

std::string_view value_or(const Environment& env, std::string_view name, std::string_view otherwise) {
  const auto value = lookup(env, name);
  return value && !value->empty() ? *value : otherwise;
}

std::vector<std::string> Values::faults(const About& about, const Environment& env) {
  std::vector<std::string> all;
  for (const Param& p : about.params) {
    const auto [name, text] = find(env, p);
    if (text.empty()) {
      if (p.required) all.push_back(fmt::format("parameter '{}' is required and missing: {}", p.name, p.brief));
      continue;
    }
    if (const auto fault = fault_of(p, text))
      all.push_back(fmt::format("parameter '{}' is '{}' but {}", name, text, *fault));
  }
  return all;
}

std::vector<std::string> Values::notices(const About& about, const Environment& env) {
  std::vector<std::string> all;
  for (const Param& p : about.params) {
    const std::string_view taken = find(env, p).name;
    for (const std::string_view alias : p.aliases) {
      if (raw(env, reskey, alias).empty()) continue;
      all.push_back(alias == taken
                        ? fmt::format("parameter '{}' is the older name of '{}'; please rename it", alias, p.name)
                        : fmt::format("parameter '{}' is ignored, because '{}' is given too", alias, taken));
    }
  }
  for (const auto& [variable, value] : env) {
    if (const auto name = unknown_parameter(about, variable); !name.empty() && !value.empty())
      all.push_back(fmt::format("parameter '{}' is none of {}'s; ignoring", name, about.name));
  }
  return all;
}

Values::Values(const About& about, const Environment& env) {
  for (const Param& p : about.params) {
    const std::string_view text = find(env, p).text;
    const bool good = !text.empty() && !fault_of(p, text);
    values_.emplace(p.name, Value{.text = std::string(good ? text : p.fallback), .given = good});
  }
}

void Values::fall_back(const About& about, const Fallbacks& fallbacks) {
  for (const Param& p : about.params) {
    const auto found = fallbacks.find(p.name);
    if (found == fallbacks.end() || found->second.empty() || fault_of(p, found->second)) continue;
    Value& known = values_.find(p.name)->second;
    if (!known.given) known.text = found->second;
  }
}

const Values::Value& Values::value(std::string_view name) const {
  const auto found = values_.find(name);
  ensure(found != values_.end());
  return found->second;
}

bool Values::given(std::string_view name) const {
  return value(name).given;
}
const std::string& Values::text(std::string_view name) const {
  return value(name).text;
}
std::int64_t Values::number(std::string_view name) const {
  return parse_int<std::int64_t>(trim(value(name).text)).value_or(0);
}
bool Values::flag(std::string_view name) const {
  return parse_bool(trim(value(name).text)).value_or(false);
}
Duration Values::time(std::string_view name) const {
  return parse_duration(value(name).text).value_or(Duration::zero());
}

std::string Meta::text(std::string_view name) const {
  return std::string(trim(raw(env_, meta_prefix, name)));
}
std::vector<std::string> Meta::list(std::string_view name) const {
  return words(raw(env_, meta_prefix, name));
}

Duration Meta::timeout(Duration otherwise) const {
  const auto ms = parse_int<std::int64_t>(text("timeout"));
  constexpr std::int64_t day_ms = 24LL * 3600 * 1000;
  return ms && *ms > 0 ? std::chrono::milliseconds(std::min(*ms, 365 * day_ms)) : otherwise;
}

Duration Meta::interval() const {
  const auto ms = parse_int<std::int64_t>(text("interval"));
  constexpr std::int64_t day_ms = 24LL * 3600 * 1000;
  return ms && *ms > 0 ? std::chrono::milliseconds(std::min(*ms, 365 * day_ms)) : Duration::zero();
}

bool Meta::is_clone() const {
  return clone_number().has_value();
}
std::optional<int> Meta::clone_number() const {
  return parse_int<int>(text("clone"));
}
int Meta::clone_max() const {
  return parse_int<int>(text("clone_max")).value_or(0);
}

bool Meta::is_promotable() const {
  // Pacemaker passes no "promotable"; the bound on promoted instances tells (and "master_max" in older managers).
  const auto bound = text("promoted_max").empty() ? text("master_max") : text("promoted_max");
  return parse_int<int>(bound).value_or(0) > 0 || parse_bool(text("promotable")).value_or(false);
}

bool Meta::has_notify() const {
  return parse_bool(text("notify")).value_or(false);
}
std::string Meta::on_node() const {
  return text("on_node");
}

std::string Meta::instance() const {
  const auto name = lookup(env_, "OCF_RESOURCE_INSTANCE");
  return name && !name->empty() ? std::string(*name) : "default";
}

std::string Meta::resource() const {
  const std::string name = instance();
  return name.substr(0, name.find(':'));
}

int Meta::check_level() const {
  return parse_int<int>(trim(lookup(env_, "OCF_CHECK_LEVEL").value_or("0"))).value_or(0);
}
std::string Meta::feature_set() const {
  return std::string(raw(env_, reskey, "crm_feature_set"));
}

std::vector<std::string> Meta::notify_nodes(std::string_view what) const {
  auto names = list(fmt::format("notify_{}_uname", what));
  if (names.empty() && what == "promoted") names = list("notify_master_uname");
  if (names.empty() && what == "unpromoted") names = list("notify_slave_uname");
  return names;
}

std::vector<std::string> Meta::notify_resources(std::string_view what) const {
  auto names = list(fmt::format("notify_{}_resource", what));
  if (names.empty() && what == "promoted") names = list("notify_master_resource");
  if (names.empty() && what == "unpromoted") names = list("notify_slave_resource");
  return names;
}

}  // namespace systole::agents
