// SPDX-License-Identifier: GPL-2.0-or-later
// See daemon_link.hpp. Blocking socket calls with poll(2): a tool does one thing.
#include "tools/daemon_link.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "common/base/exit_codes.hpp"
#include "common/wire/ipc_frame.hpp"
#include "tools/clock.hpp"

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

constexpr std::size_t piece_bytes = 256 << 10;

}  // namespace

std::string SocketLink::default_run_directory() {
  const char* const said = std::getenv("SYSTOLE_RUNDIR");
  return said != nullptr && said[0] != '\0' ? said : "/run/systole";
}

SocketLink::SocketLink(std::string run_directory) : path_(std::move(run_directory) + "/crmd.sock") {}

Result<void> SocketLink::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path)
    return Error{Errc::invalid, fmt::format("the path '{}' is longer than unix sockets allow", path_)};
  std::memcpy(address.sun_path, path_.data(), path_.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error("cannot make a socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int why = errno;
    if (why == ENOENT || why == ECONNREFUSED)
      return Error{Errc::not_connected,
                   fmt::format("no daemon answers on {}: crmd does not run on this node, or uses another run directory "
                               "(SYSTOLE_RUNDIR)",
                               path_)};
    if (why == EACCES)
      return Error{Errc::permission,
                   fmt::format("cannot reach the daemon on {}: this user may not enter the folder or "
                               "not write to the socket; be root, or let root mend their modes (0755 and 0666)",
                               path_)};
    Error error = errno_error(fmt::format("cannot reach the daemon on {}", path_), why);
    error.code = Errc::not_connected;
    return error;
  }
  socket_ = std::move(fd);
  return {};
}

Result<void> SocketLink::wait(short events, Time until) {
  for (;;) {
    pollfd poll{socket_.get(), events, 0};
    const int ready = ::poll(&poll, 1, poll_ms(until));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return errno_error("cannot wait for the daemon");
    if (ready == 0)
      return Error{Errc::timeout, fmt::format("the daemon has not answered within {}: what was asked may still happen",
                                              to_text(patience_))};
  }
}

Result<void> SocketLink::send(std::string_view bytes, Time until) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      if (const auto ready = wait(POLLOUT, until); !ready) return ready.error();
    } else {
      return Error{Errc::not_connected, fmt::format("the daemon closed the connection: {}", std::strerror(errno))};
    }
  }
  return {};
}

Result<std::string> SocketLink::receive(std::size_t size, Time until) {
  std::string bytes;
  std::size_t have = 0;
  while (have < size) {
    if (have == bytes.size()) bytes.resize(std::min(size, have + piece_bytes));
    const ssize_t got = ::recv(socket_.get(), bytes.data() + have, bytes.size() - have, MSG_DONTWAIT);
    if (got > 0) {
      have += static_cast<std::size_t>(got);
    } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      if (const auto ready = wait(POLLIN, until); !ready) return ready.error();
    } else {
      return Error{Errc::not_connected, "the daemon ended before it answered: what was asked may have happened"};
    }
  }
  return bytes;
}

Result<ipc::Reply> SocketLink::ask(const ipc::Request& request) {
  auto reply = converse(request);
  if (!reply) socket_.reset();  // what is left of this conversation is not the answer to the next question
  return reply;
}

Result<ipc::Reply> SocketLink::converse(const ipc::Request& request) {
  if (!socket_)
    if (const auto connected = connect(); !connected) return connected.error();
  const Time until = clock_now() + patience_;
  const auto frame = ipc::make_frame(wire::encode(request));
  if (!frame) return frame.error();
  if (const auto sent = send(*frame, until); !sent) return sent.error();
  const auto head_bytes = receive(ipc::frame_head_bytes, until);
  if (!head_bytes) return head_bytes.error();
  const auto head = ipc::read_frame_head(*head_bytes);
  if (!head) return head.error();
  const auto body = receive(head->body_bytes, until);
  if (!body) return body.error();
  auto reply = wire::decode<ipc::Reply>(*body);
  if (!reply)
    return Error{Errc::protocol,
                 fmt::format("the daemon's answer (protocol version {}) cannot be read by this tool (version "
                             "{}): they are of different releases",
                             head->version, ipc::protocol_version)};
  return std::move(*reply);
}

Error refusal(const ipc::Reply& reply) {
  for (const Errc code : {Errc::permission, Errc::protocol, Errc::not_found, Errc::invalid})
    if (exit_code_of({code, {}}) == reply.exit_code) return {code, reply.text};
  return {Errc::refused, reply.text};
}

}  // namespace systole::tools
