// SPDX-License-Identifier: GPL-2.0-or-later
// See session.hpp.
#include "tools/endpoint/session.hpp"

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace systole::endpoint {

namespace http = boost::beast::http;

namespace {

bool is_understood(http::verb method) {
  return method == http::verb::get || method == http::verb::head || method == http::verb::options;
}

/// Status for a head that is none; 0: there is nobody left to tell.
unsigned status_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  const bool of_parser = error.category() == http::make_error_code(http::error::bad_version).category();
  return of_parser && error != http::error::end_of_stream && error != http::error::partial_message ? 400 : 0;
}

}  // namespace

Session::Session(boost::asio::ip::tcp::socket socket, SharedLook& look, const SessionLimits& limits)
    : stream_(std::move(socket)), look_(look), limits_(limits) {
  parser_.header_limit(head_bytes_max);
}

void Session::begin() {
  stream_.expires_after(limits_.reading);
  http::async_read_header(stream_, buffer_, parser_,
                          [self = shared_from_this()](const Code& error, std::size_t) { self->on_head(error); });
}

void Session::end() {
  phase_ = Phase::over;
  stream_.close();
}

void Session::on_head(const Code& error) {
  if (phase_ == Phase::over) return;
  if (!error) return on_request();
  const unsigned status = status_of(error);
  if (status == 0) return end();
  send(refusal(status, status == 431 ? "the head of the request is too large" : "this is no request of HTTP/1"));
}

void Session::on_request() {
  const auto& request = parser_.get();
  if (!is_understood(request.method())) return send(refusal(405, "only GET, HEAD and OPTIONS"));
  const auto question = parse_question(request.target());
  if (!question) return send(refusal(question.error().code == Errc::not_found ? 404 : 400, question.error().what));
  phase_ = Phase::deciding;
  stream_.expires_never();
  look_.ask([self = shared_from_this(), asked = *question](const Seen& seen) { self->send(answer(asked, seen)); });
}

void Session::send(const Answer& answer) {
  if (phase_ == Phase::over) return;
  phase_ = Phase::writing;
  const bool head_only = parser_.is_header_done() && parser_.get().method() == http::verb::head;
  response_.version(parser_.is_header_done() ? parser_.get().version() : 11);
  response_.result(answer.status);
  response_.set(http::field::content_type, "application/json");
  response_.set(http::field::cache_control, "no-store");
  if (answer.status == 405) response_.set(http::field::allow, "GET, HEAD, OPTIONS");
  response_.set(http::field::connection, "close");
  response_.content_length(answer.body.size());
  response_.body() = answer.body;
  serializer_.emplace(response_);
  stream_.expires_after(limits_.writing);
  const auto sent = [self = shared_from_this()](const Code& error, std::size_t) {
    if (error || self->phase_ == Phase::over) return self->end();
    self->phase_ = Phase::draining;
    Code ignored;
    self->stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    self->stream_.expires_after(self->limits_.draining);
    self->drain();
  };
  if (head_only)
    http::async_write_header(stream_, *serializer_, sent);
  else
    http::async_write(stream_, *serializer_, sent);
}

/// Until the client has closed, too, as it does when it has our answer.
void Session::drain() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(head_bytes_max),
                          [self = shared_from_this()](const Code& error, std::size_t bytes) {
                            self->drained_ += bytes;
                            if (error || self->drained_ > drained_bytes_max || self->phase_ == Phase::over)
                              return self->end();
                            self->drain();
                          });
}

}  // namespace systole::endpoint
