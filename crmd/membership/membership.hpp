// SPDX-License-Identifier: GPL-2.0-or-later
// Membership: who is there, who leads, and messages in order between those who are. A pure machine: step(now, event)
// gives effects, next_deadline() says when it wants to be woken. It knows no socket, no file, no clock.
//
// * Every keepalive each node sends one packet per link to each configured peer: a hello (no session yet) or a
// heartbeat. Who follows a leader does so when the leader's comes; without it, a quarter of a keepalive later.
// * A session between two nodes is a pair of session numbers, fresh after each start of a daemon and after each loss,
// so
//   that packets of an earlier life are recognized and counted, never obeyed. A peer is up once a packet has come that
//   carries our present session number (it has proved that it hears us), and lost after deadtime without one on any
//   link.
// * Within a session: a stream of messages, complete and in order (sequence, acknowledgement, retransmission,
// fragments).
// * Leader election by Raft's rules (D. Ongaro, J. Ousterhout, "In Search of an Understandable Consensus Algorithm",
// 2014, and
//   Ongaro's thesis §9.6 for pre-vote): persisted vote, a vote only for a candidate whose stored document is not older,
//   a voter that heard a leader within deadtime refuses, one that has just started grants none in its first deadtime.
// * A node whose store may have forgotten a document that it acknowledged neither votes nor stands until it has stored
// one
//   from a leader: its vote would vouch for less than it promised.
// * Two nodes without a majority: a member left alone takes a solo term (number + 1, own id) when its peer is lost,
// after
//   a cold start only when initdead has passed (never with wait_for_all, unless a person confirms the loss). Mode ping
//   asks for evidence first: the ping target answers, and no address of the peer's does.
// * A node is lost deadtime + takeover_delay after its last packet; what it ran is released then (released_at()),
// because
//   its lease (lease.hpp) has run out by then. A leader whose lease runs out gives up its term.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/base/dice.hpp"
#include "common/base/ids.hpp"
#include "common/base/term.hpp"
#include "common/base/time.hpp"
#include "common/wire/packet.hpp"

namespace systole::membership {

enum class Mode {
  majority,  // leads only who has the votes of more than half of the configured nodes
  ping,      // two nodes: whoever is left leads, if the ping target answers
  none,      // two nodes: whoever is left leads
};

struct Member {
  NodeId id;
  std::string name;
  std::size_t links = 1;  // how many addresses it has
  bool witness = false;   // votes and stores, but runs nothing
};

struct Config {
  std::string cluster;  // cluster_name; packets of another cluster are counted and dropped
  NodeId self;
  std::vector<Member> nodes;  // all configured ones, self included
  Mode mode = Mode::majority;
  Duration keepalive = 200ms, deadtime = 1s, initdead = 10s;
  Duration takeover_delay{};        // how much longer than deadtime a silent node may still run something
  Duration lease = 500ms;           // how long a grant lasts: see lease.hpp
  bool wait_for_all = false;        // modes ping and none: no solo term before the peer was seen once
  bool may_have_forgotten = false;  // the stored document stands in for a damaged one, which may have been newer
};

// ---- events
struct Tick {};
struct PacketIn {
  std::size_t link = 0;
  wire::Packet packet;  // authenticated and parsed by the shell
};
struct VoteStored {  // the Vote of an earlier StoreVote is on disk
  Vote vote;
};
struct PingAnswered {  // mode ping: the answer to a request that was sent then
  Time sent{};
  bool of_peer = false;  // not the ping target answered, but an address that the peer should have
};
struct Reconfigure {  // the list of nodes that holds from now on, self included; hinders() has allowed it
  std::vector<Member> nodes;
};
using Event = std::variant<Tick, PacketIn, VoteStored, PingAnswered, Reconfigure>;

// ---- effects
struct Transmit {
  NodeId to;
  std::size_t link = 0;
  wire::Packet packet;
  Time good_until = never;  // the last moment at which its words, without ballot and fragments, may be said again
};
struct StoreVote {  // must be durable before VoteStored comes back; nothing that depends on it is sent earlier
  Vote vote;
};
struct PeerUp {
  NodeId peer;
  std::uint64_t boot = 0;  // its boot id: another one than before means that its daemon restarted
};
struct PeerLost {
  NodeId peer;
  std::string reason;  // "silent for 1.0 s on all links", "its daemon restarted"
  Time released{};     // from then on it runs nothing any more, if it does not come back
};
struct LeaderChanged {
  Term term;
  NodeId leader;  // none: nobody leads that we know of
};
struct QuorumChanged {
  bool quorate = false;
};
struct Deliver {  // the next message of the peer's stream
  NodeId from;
  std::string message;
};
struct Note {  // one line for the log
  enum class Level { info, notice, warning } level = Level::info;
  std::string text;
};
using Effect = std::variant<Transmit, StoreVote, PeerUp, PeerLost, LeaderChanged, QuorumChanged, Deliver, Note>;

// ---- for status displays
enum class LinkState { up, late, dead };
struct RoundTrip {
  Duration least{}, average{}, most{};
};
struct LinkView {
  LinkState state = LinkState::dead;
  Duration silent{};  // since the last packet
  Duration lasts{};   // how long it has been in that state
  bool ever_heard = false;
  unsigned lost = 0, expected = 0;      // of the peer's last packets
  std::optional<RoundTrip> round_trip;  // of the last hundred packets with an echo
  unsigned flaps = 0;                   // how often it was dead and came back
  bool carries = false;                 // messages go over it; heartbeats always do
  std::string trouble;                  // in words; "": it is well
};
struct PeerView {
  NodeId id;
  std::string name;
  bool up = false;
  bool held = false;  // its daemon said that it begins again: its silence means nothing for a while
  std::vector<LinkView> links;
};
struct Counters {  // packets dropped, by kind
  std::uint64_t foreign_cluster = 0, unknown_node = 0, old_session = 0, replayed = 0, same_node_id = 0, malformed = 0;
};

class Membership {
 public:
  /// boot_id: random, fresh at each start of the daemon. stored: what the disk holds.
  Membership(Config config, std::uint64_t boot_id, Vote stored, Stamp document, Dice dice, Now now);
  ~Membership();
  Membership(Membership&&) noexcept;

  std::vector<Effect> step(Now now, const Event& event);
  Time next_deadline() const;

  /// Queues a message to a peer that is up (to others it is dropped: PeerLost was or will be said). It goes out with
  /// the effects of the next step; call step(now, Tick{}) to flush at once.
  void send(NodeId to, std::string message);
  /// Stamp of the newest document on this node's disk: the election restriction.
  void set_document(Stamp stored);
  /// Leader: from now on this member's lease is renewed no more, or is again. A new session begins with grants.
  void grant(NodeId peer, bool yes);
  /// The peer's daemon begins again: it is not lost before lost_after has passed twice from now, and until then this
  /// node votes only for who holds it, too. A restart of this daemon forgets it, which is no harm: see lease.hpp.
  void hold(Now now, NodeId peer);
  /// All who are up have held this node since then or later.
  void held(Time asked);
  /// Modes ping and none: a person says that the peer is off. Ends all waiting, until the peer is heard.
  void confirm_lost();
  /// Gives up leadership for the sake of an orderly shutdown or because the document cannot be stored; peers may elect
  /// at once.
  void resign();

  /// Why this list of nodes cannot hold from now on; nullopt: it can. See node_list.hpp.
  std::optional<std::string> hinders(Now now, const std::vector<Member>& nodes) const;

  Term term() const;
  NodeId leader() const;        // none: nobody
  bool leads() const;           // this node
  bool forgetful() const;       // may_have_forgotten, and no leader has sent the present document since
  bool quorate() const;         // enough nodes for decisions: majority, or with two nodes whenever one leads
  Time lease_until() const;     // until when what runs on this node may run
  Duration held_lease() const;  // what held() grants, from the time of asking
  /// Leader: from when on a node that is not up runs nothing any more.
  Time released_at(NodeId peer) const;
  std::set<NodeId> up() const;  // self included
  /// Leader: what was to be over at a time is so only once this is not before it; see lease.hpp.
  Time confirmed_at() const;
  bool missed(Time now) const;  // some other node is lost, or late on all its links
  std::vector<PeerView> peers(Time now) const;
  const Counters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace systole::membership
