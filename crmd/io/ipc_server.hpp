// SPDX-License-Identifier: GPL-2.0-or-later
// The unix socket on which the tools ask. Everybody may connect; who may ask is decided by peer_identity.hpp, and who
// may not is told so. One request at a time per connection; a client that is too slow, too loud or of another version
// is told so, where that is still possible, and let go.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/base/result.hpp"
#include "common/log/log.hpp"
#include "common/wire/ipc.hpp"

namespace systole::io {

class IpcServer {
 public:
  using OnRequest = std::function<void(std::uint64_t client, wire::ipc::Request request, std::string user)>;

  /// Binds path; a socket file there is taken for a dead daemon's and replaced: the caller holds the pid file's lock.
  static Result<std::unique_ptr<IpcServer>> open(boost::asio::io_context& context, const std::string& path, Log& log,
                                                 OnRequest on_request);
  ~IpcServer();

  /// Answers the request of that number; one that is gone meanwhile is forgotten.
  void reply(std::uint64_t client, const wire::ipc::Reply& reply);
  /// No new connections; those that wait for an answer may still get it.
  void close();

 private:
  class Session;
  IpcServer(boost::asio::io_context& context, std::string path, Log& log, OnRequest on_request);
  void accept();
  void welcome(boost::asio::local::stream_protocol::socket socket);
  std::uint64_t number_request(const std::shared_ptr<Session>& session);

  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::string path_;
  Log& log_;
  OnRequest on_request_;
  std::set<std::shared_ptr<Session>> sessions_;
  std::map<std::uint64_t, std::weak_ptr<Session>> waiting_;
  std::uint64_t next_request_ = 1;
};

}  // namespace systole::io
