// SPDX-License-Identifier: GPL-2.0-or-later
// What happens, in which order. At start: address, first announcement, then a background child for the later ones. At
// stop: the child ends first (it must never announce an address that has left), then connections are reset while their
// resets can still be sent from the address, then the address goes, then the connections that slipped in between.
#include "agents/ocf/IPaddr/ipaddr.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <unistd.h>

#include <algorithm>

#include "agents/kit/process.hpp"
#include "agents/ocf/IPaddr/arp.hpp"
#include "agents/ocf/IPaddr/connections.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr Duration carrier_patience = 1s;  // how long a link that was just brought up may need
constexpr Duration carrier_look = 10ms;

std::string announcer_pid_file(const Call& call, Ipv4 ip) {
  return fmt::format("{}/systole-IPaddr-{}.pid", call.paths().state, to_text(ip));
}

Ocf code_of(const Error& error) {
  return error.code == Errc::permission ? Ocf::permission : Ocf::generic;
}

bool is_there(const Address& wanted, const Facts& facts) {
  return std::ranges::any_of(facts.addresses,
                             [&wanted](const Address& a) { return a.index == wanted.index && a.ip == wanted.ip; });
}

/// Announces at the given times after `since`, as long as the address is still there: the address may be taken away by
/// somebody who knows nothing of this process, and announcing it then would steal it from its next owner.
int announce_while_there(const Placement& at, const std::vector<Duration>& times, Time since) {
  constexpr Duration patience = 2s;
  auto announcer = Announcer::open(at.nic, at.address.ip);
  if (!announcer) return 1;
  for (const Duration time : times) {
    pause_for(since + time - boot_now(), never);
    auto route = Netlink::open(NETLINK_ROUTE, boot_now() + patience);
    const auto facts = route ? gather_facts(*route, Depth::addresses) : Result<Facts>(route.error());
    if (!facts || !is_there(at.address, *facts)) return 0;
    static_cast<void>(announcer->announce());  // a link that flaps just now may be back at the next time
  }
  return 0;
}

void announce_in_background(Call& call, const Placement& at, const std::vector<Duration>& times, Time since) {
  const std::string pid_file = announcer_pid_file(call, at.address.ip);
  Result<void> ready = make_folder(call.paths().state);
  if (ready) ready = end_background(pid_file);
  if (ready) {
    const auto child = run_in_background(pid_file, [&] { return announce_while_there(at, times, since); });
    if (!child) ready = child.error();
  }
  if (!ready) call.log().warning("{}; only the first announcement was made, proceeding", ready.error().what);
}

void announce_foreground(Call& call, Announcer& announcer, const std::vector<Duration>& times, Time since) {
  for (const Duration time : times) {
    if (!pause_for(since + time - boot_now(), call.deadline())) {
      call.log().warning("the timeout leaves no time for all announcements; proceeding without the rest");
      return;
    }
    if (const auto sent = announcer.announce(); !sent) call.log().warning("{}; proceeding", sent.error().what);
  }
}

void announce(Call& call, const Options& options, const Placement& at) {
  if (!at.nic.speaks_arp) {
    call.log().info("'{}' is no Ethernet interface with ARP: no neighbours to tell", at.nic.name);
    return;
  }
  const Time since = boot_now();
  auto announcer = Announcer::open(at.nic, at.address.ip);
  const auto first = announcer ? announcer->announce() : Result<void>(announcer.error());
  if (!first) call.log().error("{}; neighbours may keep the old owner for a while, proceeding", first.error().what);
  auto later = announcement_times(options);
  later.erase(later.begin());
  if (later.empty()) return;
  if (options.arp_bg) announce_in_background(call, at, later, since);
  if (!options.arp_bg && announcer) announce_foreground(call, *announcer, later, since);
}

/// Up, and with carrier, as far as waiting a moment helps.
Result<void> ready_link(Call& call, Netlink& route, const Options& options, const Interface& nic) {
  if (!nic.admin_up) {
    call.log().notice("'{}' is down, bringing it up", nic.name);
    if (auto up = set_link_up(route, nic); !up) return up;
  } else if (nic.carrier) {
    return {};
  }
  if (!options.check_link) return {};
  const Time until = std::min(boot_now() + carrier_patience, call.deadline());
  do {
    const auto facts = gather_facts(route, Depth::addresses);
    if (!facts) return facts.error();
    const Interface* const now = facts->interface(nic.index);
    if (now == nullptr) return Error{Errc::not_found, fmt::format("interface '{}' has gone", nic.name)};
    if (now->carrier) return {};
  } while (pause_for(carrier_look, until));
  return Error{Errc::not_connected,
               fmt::format("the link of '{}' is down (cable, switch port, or bond without a link)", nic.name)};
}

void write_sysctl(const std::string& path, std::string_view value) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file) static_cast<void>(::write(file.get(), value.data(), value.size()) > 0);
}

/// Takes one address off and nothing else: the kernel would remove a primary address's secondaries with it, which may
/// be another resource's; promote_secondaries prevents that, and what is lost all the same is put back.
Result<void> take_off(Call& call, Netlink& route, const Address& gone, const Facts& facts) {
  const auto in_danger = taken_along(gone, facts);
  const Interface* const nic = facts.interface(gone.index);
  const std::string sysctl = fmt::format("/proc/sys/net/ipv4/conf/{}/promote_secondaries", nic->name);
  const auto before = read_file(sysctl);
  if (!in_danger.empty()) write_sysctl(sysctl, "1\n");
  const auto deleted = delete_address(route, gone);
  if (!in_danger.empty() && before) write_sysctl(sysctl, *before);
  if (!deleted && deleted.error().code != Errc::not_found) return deleted;
  if (in_danger.empty()) return {};
  const auto after = gather_facts(route, Depth::addresses);
  if (!after) return after.error();
  for (const Address& other : in_danger) {
    if (is_there(other, *after)) continue;
    call.log().warning("{} went together with {}; adding it again", to_text(other.ip), to_text(gone.ip));
    if (auto added = add_address(route, other); !added && added.error().code != Errc::exists) return added;
  }
  return {};
}

void reset_clients(Call& call, Ipv4 ip) {
  const auto reset = reset_connections(ip, call.deadline());
  if (reset && *reset > 0) call.log().info("reset {} connections to {}", *reset, to_text(ip));
  if (reset) return;
  if (reset.error().code == Errc::invalid) {
    call.log().notice(
        "this kernel cannot reset connections (CONFIG_INET_DIAG_DESTROY is off): clients of {} will notice by "
        "their own time-outs",
        to_text(ip));
  } else {
    call.log().warning("{}; proceeding without resetting connections", reset.error().what);
  }
}

}  // namespace

Ocf IPaddr::validate(Call& call) {
  const auto options = options_from(call.params());
  if (!options) return call.explain(Ocf::configured, options.error().what);
  if (call.action() != "validate-all") return Ocf::ok;
  auto route = Netlink::open(NETLINK_ROUTE, call.deadline());
  const auto facts = route ? gather_facts(*route, Depth::routes) : Result<Facts>(route.error());
  if (!facts) return call.explain(Ocf::generic, facts.error().what);
  const auto placed = place(*options, *facts);
  if (placed) return Ocf::ok;
  const bool bad_name = !options->nic.empty() && facts->interface(options->nic) == nullptr;
  return call.explain(bad_name ? Ocf::configured : Ocf::generic, placed.error().what);
}

Ocf IPaddr::start(Call& call) {
  const auto options = options_from(call.params());
  if (!options) return call.explain(Ocf::configured, options.error().what);
  auto route = Netlink::open(NETLINK_ROUTE, call.deadline());
  const auto facts = route ? gather_facts(*route, Depth::routes) : Result<Facts>(route.error());
  if (!facts) return call.explain(code_of(facts.error()), facts.error().what);
  StartPlan plan = plan_start(*options, *facts);
  if (plan.step == StartStep::refuse) return call.explain(plan.verdict.code, plan.verdict.why);
  const Placement& at = plan.placement;
  if (const auto link = ready_link(call, *route, *options, at.nic); !link) {
    return call.explain(link.error().code == Errc::not_connected ? Ocf::installed : code_of(link.error()),
                        link.error().what);
  }
  if (plan.step == StartStep::replace) {
    const Address old = served(*options, *facts).front();
    if (const auto off = take_off(call, *route, old, *facts); !off)
      return call.explain(code_of(off.error()), off.error().what);
  }
  if (plan.step != StartStep::announce) {
    const auto added = add_address(*route, at.address);
    if (!added && added.error().code != Errc::exists) return call.explain(code_of(added.error()), added.error().what);
    call.log().info("added {}/{} to '{}'", to_text(at.address.ip), at.address.prefix, at.nic.name);
  } else {
    call.log().info("{} is on '{}' already; announcing it again", to_text(at.address.ip), at.nic.name);
  }
  announce(call, *options, at);
  return Ocf::ok;
}

Ocf IPaddr::stop(Call& call) {
  const auto options = options_from(call.params());
  if (!options) return call.explain(Ocf::configured, options.error().what);
  if (const auto ended = end_background(announcer_pid_file(call, options->ip)); !ended) {
    call.log().warning("{}; proceeding", ended.error().what);
  }
  auto route = Netlink::open(NETLINK_ROUTE, call.deadline());
  auto facts = route ? gather_facts(*route, Depth::addresses) : Result<Facts>(route.error());
  if (!facts) return call.explain(code_of(facts.error()), facts.error().what);
  const auto there = served(*options, *facts);
  if (there.empty()) {
    call.log().info("{} is not on this node, nothing to stop", to_text(options->ip));
    return Ocf::ok;
  }
  reset_clients(call, options->ip);
  for (const Address& entry : there) {
    if (const auto off = take_off(call, *route, entry, *facts); !off) {
      return call.explain(code_of(off.error()), off.error().what);
    }
    call.log().info("deleted {}/{} from '{}'", to_text(entry.ip), entry.prefix, facts->interface(entry.index)->name);
  }
  reset_clients(call, options->ip);
  return Ocf::ok;
}

Ocf IPaddr::monitor(Call& call) {
  const auto options = options_from(call.params());
  if (!options) return call.explain(Ocf::configured, options.error().what);
  auto route = Netlink::open(NETLINK_ROUTE, call.deadline());
  auto facts = route ? gather_facts(*route, Depth::addresses) : Result<Facts>(route.error());
  if (facts && served(*options, *facts).empty() && !call.is_probe()) facts = gather_facts(*route, Depth::routes);
  if (!facts) return call.explain(Ocf::generic, facts.error().what);
  const Verdict verdict = judge_monitor(*options, *facts, call.is_probe());
  if (verdict.code == Ocf::not_running && call.is_probe()) return verdict.code;  // as expected: no words about it
  if (verdict.code != Ocf::ok) return call.explain(verdict.code, verdict.why);
  if (options->arp_count_refresh == 0 || call.is_probe()) return Ocf::ok;
  const Address entry = served(*options, *facts).front();
  auto announcer = Announcer::open(*facts->interface(entry.index), entry.ip);
  for (int i = 0; announcer && i < options->arp_count_refresh; ++i) static_cast<void>(announcer->announce());
  return Ocf::ok;
}

}  // namespace systole::agents::ipaddr
