// SPDX-License-Identifier: GPL-2.0-or-later
// ocf:systole:mysql-endpoint: its table, what it refuses, and how it asks whether the endpoint answers. Its life is in
// tests/cluster/readers.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "agents/kit/table.hpp"
#include "agents/ocf/mysql-endpoint/mysql_endpoint.hpp"
#include "agents/ocf/mysql-endpoint/probe.hpp"
#include "common/base/handles.hpp"
#include "tests/golden/golden.hpp"

namespace systole::agents::endpoint {
namespace {

Ocf validate(std::string_view action, const Environment& env) {
  MysqlEndpoint agent;
  Call call(agent.about(), env, std::string(action), boot_now());
  return agent.validate(call);
}

TEST(EndpointAgent, the_table_gives_the_meta_data_that_is_written_down) {
  systole::tests::expect_golden("tests/golden/meta-data/mysql-endpoint.xml", meta_data(about_mysql_endpoint()));
}

TEST(EndpointAgent, a_place_that_is_none_is_wrong_on_every_node) {
  for (const char* const listen : {"9200", "n1:http", "*:0", "*:70000", "*:9200 x", ":"})
    EXPECT_EQ(validate("start", {{"OCF_RESKEY_listen", listen}}), Ocf::configured) << listen;
  for (const char* const patience : {"10ms", "2m"})
    EXPECT_EQ(validate("start", {{"OCF_RESKEY_patience", patience}}), Ocf::configured) << patience;
}

TEST(EndpointAgent, a_machine_without_the_program_is_told_at_start_and_hinders_no_monitor) {
  const Environment env{{"PATH", "/nowhere"}};
  EXPECT_EQ(validate("start", env), Ocf::installed);
  EXPECT_EQ(validate("monitor", env), Ocf::ok);
}

TEST(EndpointAgent, asks_where_the_endpoint_listens) {
  EXPECT_EQ(*place_of("*:9200"), (Place{"127.0.0.1", "9200"}));
  EXPECT_EQ(*place_of("192.0.2.1:80"), (Place{"192.0.2.1", "80"}));
  EXPECT_EQ(*place_of("[2001:db8::1]:80"), (Place{"2001:db8::1", "80"}));
}

/// Listens at a free port of the loopback.
Place listen_somewhere(Fd& socket) {
  socket.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), size), 0);
  EXPECT_EQ(::listen(socket.get(), 4), 0);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size);
  return {"127.0.0.1", std::to_string(ntohs(at.sin_port))};
}

TEST(EndpointAgent, who_listens_and_says_nothing_does_not_keep_the_monitor_waiting) {
  Fd socket;
  const Place place = listen_somewhere(socket);
  const Time begin = boot_now();
  const auto answers = ask(place, begin + 200ms);
  ASSERT_FALSE(answers);
  EXPECT_EQ(answers.error().code, Errc::timeout);
  EXPECT_LT(boot_now() - begin, 2s);
}

TEST(EndpointAgent, where_nobody_listens_nobody_answers) {
  Fd socket;
  const Place place = listen_somewhere(socket);
  socket.reset();
  const auto answers = ask(place, boot_now() + 2s);
  ASSERT_FALSE(answers);
  EXPECT_EQ(answers.error().code, Errc::not_connected);
}

}  // namespace
}  // namespace systole::agents::endpoint
