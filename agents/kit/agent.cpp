// SPDX-License-Identifier: GPL-2.0-or-later
// From argv to an exit code: which action, whether the parameters allow it, and who is told why not.
#include "agents/kit/agent.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>

#include "agents/kit/help.hpp"
#include "agents/kit/logging.hpp"
#include "agents/kit/overtime.hpp"
#include "common/base/text.hpp"

namespace systole::agents {

namespace {

constexpr Duration timeout_by_hand = 20s;

std::string name_of(std::string_view action) {
  if (action == "status") return "monitor";
  if (action == "help" || action == "--help" || action == "-h") return "usage";
  if (action == "--man") return "man";
  return std::string(action);
}

const Action* row_of(const About& about, std::string_view action) {
  const auto found = std::ranges::find(about.actions, action, &Action::name);
  return found == about.actions.end() ? nullptr : &*found;
}

Duration advised_timeout(const About& about, std::string_view action) {
  const Action* const row = row_of(about, action);
  return row == nullptr ? timeout_by_hand : parse_duration(row->timeout).value_or(timeout_by_hand);
}

Duration reserve_of(Duration timeout) {
  // A timeout shorter than two reserves is halved: some time for the work must stay.
  return std::min(std::clamp<Duration>(timeout / 10, 200ms, 2s), timeout / 2);
}

std::string_view reason_prefix(const Environment& env) {
  return value_or(env, "OCF_EXIT_REASON_PREFIX", "ocf-exit-reason:");
}

std::string usage(const About& about) {
  std::vector<std::string> names;
  for (const Action& a : about.actions) {
    if (std::ranges::find(names, a.name) == names.end()) names.emplace_back(a.name);
  }
  return fmt::format(
      "usage: {} {{{}}}\n{}.\nParameters come from the environment as OCF_RESKEY_<name>; '{} --help' tells of them.\n",
      about.name, join(names, "|"), about.brief, about.name);
}

/// Older names are told of where the configuration is new, not at each monitor.
void tell_notices(const About& about, Call& call) {
  const std::string& action = call.action();
  if (action != "start" && action != "validate-all" && action != "reload-agent") return;
  for (const std::string& notice : Values::notices(about, call.environment())) call.log().warning("{}", notice);
}

/// The first obstacle before a verb may run; ok: none.
Ocf check(Agent& agent, Call& call) {
  tell_notices(agent.about(), call);
  const auto faults = Values::faults(agent.about(), call.environment());
  if (!faults.empty()) return call.explain(Ocf::configured, join(faults, "; "));
  call.fall_back(agent.about(), agent.fallbacks(call));
  return agent.validate(call);
}

/// stop goes on in spite of faulty values, with their fallbacks: what started with good ones must be stoppable. Without
/// a required value nothing can have been started, and a manager that hears of anything but success from a stop blocks
/// the resource or fences the node: not for a value that somebody forgot.
Ocf stop(Agent& agent, Call& call) {
  for (const std::string& fault : Values::faults(agent.about(), call.environment())) {
    if (fault.find("is required and missing") != std::string::npos) {
      call.log().warning("{}; nothing can have been started without it, nothing to stop", fault);
      return Ocf::ok;
    }
    call.log().warning("{}; proceeding with the default to stop", fault);
  }
  call.fall_back(agent.about(), agent.fallbacks(call));
  return agent.stop(call);
}

/// Where the software is not installed, nothing of it can be running.
Ocf seen_by_probe(Ocf checked) {
  return checked == Ocf::installed ? Ocf::not_running : checked;
}

Ocf checked_verb(Agent& agent, Call& call) {
  const std::string& action = call.action();
  if (const Ocf code = check(agent, call); code != Ocf::ok) return call.is_probe() ? seen_by_probe(code) : code;
  if (action == "validate-all") return Ocf::ok;
  if (action == "start") return agent.start(call);
  if (action == "monitor") return agent.monitor(call);
  if (action == "promote") return agent.promote(call);
  if (action == "demote") return agent.demote(call);
  if (action == "notify") return agent.notify(call);
  if (action == "reload-agent") return agent.reload(call);
  return agent.extra(call);
}

constexpr std::size_t reason_bytes_max = 500;  // the manager keeps it for everybody to read

/// Length of the UTF-8 character that the text begins with; 0: none that XML could carry.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = byte(0) < 0x80 ? 1 : byte(0) < 0xc2 ? 0 : byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
  if (length < 2) return length;
  if (byte(0) > 0xf4 || text.size() < length) return 0;
  std::uint32_t point = byte(0) & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    point = point << 6 | (byte(i) & 0x3fU);
  }
  const std::uint32_t least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  const bool outside =
      point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) || point == 0xfffe || point == 0xffff;
  return outside ? 0 : length;
}

/// One line that a manager can keep in its XML, though it quotes whatever somebody has typed.
std::string presentable(std::string_view text) {
  std::string line;
  while (!text.empty() && line.size() < reason_bytes_max) {
    const std::size_t length = character_bytes(text);
    const bool control = static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7f;
    line += control ? " " : length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return text.empty() ? line : line + "…";
}

void print(std::FILE* to, std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), to));
  static_cast<void>(std::fflush(to));
}

}  // namespace

Time boot_now() {
  timespec at{};
  ::clock_gettime(CLOCK_BOOTTIME, &at);
  return Time{std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec)};
}

bool pause_for(Duration duration, Time deadline) {
  const Time until = std::min(boot_now() + duration, deadline);
  for (Time at = boot_now(); at < until; at = boot_now()) {
    const Duration rest = until - at;
    const timespec wait{.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(rest).count(),
                        .tv_nsec = static_cast<long>(rest.count() % 1'000'000'000)};
    static_cast<void>(::ppoll(nullptr, 0, &wait, nullptr));
  }
  return until < deadline;
}

Call::Call(const About& about, const Environment& env, std::string action, Time now)
    : env_(env),
      agent_name_(about.name),
      action_(std::move(action)),
      params_(about, env),
      meta_(env),
      paths_(paths_from(env)) {
  const Duration timeout = meta_.timeout(advised_timeout(about, action_));
  reserve_ = reserve_of(timeout);
  deadline_ = now + timeout - reserve_;
}

bool Call::is_probe() const {
  return action_ == "monitor" && meta_.interval() == Duration::zero();
}

Duration Call::left() const {
  return std::max(Duration::zero(), deadline_ - boot_now());
}

Ocf Call::explain(Ocf code, std::string_view why) {
  reason_ = presentable(why);
  log_.error("{}", reason_);
  print(stderr, fmt::format("{}{}\n", reason_prefix(env_), reason_));
  return code;
}

Ocf run_call(Agent& agent, Call& call) {
  const About& about = agent.about();
  const std::string& action = call.action();
  if (action == "meta-data") {
    print(stdout, meta_data(about));
    return Ocf::ok;
  }
  if (action == "usage") {
    print(stdout, help_text(about));
    return Ocf::ok;
  }
  if (action == "man") {
    print(stdout, manual_page(about));
    return Ocf::ok;
  }
  if (row_of(about, action) == nullptr) {
    print(stderr, usage(about));
    return call.fail(Ocf::unimplemented, "{} has no action '{}'", about.name, action);
  }
  return action == "stop" ? stop(agent, call) : checked_verb(agent, call);
}

namespace {

/// Most of the reserve is for what a verb that finds its deadline passed still has to do, the rest for our own end.
void end_in_time(const Call& call) {
  const auto limit = std::chrono::floor<std::chrono::milliseconds>(call.left() + call.reserve() * 3 / 4);
  end_process_after(limit,
                    fmt::format("{}{} had not ended after {} and ended itself, before the manager's timeout\n",
                                reason_prefix(call.environment()), call.action(), to_text(limit)),
                    static_cast<int>(Ocf::generic));
}

}  // namespace

int run_agent(int argc, const char* const* argv, Agent& agent) {
  const About& about = agent.about();
  if (argc < 2) {
    print(stderr, usage(about));
    return static_cast<int>(Ocf::args);
  }
  const Environment env = process_environment();
  Call call(about, env, name_of(argv[1]), boot_now());
  open_log(call.log(), env, about.name, {.stderr_is_terminal = ::isatty(STDERR_FILENO) == 1});
  if (agent.keeps_time(call.action())) end_in_time(call);
  Ocf code = Ocf::generic;
  try {
    code = run_call(agent, call);
  } catch (const std::exception& broken) {
    code = call.fail(Ocf::generic, "internal fault in {}: {}", about.name, broken.what());
  }
  keep_process();
  return static_cast<int>(code);
}

}  // namespace systole::agents
