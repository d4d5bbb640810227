// SPDX-License-Identifier: GPL-2.0-or-later
// Where health checks come in: listening sockets, and a bounded number of connections. When all places are taken, the
// oldest connection on which we wait for the client gives up its place: who holds connections open and says nothing
// cannot keep a real check away, since that one has sent its request by the time it could be the oldest.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "tools/endpoint/session.hpp"

namespace systole::endpoint {

class Service {
 public:
  static constexpr std::size_t sessions_max = 128;

  /// look must outlive this.
  Service(boost::asio::io_context& context, SharedLook& look, SessionLimits limits = {});

  /// "192.0.2.1:9200", "[2001:db8::1]:9200", or "*:9200": all addresses, by one socket for both families, or for IPv4
  /// alone where there is no IPv6.
  Result<void> listen(std::string_view text);
  /// Where it listens, as text.
  std::vector<std::string> addresses() const;
  unsigned short port() const { return listeners_.front()->acceptor.local_endpoint().port(); }
  void stop();

 private:
  struct Listener {
    boost::asio::ip::tcp::acceptor acceptor;
    boost::asio::steady_timer pause;
  };

  void accept(Listener& listener);
  void take(boost::asio::ip::tcp::socket socket);
  bool make_room();

  boost::asio::io_context& context_;
  SharedLook& look_;
  const SessionLimits limits_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::list<std::weak_ptr<Session>> sessions_;  // the oldest first
};

}  // namespace systole::endpoint
