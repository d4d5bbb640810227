// SPDX-License-Identifier: GPL-2.0-or-later
// The links: one UDP socket per link, bound to this node's address on it (and to the interface, where one is named),
// and the pulse: a thread of its own that receives, stamps and answers for the core while that one computes. What comes
// in is unsealed and decoded there; what does not hold is counted by kind and never seen by the core.
#pragma once

#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"
#include "common/log/log.hpp"
#include "common/wire/packet.hpp"
#include "crmd/io/beats.hpp"
#include "crmd/io/replays.hpp"
#include "crmd/io/seal.hpp"

namespace systole::io {

struct LinkSetup {
  std::string address;  // this node's, an IP literal
  std::uint16_t port = 0;
  std::string interface;  // "": any
  std::string group{};    // "": to each node alone; else a multicast address, or "broadcast"
};

struct Received {
  Time at{};  // what the core must take for the time of its coming
  std::size_t link = 0;
  wire::Packet packet;
};

class Links {
 public:
  /// Called by the pulse, in its thread, when there is something to take; not again before it was taken.
  using OnReceived = std::function<void()>;

  /// Errors: not_found (no such interface), exists (port in use), refused (the address is not on this machine),
  /// permission. peers: each node's addresses, one per link.
  static Result<std::unique_ptr<Links>> open(NodeId self, const std::vector<LinkSetup>& setups,
                                             const std::map<NodeId, std::vector<std::string>>& peers, Sealer sealer,
                                             BeatTimes times, Log& log, OnReceived on_received);
  ~Links();

  // ---- for the core's thread
  /// Sends or loses the packet, as the network does; a link that cannot send is said once, when it begins and ends.
  void transmit(NodeId to, std::size_t link, wire::Packet packet, Time good_until);
  /// All that came since, in order. Whoever looks at the clock before has all that came until then.
  std::vector<Received> take();
  /// The core has done its work for now.
  void fed(Time now);
  RefusedDatagrams refused() const;
  /// From now on these are the peers, and these keys hold. Errors: invalid (no IP address); then nothing has changed.
  Result<void> reconfigure(const std::map<NodeId, std::vector<std::string>>& peers, Sealer sealer);

 private:
  struct Link {
    boost::asio::ip::udp::socket socket;
    LinkSetup setup;
    std::uint32_t scope;  // of a link-local address: its interface
    /// Where all packets of this link go to; nullopt: to each node alone.
    std::optional<boost::asio::ip::address> group;
    int last_error = 0;  // of sending
  };
  Links(NodeId self, Sealer sealer, BeatTimes times, Log& log, OnReceived on_received);
  void pulse();
  bool wait();
  void arm(Time now);
  void refuse_strangers(const std::map<NodeId, std::vector<std::string>>& peers);
  void receive_all(std::size_t link);
  void receive(std::size_t link, std::string_view datagram);
  void count(Sealer::Refusal refusal);
  void beat();
  int send(std::size_t link, NodeId to, const wire::Packet& packet);

  const NodeId self_;
  Log& log_;  // the core's thread only
  OnReceived on_received_;
  boost::asio::io_context unused_;  // sockets need one; nothing asynchronous is done with them
  std::vector<std::unique_ptr<Link>> links_;
  using Endpoints = std::map<NodeId, std::vector<boost::asio::ip::udp::endpoint>>;
  Result<Endpoints> endpoints(const std::map<NodeId, std::vector<std::string>>& peers) const;

  std::string buffer_;                    // the pulse's
  std::shared_ptr<const Sealer> opener_;  // the pulse's own hold on the sealer, renewed whenever it wakes

  mutable std::mutex mutex_;  // below: both threads
  std::shared_ptr<const Sealer> sealer_;
  Endpoints peers_;  // written by the core's thread only
  Beats beats_;
  Replays replays_;
  RefusedDatagrams refused_;
  std::string complaint_;  // of the pulse, for the log
  std::vector<Received> received_;
  Time armed_ = never;  // what the alarm is set to
  bool told_ = false, ending_ = false;
  Fd alarm_;  // timerfd: the pulse must look again. Whoever moves a deadline sets it, so that nobody is woken in vain
  std::thread thread_;
};

}  // namespace systole::io
