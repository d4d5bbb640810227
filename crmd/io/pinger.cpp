// SPDX-License-Identifier: GPL-2.0-or-later
// See pinger.hpp. The payload of the echo is ours: cookie, time of sending, kind.
#include "crmd/io/pinger.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstring>

#include "common/icmp/echo.hpp"
#include "crmd/io/clock.hpp"

namespace systole::io {
namespace {

namespace asio = boost::asio;

struct Payload {
  std::uint64_t cookie = 0;
  std::int64_t sent_ns = 0;
  std::uint64_t of_peer = 0;
};

}  // namespace

Result<std::unique_ptr<Pinger>> Pinger::open(asio::io_context& context, const std::vector<std::string>& targets,
                                             std::uint64_t cookie, Log& log, OnAnswer on_answer) {
  std::unique_ptr<Pinger> pinger(new Pinger(cookie, log, std::move(on_answer)));
  pinger->context_ = &context;
  if (const auto done = pinger->set_targets(targets); !done) return done.error();
  return pinger;
}

Result<void> Pinger::set_targets(const std::vector<std::string>& targets) {
  for (const std::string& target : targets) {
    boost::system::error_code code;
    const auto address = asio::ip::make_address(target, code);
    if (code) return Error{Errc::invalid, fmt::format("ping target '{}' is no IP address", target)};
    if (const auto made = family(*context_, address.is_v6()); !made) return made.error();
  }
  targets_ = targets;
  return {};
}

Result<Pinger::Family*> Pinger::family(asio::io_context& context, bool six) {
  std::unique_ptr<Family>& family = six ? six_ : four_;
  if (family) return family.get();
  const int fd = ::socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                          six ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP));
  if (fd < 0) return errno_error("cannot open a socket for ICMP, which mode ping needs (is crmd run as root?)");
  family = std::make_unique<Family>(context, six);
  family->socket.assign(fd);
  listen(*family);
  return family.get();
}

void Pinger::ask_targets() {
  for (const std::string& target : targets_) ask(target, false);
}

void Pinger::ask_peer_at(const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) ask(address, true);
}

void Pinger::ask(const std::string& text, bool of_peer) {
  boost::system::error_code code;
  const auto address = asio::ip::make_address(text, code);
  if (code) return;
  const auto through = family(*context_, address.is_v6());
  if (!through) return;
  const Payload payload{cookie_, boot_time().time_since_epoch().count(), of_peer ? 1U : 0U};
  const std::string echo =
      icmp::echo_request(address.is_v6() ? icmp::Family::v6 : icmp::Family::v4, static_cast<std::uint16_t>(cookie_),
                         ++next_, {reinterpret_cast<const char*>(&payload), sizeof payload});
  sockaddr_storage to{};
  socklen_t size = 0;
  if (address.is_v6()) {
    auto& six = reinterpret_cast<sockaddr_in6&>(to);
    six.sin6_family = AF_INET6;
    const auto bytes = address.to_v6().to_bytes();
    std::memcpy(&six.sin6_addr, bytes.data(), bytes.size());
    six.sin6_scope_id = static_cast<std::uint32_t>(address.to_v6().scope_id());
    size = sizeof six;
  } else {
    auto& four = reinterpret_cast<sockaddr_in&>(to);
    four.sin_family = AF_INET;
    const auto bytes = address.to_v4().to_bytes();
    std::memcpy(&four.sin_addr, bytes.data(), bytes.size());
    size = sizeof four;
  }
  const ssize_t sent = ::sendto((*through)->socket.native_handle(), echo.data(), echo.size(), MSG_DONTWAIT,
                                reinterpret_cast<const sockaddr*>(&to), size);
  const int why = sent < 0 ? errno : 0;
  if (of_peer || why == last_error_) return;
  last_error_ = why;
  if (why != 0)
    log_.warning("ping target {}: cannot be asked: {}; trying on with every heartbeat", text, std::strerror(why));
  else
    log_.notice("ping target {}: can be asked again", text);
}

void Pinger::listen(Family& family) {
  family.socket.async_wait(asio::posix::stream_descriptor::wait_read,
                           [this, &family](const boost::system::error_code& error) {
                             if (error) return;
                             receive(family);
                             listen(family);
                           });
}

void Pinger::receive(Family& family) {
  std::array<char, 256> bytes;
  for (int n = 0; n < 64; ++n) {
    const ssize_t got = ::recv(family.socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0) return;
    const auto reply = icmp::parse_echo_reply(family.is_v6 ? icmp::Family::v6 : icmp::Family::v4, !family.is_v6,
                                              {bytes.data(), static_cast<std::size_t>(got)});
    Payload payload;
    if (!reply || reply->payload.size() < sizeof payload) continue;
    std::memcpy(&payload, reply->payload.data(), sizeof payload);
    const Time sent{Duration(payload.sent_ns)};
    if (payload.cookie == cookie_ && sent <= boot_time()) on_answer_(sent, payload.of_peer != 0);
  }
}

}  // namespace systole::io
