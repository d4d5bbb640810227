// SPDX-License-Identifier: GPL-2.0-or-later
// See service.hpp. OCF's reload is LSB's: the service reads its configuration again. (reload-agent is something else.)
#include "agents/lsb/service.hpp"

#include "agents/lsb/codes.hpp"
#include "common/base/text.hpp"

#include <algorithm>

namespace systole::lsb {
namespace {

constexpr int number(Lsb code) {
  return static_cast<int>(code);
}

int act(const CallAction& call, const std::string& action) {
  return number(lsb_code(call(action)));
}

/// What cannot be stopped is not started again.
int restart(const CallAction& call) {
  const int stopped = act(call, "stop");
  return stopped == 0 ? act(call, "start") : stopped;
}

bool is_stopped(const CallAction& call) {
  return lsb_status(call("monitor")) == LsbStatus::stopped;
}

int reload(const CallAction& call, bool or_restart) {
  if (is_stopped(call)) return number(Lsb::not_running);
  const int reloaded = act(call, "reload");
  return reloaded == number(Lsb::unimplemented) && or_restart ? restart(call) : reloaded;
}

}  // namespace

bool is_service_action(std::string_view action) {
  const auto known = split(service_actions, '|');
  return std::ranges::find(known, action) != known.end();
}

ServiceAnswer perform(std::string_view action, const CallAction& call) {
  if (action == "start" || action == "stop") return {act(call, std::string(action)), ""};
  if (action == "restart") return {restart(call), ""};
  if (action == "try-restart") return {is_stopped(call) ? number(Lsb::ok) : restart(call), ""};
  if (action == "reload") return {reload(call, false), ""};
  if (action == "force-reload") return {reload(call, true), ""};
  if (action != "status") return {number(Lsb::unimplemented), ""};
  const int seen = call("monitor");
  return {static_cast<int>(lsb_status(seen)), std::string(heartbeat_word(seen))};
}

}  // namespace systole::lsb
