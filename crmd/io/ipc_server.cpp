// SPDX-License-Identifier: GPL-2.0-or-later
// See ipc_server.hpp. Callbacks, not coroutines: each step is a line of its own, and nothing is kept in a frame that
// g++ 12 might free twice. A session is shared by its pending operations.
#include "crmd/io/ipc_server.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "common/base/exit_codes.hpp"
#include "common/base/limits.hpp"
#include "common/wire/ipc_frame.hpp"
#include "crmd/io/peer_identity.hpp"

namespace systole::io {
namespace {

namespace asio = boost::asio;
namespace ipc = wire::ipc;
using asio::local::stream_protocol;

constexpr Duration patience_with_reader = 30s;       // a client that does not take its answer
constexpr Duration patience_with_stranger = 2s;      // who may not ask, and says nothing so that he could be told
constexpr std::ptrdiff_t strangers_max = 8;          // of them at a time: the places are for those who may
constexpr std::size_t body_piece_bytes = 256 << 10;  // memory is taken as bytes come, not as they are announced

ipc::Reply refusal(std::int32_t code, std::string text) {
  ipc::Reply reply;
  reply.exit_code = code;
  reply.text = std::move(text);
  return reply;
}

}  // namespace

class IpcServer::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(IpcServer* server, stream_protocol::socket socket, PeerIdentity peer)
      : server_(server), socket_(std::move(socket)), timer_(socket_.get_executor()), peer_(std::move(peer)) {}

  bool is_stranger() const { return !peer_.allowed; }

  void read_head() {
    if (is_stranger()) leave_after(patience_with_stranger);
    asio::async_read(socket_, asio::buffer(head_), [self = shared_from_this()](const auto& error, std::size_t) {
      if (error) return self->leave();
      self->judge_head();
    });
  }

  void send(const ipc::Reply& reply, bool then_leave = false) {
    auto frame = ipc::make_frame(wire::encode(reply));
    if (!frame) frame = ipc::make_frame(wire::encode(refusal(exit_code_of(frame.error()), frame.error().what)));
    out_ = std::move(*frame);
    leave_after(patience_with_reader);
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this(), then_leave](const auto& error, std::size_t) {
                        self->timer_.cancel();
                        self->out_ = {};
                        if (error || then_leave) return self->leave();
                        self->read_head();
                      });
  }

  void leave() {
    boost::system::error_code ignored;
    timer_.cancel();
    socket_.close(ignored);
    if (IpcServer* const server = std::exchange(server_, nullptr)) server->sessions_.erase(shared_from_this());
  }

  /// The server is going; what is still pending here must not reach for it.
  void part() {
    server_ = nullptr;
    leave();
  }

 private:
  void leave_after(Duration patience) {
    timer_.expires_after(patience);
    timer_.async_wait([self = shared_from_this()](const auto& stopped) {
      if (!stopped) self->leave();
    });
  }

  void judge_head() {
    const auto head = ipc::read_frame_head({head_.data(), head_.size()});
    if (is_stranger()) return send(refusal(exit_code::permission, refusal_for(peer_)), true);
    if (!head) return send(refusal(exit_code::protocol, head.error().what), true);
    if (head->version != ipc::protocol_version)
      return send(
          refusal(exit_code::protocol, fmt::format("this tool speaks protocol version {}, the daemon {}: they are of "
                                                   "different releases; restart the daemon after an upgrade",
                                                   head->version, ipc::protocol_version)),
          true);
    body_.clear();
    read_body(head->body_bytes);
  }

  void read_body(std::size_t rest) {
    if (rest == 0) return take_request();
    const std::size_t had = body_.size(), piece = std::min(rest, body_piece_bytes);
    body_.resize(had + piece);
    asio::async_read(socket_, asio::buffer(body_.data() + had, piece),
                     [self = shared_from_this(), rest, piece](const auto& error, std::size_t) {
                       if (error) return self->leave();
                       self->read_body(rest - piece);
                     });
  }

  void take_request() {
    auto request = wire::decode<ipc::Request>(body_);
    body_ = {};
    if (!request)
      return send(refusal(exit_code::protocol, "the request cannot be read: tool and daemon do not fit together"),
                  true);
    if (server_ == nullptr) return;
    const std::uint64_t number = server_->number_request(shared_from_this());
    server_->on_request_(number, std::move(*request), peer_.user);
  }

  IpcServer* server_;
  stream_protocol::socket socket_;
  asio::steady_timer timer_;
  PeerIdentity peer_;
  std::array<char, ipc::frame_head_bytes> head_{};
  std::string body_, out_;
};

IpcServer::IpcServer(asio::io_context& context, std::string path, Log& log, OnRequest on_request)
    : acceptor_(context), path_(std::move(path)), log_(log), on_request_(std::move(on_request)) {}

IpcServer::~IpcServer() {
  close();
  const auto sessions = std::move(sessions_);
  for (const auto& session : sessions) session->part();
}

Result<std::unique_ptr<IpcServer>> IpcServer::open(asio::io_context& context, const std::string& path, Log& log,
                                                   OnRequest on_request) {
  std::unique_ptr<IpcServer> server(new IpcServer(context, path, log, std::move(on_request)));
  if (path.size() >= sizeof(sockaddr_un{}.sun_path))
    return Error{Errc::too_big, fmt::format("the path of the socket '{}' is longer than unix sockets allow", path)};
  ::unlink(path.c_str());
  boost::system::error_code code;
  server->acceptor_.open(stream_protocol(), code);
  // Mode 0666: everybody may connect and is told by name why he is refused; SO_PEERCRED decides.
  if (!code) server->acceptor_.bind(stream_protocol::endpoint(path), code);
  if (!code && ::chmod(path.c_str(), 0666) != 0) code.assign(errno, boost::system::system_category());
  if (!code) server->acceptor_.listen(128, code);
  if (code) return errno_error(fmt::format("cannot listen on the socket {}", path), code.value());
  server->accept();
  return server;
}

void IpcServer::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, stream_protocol::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error)
      welcome(std::move(socket));
    else
      log_.warning("a tool could not be let in: {}", error.message());
    if (acceptor_.is_open()) accept();
  });
}

void IpcServer::welcome(stream_protocol::socket socket) {
  PeerIdentity peer = identify_peer(socket.native_handle());
  // Silently: a log that everybody can fill is a disk that everybody can fill.
  if (!peer.allowed && std::ranges::count_if(sessions_, &Session::is_stranger) >= strangers_max) return;
  if (sessions_.size() >= limits::clients_max) {
    log_.warning("{} tools are connected already; another one is turned away", sessions_.size());
    return;
  }
  const auto session = std::make_shared<Session>(this, std::move(socket), std::move(peer));
  sessions_.insert(session);
  session->read_head();
}

std::uint64_t IpcServer::number_request(const std::shared_ptr<Session>& session) {
  waiting_[next_request_] = session;
  return next_request_++;
}

void IpcServer::reply(std::uint64_t client, const ipc::Reply& reply) {
  const auto found = waiting_.find(client);
  if (found == waiting_.end()) return;
  const std::shared_ptr<Session> session = found->second.lock();
  waiting_.erase(found);
  if (session) session->send(reply);
}

void IpcServer::close() {
  if (!acceptor_.is_open()) return;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  ::unlink(path_.c_str());
}

}  // namespace systole::io
