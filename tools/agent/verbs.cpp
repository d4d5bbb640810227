// SPDX-License-Identifier: GPL-2.0-or-later
// The verbs that show and run; `test` is in agent_test.cpp.
#include "tools/agent/verbs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "agents/lsb/positional.hpp"
#include "common/base/text.hpp"
#include "tools/agent/about_agent.hpp"

namespace systole::tools {
namespace {

constexpr std::string_view tool = "systole agent";
constexpr std::size_t columns = 100;

/// Text in lines of at most `columns` columns, each with the same indent.
std::string folded(std::string_view text, std::size_t indent) {
  std::string all, line;
  for (const std::string& word : words(text)) {
    if (!line.empty() && indent + line.size() + 1 + word.size() > columns) {
      all += fmt::format("{:{}}{}\n", "", indent, line);
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return line.empty() ? all : all + fmt::format("{:{}}{}\n", "", indent, line);
}

std::string facts_of(const cib::AgentParameter& parameter) {
  std::vector<std::string> facts{parameter.type.empty() ? "string" : parameter.type};
  if (parameter.required) facts.emplace_back("required");
  if (parameter.unique) facts.emplace_back("unique");
  if (parameter.reloadable) facts.emplace_back("reloadable");
  if (parameter.fallback && !parameter.fallback->empty()) facts.push_back("default " + *parameter.fallback);
  if (!parameter.deprecated.empty()) facts.emplace_back("deprecated");
  return join(facts, ", ");
}

std::string text_of(const cib::AgentAction& action) {
  std::string text = fmt::format("  {:<14} timeout {}", action.name, action.timeout.empty() ? "?" : action.timeout);
  if (!action.interval.empty()) text += fmt::format(", interval {}", action.interval);
  if (!action.role.empty()) text += fmt::format(", role {}", action.role);
  if (!action.depth.empty() && action.depth != "0") text += fmt::format(", depth {}", action.depth);
  return text + "\n";
}

/// The agent's stderr without the lines that are shown as the reason.
std::string without_reasons(std::string_view errors) {
  std::string rest;
  for (const std::string& line : split(errors, '\n'))
    if (!line.starts_with("ocf-exit-reason:") && !line.empty()) rest += line + "\n";
  return rest;
}

Result<Duration> duration_of(const std::string& text, std::string_view option) {
  const auto duration = parse_duration(text);
  if (!duration) return Error{Errc::invalid, fmt::format("{} '{}' is no time such as 20s or 500ms", option, text)};
  return *duration;
}

/// The request as the options say it; time-out and names checked against the meta-data where there is one to ask for.
Result<AgentRequest> request_of(Surroundings& here, const AgentOptions& options) {
  auto found = find_named(options.name);
  if (!found) return found.error();
  auto parameters = lsb::parse_parameters(options.parameters);
  if (!parameters) return parameters.error();
  auto meta = lsb::parse_parameters(options.meta);
  if (!meta) return meta.error();
  AgentRequest request;
  request.agent = std::move(*found);
  request.action = options.action;
  request.meta = std::move(*meta);
  request.instance = options.instance;
  request.parameters = std::move(*parameters);
  request.tools_folder = options.tools_folder.empty() ? default_tools_folder() : options.tools_folder;
  const bool asks_only = options.action == "meta-data" || options.action == "usage" || options.action == "help";
  const bool all_said = options.unchecked && !options.timeout.empty();
  if (!asks_only && !all_said) {
    const auto data = ask_meta_data(request.agent);
    if (!data && !options.unchecked)
      return Error{data.error().code, data.error().what + " (--unchecked runs it all the same)"};
    if (data) {
      request.timeout = timeout_of(*data, options.action);
      const auto faults = unknown_parameters(*data, request.parameters);
      if (!faults.empty() && !options.unchecked)
        return Error{Errc::invalid, join(faults, "; ") + " (see: systole agent info " + options.name + ")"};
      if (!offers(*data, options.action))
        here.err += fmt::format("{}: {} does not list an action '{}'\n", tool, request.agent.id(), options.action);
    }
  }
  for (const auto& [text, option, into] : {std::tuple(options.timeout, "--timeout", &request.timeout),
                                           std::tuple(options.interval, "--interval", &request.interval)}) {
    if (text.empty()) continue;
    const auto duration = duration_of(text, option);
    if (!duration) return duration.error();
    *into = *duration;
  }
  return request;
}

}  // namespace

Result<lsb::FoundAgent> find_named(const std::string& name) {
  const auto parsed = lsb::parse_agent_name(name);
  if (!parsed) return parsed.error();
  return lsb::find_agent(*parsed, lsb::ocf_roots(agents::process_environment()));
}

std::string default_tools_folder() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::exists("/usr/sbin/crm_attribute", ignored)) return "";
  const fs::path beside = fs::read_symlink("/proc/self/exe", ignored).parent_path() / "../lib/systole/bin";
  const fs::path real = fs::canonical(beside, ignored);
  return fs::exists(real / "crm_attribute", ignored) ? real.string() : "";
}

int agent_list(Surroundings& here, const AgentOptions& options) {
  auto all = lsb::agents_of(lsb::ocf_roots(agents::process_environment()));
  if (!options.provider.empty())
    std::erase_if(all, [&](const lsb::FoundAgent& one) { return one.provider != options.provider; });
  if (all.empty()) return fail(here, tool, {Errc::not_found, "there are no OCF agents on this machine"});
  std::vector<AgentRequest> requests;
  std::size_t width = 0;
  for (const lsb::FoundAgent& one : all) {
    requests.push_back(meta_data_request(one));
    width = std::max(width, one.id().size());
  }
  const auto answers = call_agents(requests);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto data = read_meta_data(all[i], answers[i]);
    const std::string brief = data ? data->brief : fmt::format("({})", data.error().what);
    here.out += fmt::format("{:<{}}  {}\n", all[i].id(), width, brief);
  }
  return 0;
}

int agent_info(Surroundings& here, const AgentOptions& options) {
  const auto found = find_named(options.name);
  if (!found) return fail(here, tool, found.error());
  const auto data = ask_meta_data(*found);
  if (!data) return fail(here, tool, data.error());
  here.out +=
      fmt::format("{}: {}\n{}\n{}\nParameters\n", found->id(), data->brief, found->program, folded(data->about, 0));
  for (const cib::AgentParameter& parameter : data->parameters) {
    here.out += fmt::format("  {} ({})\n{}", parameter.name, facts_of(parameter), folded(parameter.brief, 6));
    if (parameter.about != parameter.brief) here.out += folded(parameter.about, 6);
    if (!parameter.deprecated.empty()) here.out += folded("Deprecated: " + parameter.deprecated, 6);
  }
  if (data->parameters.empty()) here.out += "  none\n";
  here.out += "\nActions\n";
  for (const cib::AgentAction& action : data->actions) here.out += text_of(action);
  return 0;
}

int agent_run(Surroundings& here, const AgentOptions& options) {
  const auto request = request_of(here, options);
  if (!request) {
    const int code = fail(here, tool, request.error());
    return request.error().code == Errc::invalid ? exit_code::usage : code;
  }
  const AgentAnswer answer = call_agent(*request);
  here.out += answer.output;
  here.err += without_reasons(answer.errors);
  const std::string& reason = answer.outcome.exit_reason;
  here.err += fmt::format("{} {}: {} after {} ms\n", request->agent.id(), options.action, answer.in_words(),
                          to_ms(answer.outcome.ran));
  if (answer.code && !reason.empty()) here.err += fmt::format("reason: {}\n", reason);
  if (answer.timed_out()) return exit_code::timeout;
  return answer.code.value_or(answer.outcome.rc);
}

}  // namespace systole::tools
