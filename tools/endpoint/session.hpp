// SPDX-License-Identifier: GPL-2.0-or-later
// One connection: one request, one answer, then the end ("Connection: close"). Each phase has its time and its bytes,
// so that nobody holds a place here for long, whatever he sends or does not send. What follows the request (a body,
// further requests) is read for a moment and thrown away, because a socket that is closed over unread bytes resets the
// connection, and the answer might be lost with it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>

#include "tools/endpoint/decision.hpp"
#include "tools/endpoint/shared_look.hpp"

namespace systole::endpoint {

struct SessionLimits {
  Duration reading = 3s;  // until the whole head of the request is here
  Duration writing = 3s;
  Duration draining = 500ms;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  /// look must outlive this.
  Session(boost::asio::ip::tcp::socket socket, SharedLook& look, const SessionLimits& limits);

  void begin();
  /// At once, and without an answer.
  void end();
  /// It waits for the client, not the client for us.
  bool is_idle() const { return phase_ == Phase::reading || phase_ == Phase::draining; }

 private:
  enum class Phase { reading, deciding, writing, draining, over };
  using Code = boost::system::error_code;

  void on_head(const Code& error);
  void on_request();
  void send(const Answer& answer);
  void drain();

  static constexpr std::size_t head_bytes_max = 8192;
  static constexpr std::size_t drained_bytes_max = 64 << 10;

  boost::beast::tcp_stream stream_;
  SharedLook& look_;
  const SessionLimits limits_;
  Phase phase_ = Phase::reading;
  boost::beast::flat_static_buffer<head_bytes_max> buffer_;
  boost::beast::http::request_parser<boost::beast::http::empty_body> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>> serializer_;
  std::size_t drained_ = 0;
};

}  // namespace systole::endpoint
