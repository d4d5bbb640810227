// SPDX-License-Identifier: GPL-2.0-or-later
// The non-blocking protocol of libmariadb: a call returns what it waits for (bits), we poll for that, and go on.
#include "tests/cluster/ledger/session.hpp"

#include <fmt/core.h>
#include <poll.h>

#include <algorithm>

namespace systole::ledger {
namespace {

using Clock = std::chrono::steady_clock;

/// Waits for what `wanted` (MYSQL_WAIT_…) names; MYSQL_WAIT_TIMEOUT when the deadline came first.
int wait_for(MYSQL* mysql, int wanted, Clock::time_point deadline) {
  pollfd one{};
  one.fd = mysql_get_socket(mysql);
  if ((wanted & MYSQL_WAIT_READ) != 0) one.events |= POLLIN;
  if ((wanted & MYSQL_WAIT_WRITE) != 0) one.events |= POLLOUT;
  if ((wanted & MYSQL_WAIT_EXCEPT) != 0) one.events |= POLLPRI;
  const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now()).count();
  if (left <= 0 || poll(&one, 1, static_cast<int>(left)) <= 0) return MYSQL_WAIT_TIMEOUT;
  int seen = 0;
  if ((one.revents & (POLLIN | POLLHUP | POLLERR)) != 0) seen |= MYSQL_WAIT_READ;
  if ((one.revents & (POLLOUT | POLLHUP | POLLERR)) != 0) seen |= MYSQL_WAIT_WRITE;
  if ((one.revents & POLLPRI) != 0) seen |= MYSQL_WAIT_EXCEPT;
  return seen & wanted;
}

Error error_of(MYSQL* mysql, const std::string& tried, bool late) {
  return {late ? Errc::timeout : Errc::not_connected,
          fmt::format("{}: {} ({})", tried, late ? "time-out" : mysql_error(mysql), mysql_errno(mysql))};
}

}  // namespace

Result<Session> Session::open(const Target& target, Milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  Handle handle{mysql_init(nullptr)};
  MYSQL* const mysql = handle.get();
  mysql_options(mysql, MYSQL_OPT_NONBLOCK, nullptr);
  MYSQL* connected = nullptr;
  bool late = false;
  int wanted = mysql_real_connect_start(&connected, mysql, target.host.c_str(), target.user.c_str(),
                                        target.password.c_str(), target.database.c_str(), target.port, nullptr, 0);
  while (wanted != 0) {
    const int seen = wait_for(mysql, wanted, deadline);
    late = late || (seen & MYSQL_WAIT_TIMEOUT) != 0;
    wanted = mysql_real_connect_cont(&connected, mysql, seen);
  }
  if (connected == nullptr) return error_of(mysql, fmt::format("connect to {}:{}", target.host, target.port), late);
  return Session{std::move(handle)};
}

Result<void> Session::execute(const std::string& sql, Milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  MYSQL* const mysql = handle_.get();
  int answer = 0;
  bool late = false;
  int wanted = mysql_real_query_start(&answer, mysql, sql.data(), sql.size());
  while (wanted != 0) {
    const int seen = wait_for(mysql, wanted, deadline);
    late = late || (seen & MYSQL_WAIT_TIMEOUT) != 0;
    wanted = mysql_real_query_cont(&answer, mysql, seen);
  }
  if (answer != 0) return error_of(mysql, sql, late);
  return {};
}

Result<void> Session::query(const std::string& sql, const Row& row) {
  MYSQL* const mysql = handle_.get();
  if (mysql_real_query(mysql, sql.data(), sql.size()) != 0) return error_of(mysql, sql, false);
  const std::unique_ptr<MYSQL_RES, Release<mysql_free_result>> rows{mysql_use_result(mysql)};
  if (!rows) return error_of(mysql, sql, false);
  while (MYSQL_ROW fields = mysql_fetch_row(rows.get())) row(fields);
  if (mysql_errno(mysql) != 0) return error_of(mysql, sql, false);
  return {};
}

}  // namespace systole::ledger
