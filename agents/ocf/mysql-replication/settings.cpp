// SPDX-License-Identifier: GPL-2.0-or-later
// See settings.hpp. Names that become a part of a statement or of a tool's command line are checked letter by letter.
#include "agents/ocf/mysql-replication/settings.hpp"

#include <fmt/format.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "agents/ocf/mysql/credentials.hpp"
#include "common/base/text.hpp"

namespace systole::mysql_replication {

namespace {

constexpr std::size_t user_bytes_max = 128;

std::string found_socket(const std::string& given) {
  if (!given.empty()) return given;
  for (const char* const path :
       {"/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/var/run/mysql/mysql.sock", "/tmp/mysql.sock"})
    if (::access(path, F_OK) == 0) return path;
  return "/run/mysqld/mysqld.sock";
}

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_name(std::string_view text, std::string_view further) {
  return !text.empty() && text.size() <= 200 && text.front() != '-' && std::ranges::all_of(text, [&](char c) {
    return is_word_character(c) || further.find(c) != std::string_view::npos;
  });
}

bool is_table(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view database = text.substr(0, dot), table = text.substr(dot + 1);
  return database.size() <= 64 && table.size() <= 64 && is_name(database, "$") && is_name(table, "$");
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

agents::Ocf fault_code_from(std::string_view word) {
  if (word == "ok") return agents::Ocf::ok;
  return word == "failed" ? agents::Ocf::generic : agents::Ocf::degraded;
}

void take_account(const agents::Values& values, mysql::Settings& server, bool& has_account) {
  server.control = {.user = values.text("user"), .password = values.text("password")};
  server.replication = {.user = values.text("replication_user"), .password = values.text("replication_passwd")};
  has_account = values.given("replication_user");
  if (values.given("credentials")) {
    const auto found = mysql::load_credentials(values.text("credentials"));
    if (!found) {
      server.credentials_fault = found.error();
    } else {
      server.control.user = found->control.user.value_or(server.control.user);
      server.control.password = found->control.password.value_or(server.control.password);
      server.replication.user = found->replication.user.value_or(server.replication.user);
      server.replication.password = found->replication.password.value_or(server.replication.password);
      has_account = has_account || found->replication.user.has_value();
    }
  }
  // A second account is tried where the first is refused: not one without a name.
  if (!has_account) server.replication = server.control;
}

mysql::Settings server_from(const agents::Values& values, bool& has_account) {
  mysql::Settings server;
  server.socket = found_socket(values.text("socket"));
  server.pid = values.text("pid");
  take_account(values, server, has_account);
  server.replication_port = static_cast<unsigned>(values.number("replication_port"));
  server.tls = {.required = values.flag("replication_require_ssl"),
                .ca = values.text("replication_master_ssl_ca"),
                .cert = values.text("replication_master_ssl_cert"),
                .key = values.text("replication_master_ssl_key")};
  server.sql_timeout = std::max<Duration>(values.time("sql_timeout"), 100ms);
  server.durability = mysql::Durability::available;  // no record is kept here
  return server;
}

}  // namespace

std::string state_file(const agents::Call& call) {
  if (call.params().given("state")) return call.params().text("state");
  return fmt::format("{}/systole-mysql-replication-{}.state", call.paths().state, call.meta().resource());
}

Settings settings_of(const agents::Call& call) {
  const agents::Values& values = call.params();
  Settings settings;
  settings.server = server_from(values, settings.has_account);
  settings.state = state_file(call);
  settings.reader_attribute = values.text("reader_attribute");
  settings.writer_attribute = values.text("writer_attribute");
  settings.reader_failcount = static_cast<int>(values.number("reader_failcount"));
  const std::string& type = values.text("cluster_type");
  settings.type = type == "pxc"         ? ClusterType::galera
                  : type == "read-only" ? ClusterType::read_only
                                        : ClusterType::replication;
  settings.max_lag = values.time("max_slave_lag");
  settings.return_lag = values.given("return_slave_lag") ? values.time("return_slave_lag") : settings.max_lag * 4 / 5;
  settings.dwell = values.time("dwell");
  settings.heartbeat = values.flag("heartbeat");
  settings.heartbeat_interval = values.time("heartbeat_interval");
  settings.heartbeat_table = values.text("heartbeat_table");
  settings.read_delayed = values.flag("read_delayed");
  settings.promote_delayed = values.flag("promote_delayed");
  settings.score_of = values.text("promotion_score_of");
  settings.semi_sync_expected = values.text("semi_sync") == "expected";
  settings.fault_code = fault_code_from(values.text("fault_code"));
  const std::string& repair = values.text("repair");
  settings.repair = repair == "none" ? RepairMode::none : repair == "setup" ? RepairMode::setup : RepairMode::reconnect;
  settings.compare_rows = values.text("repair_rows") == "identical";
  settings.repair_limit = static_cast<int>(values.number("repair_limit"));
  settings.partners = words(values.text("partners"));
  settings.primary_from = values.text("primary_from");
  return settings;
}

std::vector<std::string> value_faults(const Settings& settings) {
  std::vector<std::string> all;
  const mysql::Settings& server = settings.server;
  if (!server.socket.starts_with('/') || has_control_character(server.socket) ||
      server.socket.size() >= sizeof(sockaddr_un::sun_path))
    all.push_back(fmt::format("parameter 'socket' must be an absolute path of at most {} bytes",
                              sizeof(sockaddr_un::sun_path) - 1));
  if (!settings.state.starts_with('/') || has_control_character(settings.state))
    all.emplace_back("parameter 'state' must be an absolute path");
  for (const auto& [name, account] :
       {std::pair{"user", &server.control}, std::pair{"replication_user", &server.replication}})
    if (account->user.size() > user_bytes_max || has_control_character(account->user))
      all.push_back(fmt::format("parameter '{}' is no user's name of at most {} bytes", name, user_bytes_max));
  for (const auto& [name, value] : {std::pair{"reader_attribute", &settings.reader_attribute},
                                    std::pair{"writer_attribute", &settings.writer_attribute}})
    if (!is_name(*value, "-.:$"))
      all.push_back(fmt::format("parameter '{}' must be a name: letters, digits and - _ . :", name));
  if (settings.reader_attribute == settings.writer_attribute)
    all.emplace_back("parameters 'reader_attribute' and 'writer_attribute' must differ");
  for (const auto& [name, value] :
       {std::pair{"promotion_score_of", &settings.score_of}, std::pair{"primary_from", &settings.primary_from}})
    if (!value->empty() && !is_name(*value, "-.:"))
      all.push_back(fmt::format("parameter '{}' must be the name of a resource", name));
  for (const std::string& partner : settings.partners)
    if (!is_name(partner, "-.:")) all.push_back(fmt::format("parameter 'partners': '{}' is no address", partner));
  if (!is_table(settings.heartbeat_table))
    all.emplace_back("parameter 'heartbeat_table' must name a database and a table, as in systole.heartbeat");
  if (settings.return_lag > settings.max_lag)
    all.emplace_back("parameter 'return_slave_lag' must not be above max_slave_lag");
  if (settings.heartbeat && settings.heartbeat_interval < 100ms)
    all.emplace_back("parameter 'heartbeat_interval' must be at least 100ms");
  if (settings.heartbeat && settings.max_lag < 2 * settings.heartbeat_interval)
    all.emplace_back("parameter 'max_slave_lag' must be at least twice heartbeat_interval");
  if (!settings.heartbeat && settings.max_lag < 1s)
    all.emplace_back("parameter 'max_slave_lag' below a second needs heartbeat=true");
  if (settings.repair == RepairMode::setup && !settings.has_account)
    all.emplace_back("parameter 'repair' is setup, which needs replication_user");
  if (settings.repair == RepairMode::setup && settings.partners.empty() && settings.primary_from.empty())
    all.emplace_back("parameter 'repair' is setup, which needs partners or primary_from");
  return all;
}

}  // namespace systole::mysql_replication
