// SPDX-License-Identifier: GPL-2.0-or-later
// The parameters as the verbs want them, and what a count of answers means. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/kit/paths.hpp"
#include "agents/kit/table.hpp"
#include "agents/kit/values.hpp"
#include "agents/ocf/ping/options.hpp"
#include "common/base/result.hpp"

namespace systole::agents::ping {

extern const About about;

enum class Telling { changes, all_silent, everything };  // parameter debug: false, true, verbose

/// What stop needs: known whatever else is wrong with the parameters.
struct Place {
  std::string attribute, dampening, pid_file;
};
Place place_from(const Values& values, const Meta& meta, const Paths& paths);

struct Settings {
  std::vector<std::string> hosts;  // addresses and names, as they were given
  int attempts = 3;
  Duration timeout = 2s;  // of one attempt
  std::int64_t multiplier = 1;
  std::optional<std::int64_t> failure_score;
  Place place;
  Telling telling = Telling::changes;
  Options options;
  std::vector<std::string> notices;  // what is accepted but has no effect, and the like
};

/// invalid: what is wrong, in a sentence.
Result<Settings> settings_from(const Values& values, const Meta& meta, const Paths& paths);

struct Verdict {
  std::int64_t score = 0;  // the attribute's value
  Ocf code = Ocf::ok;
  std::string why;  // where code is not ok
};
Verdict judge(const Settings& settings, std::size_t answered);

/// How long one attempt waits, so that all end within `left`.
Duration wait_of_attempt(const Settings& settings, Duration left);

}  // namespace systole::agents::ping
