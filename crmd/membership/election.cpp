// SPDX-License-Identifier: GPL-2.0-or-later
// Raft's election, and the solo term of two nodes without tie-break. See election.hpp for the argument.
#include "crmd/membership/election.hpp"

#include "common/base/ensure.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace systole::membership {

using wire::Ballot;
using wire::Role;

namespace {

/// A witness lets the nodes that run something go first: who leads should be where the work is.
constexpr int witness_modesty = 3;  // keepalives

/// A cluster that waits for a person says so again.
constexpr Duration help_interval = 1min;

}  // namespace

Election::Election(const Config& config, Vote stored, Stamp document, Dice dice, Time now)
    : self_(config.self),
      mode_(config.mode),
      keepalive_(config.keepalive),
      deadtime_(config.deadtime),
      initdead_(config.initdead),
      lost_after_(config.deadtime + config.takeover_delay),
      lease_(config.lease),
      wait_for_all_(config.wait_for_all),
      witness_(std::ranges::any_of(config.nodes,
                                   [&](const Member& node) { return node.id == config.self && node.witness; })),
      nodes_(config.nodes.size()),
      majority_(config.nodes.size() / 2 + 1),
      vote_(stored),
      durable_(stored),
      document_(document),
      dice_(dice),
      started_(now),
      forgetful_(config.may_have_forgotten),
      ask_for_help_at_(now + config.initdead),
      promised_until_(now + lost_after_) {
  // A stored document of a later term than the stored vote: the term was learnt, no vote was given in it.
  if (document.term.number > vote_.number) set_vote({document.term.number, {}});
  if (forgetful_)
    say(Note::Level::warning,
        "this node's stored configuration was damaged: it may have forgotten a change that it had acknowledged, and "
        "takes no part in elections until a leader has sent it the present one");
}

Duration Election::some(Duration low, Duration high) {
  return Duration(dice_.between(low.count(), high.count()));
}

// ---- facts

void Election::reconfigure(const Config& config) {
  nodes_ = config.nodes.size();
  majority_ = nodes_ / 2 + 1;
  const auto gone = [&](NodeId id) { return std::ranges::find(config.nodes, id, &Member::id) == config.nodes.end(); };
  std::erase_if(granted_, gone);
  std::erase_if(ballots_, [&](const auto& entry) { return gone(entry.first); });
}

void Election::peer_up(NodeId peer) {
  up_.insert(peer);
  met_anyone_ = true;
  confirmed_ = false;
}

void Election::peer_lost(NodeId peer) {
  up_.erase(peer);
  ballots_.erase(peer);
  granted_.erase(peer);
  deserters_.erase(peer);
  peer_is_whole_ = false;
  if (leader_ == peer) leaderless();
}

void Election::document(Stamp stored) {
  // Whatever is stored in this life came from a leader, this node itself perhaps; or is just what the present one sent.
  const bool of_a_leader = stored != document_ || (leader_ && stored.term == term());
  document_ = stored;
  if (!forgetful_ || !of_a_leader) return;
  forgetful_ = false;
  say(Note::Level::notice, "has a leader's configuration on disk again, and takes part in elections");
}

void Election::heard(Time now, NodeId peer, Term term, Role role) {
  if (role == Role::leader) {
    if (term.number < vote_.number) return;  // our packets tell it that its term is over
    if (term.number > vote_.number) {
      if (phase_ == Phase::leading)
        say(Note::Level::warning,
            fmt::format("gives up term {}: node {} leads the later term {}", vote_.number, peer.value, term.number));
      adopt(term.number);
    } else if (!yields_to(Term{term.number, peer})) {
      return;
    }
    if (leader_ != peer) follow(peer);
    promised_until_ = now + lost_after_;
    return;
  }
  if (leader_ == peer) leaderless();
  const bool content = leader_ && leader_ != self_;  // who hears its leader is not disturbed by a restless third
  if (term.number <= vote_.number || content) return;
  if (phase_ == Phase::leading) {
    say(Note::Level::notice,
        fmt::format("gives up term {}: node {} knows term {}", vote_.number, peer.value, term.number));
    proclaim_ = true;
  }
  adopt(term.number);
}

/// A peer leads the very term that we are in. With votes that is settled. Two solo terms may share a number: the higher
/// node id goes first. Who has served under it cannot go back to the lower one, where what it stored would look newer
/// than all that comes: a further term decides.
bool Election::yields_to(Term theirs) {
  if (leader_ == theirs.node) return true;
  const bool later = theirs >= std::max(served_, document_.term);
  if (leader_) {
    if (!two_nodes())
      say(Note::Level::warning,
          fmt::format("nodes {} and {} both lead term {}: a stored vote was lost; is a disk a copy of another?",
                      leader_.value, theirs.node.value, theirs.number));
    if (later && phase_ == Phase::leading) {
      say(Note::Level::warning,
          fmt::format("gives up term {}: node {} leads a term of the same number", vote_.number, theirs.node.value));
      proclaim_ = true;
    }
  } else if (!later) {
    adopt(theirs.number + 1);
  }
  return later;
}

void Election::ballot(Time now, NodeId from, const Ballot& ballot) {
  const bool request = ballot.kind == Ballot::Kind::pre_vote || ballot.kind == Ballot::Kind::vote;
  if (request ? ballot.candidate != from : ballot.candidate != self_) return;
  if (request && two_nodes()) peer_is_whole_ = true;
  switch (ballot.kind) {
    case Ballot::Kind::pre_vote:
      pre_vote_request(now, from, ballot);
      break;
    case Ballot::Kind::vote:
      vote_request(now, from, ballot);
      break;
    case Ballot::Kind::pre_vote_reply:
      if (phase_ != Phase::asking || ballot.number != vote_.number + 1 || !ballot.granted) break;
      granted_.insert(from);
      if (enough(granted_.size() + 1)) request_votes(now);
      break;
    case Ballot::Kind::vote_reply:
      if (phase_ != Phase::voting || ballot.number != vote_.number || !ballot.granted) break;
      granted_.insert(from);
      all_waited_ = all_waited_ && ballot.waited;
      break;
  }
}

bool Election::holds_back() const {
  return forgetful_ && !peer_is_whole_;
}

bool Election::refuses(Time now, const Ballot& ballot) const {
  if (holds_back()) return true;
  if (now < started_ + lost_after_) return true;
  if (ignores_a_held_one(now, ballot)) return true;
  if (leader_ && leader_ != ballot.candidate) return true;
  return ballot.document < document_;
}

/// Who is elected would count the held one as lost before its lease is over.
bool Election::ignores_a_held_one(Time now, const Ballot& ballot) const {
  return std::ranges::any_of(held_, [&](const auto& held) {
    const auto& [node, until] = held;
    return now < until && node != ballot.candidate && std::ranges::find(ballot.holds, node) == ballot.holds.end();
  });
}

Ballot Election::request(Time now, Ballot::Kind kind, std::uint64_t number) const {
  Ballot ballot{kind, number, self_, document_};
  for (const auto& [node, until] : held_)
    if (now < until) ballot.holds.push_back(node);
  return ballot;
}

void Election::pre_vote_request(Time now, NodeId from, const Ballot& request) {
  const bool granted = !refuses(now, request) && request.number > vote_.number;
  answer(from, request, granted);
  if (!granted) return;
  // Two who ask at the same moment would split the votes: the one with the newer document, then the higher id, goes on.
  const bool goes_first = std::pair(request.document, from) > std::pair(document_, self_);
  if (phase_ == Phase::asking && !goes_first) return;
  if (phase_ == Phase::asking) phase_ = Phase::following;
  if (phase_ == Phase::following) campaign_at_ = now + some(keepalive_ / 2, keepalive_);
}

void Election::vote_request(Time now, NodeId from, Ballot request) {
  request.waited = now >= promised_until_;
  // It leads that very term by now, so this was long under way. Who fell out with its leader for a moment would miss
  // what that leader says meanwhile, and be told of it never again.
  if (leader_ == from && request.number == vote_.number) return;
  const bool spoken_for = request.number == vote_.number && vote_.voted_for && vote_.voted_for != from;
  if (refuses(now, request) || request.number < vote_.number || spoken_for) return answer(from, request, false);
  if (vote_ != Vote{request.number, from}) {
    leaderless();
    set_vote({request.number, from});
  }
  phase_ = Phase::following;
  campaign_at_ = now + some(keepalive_, 2 * keepalive_);
  if (durable_ >= vote_)
    answer(from, request, true);
  else
    granted_request_ = request;
}

void Election::answer(NodeId from, const Ballot& request, bool granted) {
  Ballot reply = request;
  reply.kind = request.kind == Ballot::Kind::vote ? Ballot::Kind::vote_reply : Ballot::Kind::pre_vote_reply;
  reply.document = document_;
  reply.granted = granted;
  ballots_[from].push_back(reply);
}

void Election::vote_stored(Vote vote) {
  durable_ = std::max(durable_, vote);
  if (granted_request_ && durable_ >= vote_) {
    answer(granted_request_->candidate, *granted_request_, true);
    granted_request_.reset();
  }
}

void Election::resign() {
  resigned_ = true;
  if (phase_ != Phase::leading) return;
  leaderless();
  proclaim_ = true;
}

// ---- changes of state

void Election::set_vote(Vote vote) {
  ensure(vote > vote_);
  vote_ = vote;
  to_store_ = vote;
  granted_request_.reset();
}

void Election::leaderless() {
  leader_ = {};
  phase_ = Phase::following;
  granted_.clear();
  campaign_at_ = never;  // tick() sets it
}

void Election::adopt(std::uint64_t number) {
  leaderless();
  set_vote({number, {}});
}

void Election::follow(NodeId leader) {
  leaderless();
  leader_ = leader;
  served_ = term();
}

void Election::ask(Time now) {
  phase_ = Phase::asking;
  granted_.clear();
  campaign_at_ = now + some(keepalive_ / 4, keepalive_ / 2);
  if (enough(1)) return request_votes(now);
  for (const NodeId peer : up_) ballots_[peer].push_back(request(now, Ballot::Kind::pre_vote, vote_.number + 1));
}

void Election::request_votes(Time now) {
  leaderless();
  set_vote({vote_.number + 1, self_});
  phase_ = Phase::voting;
  all_waited_ = now >= promised_until_;
  campaign_at_ = now + some(keepalive_, 2 * keepalive_);
  ask_again_at_ = now + keepalive_ / 2;
  request_from_rest(now);
}

void Election::request_from_rest(Time now) {
  for (const NodeId peer : up_)
    if (!granted_.contains(peer)) ballots_[peer].push_back(request(now, Ballot::Kind::vote, vote_.number));
}

void Election::take_solo() {
  leaderless();
  set_vote({vote_.number + 1, self_});
  phase_ = Phase::solo;
}

void Election::lead(Time now) {
  say(Note::Level::notice,
      up_.empty() && nodes_ > 1
          ? fmt::format("leads alone: term {}; no other node is heard", vote_.number)
          : fmt::format("leads term {}, elected by {} of {} nodes", vote_.number, granted_.size() + 1, nodes_));
  const bool next_of_its_leader = phase_ == Phase::solo || (all_waited_ && served_.number + 1 == vote_.number);
  outlasted_ = next_of_its_leader ? served_.node : NodeId{};
  deserters_.clear();
  phase_ = Phase::leading;
  leader_ = self_;
  served_ = term();
  proclaim_ = true;
  led_since_ = now;
  authority_ = {};
}

// ---- decisions

Time Election::alone_at() const {
  const Time cold = wait_for_all_ ? never : started_ + initdead_;
  const Time waited = met_anyone_ || confirmed_ || nodes_ == 1 ? Time::min() : cold;
  return std::max(waited, hold_until_);
}

/// That the peer is dead and not just unheard. Mode none asks for none; a person's word is enough everywhere. A node
/// that reaches the target again after a while may reach the peer again too: it gives that one time to be heard.
bool Election::has_evidence(Time now) const {
  if (mode_ == Mode::none || confirmed_) return true;
  return now < target_answered_ + lease_ && now >= target_since_ + lost_after_ && now > peer_answered_ + 2 * keepalive_;
}

bool Election::alone_allowed(Time now) const {
  return two_nodes() && !forgetful_ && up_.empty() && now >= alone_at() && has_evidence(now);
}

void Election::ping_answered(const PingAnswered& answer) {
  if (!answer.of_peer && (target_answered_ == Time::min() || answer.sent > target_answered_ + lease_))
    target_since_ = answer.sent;
  Time& newest = answer.of_peer ? peer_answered_ : target_answered_;
  newest = std::max(newest, answer.sent);
}

/// A leader whose lease ran out may have a successor already.
void Election::check_authority(Time now) {
  if (phase_ != Phase::leading) return;
  std::string why;
  bool hurry = false;  // it is heard again, and its lease still runs: the next term should be its own
  if (!two_nodes() && !enough(up_.size() + 1))
    why = fmt::format("hears only {} of {} nodes, {} are needed", up_.size() + 1, nodes_, majority_);
  else if (!two_nodes() && !enough(up_.size() + 1 - deserters_.size()))
    why = fmt::format("{} nodes have not heard it for too long and have turned away", deserters_.size()), hurry = true;
  else if (!two_nodes() && now >= std::max(authority_, led_since_ + lease_))
    why = fmt::format("its lease ran out: for {} fewer than {} nodes have confirmed that they follow", to_text(lease_),
                      majority_);
  else if (two_nodes() && up_.empty() && nodes_ > 1 && !has_evidence(now))
    why = "the other node is silent, and nothing shows that it is dead";
  if (why.empty()) return;
  say(Note::Level::warning, fmt::format("gives up term {}: {}", vote_.number, why));
  leaderless();
  if (hurry) campaign_at_ = now;
  proclaim_ = true;
}

void Election::tick(Time now) {
  if (std::exchange(resigned_, false)) hold_until_ = now + 3 * deadtime_;
  check_authority(now);
  if (leader_) return;
  ask_for_help(now);
  if (phase_ == Phase::solo) {
    if (!up_.empty())
      leaderless();  // not alone any more: an election decides
    else if (durable_ >= vote_)
      return lead(now);
    else
      return;
  }
  if (phase_ == Phase::voting && durable_ >= vote_ && enough(granted_.size() + 1)) return lead(now);
  if (alone_allowed(now)) return take_solo();
  campaign(now);
}

void Election::ask_for_help(Time now) {
  if (!forgetful_ || now < ask_for_help_at_) return;
  ask_for_help_at_ = now + help_interval;
  say(Note::Level::warning,
      "nobody leads, and this node may not, since its stored configuration was damaged: start the nodes that are "
      "sound. "
      "If there are none: on each node that you can, stop crmd, run 'crmd --accept-loss', start it again; the newest "
      "configuration among them is then used");
}

void Election::campaign(Time now) {
  if (holds_back() || !enough(up_.size() + 1)) return leaderless();
  if (campaign_at_ == never) {
    if (nodes_ == 1)  // nobody else to wait for, nobody to collide with
      campaign_at_ = std::max(hold_until_, now);
    else
      campaign_at_ = std::max({started_ + lost_after_, hold_until_, now}) + some({}, keepalive_ / 4) +
                     (witness_ ? witness_modesty * keepalive_ : Duration{});
  }
  if (now >= campaign_at_ && now >= hold_until_) {
    ask(now);
  } else if (phase_ == Phase::voting && now >= ask_again_at_) {
    ask_again_at_ = now + keepalive_ / 2;
    request_from_rest(now);
  }
}

Time Election::next_deadline() const {
  if (phase_ == Phase::leading && !two_nodes() && nodes_ > 1) return std::max(authority_, led_since_ + lease_);
  if (leader_ || phase_ == Phase::solo) return never;
  const Time help = forgetful_ ? ask_for_help_at_ : never;
  // What evidence is missing in mode ping comes as an event.
  if (two_nodes() && up_.empty()) return forgetful_ || mode_ == Mode::ping ? help : alone_at();
  if (holds_back() || !enough(up_.size() + 1)) return help;
  const Time campaign = std::min(help, std::max(campaign_at_, hold_until_));
  return phase_ == Phase::voting ? std::min(campaign, ask_again_at_) : campaign;
}

// ---- what follows

Role Election::role() const {
  switch (phase_) {
    case Phase::following:
    case Phase::asking:
      return Role::follower;
    case Phase::voting:
    case Phase::solo:
      return Role::candidate;
    case Phase::leading:
      return Role::leader;
  }
  return Role::follower;
}

bool Election::quorate() const {
  return two_nodes() ? static_cast<bool>(leader_) : enough(up_.size() + 1);
}

bool Election::followed_in_term() const {
  return served_.number == vote_.number && served_.node && served_.node != self_;
}

bool Election::has_ballot(NodeId peer) const {
  const auto found = ballots_.find(peer);
  return found != ballots_.end() && !found->second.empty();
}

std::optional<Ballot> Election::take_ballot(NodeId peer) {
  if (!has_ballot(peer)) return std::nullopt;
  auto& queue = ballots_[peer];
  const Ballot first = queue.front();
  queue.erase(queue.begin());
  return first;
}

}  // namespace systole::membership
