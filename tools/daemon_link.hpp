// SPDX-License-Identifier: GPL-2.0-or-later
// The way to the daemon: one question, one answer, over its unix socket. An interface, so that the tools' behaviour is
// tested without a daemon.
#pragma once

#include <string>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/wire/ipc.hpp"

namespace systole::tools {

class DaemonLink {
 public:
  virtual ~DaemonLink() = default;
  /// Errors are of the way, not of the answer: not_connected, timeout, protocol.
  virtual Result<wire::ipc::Reply> ask(const wire::ipc::Request& request) = 0;
};

/// Connects at the first question and keeps the connection.
class SocketLink final : public DaemonLink {
 public:
  explicit SocketLink(std::string run_directory = default_run_directory());
  Result<wire::ipc::Reply> ask(const wire::ipc::Request& request) override;
  void set_patience(Duration patience) { patience_ = patience; }
  void disconnect() { socket_.reset(); }

  /// $SYSTOLE_RUNDIR, else /run/systole.
  static std::string default_run_directory();

 private:
  Result<wire::ipc::Reply> converse(const wire::ipc::Request& request);
  Result<void> connect();
  Result<void> wait(short events, Time until);
  Result<void> send(std::string_view bytes, Time until);
  Result<std::string> receive(std::size_t size, Time until);

  std::string path_;
  Duration patience_ = 60s;
  Fd socket_;
};

/// What the daemon refused, as an error: whoever reports it ends with the daemon's code.
Error refusal(const wire::ipc::Reply& reply);

}  // namespace systole::tools
