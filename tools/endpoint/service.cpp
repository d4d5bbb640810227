// SPDX-License-Identifier: GPL-2.0-or-later
// See service.hpp.
#include "tools/endpoint/service.hpp"

#include <fmt/format.h>

#include <boost/asio/ip/v6_only.hpp>

#include "tools/tcp.hpp"

namespace systole::endpoint {

using boost::asio::ip::tcp;

namespace {

constexpr std::uint16_t default_port = 9200;
constexpr auto accept_pause = std::chrono::milliseconds(100);  // when the kernel has no descriptor or memory left

Result<tcp::acceptor> open_at(boost::asio::io_context& context, const tcp::endpoint& at, bool both_families) {
  tcp::acceptor acceptor(context);
  boost::system::error_code error;
  const auto failed = [&](const char* what) {
    return Error{Errc::io,
                 fmt::format("cannot {} {}:{}: {}", what, at.address().to_string(), at.port(), error.message())};
  };
  acceptor.open(at.protocol(), error);
  if (error) return failed("make a socket for");
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (at.protocol() == tcp::v6()) acceptor.set_option(boost::asio::ip::v6_only(!both_families), error);
  acceptor.bind(at, error);
  if (error) return failed("take the address");
  acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) return failed("listen at");
  return acceptor;
}

}  // namespace

Service::Service(boost::asio::io_context& context, SharedLook& look, SessionLimits limits)
    : context_(context), look_(look), limits_(limits) {}

Result<void> Service::listen(std::string_view text) {
  const bool all = text == "*" || text.starts_with("*:");
  const auto at =
      tools::parse_endpoint(all ? fmt::format("0.0.0.0{}", text.substr(1)) : std::string(text), default_port);
  if (!at) return at.error();
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(at->address, error);
  if (error) return Error{Errc::invalid, fmt::format("'{}' is no IP address", at->address)};
  auto opened = all ? open_at(context_, {boost::asio::ip::address_v6::any(), at->port}, true)
                    : open_at(context_, {address, at->port}, false);
  if (all && !opened) opened = open_at(context_, {address, at->port}, false);
  if (!opened) return opened.error();
  listeners_.push_back(std::make_unique<Listener>(Listener{std::move(*opened), boost::asio::steady_timer(context_)}));
  accept(*listeners_.back());
  return {};
}

std::vector<std::string> Service::addresses() const {
  std::vector<std::string> all;
  for (const auto& each : listeners_) {
    const auto at = each->acceptor.local_endpoint();
    all.push_back(tools::text_of({at.address().to_string(), at.port()}));
  }
  return all;
}

void Service::accept(Listener& listener) {
  listener.acceptor.async_accept([this, &listener](const boost::system::error_code& error, tcp::socket socket) {
    if (!listener.acceptor.is_open()) return;
    if (!error) {
      take(std::move(socket));
      return accept(listener);
    }
    listener.pause.expires_after(accept_pause);
    listener.pause.async_wait([this, &listener](const boost::system::error_code& ended) {
      if (!ended && listener.acceptor.is_open()) accept(listener);
    });
  });
}

/// Nothing is said to who finds no place: the connection ends, and the check has failed.
void Service::take(tcp::socket socket) {
  if (!make_room()) return;
  const auto session = std::make_shared<Session>(std::move(socket), look_, limits_);
  sessions_.push_back(session);
  session->begin();
}

bool Service::make_room() {
  std::erase_if(sessions_, [](const auto& each) { return each.expired(); });
  if (sessions_.size() < sessions_max) return true;
  for (auto each = sessions_.begin(); each != sessions_.end(); ++each) {
    const auto session = each->lock();
    if (!session || !session->is_idle()) continue;
    session->end();
    sessions_.erase(each);
    return true;
  }
  return false;
}

void Service::stop() {
  boost::system::error_code ignored;
  for (const auto& each : listeners_) {
    each->acceptor.close(ignored);
    each->pause.cancel();
  }
  for (const auto& each : sessions_)
    if (const auto session = each.lock()) session->end();
}

}  // namespace systole::endpoint
