// SPDX-License-Identifier: GPL-2.0-or-later
// See copy_channel.hpp. The pre-shared key is given to OpenSSL as a session (RFC 8446, 4.2.11, external PSK); the key
// exchange on top of it makes that a key which becomes known later opens nothing that was recorded.
#include "agents/ocf/mysql/copy_channel.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "common/base/ensure.hpp"

namespace systole::mysql {

namespace {

constexpr std::size_t read_buffer_bytes = 256 << 10;

constexpr std::string_view identity = "systole-copy";
constexpr std::array<unsigned char, 2> cipher{0x13, 0x01};  // TLS_AES_128_GCM_SHA256
constexpr Duration handshake_patience = 5s;

/// The key, as a session of the library's; nullptr: no memory.
SSL_SESSION* session_of(SSL* ssl, const CopyKey& key) {
  SSL_SESSION* const session = SSL_SESSION_new();
  const SSL_CIPHER* const suite = SSL_CIPHER_find(ssl, cipher.data());
  const auto* const bytes = reinterpret_cast<const unsigned char*>(key.bytes().data());
  if (session != nullptr && suite != nullptr && SSL_SESSION_set1_master_key(session, bytes, key.bytes().size()) == 1 &&
      SSL_SESSION_set_cipher(session, suite) == 1 && SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1)
    return session;
  SSL_SESSION_free(session);
  return nullptr;
}

const CopyKey& key_of(SSL* ssl) {
  return *static_cast<const CopyKey*>(SSL_get_app_data(ssl));
}

int offer_key(SSL* ssl, const EVP_MD*, const unsigned char** id, std::size_t* length, SSL_SESSION** session) {
  *session = session_of(ssl, key_of(ssl));
  *id = reinterpret_cast<const unsigned char*>(identity.data());
  *length = identity.size();
  return *session != nullptr ? 1 : 0;
}

int find_key(SSL* ssl, const unsigned char* id, std::size_t length, SSL_SESSION** session) {
  const bool ours = std::string_view(reinterpret_cast<const char*>(id), length) == identity;
  *session = ours ? session_of(ssl, key_of(ssl)) : nullptr;
  return 1;
}

std::string library_words() {
  const unsigned long code = ERR_get_error();
  std::array<char, 200> text{};
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return code == 0 ? "the connection broke off" : text.data();
}

Result<void> wait_for(int fd, short what, Deadline deadline) {
  for (;;) {
    pollfd one{.fd = fd, .events = what, .revents = 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.left()).count();
    if (left <= 0) return Error{Errc::timeout, "the other node did not answer in time"};
    const int ready = ::poll(&one, 1, static_cast<int>(std::min<long long>(left, 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return errno_error("waiting for the other node");
  }
}

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> addresses_of(const std::string& host, unsigned port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) return Error{Errc::not_found, fmt::format("the address '{}': {}", host, ::gai_strerror(failed))};
  return Addresses(found);
}

}  // namespace

CopyKey CopyKey::derive(std::string_view secret, std::string_view nonce) {
  static constexpr std::string_view purpose = "systole copy of a database ";
  const std::string text = std::string(purpose) + std::string(nonce);
  CopyKey key;
  unsigned length = static_cast<unsigned>(key.bytes_.size());
  ensure(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
              reinterpret_cast<const unsigned char*>(text.data()), text.size(),
              reinterpret_cast<unsigned char*>(key.bytes_.data()), &length) != nullptr);
  return key;
}

std::string draw_nonce() {
  std::array<unsigned char, 16> bytes{};
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) continue;
  std::string text;
  for (const unsigned char each : bytes) text += fmt::format("{:02x}", each);
  return text;
}

Result<CopyListener> listen_for_copy(const std::string& address, unsigned port) {
  const auto found = addresses_of(address, port, AI_PASSIVE);
  if (!found) return found.error();
  const addrinfo& to = **found;
  CopyListener listener{.socket = Fd(::socket(to.ai_family, to.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))};
  const int yes = 1;
  ::setsockopt(listener.socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::bind(listener.socket.get(), to.ai_addr, to.ai_addrlen) != 0 || ::listen(listener.socket.get(), 4) != 0 ||
      ::getsockname(listener.socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
    return errno_error(fmt::format("listening on {} port {}", address, port));
  listener.port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                                    : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  return listener;
}

void CopyChannel::FreeContext::operator()(ssl_ctx_st* context) const noexcept {
  SSL_CTX_free(context);
}

void CopyChannel::FreeSession::operator()(ssl_st* session) const noexcept {
  SSL_free(session);
}

Result<CopyChannel> CopyChannel::accept(CopyListener& listener, const CopyKey& key, Deadline deadline) {
  for (;;) {
    if (const auto ready = wait_for(listener.socket.get(), POLLIN, deadline); !ready) return ready.error();
    Fd visitor(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!visitor) continue;
    auto channel = over(std::move(visitor), true, key, deadline.within(handshake_patience));
    if (channel) return channel;
  }
}

Result<CopyChannel> CopyChannel::connect(const std::string& host, unsigned port, const CopyKey& key,
                                         Deadline deadline) {
  const auto found = addresses_of(host, port, 0);
  if (!found) return found.error();
  const addrinfo& to = **found;
  Fd socket(::socket(to.ai_family, to.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno_error("making a socket");
  if (::connect(socket.get(), to.ai_addr, to.ai_addrlen) != 0 && errno != EINPROGRESS)
    return Error{Errc::not_connected, fmt::format("connecting to {} port {}: {}", host, port, ::strerror(errno))};
  if (const auto ready = wait_for(socket.get(), POLLOUT, deadline); !ready) return ready.error();
  int failed = 0;
  socklen_t size = sizeof failed;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0)
    return Error{Errc::not_connected, fmt::format("connecting to {} port {}: {}", host, port, ::strerror(failed))};
  return over(std::move(socket), false, key, deadline.within(handshake_patience));
}

namespace {

/// A machine that loses power says nothing: whoever waits for its next piece finds out within 11 s, not only when the
/// longest silence that a tool may keep is over.
void watch_peer(int socket) {
  const auto set = [&](int level, int option, int value) { ::setsockopt(socket, level, option, &value, sizeof value); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 5);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 2);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

}  // namespace

Result<CopyChannel> CopyChannel::over(Fd socket, bool server, const CopyKey& key, Deadline deadline) {
  watch_peer(socket.get());
  CopyChannel channel;
  channel.socket_ = std::move(socket);
  channel.key_ = std::make_unique<CopyKey>(key);
  channel.context_.reset(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* const context = channel.context_.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1)
    return Error{Errc::io, library_words()};
  SSL_CTX_set_num_tickets(context, 0);
  // Else each record of 16 KiB costs two calls of read(2).
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, read_buffer_bytes);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (server) {
    SSL_CTX_set_psk_find_session_callback(context, find_key);
  } else {
    SSL_CTX_set_psk_use_session_callback(context, offer_key);
  }
  channel.session_.reset(SSL_new(context));
  if (!channel.session_ || SSL_set_fd(channel.session_.get(), channel.socket_.get()) != 1)
    return Error{Errc::io, library_words()};
  SSL_set_app_data(channel.session_.get(), channel.key_.get());
  for (;;) {
    const int outcome = server ? SSL_accept(channel.session_.get()) : SSL_connect(channel.session_.get());
    if (outcome == 1) break;
    if (const auto more = channel.again(outcome, "agreeing upon a key", deadline); !more) return more.error();
  }
  // A server without a certificate can agree upon nothing else; that must not be left to chance.
  if (SSL_session_reused(channel.session_.get()) != 1) return Error{Errc::permission, "the key was not used"};
  return channel;
}

/// After a call that did not succeed: waits for what it lacks, or says what it met.
Result<void> CopyChannel::again(int outcome, std::string_view what, Deadline deadline) {
  switch (SSL_get_error(session_.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
      return wait_for(socket_.get(), POLLIN, deadline);
    case SSL_ERROR_WANT_WRITE:
      return wait_for(socket_.get(), POLLOUT, deadline);
    default:
      return Error{Errc::io, fmt::format("{}: {}", what, library_words())};
  }
}

Result<void> CopyChannel::send(std::span<const std::byte> bytes, Deadline deadline) {
  while (!bytes.empty()) {
    std::size_t sent = 0;
    const int outcome = SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &sent);
    if (outcome == 1) {
      bytes = bytes.subspan(sent);
    } else if (auto more = again(outcome, "sending", deadline); !more) {
      return more;
    }
  }
  return {};
}

Result<std::size_t> CopyChannel::receive(std::span<std::byte> into, Deadline deadline) {
  for (;;) {
    std::size_t got = 0;
    const int outcome = SSL_read_ex(session_.get(), into.data(), into.size(), &got);
    if (outcome == 1) return got;
    if (SSL_get_error(session_.get(), outcome) == SSL_ERROR_ZERO_RETURN) return 0;
    if (const auto more = again(outcome, "receiving", deadline); !more) return more.error();
  }
}

Result<void> CopyChannel::end(Deadline deadline) {
  for (;;) {
    const int outcome = SSL_shutdown(session_.get());
    if (outcome >= 0) return {};
    if (auto more = again(outcome, "ending", deadline); !more) return more;
  }
}

}  // namespace systole::mysql
