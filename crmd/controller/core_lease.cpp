// SPDX-License-Identifier: GPL-2.0-or-later
// What a node does when its lease ends, and how it leaves.
#include <fmt/format.h>

#include "common/base/exit_codes.hpp"
#include "crmd/controller/core_impl.hpp"

namespace systole::controller {
namespace {

/// How long a node that shuts down waits for a leader to move its resources before it stops them itself.
constexpr Duration leaving_patience = 10s;
/// How long a daemon that is to start again waits for another leader, and for a moment in which no agent runs.
constexpr Duration successor_patience = 10s, pause_patience = 60s;
/// A lease shorter than this may be over before the successor has one; and where nobody is asked for a longer one.
constexpr Duration reexec_lease_min = 100ms, unheld_lease_min = 300ms;

}  // namespace

// ---------------------------------------------------------------- the lease

void Core::Impl::join(const JoinOffer& to) {
  const auto& memory = known.attributes.memory();
  const auto own = memory.find(self_name());
  send(to.term.node,
       JoinRequest{to.term, to.number, runner.history(), own == memory.end() ? attributes::OfNode{} : own->second,
                   runner.in_flight(), leaving});
}

void Core::Impl::check_lease(Now now) {
  if (lapsed || runner.holdings().empty() || now.at < lease_until()) return;
  lapse(now, "nobody renewed it in time");
}

/// Somebody else may run by now what this node ran. The guardian drops it; here nothing is begun any more, and nothing
/// that was known of the resources is true any longer.
void Core::Impl::lapse(Now now, std::string why) {
  if (lapsed) return;
  lapsed = true;
  all_dropped = runner.holdings().empty();
  note(membership::Note::Level::warning, fmt::format("this node's lease is over ({}): {}", why,
                                                     all_dropped ? "it runs nothing" : "what it runs is dropped"));
  take(runner.forget_everything());
  known.attributes.forget(self_name());
  end_lapse(now);
}

void Core::Impl::end_lapse(Now now) {
  if (!lapsed || !all_dropped || !runner.idle()) return;
  if (members.leader() == config.membership.self && now.at >= members.lease_until()) return;  // soon it leads no more
  lapsed = false;
  runner.holdings().clear();
  note(membership::Note::Level::notice, "what this node ran is off; it joins again with nothing");
  if (offer && from_leader(offer->term.node, offer->term)) join(*offer);
}

/// Before the effects of this step, because they may run agents. While something is being dropped the guardian must not
/// take a new lease for a renewal of the old one.
void Core::Impl::tell_guardian() {
  if (runner.holdings().take_changed()) out.insert(out.begin(), Hold{runner.holdings().list()});
  const Time until = members.lease_until();
  if (until > fed && !(lapsed && !all_dropped)) {
    fed = until;
    out.insert(out.begin(), Feed{until});
  }
}

// ---------------------------------------------------------------- leaving

void Core::Impl::shut_down(Now now) {
  if (leaving) return;
  leaving = true;
  leave_alone_at = now.at + leaving_patience;
  note(membership::Note::Level::notice, "shutting down: resources leave this node first");
  if (members.leader()) send(members.leader(), Leaving{});
}

/// Without a leader nobody will move the resources: after a while they are stopped here, so that none is left
/// unmanaged.
void Core::Impl::leave_alone(Now now) {
  if (members.leader() && !stopping_alone) {
    leave_alone_at = now.at + leaving_patience;
    return;
  }
  if (!stopping_alone && now.at >= *leave_alone_at) {
    stopping_alone = true;
    note(membership::Note::Level::warning, "no leader answers: stopping the resources of this node without one");
    take(runner.stop_everything(now));
  }
  if (stopping_alone && runner.idle()) {
    ended = true;
    out.push_back(Ended{"left without a leader"});
  }
}

// ---------------------------------------------------------------- starting again

void Core::Impl::begin_reexec(Now now, std::uint64_t client) {
  if (reexec || leaving)
    return reply(client, exit_code::exists, leaving ? "this daemon is leaving the cluster" : "it is under way already");
  if (members.held_lease() < reexec_lease_min)
    return reply(client, exit_code::unavailable,
                 fmt::format("a lease of {}, which is the longest that the others could grant for it, is too short to "
                             "begin again within it: put the node in standby, restart crmd, and end the standby",
                             to_text(members.held_lease())));
  if (lapsed) return reply(client, exit_code::unavailable, "this node is dropping what it ran; try again");
  reexec.emplace();
  reexec->client = client;
  reexec->begun = now.at;
  note(membership::Note::Level::notice, "asked to begin again as the program that is on disk now");
}

/// Leadership first goes to somebody else, so that nobody is without a leader meanwhile. An agent that runs would be
/// lost to the successor: a moment without any comes soon, unless one hangs. Then the others hold this node.
void Core::Impl::look_at_reexec(Now now) {
  if (!reexec) return;
  const Duration waited = now.at - reexec->begun;
  const auto waits_for = [&](const char* what, Duration patience) {
    if (waited <= patience) return;
    reply(reexec->client, exit_code::timeout,
          fmt::format("for {} {}: this daemon goes on as it is", to_text(waited), what));
    reexec.reset();
  };
  if (!led_by_another(now)) return waits_for("nobody else has taken the lead", successor_patience);
  if (!runner.idle()) return waits_for("there was no moment in which no agent ran", pause_patience);
  if (!held_by_all(now)) return waits_for("not all members have promised to wait for it", pause_patience);
  take(runner.end_watches());
  out.push_back(StartAgain{reexec->client});
  reexec.reset();
}

/// Who leads resigns, again if it is elected again.
bool Core::Impl::led_by_another(Now now) {
  if (members.up().size() == 1) return true;
  if (leader) {
    resign();
    settle(now);
  }
  return !leader && members.leader();
}

/// What runs here needs a lease until the successor has its own. Members that do not answer may be of a version that
/// cannot: a long lease does without them.
bool Core::Impl::held_by_all(Now now) {
  const bool without_them = config.membership.lease >= unheld_lease_min && now.at - reexec->begun >= successor_patience;
  if (runner.holdings().empty() || without_them) return true;
  if (reexec->asked && now.at >= *reexec->asked + config.membership.deadtime / 2) reexec->asked.reset();
  if (!reexec->asked) {
    reexec->asked = now.at;
    reexec->missing = members.up();
    reexec->missing.erase(config.membership.self);
    ++reexec->number;
    for (const NodeId peer : reexec->missing) send(peer, HoldMe{reexec->number});
    settle(now);
  }
  if (!reexec->asked || !reexec->missing.empty()) return false;
  members.held(*reexec->asked);
  return true;
}

void Core::Impl::held_by(NodeId peer, const Holding& promise) {
  if (reexec && reexec->asked && promise.number == reexec->number && promise.term == members.term())
    reexec->missing.erase(peer);
}

}  // namespace systole::controller
