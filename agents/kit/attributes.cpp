// SPDX-License-Identifier: GPL-2.0-or-later
// The command lines of the attribute tools, in one place.
#include "agents/kit/attributes.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "agents/kit/process.hpp"
#include "common/base/text.hpp"

namespace systole::agents {

namespace {

using Argv = std::vector<std::string>;

constexpr int no_such_object = 105;  // crm_attribute's "No such device or address"

void add_node(Argv& argv, const std::string& node) {
  if (!node.empty()) argv.insert(argv.end(), {"-N", node});
}

/// attrd_updater's answer: name="x" host="n1" value="v"
Result<std::string> value_in(std::string_view line, const std::string& name) {
  constexpr std::string_view mark = " value=\"";
  const auto at = line.rfind(mark);
  const auto end = line.find_last_of('"');
  if (at == std::string_view::npos || end < at + mark.size()) {
    return Error{Errc::not_found, fmt::format("attribute '{}' has no value", name)};
  }
  return std::string(line.substr(at + mark.size(), end - at - mark.size()));
}

/// attrd_updater's answer about all nodes: node → value.
std::map<std::string, std::string> values_by_host(std::string_view answer) {
  std::map<std::string, std::string> found;
  for (const std::string& line : split(answer, '\n')) {  // attrd_updater escapes nothing
    const auto host = between(line, " host=\"", "\""), value = between(line, " value=\"", "\"");
    if (host && value) found[*host] = *value;
  }
  return found;
}

}  // namespace

bool version_at_least(std::string_view version, std::string_view wanted) {
  const auto have = split(version, '.'), want = split(wanted, '.');
  for (std::size_t i = 0; i < std::max(have.size(), want.size()); ++i) {
    const int a = i < have.size() ? parse_int<int>(have[i]).value_or(0) : 0;
    const int b = i < want.size() ? parse_int<int>(want[i]).value_or(0) : 0;
    if (a != b) return a > b;
  }
  return true;
}

Result<std::string> Attributes::run(Argv argv, Time deadline) const {
  const auto ran = run_program(argv, env_, deadline);
  if (!ran) return ran.error();
  if (ran->code == no_such_object) return Error{Errc::not_found, fmt::format("'{}' found nothing", shown(argv))};
  if (ran->code != 0) {
    return Error{Errc::refused, fmt::format("'{}' ended with {}: {}", shown(argv), ran->code, trim(ran->err))};
  }
  return ran->out;
}

Result<std::string> Attributes::query(Argv argv, Time deadline) const {
  argv.insert(argv.end(), {"-G", "-q"});
  const auto out = run(std::move(argv), deadline);
  if (!out) return out.error();
  return std::string(trim(*out));
}

namespace {

bool has_promotion_option(const Environment& env) {
  return version_at_least(Meta(env).feature_set(), "3.10.0");
}

Argv promotion_command(const Environment& env) {
  return has_promotion_option(env) ? Argv{"crm_attribute", "-p"} : Argv{"crm_master", "-l", "reboot"};
}

}  // namespace

Result<void> Attributes::set_promotion(Score score, Time deadline) const {
  auto argv = promotion_command(env_);
  // In one word: Pacemaker's crm_attribute takes a -INFINITY of its own for options. crm_master, a script, wants two.
  if (has_promotion_option(env_)) {
    argv.push_back("--update=" + to_string(score));
  } else {
    argv.insert(argv.end(), {"-v", to_string(score)});
  }
  const auto out = run(std::move(argv), deadline);
  return out ? Result<void>{} : out.error();
}

Result<void> Attributes::delete_promotion(Time deadline) const {
  auto argv = promotion_command(env_);
  argv.emplace_back("-D");
  const auto out = run(std::move(argv), deadline);
  return out || out.error().code == Errc::not_found ? Result<void>{} : out.error();
}

Result<Score> Attributes::promotion(const std::string& node, Time deadline) const {
  auto argv = promotion_command(env_);
  add_node(argv, node);
  const auto text = query(std::move(argv), deadline);
  if (!text) return text.error();
  const auto score = parse_score(*text);
  if (!score) return Error{Errc::invalid, fmt::format("the promotion score '{}' is no score", *text)};
  return *score;
}

Result<void> Attributes::set_transient(const std::string& name, const std::string& value, const std::string& node,
                                       Time deadline) const {
  Argv argv{"attrd_updater", "-n", name, "-U", value};
  add_node(argv, node);
  const auto out = run(std::move(argv), deadline);
  return out ? Result<void>{} : out.error();
}

Result<void> Attributes::set_private(const std::string& name, const std::string& value, const std::string& node,
                                     Time deadline) const {
  Argv argv{"attrd_updater", "-n", name, "-U", value, "-p"};
  add_node(argv, node);
  const auto out = run(std::move(argv), deadline);
  return out ? Result<void>{} : out.error();
}

Result<void> Attributes::delete_transient(const std::string& name, const std::string& node, Time deadline) const {
  Argv argv{"attrd_updater", "-n", name, "-D"};
  add_node(argv, node);
  const auto out = run(std::move(argv), deadline);
  return out ? Result<void>{} : out.error();
}

Result<std::string> Attributes::transient(const std::string& name, const std::string& node, Time deadline) const {
  Argv argv{"attrd_updater", "-n", name, "-Q"};
  add_node(argv, node);
  const auto ran = run_program(argv, env_, deadline);
  if (!ran) return ran.error();
  // Pacemaker's daemon answers the question for an attribute that nobody set with an error of its own.
  if (ran->code != 0) return Error{Errc::not_found, fmt::format("attribute '{}': {}", name, trim(ran->err))};
  return value_in(trim(ran->out), name);
}

Result<std::map<std::string, std::string>> Attributes::everywhere(const std::string& name, Time deadline) const {
  // Pacemaker's tool would tell of the node that the environment names alone, whatever it is asked.
  Environment env = env_;
  env.erase("OCF_RESKEY_CRM_meta_on_node");
  const auto ran = run_program({"attrd_updater", "-Q", "-A", "-n", name}, env, deadline);
  if (!ran) return ran.error();
  if (ran->code != 0) return Error{Errc::not_found, fmt::format("attribute '{}': {}", name, trim(ran->err))};
  return values_by_host(ran->out);
}

Result<void> Attributes::set_dampened(const std::string& name, const std::string& value, const Dampening& dampening,
                                      Time deadline) const {
  const char* const how = dampening.kind == Dampening::Kind::replaced ? "-B" : "-v";
  const auto out = run({"attrd_updater", "-n", name, how, value, "-d", dampening.delay}, deadline);
  return out ? Result<void>{} : out.error();
}

Result<void> Attributes::delete_dampened(const std::string& name, const std::string& delay, Time deadline) const {
  const auto out = run({"attrd_updater", "-n", name, "-D", "-d", delay}, deadline);
  return out ? Result<void>{} : out.error();
}

Result<void> Attributes::set_permanent(const std::string& name, const std::string& value, const std::string& node,
                                       Time deadline) const {
  Argv argv{
      "crm_attribute", "-n", name, "-v", value, "-l", "forever", "-N", node.empty() ? local_node(deadline) : node};
  const auto out = run(std::move(argv), deadline);
  return out ? Result<void>{} : out.error();
}

Result<void> Attributes::delete_permanent(const std::string& name, const std::string& node, Time deadline) const {
  Argv argv{"crm_attribute", "-n", name, "-D", "-l", "forever", "-N", node.empty() ? local_node(deadline) : node};
  const auto out = run(std::move(argv), deadline);
  return out || out.error().code == Errc::not_found ? Result<void>{} : out.error();
}

Result<std::string> Attributes::permanent(const std::string& name, const std::string& node, Time deadline) const {
  return query({"crm_attribute", "-n", name, "-l", "forever", "-N", node.empty() ? local_node(deadline) : node},
               deadline);
}

Result<void> Attributes::set_property(const std::string& name, const std::string& value, const std::string& set,
                                      Time deadline) const {
  Argv argv{"crm_attribute", "-t", "crm_config", "-n", name, "-v", value};
  if (!set.empty()) argv.insert(argv.end(), {"-s", set});
  const auto out = run(std::move(argv), deadline);
  return out ? Result<void>{} : out.error();
}

Result<std::string> Attributes::property(const std::string& name, const std::string& set, Time deadline) const {
  Argv argv{"crm_attribute", "-t", "crm_config", "-n", name};
  if (!set.empty()) argv.insert(argv.end(), {"-s", set});
  return query(std::move(argv), deadline);
}

std::string Attributes::local_node(Time deadline) const {
  if (const auto told = Meta(env_).on_node(); !told.empty()) return told;
  if (const auto ran = run_program({"crm_node", "-n"}, env_, deadline);
      ran && ran->code == 0 && !trim(ran->out).empty()) {
    return std::string(trim(ran->out));
  }
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return host.data();
}

}  // namespace systole::agents
