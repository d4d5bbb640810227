// SPDX-License-Identifier: GPL-2.0-or-later
// What happens, in which order. At start: address, first announcement, then a background child for the later ones. At
// stop: the child ends first (it must never announce an address that has left), then connections are reset while their
// resets can still be sent from the address, then the address goes, then the connections that slipped in between.
#include "agents/ocf/IPaddr/ipaddr.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>

#include "agents/kit/process.hpp"
#include "agents/ocf/IPaddr/connections.hpp"
#include "agents/ocf/IPaddr/helper.hpp"
#include "agents/ocf/IPaddr/neighbours.hpp"
#include "agents/ocf/IPaddr/share.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr Duration carrier_patience = 1s;  // how long a link that was just brought up may need
constexpr Duration carrier_look = 10ms;

Ocf code_of(const Error& error) {
  return error.code == Errc::permission ? Ocf::permission : Ocf::generic;
}

bool is_there(const Address& wanted, const Facts& facts) {
  return std::ranges::any_of(facts.addresses,
                             [&wanted](const Address& a) { return a.index == wanted.index && a.ip == wanted.ip; });
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
    const auto facts = gather_facts(route, options.ip.family, Depth::addresses);
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
  const auto after = gather_facts(route, gone.ip.family, Depth::addresses);
  if (!after) return after.error();
  for (const Address& other : in_danger) {
    if (is_there(other, *after)) continue;
    call.log().warning("{} went together with {}; adding it again", to_text(other.ip), to_text(gone.ip));
    if (auto added = add_address(route, other); !added && added.error().code != Errc::exists) return added;
  }
  return {};
}

void run_script(Call& call, const std::string& path) {
  if (path.empty()) return;
  const auto ran = run_program({path}, call.environment(), call.deadline());
  if (!ran) call.log().warning("{}; proceeding", ran.error().what);
  if (ran && ran->code != 0) call.log().warning("'{}' left with {}: {}; proceeding", path, ran->code, ran->err);
}

/// lvs_support: on the loopback interface the address serves requests that a director sends, without being announced.
Result<void> take_from_loopback(const Place& place, Netlink& route, const Facts& facts) {
  for (const Address& kept : kept_on_loopback(place.options, facts)) {
    run_script(place.call, place.options.stop_script);
    if (auto off = take_off(place.call, route, kept, facts); !off) return off;
    place.call.log().info("took {} from the loopback interface", to_text(kept.ip));
  }
  return {};
}

Result<void> keep_on_loopback(const Place& place, Netlink& route, const Facts& facts) {
  const auto loopback = std::ranges::find_if(facts.interfaces, &Interface::loopback);
  if (loopback == facts.interfaces.end()) return Error{Errc::not_found, "there is no loopback interface"};
  const auto added = add_address(route, Address{.index = loopback->index,
                                                .ip = place.options.ip,
                                                .prefix = place.options.ip.bits(),
                                                .broadcast = {},
                                                .label = loopback->name});
  if (!added && added.error().code != Errc::exists) return added;
  place.call.log().info("{} stays on the loopback interface (lvs_support)", to_text(place.options.ip));
  return {};
}

/// The kernel drops a wish for optimistic detection without a word when its switch is off.
void check_optimistic(Call& call, Address& address, const std::string& nic) {
  if (!address.optimistic) return;
  const std::string path = fmt::format("/proc/sys/net/ipv6/conf/{}/optimistic_dad", nic);
  const auto on = read_file(path);
  if (on && on->starts_with('1')) return;
  call.log().warning("optimistic=true needs 1 in '{}'; adding the address without the kernel's own detection", path);
  address.optimistic = false;
  address.nodad = true;
}

/// The beginning of every verb: parameters, and the namespace.
class Scene {
 public:
  explicit Scene(Call& call) : Scene(options_from(call.params(), call.meta())) {}
  explicit Scene(Result<Options> options) : options_(std::move(options)) {
    if (options_) net_ = NetworkNamespace::enter(options_->network_namespace);
  }
  /// The reason is said; nullopt: all is there.
  std::optional<Ocf> refused(Call& call, Ocf when_missing) const {
    if (!options_) return call.explain(Ocf::configured, options_.error().what);
    if (net_) return std::nullopt;
    if (net_.error().code == Errc::not_found && when_missing == Ocf::ok) return Ocf::ok;
    return call.explain(net_.error().code == Errc::not_found ? when_missing : code_of(net_.error()), net_.error().what);
  }
  Place place(Call& call) const { return {call, *options_, *net_}; }

 private:
  Result<Options> options_;
  Result<NetworkNamespace> net_ = Error{Errc::invalid, "no parameters"};
};

Ocf add(const Place& place, Netlink& route, const Facts& facts, const StartPlan& plan) {
  Call& call = place.call;
  if (plan.step == StartStep::replace) {
    const Address old = served(place.options, facts).front();
    if (const auto off = take_off(call, route, old, facts); !off)
      return call.explain(code_of(off.error()), off.error().what);
  }
  if (place.options.conflict_check == ConflictCheck::before) {
    if (const auto free = nobody_else_has(place, plan.placement, facts); !free)
      return call.explain(code_of(free.error()), free.error().what);
  }
  run_script(call, place.options.start_script);
  if (const auto taken = take_from_loopback(place, route, facts); !taken)
    return call.explain(code_of(taken.error()), taken.error().what);
  Address address = plan.placement.address;
  check_optimistic(call, address, plan.placement.nic.name);
  const auto added = add_address(route, address);
  if (!added && added.error().code != Errc::exists) return call.explain(code_of(added.error()), added.error().what);
  call.log().info("added {}/{} to '{}'", to_text(address.ip), address.prefix, plan.placement.nic.name);
  if (place.options.addrlabel) {
    if (const auto labelled = add_address_label(route, address.ip, *place.options.addrlabel); !labelled)
      call.log().warning("{}; the address may be picked as a source, proceeding", labelled.error().what);
  }
  return Ocf::ok;
}

}  // namespace

Ocf IPaddr::validate(Call& call) {
  if (call.action() != "validate-all") {
    const auto options = options_from(call.params(), call.meta());
    return options ? Ocf::ok : call.explain(Ocf::configured, options.error().what);
  }
  const Scene scene(call);
  if (const auto code = scene.refused(call, Ocf::generic)) return *code;
  const Options& options = scene.place(call).options;
  auto route = Netlink::open(NETLINK_ROUTE, call.deadline());
  const auto facts = route ? gather_facts(*route, options.ip.family, Depth::routes) : Result<Facts>(route.error());
  if (!facts) return call.explain(Ocf::generic, facts.error().what);
  const auto placed = ipaddr::place(options, *facts);
  if (const Ocf able = can_share(scene.place(call)); able != Ocf::ok) return able;
  if (placed) return Ocf::ok;
  const bool bad_name = !options.nic.empty() && facts->interface(options.nic) == nullptr;
  return call.explain(bad_name ? Ocf::configured : Ocf::generic, placed.error().what);
}

Ocf IPaddr::start(Call& call) {
  const Scene scene(call);
  if (const auto code = scene.refused(call, Ocf::installed)) return *code;
  const Place place = scene.place(call);
  const auto lock = ShareLock::take(place);
  if (!lock) return call.explain(code_of(lock.error()), lock.error().what);
  auto route = Netlink::open(NETLINK_ROUTE, call.deadline());
  const auto facts =
      route ? gather_facts(*route, place.options.ip.family, Depth::routes) : Result<Facts>(route.error());
  if (!facts) return call.explain(code_of(facts.error()), facts.error().what);
  const StartPlan plan = plan_start(place.options, *facts);
  if (plan.step == StartStep::refuse) return call.explain(plan.verdict.code, plan.verdict.why);
  const Interface& nic = plan.placement.nic;
  Result<LinkSocket> voice = Error{Errc::invalid, "nobody to announce to"};
  if (nic.speaks_arp()) voice = LinkSocket::open(nic, place.options.ip, {}, place.options.common_mac());
  if (!voice && voice.error().code == Errc::permission) return call.explain(Ocf::permission, voice.error().what);
  if (const auto link = ready_link(call, *route, place.options, nic); !link) {
    return call.explain(link.error().code == Errc::not_connected ? Ocf::installed : code_of(link.error()),
                        link.error().what);
  }
  if (const Ocf shared = take_share(place, nic); shared != Ocf::ok) return shared;
  if (plan.step == StartStep::announce) {
    call.log().info("{} is on '{}' already; announcing it again", to_text(place.options.ip), nic.name);
  } else if (const Ocf added = add(place, *route, *facts, plan); added != Ocf::ok) {
    undo_share(place, nic);
    return added;
  }
  announce(place, *route, plan.placement, voice);
  return Ocf::ok;
}

namespace {

Ocf stop_address(const Place& place) {
  Call& call = place.call;
  const Options& options = place.options;
  if (const auto ended = end_helper(place); !ended) call.log().warning("{}; proceeding", ended.error().what);
  auto route = Netlink::open(NETLINK_ROUTE, call.deadline());
  const auto facts = route ? gather_facts(*route, options.ip.family, Depth::addresses) : Result<Facts>(route.error());
  if (!facts) return call.explain(code_of(facts.error()), facts.error().what);
  const auto there = served(options, *facts);
  if (there.empty()) {
    call.log().info("{} is not on this node, nothing to stop", to_text(options.ip));
    return Ocf::ok;
  }
  if (!options.lvs) reset_clients(call, options.ip);
  for (const Address& entry : there) {
    if (const auto off = take_off(call, *route, entry, *facts); !off) {
      return call.explain(code_of(off.error()), off.error().what);
    }
    call.log().info("deleted {}/{} from '{}'", to_text(entry.ip), entry.prefix, facts->interface(entry.index)->name);
  }
  if (!options.lvs) reset_clients(call, options.ip);
  if (options.addrlabel) static_cast<void>(delete_address_label(*route, options.ip, *options.addrlabel));
  if (options.flush_routes) {
    for (const char* const family : {"ipv4", "ipv6"})
      write_sysctl(fmt::format("/proc/sys/net/{}/route/flush", family), "1\n");
  }
  if (!options.lvs) return Ocf::ok;
  const auto kept = keep_on_loopback(place, *route, *facts);
  return kept ? Ocf::ok : call.explain(code_of(kept.error()), kept.error().what);
}

}  // namespace

Ocf IPaddr::stop(Call& call) {
  std::vector<std::string> faults;
  const auto known = options_for_stop(call.params(), call.meta(), faults);
  for (const std::string& fault : faults)
    call.log().warning("{}; {}", fault, known ? "proceeding without it" : "nothing can have been started");
  if (!known) return Ocf::ok;
  const Scene scene(*known);
  if (const auto code = scene.refused(call, Ocf::ok)) return *code;
  const Place place = scene.place(call);
  return give_up_share(place, [&place] { return stop_address(place); });
}

namespace {

/// What the helper knows counts too; a recurring monitor starts one where none runs.
Verdict ask_helper(const Place& place, const Facts& facts) {
  const auto known = helper_state(place);
  if (known) {
    if (!known->failure.empty()) place.call.log().warning("{}; some neighbours may keep the old owner", known->failure);
    return judge_state(*known, place.options);
  }
  if (place.call.is_probe()) return {};
  const Address entry = served(place.options, facts).front();
  place.call.log().notice("the helper of {} does not run; starting it again", to_text(entry.ip));
  if (const auto launched = launch_helper(place, {0ms}, boot_now()); !launched)
    place.call.log().warning("{}; proceeding without it", launched.error().what);
  return {};
}

}  // namespace

Ocf IPaddr::monitor(Call& call) {
  const Scene scene(call);
  const bool probe = call.is_probe();
  if (const auto code = scene.refused(call, probe ? Ocf::not_running : Ocf::generic)) return *code;
  const Place place = scene.place(call);
  const auto seen = look(place.options, probe, call.deadline());
  if (!seen) return call.explain(Ocf::generic, seen.error().what);
  const auto verdict = judge_with_share(place, *seen, call.deadline());
  if (!verdict) return call.explain(code_of(verdict.error()), verdict.error().what);
  if (verdict->code == Ocf::not_running && probe) return Ocf::not_running;  // as expected: no words about it
  if (verdict->code != Ocf::ok) return call.explain(verdict->code, verdict->why);
  const Verdict known = ask_helper(place, seen->facts);
  if (known.code == Ocf::generic) return call.explain(known.code, known.why);
  if (place.options.arp_count_refresh > 0 && !probe) refresh_neighbours(place, seen->facts);
  return Ocf::ok;
}

/// watch: waits until something is wrong, then ends as a monitor would.
Ocf IPaddr::extra(Call& call) {
  const Scene scene(call);
  if (const auto code = scene.refused(call, Ocf::generic)) return *code;
  const Place place = scene.place(call);
  auto changes = Changes::open(place.options.ip.family);
  if (!changes) return call.explain(Ocf::generic, changes.error().what);
  auto rules = place.options.cloned ? Changes::open_rules() : Result<Changes>(Error{Errc::refused, "no rules"});
  const Fd news(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  // Without the folder there is no helper either; links and addresses are watched all the same.
  if (news) ::inotify_add_watch(news.get(), call.paths().state.c_str(), IN_MOVED_TO);
  for (;;) {
    const Time patience = boot_now() + 5s;
    const auto seen = look(place.options, false, patience);
    const auto health = seen ? judge_with_share(place, *seen, patience) : Result<Verdict>(seen.error());
    if (!health) return call.explain(Ocf::generic, health.error().what);
    if (health->code != Ocf::ok) return call.explain(health->code, health->why);
    const auto known = helper_state(place);
    const Verdict verdict = known ? judge_state(*known, place.options) : Verdict{};
    if (verdict.code == Ocf::generic) return call.explain(verdict.code, verdict.why);
    std::array<pollfd, 3> events{
        {{changes->fd(), POLLIN, 0}, {news.get(), POLLIN, 0}, {rules ? rules->fd() : -1, POLLIN, 0}}};
    static_cast<void>(::poll(events.data(), events.size(), -1));
    changes->drain();
    if (rules) rules->drain();
    std::array<char, 4096> names{};
    while (news && ::read(news.get(), names.data(), names.size()) > 0) continue;
  }
}

}  // namespace systole::agents::ipaddr
