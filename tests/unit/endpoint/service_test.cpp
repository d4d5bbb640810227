// SPDX-License-Identifier: GPL-2.0-or-later
// HTTP over real sockets, with a database that is what the test says: polite clients, and others.
#include "tools/endpoint/service.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "agents/sql/deadline.hpp"
#include "common/base/handles.hpp"
#include "tests/unit/endpoint/seen_samples.hpp"

namespace systole::endpoint {
namespace {

/// A client that may do as it likes.
class Client {
 public:
  explicit Client(unsigned short port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  }
  bool connected() const { return connected_; }

  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void say_no_more() const { ::shutdown(socket_.get(), SHUT_WR); }

  /// Until the other side closes, or the time is over.
  std::string all(Duration limit = 5s) {
    std::string text;
    const Deadline deadline = Deadline::in(limit);
    for (;;) {
      pollfd wanted{.fd = socket_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&wanted, 1, deadline.left_ms()) <= 0) return text;
      std::array<char, 4096> bytes{};
      const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
      closed_ = got <= 0;
      if (got <= 0) return text;
      text.append(bytes.data(), static_cast<std::size_t>(got));
    }
  }
  bool closed() const { return closed_; }

 private:
  Fd socket_;
  bool connected_ = false, closed_ = false;
};

class EndpointService : public testing::Test {
 protected:
  EndpointService()
      : look_(
            context_, {.patience = 300ms},
            [this] {
              while (hangs_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
              return is_primary_ ? sound_primary() : sound_replica();
            },
            [](const Seen&) {}),
        service_(context_, look_, {.reading = 400ms, .writing = 400ms, .draining = 100ms}) {
    EXPECT_TRUE(service_.listen(fmt::format("127.0.0.1:{}", some_port())));
    thread_ = std::thread([this] { context_.run(); });
  }
  ~EndpointService() override {
    hangs_ = false;
    boost::asio::post(context_, [this] {
      service_.stop();
      context_.stop();
    });
    thread_.join();
  }

  static unsigned short some_port() {
    Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), size), 0);
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size);
    return ntohs(at.sin_port);
  }
  Client client() { return Client(service_.port()); }
  std::string said(std::string_view request) {
    Client one = client();
    EXPECT_TRUE(one.connected());
    one.send(request);
    const std::string answer = one.all();
    EXPECT_TRUE(one.closed()) << "the connection is closed after the answer";
    return answer;
  }
  static bool is(const std::string& answer, int status) {
    return answer.starts_with(fmt::format("HTTP/1.1 {} ", status)) ||
           answer.starts_with(fmt::format("HTTP/1.0 {} ", status));
  }

  std::atomic<bool> is_primary_ = true, hangs_ = false;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  SharedLook look_;
  Service service_;
  std::thread thread_;
};

TEST_F(EndpointService, get_options_and_head_hear_the_same_and_head_no_body) {
  const std::string got = said("GET /primary HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(is(got, 200)) << got;
  EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos) << got;
  EXPECT_NE(got.find("\r\n\r\n{\"status\": 200"), std::string::npos) << got;
  EXPECT_TRUE(is(said("OPTIONS /primary HTTP/1.0\r\n\r\n"), 200));
  const std::string head = said("HEAD /primary HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(is(head, 200));
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
  const std::size_t body = got.size() - got.find("\r\n\r\n") - 4;
  EXPECT_NE(head.find(fmt::format("Content-Length: {}\r\n", body)), std::string::npos) << head;
}

TEST_F(EndpointService, the_other_role_hears_503) {
  EXPECT_TRUE(is(said("GET /replica HTTP/1.0\r\n\r\n"), 503));
}

TEST_F(EndpointService, what_is_not_understood_has_its_own_status) {
  EXPECT_TRUE(is(said("GET /nothing HTTP/1.1\r\n\r\n"), 404));
  EXPECT_TRUE(is(said("GET /replica?lag_ms=soon HTTP/1.1\r\n\r\n"), 400));
  for (const char* const method : {"POST", "PUT", "DELETE", "TRACE", "CONNECT", "BREW"}) {
    const std::string answer = said(fmt::format("{} /primary HTTP/1.1\r\n\r\n", method));
    EXPECT_TRUE(is(answer, 405)) << answer;
    EXPECT_NE(answer.find("Allow: GET, HEAD, OPTIONS"), std::string::npos);
  }
}

TEST_F(EndpointService, what_is_no_http_is_refused) {
  for (const char* const bytes :
       {"\r\n\r\n\r\n", "GET\r\n\r\n", "GET /primary\r\n\r\n", "GET /primary HTTP/9.9\r\n\r\n",
        "GET / x HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x01\x01\xfc\x03\x03", "GET /primary HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /primary HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", "GET /pri\tmary HTTP/1.1\r\n\r\n"}) {
    const std::string answer = said(bytes);
    EXPECT_TRUE(answer.empty() || is(answer, 400)) << bytes << answer;
  }
}

TEST_F(EndpointService, a_head_without_end_is_refused) {
  EXPECT_TRUE(is(said("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n"), 431));
  EXPECT_TRUE(is(said("GET /primary HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n"), 431));
  std::string many = "GET /primary HTTP/1.1\r\n";
  for (int i = 0; i < 5000; ++i) many += fmt::format("x{}: y\r\n", i);
  EXPECT_TRUE(is(said(many + "\r\n"), 431));
}

TEST_F(EndpointService, of_what_is_piped_behind_a_request_nothing_is_answered) {
  const std::string one = "GET /primary HTTP/1.1\r\n\r\n";
  const std::string answer = said(one + one + one);
  EXPECT_TRUE(is(answer, 200));
  EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << answer;
}

TEST_F(EndpointService, a_body_is_thrown_away_and_does_not_cost_the_answer) {
  EXPECT_TRUE(is(said("GET /primary HTTP/1.1\r\nContent-Length: 30000\r\n\r\n" + std::string(30'000, 'x')), 200));
  EXPECT_TRUE(is(said("GET /primary HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 200));
}

TEST_F(EndpointService, a_request_in_single_bytes_is_one_all_the_same) {
  Client slow = client();
  for (const char byte : std::string_view("GET /primary HTTP/1.0\r\n\r\n")) {
    slow.send({&byte, 1});
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_TRUE(is(slow.all(), 200));
}

TEST_F(EndpointService, who_has_sent_his_request_and_closes_his_side_hears_the_answer) {
  Client polite = client();
  polite.send("GET /primary HTTP/1.0\r\n\r\n");
  polite.say_no_more();
  EXPECT_TRUE(is(polite.all(), 200));
}

TEST_F(EndpointService, who_says_nothing_or_never_comes_to_an_end_is_disconnected) {
  Client mute = client(), endless = client();
  const Time begin = boot_time();
  while (endless.send("x") && boot_time() - begin < 3s) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_LT(boot_time() - begin, 2s) << "a byte now and then prolongs nothing";
  mute.all(2s);
  EXPECT_TRUE(mute.closed());
}

TEST_F(EndpointService, many_who_say_nothing_keep_no_check_away) {
  std::vector<Client> mutes;
  for (int i = 0; i < 400; ++i) mutes.push_back(client());
  const Time begin = boot_time();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(is(said("GET /primary HTTP/1.0\r\n\r\n"), 200));
  EXPECT_LT(boot_time() - begin, 3s);
}

TEST_F(EndpointService, a_database_that_hangs_is_a_503_in_bounded_time) {
  hangs_ = true;
  std::vector<Client> all;
  for (int i = 0; i < 50; ++i) {
    all.push_back(client());
    all.back().send("GET /primary HTTP/1.0\r\n\r\n");
  }
  const Time begin = boot_time();
  for (Client& each : all) EXPECT_TRUE(is(each.all(), 503));
  EXPECT_LT(boot_time() - begin, 3s);
  hangs_ = false;
  std::string answer;
  for (int i = 0; i < 100 && !is(answer, 200); ++i) answer = said("GET /primary HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(is(answer, 200)) << answer;
}

TEST(EndpointListen, what_is_no_address_is_refused) {
  boost::asio::io_context context;
  SharedLook look(
      context, {}, [] { return Seen{}; }, [](const Seen&) {});
  Service service(context, look);
  for (const char* const text : {"", "host:1", "*:x", "*:70000", "127.0.0.1:0", "*9200", "1.2.3:1"})
    EXPECT_FALSE(service.listen(text)) << text;
}

TEST(EndpointListen, an_address_that_is_taken_is_an_error_that_names_it) {
  boost::asio::io_context context;
  SharedLook look(
      context, {}, [] { return Seen{}; }, [](const Seen&) {});
  Service service(context, look);
  const auto absent = service.listen("192.0.2.77:29200");
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().what.find("192.0.2.77:29200"), std::string::npos) << absent.error().what;
}

}  // namespace
}  // namespace systole::endpoint
