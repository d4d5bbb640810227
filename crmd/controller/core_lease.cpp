// SPDX-License-Identifier: GPL-2.0-or-later
// What a node does when its lease ends, and how it leaves.
#include <fmt/format.h>

#include "crmd/controller/core_impl.hpp"

namespace systole::controller {
namespace {

/// How long a node that shuts down waits for a leader to move its resources before it stops them itself.
constexpr Duration leaving_patience = 10s;

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
  lapse("nobody renewed it in time");
}

/// Somebody else may run by now what this node ran. The guardian drops it; here nothing is begun any more, and nothing
/// that was known of the resources is true any longer.
void Core::Impl::lapse(std::string why) {
  if (lapsed) return;
  lapsed = true;
  all_dropped = runner.holdings().empty();
  note(membership::Note::Level::warning, fmt::format("this node's lease is over ({}): {}", why,
                                                     all_dropped ? "it runs nothing" : "what it runs is dropped"));
  take(runner.forget_everything());
  known.attributes.forget(self_name());
  end_lapse();
}

void Core::Impl::end_lapse() {
  if (!lapsed || !all_dropped || !runner.idle()) return;
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

}  // namespace systole::controller
