// SPDX-License-Identifier: GPL-2.0-or-later
// Mode ping: asks the ping targets, and the addresses that the other node should have, by ICMP echo. An answer is
// reported with the time at which its request was sent; no answer is no event. Requests carry a number that only this
// process knows, so that nobody on the wire can answer in advance.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/log/log.hpp"

namespace systole::io {

class Pinger {
 public:
  /// of_peer: an address that the other node should have answered, not a ping target.
  using OnAnswer = std::function<void(Time sent, bool of_peer)>;

  /// cookie: random. Errors: permission (raw sockets are not granted), invalid (a target is no IP address).
  static Result<std::unique_ptr<Pinger>> open(boost::asio::io_context& context, const std::vector<std::string>& targets,
                                              std::uint64_t cookie, Log& log, OnAnswer on_answer);

  /// From now on these are asked. An error, as for open(), leaves those that were.
  Result<void> set_targets(const std::vector<std::string>& targets);
  void ask_targets();
  /// What is no IP address is passed over: it is somebody's parameter.
  void ask_peer_at(const std::vector<std::string>& addresses);

 private:
  struct Family {
    Family(boost::asio::io_context& context, bool six) : socket(context), is_v6(six) {}
    boost::asio::posix::stream_descriptor socket;
    bool is_v6;
  };
  Pinger(std::uint64_t cookie, Log& log, OnAnswer on_answer)
      : cookie_(cookie), log_(log), on_answer_(std::move(on_answer)) {}
  Result<Family*> family(boost::asio::io_context& context, bool six);
  void ask(const std::string& address, bool of_peer);
  void listen(Family& family);
  void receive(Family& family);

  boost::asio::io_context* context_ = nullptr;
  std::uint64_t cookie_;
  Log& log_;
  OnAnswer on_answer_;
  std::vector<std::string> targets_;
  std::unique_ptr<Family> four_, six_;
  std::uint16_t next_ = 0;
  int last_error_ = 0;  // of sending
};

}  // namespace systole::io
