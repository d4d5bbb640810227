// SPDX-License-Identifier: GPL-2.0-or-later
// One datagram between two daemons, before sealing. Every packet is a heartbeat: it says who sends, in which session,
// when it last heard the receiver, which term it knows and whether it leads. A ballot and a piece of the message
// stream may ride along. Plain data; what it means is crmd/membership's business, how it is sealed crmd/io's.
//
// Sessions: the sender's number for this talk is fresh after each start and each loss. to_session is the receiver's
// number as the sender heard it; 0 makes the packet a hello, which proves nothing about what the sender hears.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/term.hpp"
#include "common/base/time.hpp"

namespace systole::wire {

inline constexpr std::uint8_t packet_version = 4;
/// What the shell puts around an encoded packet: key index (1), nonce (24) and tag (16) of XChaCha20-Poly1305, and room
/// to grow.
inline constexpr std::size_t sealing_bytes_max = 48;
/// encode_packet() never gives more than this, so that the sealed datagram keeps to limits::packet_bytes_max.
inline constexpr std::size_t plain_packet_bytes_max = limits::packet_bytes_max - sealing_bytes_max;

enum class Role : std::uint8_t { follower, candidate, leader };

/// Pre-vote ("would you vote for me?", changes nothing), vote, and the answers to both.
struct Ballot {
  enum class Kind : std::uint8_t { pre_vote, pre_vote_reply, vote, vote_reply };
  Kind kind = Kind::pre_vote;
  std::uint64_t number = 0;  // the term that the election is about
  NodeId candidate;
  Stamp document;        // newest on the candidate's disk; in a reply, on the voter's
  bool granted = false;  // replies only
  /// Replies only: every promise that the voter made to an earlier leader has run out by time. Not so where that leader
  /// resigned, or where its daemon was restarted: then the leases that rest on the promise may still run.
  bool waited = false;
  /// Requests only: whose daemons begin again, so that the candidate will not take their silence for death.
  std::vector<NodeId> holds{};
  bool operator==(const Ballot&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(kind)(number)(candidate)(document)(granted)(waited)(holds);
  }
};

/// A piece of the stream of messages. Pieces are numbered from 1 in each session; a message is the bytes of consecutive
/// pieces up to and including the one marked last.
struct Fragment {
  std::uint64_t seq = 0;
  bool last = false;
  std::string bytes;
  bool operator==(const Fragment&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(seq)(last)(bytes);
  }
};

/// What the sender has of the receiver's stream: every fragment up to and including `all`; bit i of `further` stands
/// for fragment all + 1 + i.
struct Ack {
  std::uint64_t all = 0, further = 0;
  bool operator==(const Ack&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(all)(further);
  }
};

struct Packet {
  std::string cluster;           // cluster_name of the configuration
  NodeId from;                   // the sender
  NodeId to;                     // the receiver: over multicast and broadcast others hear it, too
  std::uint64_t boot = 0;        // the sender's boot id: fresh at each start of its daemon
  std::uint64_t session = 0;     // the sender's number of the session; never 0
  std::uint64_t to_session = 0;  // the receiver's number of the session; 0: a hello
  std::uint64_t seq = 0;         // rises with each packet to this receiver; its copies on several links share one
  Duration sent{};               // when, by the sender's clock (since its boot)
  Duration echo{};               // `sent` of the receiver's newest packet that the sender has heard in the session
  Duration held{};               // how long ago the sender heard that one
  Term term;                     // the sender's term and the leader it knows in it (node 0: none)
  Role role = Role::follower;
  bool grants = false;   // a leader with authority: the echo renews the receiver's lease
  bool deserts = false;  // a follower that has not heard its leader for too long: the leader may not count on it, and
                         // the echo renews the lease of others who followed that one
  bool urgent = false;   // answer at once: the sender's lease, or its trust in this link, is running out
  std::optional<Ballot> ballot;
  Ack ack;
  std::vector<Fragment> fragments;
  bool operator==(const Packet&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(cluster)(from)(to)(boot)(session)(to_session)(seq)(sent)(echo)(held)(term);
    a(role)(grants)(deserts)(urgent)(ballot)(ack)(fragments);
  }
};

/// The version byte and the fields. Whoever fills a packet keeps to plain_packet_bytes_max: see fragment_room().
std::string encode_packet(const Packet& packet);

/// Total: any bytes give a packet or an Error of kind invalid that says why (another version, torn, a value out of
/// range).
Result<Packet> decode_packet(std::string_view bytes);

/// How many bytes of fragments, their headers included, this packet can still take.
std::size_t fragment_room(const Packet& packet);
/// Encoded size of a fragment's header.
inline constexpr std::size_t fragment_header_bytes = 8 + 1 + 4;

}  // namespace systole::wire
