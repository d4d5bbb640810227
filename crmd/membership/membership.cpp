// SPDX-License-Identifier: GPL-2.0-or-later
// Membership put together: packets are sorted by their session (peer.hpp), feed the election (election.hpp) and the
// streams (stream.hpp); at the end of each step everything that is due goes out. Order within a step matters to the
// reader of the effects: who is there, then who leads, then messages.
#include "crmd/membership/membership.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/ensure.hpp"
#include "common/base/limits.hpp"
#include "crmd/membership/membership_impl.hpp"
#include "crmd/membership/node_list.hpp"

namespace systole::membership {

namespace {

constexpr Duration complaint_every = 60s;  // the same kind of bad packet is named in the log once in that time

std::string seconds(Duration duration) {
  return fmt::format("{:.1f} s", std::chrono::duration<double>(duration).count());
}

/// The most bytes of a message that fit one fragment in any packet of this cluster, with a ballot beside it.
std::size_t piece_bytes(const Config& config) {
  wire::Packet fullest;
  fullest.cluster = config.cluster;
  fullest.ballot.emplace().holds.resize(limits::nodes_max);
  return wire::fragment_room(fullest) - wire::fragment_header_bytes;
}

}  // namespace

Membership::Impl::Impl(Config&& configuration, std::uint64_t boot_id, Vote stored, Stamp document, Dice chance, Now now)
    : config(std::move(configuration)),
      boot(boot_id),
      dice(chance),
      started(now.at),
      lost_after(config.deadtime + config.takeover_delay),
      election(config, stored, document, Dice(dice.next()), now.at),
      lease(config),
      keepalive_at(now.at),
      wake_at(now.at),
      told_term(election.term()) {
  ensure(config.keepalive > Duration::zero() && config.deadtime > config.keepalive);
  ensure(config.lease > Duration::zero() && config.lease < lost_after);
  ensure(config.mode == Mode::majority || config.nodes.size() <= 2);
  for (const Member& member : config.nodes)
    if (member.id != config.self) peers.push_back(unheard(member));
  ensure(peers.size() + 1 == config.nodes.size());
}

Peer Membership::Impl::unheard(const Member& member) {
  return {member.id, member.name, member.links, LinkHealth(config.keepalive, config.deadtime), fresh_number()};
}

std::uint64_t Membership::Impl::fresh_number() {
  return std::max<std::uint64_t>(dice.next(), 1);  // 0 means "none" on the wire
}

Peer* Membership::Impl::find(NodeId id) {
  const auto found = std::find_if(peers.begin(), peers.end(), [id](const Peer& peer) { return peer.id == id; });
  return found == peers.end() ? nullptr : &*found;
}

std::vector<Effect> Membership::Impl::step(Now now, const Event& event) {
  effects.clear();
  forgive_own_stall(now.at);
  if (const auto* in = std::get_if<PacketIn>(&event)) packet_in(now.at, *in);
  if (const auto* stored = std::get_if<VoteStored>(&event)) election.vote_stored(stored->vote);
  if (const auto* answer = std::get_if<PingAnswered>(&event)) {
    election.ping_answered(*answer);
    if (!answer->of_peer && config.mode == Mode::ping) lease.granted(answer->sent);
  }
  if (const auto* changed = std::get_if<Reconfigure>(&event)) reconfigure(now.at, changed->nodes);
  expire(now.at);
  lease.tick(now.at);
  election.authority(lease.authority());
  election.tick(now.at);
  announce(now.at);
  desert(now.at);
  urge(now.at);
  flush(now.at);
  wake_at = std::max(next_deadline(), now.at);
  return std::exchange(effects, {});
}

// ---- what comes in

void Membership::Impl::complain(Time now, const char* kind, std::string text) {
  const auto [found, first] = complained.try_emplace(kind, now);
  if (!first && now - found->second < complaint_every) return;
  found->second = now;
  say(Note::Level::warning, std::move(text));
}

/// Sorts out what is not from a configured node of this cluster.
bool Membership::Impl::ours(Time now, const PacketIn& in) {
  const wire::Packet& packet = in.packet;
  if (packet.cluster != config.cluster) {
    ++counters.foreign_cluster;
    complain(now, "foreign cluster",
             fmt::format(
                 "a packet of cluster \"{}\" came with our key, this is \"{}\": give each cluster its own key and port",
                 packet.cluster, config.cluster));
    return false;
  }
  if (packet.from == config.self) {
    if (packet.boot == boot) return false;  // our own voice, by broadcast or a loop
    ++counters.same_node_id;
    complain(
        now, "same id as ours",
        fmt::format(
            "another machine runs with nodeid {}, which is this node's: give each node its own nodeid in cluster.conf",
            packet.from.value));
    return false;
  }
  if (packet.to && packet.to != config.self) return false;  // of a group that hears everything: no fault of anybody's
  const Peer* peer = find(packet.from);
  if (peer == nullptr) {
    ++counters.unknown_node;
    complain(now, "unknown node",
             fmt::format("nodeid {} sends packets, but is not in our nodelist: is cluster.conf the same on all nodes?",
                         packet.from.value));
    return false;
  }
  if (in.link >= peer->links.size() || packet.session == 0) {
    ++counters.malformed;
    return false;
  }
  return true;
}

void Membership::Impl::packet_in(Time now, const PacketIn& in) {
  if (!ours(now, in)) return;
  Peer& peer = *find(in.packet.from);
  switch (peer.judge(now, in.packet, in.link)) {
    case Kind::hello:
    case Kind::copy:
      break;
    case Kind::newest:
      of_session(now, peer, in.packet, true);
      break;
    case Kind::overtaken:
      of_session(now, peer, in.packet, false);
      break;
    case Kind::begins:
      begin(now, peer, in);
      of_session(now, peer, in.packet, true);
      break;
    case Kind::replayed:
      ++counters.replayed;
      break;
    case Kind::old_session:
      ++counters.old_session;
      break;
    case Kind::impostor:
      ++counters.same_node_id;
      complain(now, "same id",
               fmt::format("two machines run with nodeid {} ({}): give each node its own nodeid in cluster.conf",
                           peer.id.value, peer.name));
      break;
  }
}

void Membership::Impl::begin(Time now, Peer& peer, const PacketIn& in) {
  if (peer.session)
    lose(peer, peer.session->boot != in.packet.boot ? "its daemon restarted" : "it had lost us and began anew",
         now + lost_after);
  const Duration resend_after = std::clamp<Duration>(config.keepalive / 2, 10ms, 50ms);
  Session next{Outgoing(piece_bytes(config), resend_after)};
  peer.begin(now, in.packet, in.link, std::move(next), fresh_number());
  effects.push_back(PeerUp{peer.id, in.packet.boot});
  election.peer_up(peer.id);
}

void Membership::Impl::of_session(Time now, Peer& peer, const wire::Packet& packet, bool newest) {
  Session& session = *peer.session;
  session.out.acknowledged(packet.ack);
  if (newest) {
    session.lost_at = std::max(now + lost_after, peer.held_until);
    session.heard_sent = packet.sent;
    session.heard_at = now;
    if (packet.urgent) session.answer_due = true;
    election.heard(now, peer.id, packet.term, packet.role);
    announce(now);  // who leads decides what an echo is worth
    look_for_desertion(peer, packet);
    echoed(now, peer, packet);
    keep_time_with(now, peer, packet);
  }
  if (packet.ballot) election.ballot(now, peer.id, *packet.ballot);
  announce(now);  // messages come after the news of who sends them
  for (const wire::Fragment& fragment : packet.fragments) {
    session.answer_due = true;
    for (std::string& message : session.in.take(fragment)) effects.push_back(Deliver{peer.id, std::move(message)});
  }
  if (session.in.overflowed())
    peer.doomed = fmt::format("it sent a message of more than {} bytes", limits::message_bytes_max);
}

/// Who follows answers its leader's heartbeat with its own: one waking for both, and the leader has its echo at once.
void Membership::Impl::keep_time_with(Time now, const Peer& peer, const wire::Packet& packet) {
  if (packet.role != wire::Role::leader || election.term().node != peer.id) return;
  if (now >= beat_at + config.keepalive / 2) keepalive_at = std::min(keepalive_at, now);
}

// ---- what time brings

/// Two nodes without tie-break: who was itself stopped (SIGSTOP, a suspended machine) must not take its own deafness
/// for the peer's silence and seize a solo term the moment it wakes. With votes this needs no care: nobody would vote
/// for it.
void Membership::Impl::forgive_own_stall(Time now) {
  const Duration late = now - wake_at;
  // An answer to our offer that waited here for so long says nothing of the present.
  if (late > lost_after)
    for (Peer& peer : peers) peer.offer_anew(fresh_number());
  if (config.mode == Mode::majority || late <= std::max(config.keepalive, config.deadtime / 4)) return;
  say(Note::Level::warning, fmt::format("this daemon did not run for {}; its peers get {} to be heard again",
                                        seconds(late), seconds(2 * config.keepalive)));
  for (Peer& peer : peers)
    if (peer.session) peer.session->lost_at = std::max(peer.session->lost_at, now + 2 * config.keepalive);
}

void Membership::Impl::lose(Peer& peer, const std::string& reason, Time released) {
  peer.end();
  peer.released = std::max(released, peer.held_until);
  effects.push_back(PeerLost{peer.id, reason, peer.released});
  election.peer_lost(peer.id);
  if (config.mode != Mode::majority || election.term().node != config.self) return;
  for (Peer& each : peers)  // who leads needs their word that it still does before it acts on this
    if (each.session) each.session->answer_due = each.session->urging = true;
}

void Membership::Impl::expire(Time now) {
  for (Peer& peer : peers) {
    if (!peer.session) continue;
    if (peer.doomed)
      lose(peer, std::string(*peer.doomed), now + lost_after);
    else if (now >= peer.session->lost_at)
      lose(peer, fmt::format("silent for {} on all links", seconds(lost_after)), std::max(now, granted_until(peer)));
  }
}

/// A node that is new here may have joined another member of the new list already, and run something there.
void Membership::Impl::reconfigure(Time now, const std::vector<Member>& nodes) {
  const auto listed = [&](NodeId id) { return std::ranges::find(nodes, id, &Member::id) != nodes.end(); };
  config.nodes = nodes;
  std::erase_if(peers, [&](const Peer& peer) { return !listed(peer.id); });
  for (const Member& member : nodes) {
    if (member.id == config.self || find(member.id) != nullptr) continue;
    peers.push_back(unheard(member));
    if (config.mode == Mode::majority) peers.back().released = now + lost_after;
  }
  election.reconfigure(config);
  lease.reconfigure(config);
}

void Membership::Impl::look_at_links(Time now, Peer& peer) {
  for (std::size_t i = 0; i < peer.links.size(); ++i) {
    Link& link = peer.links[i];
    const bool dead = link.health.state(now) == LinkState::dead;
    if (dead == link.told_dead || peer.links.size() == 1) continue;
    link.told_dead = dead;
    if (dead)
      say(Note::Level::warning, fmt::format("link {} to {} is dead: silent for {}; other links still work", i,
                                            peer.name, seconds(config.deadtime)));
    else if (const Duration probation = link.health.probation(now); probation > Duration::zero())
      say(Note::Level::notice,
          fmt::format("link {} to {} is back for the {}. time; it carries messages again once it was steady for {}", i,
                      peer.name, link.health.flaps(), seconds(probation)));
    else
      say(Note::Level::notice, fmt::format("link {} to {} is back", i, peer.name));
  }
}

Time Membership::Impl::next_deadline() const {
  Time next = std::min({keepalive_at, election.next_deadline(), desert_at()});
  for (const Peer& peer : peers) {
    if (!peer.session) continue;
    next = std::min({next, peer.session->lost_at, peer.session->out.next_deadline()});
    if (hopes_for_echo(peer)) next = std::min(next, urge_at(*peer.session));
    if (peer.doomed) return Time::min();
  }
  return next;
}

// ---- what goes out

/// A leader with a majority behind it: others may have been granted a lease by the leader before, which heard them when
/// this one did not, until just before this term. But for that leader itself, if all voters had waited for the end of
/// its lease.
Time Membership::Impl::granted_until(const Peer& peer) const {
  const bool may_be = config.mode == Mode::majority && told_term.node == config.self && peer.id != election.outlasted();
  return may_be ? led_since + lost_after : Time{};
}

void Membership::Impl::count_silent_nodes() {
  for (Peer& peer : peers)
    if (!peer.session) peer.released = std::max(peer.released, granted_until(peer));
}

void Membership::Impl::announce(Time now) {
  for (Note& note : election.take_notes()) effects.push_back(std::move(note));
  if (const auto vote = election.take_vote()) effects.push_back(StoreVote{*vote});
  if (const Term term = election.term(); term != told_term) {
    if (term.number != told_term.number) {
      lease.term_changed();
      confirms_again_at = {};
    }
    told_term = term;
    if (term.node == config.self) {
      lease.led();
      led_since = now;
      count_silent_nodes();
    }
    effects.push_back(LeaderChanged{term, term.node});
  }
  if (const bool quorate = election.quorate(); quorate != told_quorate) {
    told_quorate = quorate;
    effects.push_back(QuorumChanged{quorate});
  }
}

void Membership::Impl::flush(Time now) {
  bool heartbeat = election.take_proclaim();
  if (now >= keepalive_at) {
    heartbeat = true;
    const NodeId leader = election.term().node;
    const bool keeps_time = leader && leader != config.self;  // its own time comes only if the leader's does not
    keepalive_at = keeps_time ? now + config.keepalive * 5 / 4
                              : std::max(keepalive_at + config.keepalive, now + config.keepalive / 2);
    for (Peer& peer : peers)
      if (peer.session) look_at_links(now, peer);
  }
  if (heartbeat) {
    lease.heartbeat(now);
    beat_at = now;
  }
  for (Peer& peer : peers) flush(now, peer, heartbeat);
}

void Membership::Impl::flush(Time now, Peer& peer, bool heartbeat) {
  if (std::exchange(peer.hello_answer_due, false)) {
    wire::Packet packet = blank(now);
    peer.address(now, packet, true);
    transmit(now, peer, std::move(packet));
  }
  bool due = heartbeat;
  if (peer.session && std::exchange(peer.session->answer_due, false)) due = true;
  while (true) {
    wire::Packet packet = blank(now);
    if (peer.session) {
      packet.grants = packet.grants && peer.session->grants;
      packet.deserts = deserts(now, peer);
      packet.urgent = std::exchange(peer.session->urging, false);
      packet.ballot = election.take_ballot(peer.id);
      if (packet.ballot) due = true;
      if (peer.session->out.fill(now, packet)) due = true;
    }
    if (!due) return;
    peer.address(now, packet, false);
    transmit(now, peer, std::move(packet));
    due = false;
  }
}

wire::Packet Membership::Impl::blank(Time now) const {
  wire::Packet packet;
  packet.cluster = config.cluster;
  packet.from = config.self;
  packet.boot = boot;
  packet.term = election.term();
  packet.role = election.role();
  packet.grants = packet.role == wire::Role::leader && now < lease.authority();
  return packet;
}

/// Heartbeats knock on every link, so that a dead one is found alive again; pieces of messages spare the dead ones, and
/// those that have just come back as long as there is another.
void Membership::Impl::transmit(Time now, Peer& peer, wire::Packet packet) {
  const auto alive = [&](const Link& link) { return link.health.state(now) != LinkState::dead; };
  const auto steady = [&](const Link& link) { return link.health.carries(now); };
  const bool leads_by_votes = packet.role == wire::Role::leader && config.mode == Mode::majority;
  const Time good_until = leads_by_votes ? lease.authority() : never;
  const bool some_steady = std::ranges::any_of(peer.links, steady);
  const bool everywhere = packet.fragments.empty() || std::ranges::none_of(peer.links, alive);
  for (std::size_t i = 0; i < peer.links.size(); ++i)
    if (everywhere || (some_steady ? steady(peer.links[i]) : alive(peer.links[i])))
      effects.push_back(Transmit{peer.id, i, packet, good_until});
}

// ---- the public face

Membership::Membership(Config config, std::uint64_t boot_id, Vote stored, Stamp document, Dice dice, Now now)
    : impl_(std::make_unique<Impl>(std::move(config), boot_id, stored, document, dice, now)) {}
Membership::~Membership() = default;
Membership::Membership(Membership&&) noexcept = default;

std::vector<Effect> Membership::step(Now now, const Event& event) {
  return impl_->step(now, event);
}

Time Membership::next_deadline() const {
  return impl_->next_deadline();
}

void Membership::send(NodeId to, std::string message) {
  Peer* peer = impl_->find(to);
  if (peer == nullptr || !peer->session) return;
  ensure(message.size() <= limits::message_bytes_max);
  if (!peer->session->out.push(std::move(message)))
    peer->doomed = fmt::format("it took nothing in: {} bytes wait for it, the limit is {}",
                               peer->session->out.backlog_bytes(), limits::stream_backlog_bytes_max);
}

void Membership::set_document(Stamp stored) {
  impl_->election.document(stored);
}

void Membership::grant(NodeId peer, bool yes) {
  if (Peer* const known = impl_->find(peer); known != nullptr && known->session) known->session->grants = yes;
}

void Membership::hold(Now now, NodeId peer) {
  Peer* const known = impl_->find(peer);
  if (known == nullptr || !known->session) return;
  known->held_until = now.at + 2 * impl_->lost_after;
  known->session->lost_at = std::max(known->session->lost_at, known->held_until);
  impl_->election.hold(peer, known->held_until);
}

void Membership::held(Time asked) {
  impl_->lease.held(asked);
}

Duration Membership::held_lease() const {
  return impl_->lease.held_length();
}

void Membership::confirm_lost() {
  impl_->election.confirm_lost();
}

std::optional<std::string> Membership::hinders(Now now, const std::vector<Member>& nodes) const {
  Presence presence{up(), {}, quorate()};
  for (const Peer& peer : impl_->peers)
    if (!peer.session && now.at < peer.released) presence.held.insert(peer.id);
  return hinders_change(impl_->config, nodes, presence);
}

Time Membership::lease_until() const {
  return impl_->lease.until();
}

Time Membership::released_at(NodeId peer) const {
  const Peer* const known = impl_->find(peer);
  return known == nullptr ? Time{} : known->released;
}

void Membership::resign() {
  impl_->election.resign();
}

Term Membership::term() const {
  return impl_->election.term();
}

NodeId Membership::leader() const {
  return term().node;
}

bool Membership::leads() const {
  return leader() == impl_->config.self;
}

bool Membership::forgetful() const {
  return impl_->election.forgetful();
}

bool Membership::quorate() const {
  return impl_->election.quorate();
}

std::set<NodeId> Membership::up() const {
  std::set<NodeId> nodes{impl_->config.self};
  for (const Peer& peer : impl_->peers)
    if (peer.session) nodes.insert(peer.id);
  return nodes;
}

Time Membership::confirmed_at() const {
  return impl_->config.mode == Mode::ping ? never : impl_->lease.confirmed();
}

bool Membership::missed(Time now) const {
  return std::ranges::any_of(impl_->peers, [&](const Peer& peer) {
    return !peer.session ||
           std::ranges::none_of(peer.links, [&](const Link& link) { return link.health.state(now) == LinkState::up; });
  });
}

std::vector<PeerView> Membership::peers(Time now) const {
  std::vector<PeerView> views;
  for (const Peer& peer : impl_->peers) {
    PeerView view{peer.id, peer.name, peer.session.has_value(), now < peer.held_until, {}};
    for (std::size_t i = 0; i < peer.links.size(); ++i)
      view.links.push_back(peer.links[i].health.view(now, impl_->started, peer.arrivals.loss(i)));
    views.push_back(std::move(view));
  }
  return views;
}

const Counters& Membership::counters() const {
  return impl_->counters;
}

}  // namespace systole::membership
