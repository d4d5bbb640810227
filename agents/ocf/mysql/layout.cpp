// SPDX-License-Identifier: GPL-2.0-or-later
// Where a server keeps its files when no parameter says so: as its own configuration says. The server itself is asked
// (--print-defaults), because only it knows which files and sections it reads, with all their includes. That is a
// program, some 20 ms; so start asks and remembers on /run, and the monitor, which must be cheap, recalls. That is also
// what stop needs: the place that was true at the start, though somebody has edited the configuration since.
//
//   start, validate-all   ask
//   a probe               asks, unless a server lives where one was remembered
//   all others            recall; they ask only where nothing is remembered and the parameters do not say
#include <fmt/format.h>
#include <unistd.h>

#include "agents/ocf/mysql/mysql_agent.hpp"
#include "agents/ocf/mysql/server_config.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

using agents::Call;

/// What was found the last time with the same binary and configuration file.
class Memory {
 public:
  Memory(const Call& call, const Settings& settings)
      : folder_(call.paths().state), question_(settings.binary + "\t" + settings.config) {
    path_ = fmt::format("{}/systole-mysql-{}.layout", folder_, call.meta().resource());
  }

  std::optional<std::vector<std::string>> recall() const {
    const auto text = agents::read_file(path_);
    if (!text) return std::nullopt;
    std::vector<std::string> lines = split(*text, '\n');
    if (lines.front() != question_) return std::nullopt;
    lines.erase(lines.begin());
    std::erase(lines, "");
    return lines;
  }

  Result<void> keep(const std::vector<std::string>& options) const {
    if (recall() == options) return {};
    if (const auto folder = agents::make_folder(folder_); !folder) return folder;
    return agents::write_file(path_, question_ + "\n" + join(options, "\n") + "\n");
  }

 private:
  std::string folder_, path_, question_;
};

/// Only what says where things are: the rest may hold secrets, and nobody needs it later.
std::vector<std::string> layout_of(const std::vector<std::string>& options) {
  std::vector<std::string> layout;
  for (const std::string_view option : layout_options())
    if (const auto value = option_value(options, option)) layout.push_back(fmt::format("--{}={}", option, *value));
  return layout;
}

bool lives_at(const std::vector<std::string>& layout, Call& call, const Settings& settings) {
  const agents::Fallbacks found = fallbacks_from(layout, call.params());
  const auto text = [&](std::string_view parameter, const std::string& otherwise) {
    const auto value = found.find(parameter);
    return call.params().given(parameter) || value == found.end() ? otherwise : value->second;
  };
  return ServerProcess::find({.binary = settings.binary,
                              .datadir = text("datadir", settings.datadir),
                              .pid_file = text("pid", settings.pid)})
      .has_value();
}

}  // namespace

agents::Fallbacks MysqlAgent::fallbacks(Call& call) {
  const Settings settings = settings_of(call);
  const Memory memory(call, settings);
  const auto recalled = memory.recall();
  const bool starts = call.action() == "start" || call.action() == "validate-all";
  const auto given = [&](const char* name) { return call.params().given(name); };
  const bool place_given = given("datadir") && given("pid") && given("socket");
  const bool lives = recalled && (starts || call.is_probe()) && lives_at(*recalled, call, settings);
  const bool must_ask = starts || (recalled ? call.is_probe() && !lives : !place_given);
  std::vector<std::string> layout = recalled.value_or(std::vector<std::string>{});
  configured_ = settings.additional;
  if (must_ask && ::access(settings.binary.c_str(), X_OK) == 0 && ::access(settings.config.c_str(), R_OK) == 0) {
    const auto asked = configured_options(settings, call.environment(), Deadline(call.deadline()).within(5s));
    if (!asked) {
      configuration_fault_ = asked.error().what;
    } else {
      configured_.insert(configured_.begin(), asked->begin(), asked->end());
      if (!lives) layout = layout_of(*asked);
      if (call.action() != "validate-all")
        if (const auto kept = memory.keep(layout); !kept)
          call.log().warning("where the server keeps its files is found anew at each monitor: {}", kept.error().what);
    }
  }
  return fallbacks_from(layout, call.params());
}

}  // namespace systole::mysql
