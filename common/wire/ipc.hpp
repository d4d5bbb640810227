// SPDX-License-Identifier: GPL-2.0-or-later
// What the tools and the daemon say to each other over the unix socket <rundir>/crmd.sock. A frame is a 32-bit length
// (little-endian, of what follows), a 16-bit protocol version, and an encoded Request or Reply. One request, one reply,
// any number of them per connection. An unknown version is answered with exit code 76 (protocol) and both versions in
// words.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cib/model/change.hpp"
#include "common/base/term.hpp"
#include "common/base/time.hpp"
#include "common/wire/codec.hpp"

namespace systole::wire::ipc {

inline constexpr std::uint16_t protocol_version = 3;

/// The CIB (or a part) as XML text in Reply::text. Answered by any node from what it knows.
struct QueryCib {
  std::string scope, xpath;
  bool no_children = false;
  template <class Archive>
  void fields(Archive& a) {
    a(scope)(xpath)(no_children);
  }
};

/// Passed on to the leader; ok means stored as the mode promises. 106: no leader or no quorum. 124: unknown outcome.
struct ChangeCib {
  cib::Request request;
  template <class Archive>
  void fields(Archive& a) {
    a(request);
  }
};

/// A transient attribute of a node. value absent: delete. node empty: the local node. "value++" and "value+=N" add.
struct SetAttribute {
  std::string name, node;
  std::optional<std::string> value;
  std::optional<Duration> dampening;  // how long to wait for more changes before it is acted upon; kept per attribute
  bool is_private = false;            // never in the CIB
  bool pattern = false;               // name is a regular expression over existing attributes
  template <class Archive>
  void fields(Archive& a) {
    a(name)(node)(value)(dampening)(is_private)(pattern);
  }
};

struct QueryAttribute {
  std::string name, node;  // node empty: the local one
  bool all_nodes = false;
  template <class Archive>
  void fields(Archive& a) {
    a(name)(node)(all_nodes);
  }
};

/// Who is there, who leads, how the links are, what is being done.
struct QueryCluster {
  template <class Archive>
  void fields(Archive&) {}
};

/// Why each resource (or one) is where it is, from the last decision.
struct Why {
  std::string resource;  // empty: all
  template <class Archive>
  void fields(Archive& a) {
    a(resource);
  }
};

/// Forget failures (fail counts, failed history) of a resource on a node, or all of them; it is probed again.
struct Cleanup {
  std::string resource, node;  // empty: all
  template <class Archive>
  void fields(Archive& a) {
    a(resource)(node);
  }
};

/// A person says that this node is off. Answered by the node that is asked, for itself alone.
struct ConfirmLost {
  std::string node;
  template <class Archive>
  void fields(Archive& a) {
    a(node);
  }
};

/// The daemon that is asked hands its leadership over and begins again as the program that is on disk now, in the same
/// process; what runs on the node goes on.
struct Reexec {
  template <class Archive>
  void fields(Archive&) {}
};

/// cluster.conf and the keys are read again by the node that is asked. All that changed holds from now on, or nothing.
struct Reload {
  template <class Archive>
  void fields(Archive&) {}
};

using Request = std::variant<QueryCib, ChangeCib, SetAttribute, QueryAttribute, QueryCluster, Why, Cleanup, ConfirmLost,
                             Reexec, Reload>;

/// There and back, over a window of the newest packets: out over the link that was fastest, back over the link in
/// question.
struct RoundTripInfo {
  std::int64_t least_us = 0, average_us = 0, most_us = 0;
  template <class Archive>
  void fields(Archive& a) {
    a(least_us)(average_us)(most_us);
  }
};

struct LinkInfo {
  std::string state;  // up, late, dead
  std::int64_t silent_ms = 0;
  std::string address{};      // the peer's
  std::int64_t lasts_ms = 0;  // how long it has been in that state
  bool ever_heard = true;
  std::uint32_t lost = 0, expected = 0;  // packets, of the peer's last ones
  std::optional<RoundTripInfo> round_trip{};
  std::uint32_t flaps = 0;  // how often it was dead and came back, since the daemon started
  bool carries = true;      // messages go over it; heartbeats always do
  std::string trouble{};    // in words; "": it is well
  template <class Archive>
  void fields(Archive& a) {
    a(state)(silent_ms)(address)(lasts_ms)(ever_heard)(lost)(expected)(round_trip)(flaps)(carries)(trouble);
  }
};

struct NodeInfo {
  std::uint32_t id = 0;
  std::string name;
  bool up = false;      // packets come and go
  bool joined = false;  // the leader gives it work
  bool witness = false;
  std::vector<LinkInfo> links;
  template <class Archive>
  void fields(Archive& a) {
    a(id)(name)(up)(joined)(witness)(links);
  }
};

struct ClusterInfo {
  std::string cluster, self, mode, leader;  // leader "": none
  Term term;
  bool quorate = false;
  bool settled = false;  // nothing to do and nothing under way, as far as this node knows
  Stamp configuration;
  std::vector<NodeInfo> nodes;
  std::vector<std::string> under_way;  // "start vip on n1 (0.3 s)": leader only
  std::vector<std::string> problems;
  std::vector<std::pair<std::string, std::uint64_t>> dropped_packets;  // kind → count
  std::string guarantee;                                               // what the mode promises, in a sentence
  std::int64_t lease_ms = 0;  // how long what runs on this node may still run, if nobody renews its lease
  std::string daemon_version;
  template <class Archive>
  void fields(Archive& a) {
    a(cluster)(self)(mode)(leader)(term)(quorate)(settled)(configuration)(nodes)(under_way)(problems)(dropped_packets);
    a(guarantee)(lease_ms)(daemon_version);
  }
};

struct AttributeValue {
  std::string name, node, value;
  template <class Archive>
  void fields(Archive& a) {
    a(name)(node)(value);
  }
};

struct Reply {
  std::int32_t exit_code = 0;  // Pacemaker's numbers: 0 ok, 105 no such object, 106 no quorum, 124 timeout, …
  std::string text;            // output, or the error in words
  std::optional<ClusterInfo> cluster;
  std::vector<AttributeValue> attributes;
  template <class Archive>
  void fields(Archive& a) {
    a(exit_code)(text)(cluster)(attributes);
  }
};

}  // namespace systole::wire::ipc
