// SPDX-License-Identifier: GPL-2.0-or-later
// The actions of an init script, each made of calls of an OCF agent: pure but for the calls, which are handed in.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace systole::lsb {

/// Runs one OCF action ("start", "monitor" …) and returns its exit code.
using CallAction = std::function<int(const std::string& action)>;

struct ServiceAnswer {
  int code = 0;      // LSB's
  std::string word;  // for status: "running", "stopped"; else empty
};

inline constexpr std::string_view service_actions = "start|stop|restart|try-restart|reload|force-reload|status";

bool is_service_action(std::string_view action);

/// start stop restart try-restart reload force-reload status; 3 for anything else.
ServiceAnswer perform(std::string_view action, const CallAction& call);

}  // namespace systole::lsb
