// SPDX-License-Identifier: GPL-2.0-or-later
// See helper.hpp.
#include "agents/ocf/IPaddr/helper.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "agents/kit/logging.hpp"
#include "agents/kit/manager.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/IPaddr/tickler.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr Duration kernel_patience = 2s;
constexpr std::size_t neighbours_max = 256;  // told alone; a whole data centre would be a flood

std::string helper_file(const Place& at, std::string_view kind) {
  return fmt::format("{}/systole-IPaddr-{}.{}", at.call.paths().state, place_name(at.options), kind);
}

std::string helper_pid_file(const Place& at) {
  return helper_file(at, "pid");
}

/// The loop. Everything that it does not decide itself.
class Helper {
 public:
  Helper(const Place& at, std::vector<Duration> announcements, Time begin)
      : at_(at), resident_(at.options, std::move(announcements), begin), state_file_(helper_state_file(at)) {}

  int run() {
    auto changes = Changes::open(at_.options.ip.family);
    if (!changes) return 1;
    write_state();
    std::optional<Tickler> tickler;
    if (Tickler::is_wanted(at_)) tickler.emplace(at_);
    ResidentEvent event = looked();  // what changed before the socket was open
    for (;;) {
      const ResidentEffects effects = resident_.step(boot_now(), event);
      event = act(effects);
      if (effects.end || replaced_) return leave();
      if (event.announced) continue;
      wait(*changes);
      if (changes->drain()) {
        event = looked();
      } else if (link_) {
        event.heard = link_->hear();
      }
    }
  }

 private:
  ResidentEvent looked() {
    ResidentEvent event;
    const auto seen = look(at_.options, false, boot_now() + kernel_patience);
    if (!seen) return event;  // no judgement without facts
    const auto there = served(at_.options, seen->facts);
    event.looked = seen->verdict;
    event.there = !there.empty();
    if (there.empty()) return event;
    const Interface& nic = *seen->facts.interface(there.front().index);
    const auto own = own_macs(seen->facts);
    if (!nic.speaks_arp() || (link_ && nic.mac == nic_.mac && nic.index == nic_.index && own == own_)) return event;
    auto link = LinkSocket::open(nic, at_.options.ip, own, at_.options.common_mac());
    if (!link) return event;
    link_.emplace(std::move(*link));
    nic_ = nic;
    own_ = own;
    return event;
  }

  ResidentEvent act(const ResidentEffects& effects) {
    ResidentEvent event;
    if (effects.probe && link_) static_cast<void>(link_->probe());
    if (effects.announce) event.announced = announce();
    if (effects.write) write_state();
    if (effects.report) report();
    return event;
  }

  std::string announce() {
    // Just before: an address that has left must never be announced, that would steal it from its next owner.
    const auto seen = look(at_.options, false, boot_now() + kernel_patience);
    if (!link_ || !seen || served(at_.options, seen->facts).empty()) return {};
    auto route = Netlink::open(NETLINK_ROUTE, boot_now() + kernel_patience);
    if (!route) return route.error().what;
    const auto sent = announce_once(*link_, *route, nic_, at_.options.ip.family);
    return sent ? std::string() : sent.error().what;
  }

  void write_state() {
    const auto written = write_file(state_file_, to_text(resident_.state()));
    if (!written) at_.call.log().warning("{}; monitor will not know of conflicts", written.error().what);
  }

  void report() {
    const Verdict verdict = judge_state(resident_.state(), at_.options);
    at_.call.log().error("{}", verdict.why);
    if (!at_.options.report_faults) return;
    at_.net.step_out();
    const auto told = report_failure(at_.call);
    at_.net.step_in();
    if (!told) at_.call.log().warning("{}; the next monitor will tell it", told.error().what);
    replaced_ = told && *told == Managed::replaced;
  }

  /// Nobody will run our stop for this one.
  int leave() const {
    const auto known = read_file(helper_pid_file(at_));
    const auto named = known ? parse_process_id(*known) : std::nullopt;
    if (!named || named->pid != ::getpid()) return 0;  // a successor's files
    ::unlink(state_file_.c_str());
    ::unlink(helper_pid_file(at_).c_str());
    return 0;
  }

  void wait(const Changes& changes) {
    const Time wake = resident_.wake_at();
    const auto left = wake == never ? Duration::max() : wake - boot_now();
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    std::array<pollfd, 2> events{{{changes.fd(), POLLIN, 0}, {link_ ? link_->fd() : -1, POLLIN, 0}}};
    static_cast<void>(
        ::poll(events.data(), events.size(),
               wake == never ? -1 : static_cast<int>(std::clamp<std::int64_t>(milliseconds, 0, INT_MAX))));
  }

  Place at_;
  Resident resident_;
  std::string state_file_;
  std::optional<LinkSocket> link_;
  Interface nic_;
  std::vector<Mac> own_;
  bool replaced_ = false;  // another agent serves the resource now
};

}  // namespace

Result<Look> look(const Options& options, bool probe, Time deadline) {
  auto route = Netlink::open(NETLINK_ROUTE, deadline);
  if (!route) return route.error();
  auto facts = gather_facts(*route, options.ip.family, Depth::addresses);
  // Routes only matter where the address is missing: they tell why.
  if (facts && !probe && served(options, *facts).empty()) {
    facts = gather_facts(*route, options.ip.family, Depth::routes);
  }
  if (!facts) return facts.error();
  Verdict verdict = judge_monitor(options, *facts, probe);
  return Look{std::move(*facts), std::move(verdict)};
}

std::string place_name(const Options& options) {
  const std::string& net = options.network_namespace;
  return fmt::format("{}{}{}", to_text(options.ip), net.empty() ? "" : "@", net);
}

std::string helper_state_file(const Place& at) {
  return helper_file(at, "state");
}

Result<void> launch_helper(const Place& at, std::vector<Duration> announcements, Time begin) {
  if (auto made = make_folder(at.call.paths().state); !made) return made;
  if (auto ended = end_helper(at); !ended) return ended;
  at.net.step_out();
  const auto child = run_in_background(helper_pid_file(at), [&] {
    // Anew: what the parent had open is closed.
    const auto net = NetworkNamespace::enter(at.options.network_namespace);
    if (!net) return 1;
    Call call(about, at.call.environment(), "helper", boot_now());
    open_log(call.log(), at.call.environment(), about.name, {.stderr_is_terminal = false});
    return Helper({call, at.options, *net}, announcements, begin).run();
  });
  at.net.step_in();
  if (!child) return child.error();
  return {};
}

Result<void> end_helper(const Place& at) {
  const auto known = read_file(helper_pid_file(at));
  const auto helper = known ? parse_process_id(*known) : std::nullopt;
  if (auto ended = end_background(helper_pid_file(at)); !ended) return ended;
  const std::string state = helper_state_file(at);
  // It may have been killed while it wrote.
  if (helper) static_cast<void>(::unlink(temporary_of(state, helper->pid).c_str()));
  static_cast<void>(::unlink(state.c_str()));
  return {};
}

std::optional<ResidentState> helper_state(const Place& at) {
  if (!find_background(helper_pid_file(at))) return std::nullopt;
  const auto state = read_file(helper_state_file(at));
  return state ? parse_resident_state(*state) : ResidentState{};
}

Result<void> announce_once(LinkSocket& link, Netlink& route, const Interface& nic, IpFamily family) {
  if (auto sent = link.announce(); !sent) return sent;
  auto neighbours = list_neighbours(route, family, nic.index);
  if (!neighbours) return neighbours.error();
  if (neighbours->size() > neighbours_max) neighbours->resize(neighbours_max);
  return link.announce_to(*neighbours);
}

}  // namespace systole::agents::ipaddr
