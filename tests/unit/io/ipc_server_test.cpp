// SPDX-License-Identifier: GPL-2.0-or-later
// The tools' socket: questions get their answers, broken and foreign clients are told so and let go, nobody disturbs
// others.
#include "crmd/io/ipc_server.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <future>
#include <thread>

#include "common/base/exit_codes.hpp"
#include "common/base/handles.hpp"
#include "common/base/limits.hpp"
#include "common/wire/ipc_frame.hpp"
#include "tests/unit/io/scratch.hpp"
#include "tools/daemon_link.hpp"

namespace systole::io {
namespace {

namespace ipc = wire::ipc;

struct IpcServerTest : test::Scratch {
  void SetUp() override {
    auto opened = IpcServer::open(context, folder + "/crmd.sock", log,
                                  [this](std::uint64_t client, ipc::Request request, std::string user) {
                                    users.push_back(user);
                                    if (std::holds_alternative<ipc::Why>(request)) return waiting.push_back(client);
                                    ipc::Reply reply;
                                    reply.text = "answer";
                                    server->reply(client, reply);
                                  });
    ASSERT_TRUE(opened) << opened.error().what;
    server = std::move(*opened);
  }

  Fd connect() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder + "/crmd.sock";
    std::memcpy(address.sun_path, path.data(), path.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  /// What the server says to these bytes until it closes; nullopt: it closed without a word.
  std::optional<ipc::Reply> answer_to(const std::string& bytes) {
    const Fd fd = connect();
    EXPECT_EQ(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    std::string got;
    const bool closed = test::run_until(context, [&] {
      char piece[4096];
      const ssize_t size = ::recv(fd.get(), piece, sizeof piece, MSG_DONTWAIT);
      if (size > 0) got.append(piece, static_cast<std::size_t>(size));
      return size == 0 || (size < 0 && errno != EAGAIN);
    });
    EXPECT_TRUE(closed) << "the connection stays open";
    if (got.size() <= ipc::frame_head_bytes) return {};
    return wire::decode<ipc::Reply>(got.substr(ipc::frame_head_bytes));
  }

  /// Asks from another thread, as a tool would, while the loop runs here.
  Result<ipc::Reply> ask(const ipc::Request& request) {
    auto answer = std::async(std::launch::async, [&] { return tools::SocketLink(folder).ask(request); });
    EXPECT_TRUE(test::run_until(context,
                                [&] { return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }));
    return answer.get();
  }

  boost::asio::io_context context;
  Log log;
  std::unique_ptr<IpcServer> server;
  std::vector<std::string> users;
  std::vector<std::uint64_t> waiting;
};

TEST_F(IpcServerTest, a_tool_is_answered_and_its_user_is_known) {
  const auto reply = ask(ipc::QueryCluster{});
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(reply->text, "answer");
  ASSERT_EQ(users.size(), 1u);
  EXPECT_EQ(users.front(), ::geteuid() == 0 ? "root" : users.front());
}

TEST_F(IpcServerTest, another_protocol_version_hears_both_versions) {
  wire::Writer writer;
  writer(std::uint32_t{3})(std::uint16_t{99})(std::uint8_t{0});
  const auto reply = answer_to(writer.take());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->exit_code, 76);
  EXPECT_NE(reply->text.find("99"), std::string::npos);
}

TEST_F(IpcServerTest, a_frame_beyond_the_limit_is_refused_before_it_is_read) {
  wire::Writer writer;
  writer(static_cast<std::uint32_t>(limits::ipc_frame_bytes_max + 1))(ipc::protocol_version);
  const auto reply = answer_to(writer.take());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->exit_code, 76);
}

TEST_F(IpcServerTest, bytes_that_are_no_request_are_refused) {
  const auto reply = answer_to(ipc::make_frame("\x2a nonsense").value());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->exit_code, 76);
  EXPECT_TRUE(users.empty()) << "nonsense reached the core";
}

TEST_F(IpcServerTest, a_client_that_leaves_before_its_answer_is_forgotten) {
  {
    const Fd fd = connect();
    const std::string frame = ipc::make_frame(wire::encode(ipc::Request{ipc::Why{"vip"}})).value();
    ASSERT_EQ(::send(fd.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
    ASSERT_TRUE(test::run_until(context, [&] { return waiting.size() == 1; }));
  }
  server->reply(waiting.front(), ipc::Reply{});
  server->reply(waiting.front(), ipc::Reply{});
  EXPECT_TRUE(ask(ipc::QueryCluster{}));
}

TEST_F(IpcServerTest, several_questions_go_over_one_connection) {
  tools::SocketLink link(folder);
  for (int i = 0; i < 3; ++i) {
    auto answer = std::async(std::launch::async, [&] { return link.ask(ipc::QueryCluster{}); });
    ASSERT_TRUE(test::run_until(context,
                                [&] { return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }));
    EXPECT_TRUE(answer.get());
  }
  EXPECT_EQ(users.size(), 3u);
}

TEST_F(IpcServerTest, a_dead_daemons_socket_is_replaced) {
  server.reset();
  write("crmd.sock", "", 0644);
  SetUp();
  EXPECT_TRUE(ask(ipc::QueryCluster{}));
}

TEST_F(IpcServerTest, without_a_daemon_the_tool_says_so) {
  server.reset();
  const auto reply = tools::SocketLink(folder).ask(ipc::QueryCluster{});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::not_connected);
  EXPECT_EQ(exit_code_of(reply.error()), 102);
}

}  // namespace
}  // namespace systole::io
