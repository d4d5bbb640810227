// SPDX-License-Identifier: GPL-2.0-or-later
// libmariadb's non-blocking calls: each has a _start and a _cont form that return what to wait for; zero is "done".
#include "agents/sql/connection.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <mysql.h>
#include <netdb.h>
#include <nss.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <future>
#include <mutex>
#include <thread>

#include "common/base/text.hpp"

namespace systole::sql {

namespace {

using Result_ = std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)>;

Errc code_of(unsigned number) {
  switch (number) {
    case 2002:
    case 2003:
    case 2005:
      return Errc::not_connected;
    case 2006:
    case 2013:
      return Errc::io;
    case 1040:
      return Errc::refused;
    case 1044:
    case 1045:
    case 1227:
    case 1698:
      return Errc::permission;
    default:
      return Errc::invalid;
  }
}

Error error_of(MYSQL* mysql, std::string_view tried) {
  const unsigned number = mysql_errno(mysql);
  return {code_of(number), fmt::format("{}: error {}: {}", tried, number, mysql_error(mysql))};
}

/// The connection is in the middle of something that we gave up: wake the kernel's side, so that closing cannot wait.
void abandon(MYSQL* mysql) {
  const my_socket fd = mysql_get_socket(mysql);
  if (fd >= 0) ::shutdown(fd, SHUT_RDWR);
}

struct Waiting {
  Deadline deadline;
  Duration pause = Duration::zero();  // zero: nothing to do meanwhile
  const std::function<void()>* meanwhile = nullptr;
};

/// Until the socket is ready in the sense of `wanted` (MYSQL_WAIT_*), or the library's own time-out fires.
/// Returns the flags to hand on, 0 when the deadline passed.
int wait_for(MYSQL* mysql, int wanted, const Waiting& waiting) {
  const bool library_timer = (wanted & MYSQL_WAIT_TIMEOUT) != 0;
  const Deadline library_end =
      Deadline::in(library_timer ? std::chrono::milliseconds(mysql_get_timeout_value_ms(mysql)) : Duration{24h});
  while (!waiting.deadline.over()) {
    pollfd descriptor{.fd = mysql_get_socket(mysql), .events = 0, .revents = 0};
    if ((wanted & MYSQL_WAIT_READ) != 0) descriptor.events |= POLLIN;
    if ((wanted & MYSQL_WAIT_WRITE) != 0) descriptor.events |= POLLOUT;
    if ((wanted & MYSQL_WAIT_EXCEPT) != 0) descriptor.events |= POLLPRI;
    int pause_ms = std::min(waiting.deadline.left_ms(), library_end.left_ms());
    if (waiting.meanwhile != nullptr) pause_ms = std::min(pause_ms, static_cast<int>(to_ms(waiting.pause)));
    if (::poll(&descriptor, 1, pause_ms) > 0) {
      int ready = 0;
      if ((descriptor.revents & (POLLIN | POLLHUP | POLLERR)) != 0) ready |= wanted & MYSQL_WAIT_READ;
      if ((descriptor.revents & (POLLOUT | POLLHUP | POLLERR)) != 0) ready |= wanted & MYSQL_WAIT_WRITE;
      if ((descriptor.revents & POLLPRI) != 0) ready |= wanted & MYSQL_WAIT_EXCEPT;
      return ready != 0 ? ready : wanted;
    }
    if (library_timer && library_end.over()) return MYSQL_WAIT_TIMEOUT;
    if (waiting.meanwhile != nullptr) (*waiting.meanwhile)();
  }
  return 0;
}

/// Drives one non-blocking call to its end. False: the deadline passed.
template <class Continue>
bool drive(MYSQL* mysql, int status, const Waiting& waiting, Continue go_on) {
  while (status != 0) {
    const int ready = wait_for(mysql, status, waiting);
    if (ready == 0) {
      abandon(mysql);
      return false;
    }
    status = go_on(ready);
  }
  return true;
}

/// Whether the name resolves, within the deadline. The resolver has none of its own and may ask dead name servers for
/// many seconds, so it works in a thread that we leave behind when it is late. The library then resolves it once more,
/// and tries all its addresses.
Result<void> resolves(const std::string& host, Deadline deadline) {
  const auto answer = std::make_shared<std::promise<int>>();
  std::future<int> code = answer->get_future();
  std::thread([answer, host] {
    addrinfo* found = nullptr;
    answer->set_value(::getaddrinfo(host.c_str(), nullptr, nullptr, &found));
    if (found != nullptr) ::freeaddrinfo(found);
  }).detach();
  if (code.wait_for(deadline.left()) != std::future_status::ready)
    return Error{Errc::timeout, fmt::format("the name '{}' was not resolved in time", host)};
  if (code.get() == 0) return {};
  return Error{Errc::not_connected,
               fmt::format("the name '{}' does not resolve: add it to /etc/hosts or give an address", host)};
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> digits{};
  return ::inet_pton(AF_INET, host.c_str(), digits.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), digits.data()) == 1;
}

std::string place(const Endpoint& endpoint) {
  return endpoint.socket.empty() ? fmt::format("{}:{}", endpoint.host, endpoint.port) : endpoint.socket;
}

Table read_table(MYSQL_RES* result) {
  Table table;
  const unsigned width = mysql_num_fields(result);
  const MYSQL_FIELD* const fields = mysql_fetch_fields(result);
  for (unsigned i = 0; i < width; ++i) table.columns.emplace_back(fields[i].name);
  while (MYSQL_ROW row = mysql_fetch_row(result)) {
    const unsigned long* const lengths = mysql_fetch_lengths(result);
    std::vector<std::optional<std::string>>& cells = table.rows.emplace_back(width);
    for (unsigned i = 0; i < width; ++i)
      if (row[i] != nullptr) cells[i].emplace(row[i], lengths[i]);
  }
  return table;
}

/// What the server said about the statement, for messages: its first words only, as the rest may hold a password.
std::string opening(const std::string& statement) {
  std::vector<std::string> first = words(std::string_view(statement).substr(0, 60));
  if (first.size() > 4) first.resize(4);
  return join(first, " ");
}

}  // namespace

std::string Table::text(std::size_t row, std::string_view column) const {
  if (row >= rows.size()) return {};
  const auto found =
      std::ranges::find_if(columns, [&](const std::string& name) { return lower(name) == lower(column); });
  if (found == columns.end()) return {};
  return rows[row][static_cast<std::size_t>(found - columns.begin())].value_or("");
}

std::string Table::value() const {
  return rows.empty() || rows.front().empty() ? std::string{} : rows.front().front().value_or("");
}

void Connection::Closer::operator()(st_mysql* mysql) const noexcept {
  mysql_close(mysql);
}

namespace {

/// The library asks for the port of the service "mysql", which nobody uses here. Through all the sources of
/// nsswitch.conf that would load further libraries.
void shorten_beginning() {
#ifdef __GLIBC__
  static std::once_flag once;
  std::call_once(once, [] { __nss_configure_lookup("services", "files"); });
#endif
}

}  // namespace

void leave_tls_alone() {
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
}

Result<Connection> Connection::open(const Endpoint& endpoint, const Account& account, Deadline deadline) {
  shorten_beginning();
  Connection made(std::unique_ptr<st_mysql, Closer>(mysql_init(nullptr)));
  MYSQL* const mysql = made.mysql_.get();
  if (mysql == nullptr) return Error{Errc::io, "out of memory"};
  mysql_options(mysql, MYSQL_OPT_NONBLOCK, nullptr);
  if (endpoint.tls.is_used()) {
    const auto or_null = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
    mysql_ssl_set(mysql, or_null(endpoint.tls.key), or_null(endpoint.tls.cert), or_null(endpoint.tls.ca), nullptr,
                  nullptr);
    const my_bool on = 1;
    mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &on);
  }
  const bool local = !endpoint.socket.empty();
  if (!local && !is_address(endpoint.host))
    if (const auto known = resolves(endpoint.host, deadline); !known) return known.error();
  MYSQL* connected = nullptr;
  const int status = mysql_real_connect_start(&connected, mysql, local ? nullptr : endpoint.host.c_str(),
                                              account.user.c_str(), account.password.c_str(), nullptr,
                                              local ? 0 : endpoint.port, local ? endpoint.socket.c_str() : nullptr, 0);
  const Waiting waiting{.deadline = deadline};
  if (!drive(mysql, status, waiting, [&](int ready) { return mysql_real_connect_cont(&connected, mysql, ready); }))
    return Error{Errc::timeout, fmt::format("connecting to {}: no answer in time", place(endpoint))};
  if (connected == nullptr)
    return error_of(mysql, fmt::format("connecting to {} as '{}'", place(endpoint), account.user));
  return made;
}

Result<Table> Connection::query(const std::string& statement, Deadline deadline) {
  return query(statement, deadline, Duration::zero(), {});
}

Result<Table> Connection::query(const std::string& statement, Deadline deadline, Duration pause,
                                const std::function<void()>& meanwhile) {
  MYSQL* const mysql = mysql_.get();
  const Waiting waiting{.deadline = deadline, .pause = pause, .meanwhile = meanwhile ? &meanwhile : nullptr};
  const auto late = [&] { return Error{Errc::timeout, fmt::format("'{}': no answer in time", opening(statement))}; };
  int failed = 0;
  int status = mysql_real_query_start(&failed, mysql, statement.c_str(), statement.size());
  if (!drive(mysql, status, waiting, [&](int ready) { return mysql_real_query_cont(&failed, mysql, ready); }))
    return late();
  if (failed != 0) return error_of(mysql, fmt::format("'{}'", opening(statement)));
  MYSQL_RES* raw = nullptr;
  status = mysql_store_result_start(&raw, mysql);
  const bool done =
      drive(mysql, status, waiting, [&](int ready) { return mysql_store_result_cont(&raw, mysql, ready); });
  if (!done) return late();
  const Result_ result(raw, &mysql_free_result);
  if (result == nullptr) {
    if (mysql_field_count(mysql) != 0) return error_of(mysql, fmt::format("'{}'", opening(statement)));
    return Table{};
  }
  return read_table(result.get());
}

std::string Connection::quoted(std::string_view text) {
  std::string escaped(text.size() * 2 + 1, '\0');
  escaped.resize(mysql_real_escape_string(mysql_.get(), escaped.data(), text.data(), text.size()));
  return "'" + escaped + "'";
}

unsigned long Connection::thread_id() const {
  return mysql_thread_id(mysql_.get());
}

std::string Connection::server_version() const {
  const char* const text = mysql_get_server_info(mysql_.get());
  return text == nullptr ? std::string{} : text;
}

}  // namespace systole::sql
