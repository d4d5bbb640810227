// SPDX-License-Identifier: GPL-2.0-or-later
// See netlink.hpp. libnl receives and takes the messages apart; when to wait and how long is ours.
#include "agents/ocf/IPaddr/netlink.hpp"

#include <fmt/format.h>
#include <netlink/errno.h>
#include <netlink/handlers.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "agents/kit/agent.hpp"
#include "common/base/ensure.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr std::size_t answer_bytes_max = 32 << 10;  // the kernel's largest message of a dump
constexpr int dump_tries = 5;

Error kernel_error(const std::string& tried, int code) {
  Error error = errno_error(tried, code);
  if (code == EPERM || code == EACCES) error.code = Errc::permission;
  if (code == EEXIST) error.code = Errc::exists;
  if (code == EADDRNOTAVAIL || code == ENODEV || code == ENOENT) error.code = Errc::not_found;
  if (code == EOPNOTSUPP || code == EPROTONOSUPPORT || code == EAFNOSUPPORT) error.code = Errc::invalid;
  return error;
}

/// What libnl's callbacks work on.
struct Exchange {
  std::uint32_t sequence = 0;
  const Netlink::Take& take;
  bool done = false;
  bool changed = false;
  int error = 0;

  static Exchange& of(void* argument) { return *static_cast<Exchange*>(argument); }
};

int on_sequence(nl_msg* message, void* argument) {
  // Another number: the tail of an answer that somebody gave up on.
  return nlmsg_hdr(message)->nlmsg_seq == Exchange::of(argument).sequence ? NL_OK : NL_SKIP;
}

int on_valid(nl_msg* message, void* argument) {
  const nlmsghdr* const head = nlmsg_hdr(message);
  Exchange::of(argument).take(head->nlmsg_type, {static_cast<const std::byte*>(nlmsg_data(head)),
                                                 static_cast<std::size_t>(nlmsg_datalen(head))});
  return NL_OK;
}

int on_end(nl_msg*, void* argument) {
  Exchange::of(argument).done = true;
  return NL_STOP;
}

int on_change(nl_msg*, void* argument) {
  Exchange::of(argument).changed = true;
  return NL_OK;
}

int on_error(sockaddr_nl*, nlmsgerr* said, void* argument) {
  Exchange& exchange = Exchange::of(argument);
  exchange.error = said->error == 0 ? EIO : -said->error;
  exchange.done = true;
  return NL_STOP;
}

using Callbacks = std::unique_ptr<nl_cb, Release<nl_cb_put>>;

Callbacks callbacks_for(Exchange& exchange) {
  Callbacks callbacks(nl_cb_alloc(NL_CB_CUSTOM));
  ensure(callbacks != nullptr);
  nl_cb* const cb = callbacks.get();
  nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_sequence, &exchange);
  nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &exchange);
  nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &exchange);
  nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, &exchange);
  nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_change, &exchange);
  nl_cb_err(cb, NL_CB_CUSTOM, on_error, &exchange);
  return callbacks;
}

}  // namespace

Request::Request(std::uint16_t type, std::uint16_t flags) : message_(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags)) {
  ensure(message_ != nullptr);
}

Request& Request::put(const void* data, std::size_t size) {
  // libnl only copies from data.
  ensure(nlmsg_append(message(), const_cast<void*>(data), size, NLMSG_ALIGNTO) == 0);
  return *this;
}

Request& Request::attribute(int type, const void* data, std::size_t size) {
  ensure(nla_put(message(), type, static_cast<int>(size), data) == 0);
  return *this;
}

Request& Request::attribute(int type, std::string_view text) {
  const std::string closed(text);
  return attribute(type, closed.c_str(), closed.size() + 1);
}

Request& Request::attribute(int type, std::uint32_t value) {
  return attribute(type, &value, sizeof value);
}

Request& Request::attribute(int type, const Ip& ip) {
  return attribute(type, ip.bytes.data(), ip.size());
}

Bytes Request::body() const {
  const nlmsghdr* const head = nlmsg_hdr(message());
  return {static_cast<const std::byte*>(nlmsg_data(head)), static_cast<std::size_t>(nlmsg_datalen(head))};
}

Result<Netlink> Netlink::open(int protocol, Time deadline) {
  Socket socket(nl_socket_alloc());
  ensure(socket != nullptr);
  nl_socket_set_msg_buf_size(socket.get(), answer_bytes_max);
  errno = 0;
  if (nl_connect(socket.get(), protocol) < 0 || nl_socket_set_nonblocking(socket.get()) < 0) {
    return kernel_error("open a netlink socket", errno == 0 ? EIO : errno);
  }
  return Netlink(std::move(socket), deadline);
}

Result<void> Netlink::wait(const std::string& tried) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - boot_now()).count();
  if (left <= 0) return Error{Errc::timeout, fmt::format("{}: the kernel did not answer in time", tried)};
  pollfd answer{nl_socket_get_fd(socket_.get()), POLLIN, 0};
  static_cast<void>(::poll(&answer, 1, static_cast<int>(std::min<std::int64_t>(left, INT_MAX))));
  return {};
}

Result<bool> Netlink::converse(const Request& request, const std::string& tried, const Take& take) {
  Exchange exchange{.sequence = ++sequence_, .take = take};
  nlmsghdr* const head = nlmsg_hdr(request.message());
  head->nlmsg_seq = exchange.sequence;
  head->nlmsg_pid = nl_socket_get_local_port(socket_.get());
  if (nl_send(socket_.get(), request.message()) < 0) return kernel_error(tried, errno);
  const Callbacks callbacks = callbacks_for(exchange);
  while (!exchange.done) {
    errno = 0;
    const int received = nl_recvmsgs_report(socket_.get(), callbacks.get());
    if (received == -NLE_AGAIN || (received == 0 && !exchange.done)) {
      if (const auto waited = wait(tried); !waited) return waited.error();
    } else if (received < 0 && !exchange.done && received != -NLE_DUMP_INTR) {
      return Error{Errc::io, fmt::format("{}: {}", tried, nl_geterror(received))};
    }
  }
  if (exchange.error != 0) return kernel_error(tried, exchange.error);
  return !exchange.changed;
}

Result<void> Netlink::ask(const Request& request, const std::string& tried) {
  const auto answered = converse(request, tried, [](std::uint16_t, Bytes) {});
  if (!answered) return answered.error();
  return {};
}

Result<void> Netlink::dump(const Request& request, const std::string& tried, const std::function<void()>& forget,
                           const Take& take) {
  for (int attempt = 1;; ++attempt) {
    forget();
    const auto whole = converse(request, tried, take);
    if (!whole) return whole.error();
    if (*whole || attempt == dump_tries) return {};  // a table that never rests: the last look has to do
  }
}

}  // namespace systole::agents::ipaddr
