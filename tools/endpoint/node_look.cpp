// SPDX-License-Identifier: GPL-2.0-or-later
// See node_look.hpp.
#include "tools/endpoint/node_look.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/own_copy.hpp"
#include "common/base/text.hpp"
#include "tools/endpoint/decision.hpp"

namespace systole::endpoint {
namespace {

constexpr int silent_heartbeats_max = 3;
constexpr Duration silence_least = 3s, no_beat_pause = 10s;

std::string time_in_words() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::array<char, 32> text{};
  ::gmtime_r(&now, &parts);
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// For anybody: no accounts, and nothing that the server or a file said.
std::string words_of(const Error& error, const mysql::Settings& settings, Duration patience) {
  if (settings.credentials_fault)
    return "the file of credentials cannot be used, the endpoint's log says why: how the database is, is not known";
  if (error.code == Errc::not_connected) return fmt::format("no server listens at {}", settings.socket);
  if (error.code == Errc::timeout) return fmt::format("the server did not answer within {} ms", to_ms(patience));
  if (error.code == Errc::refused) return "the server has no connection left";
  if (error.code == Errc::permission)
    return "the server refuses the account of the resource's parameters, the endpoint's log says which";
  return "the server broke off or answered nothing of use, the endpoint's log says why";
}

/// Only where a record is kept: one of a time before a change of `durability` says nothing any more.
void read_record(const Parameters& parameters, const agents::Paths& paths, Seen& seen) {
  seen.helper = mysql::read_helper_state(paths, parameters.resource);
  if (!parameters.settings.keeps_record()) return;
  if (const auto own = mysql::OwnCopy(paths, parameters.resource).read()) seen.record = *own;
  if (seen.helper) seen.record = mysql::newer(seen.record, seen.helper->record);
}

}  // namespace

Seen NodeLook::look() {
  const Deadline deadline = Deadline::in(patience_);
  Seen seen;
  const auto known = keeper_.known();
  if (!known) {
    seen.silence = "the cluster manager did not tell the resource's parameters yet: how the database is, is not known";
    seen.detail = known.error().what;
    note_role(seen);
    return seen;
  }
  if (parameters_ != *known) {
    server_.reset();  // another socket perhaps, or another account
    parameters_ = *known;
  }
  const Parameters& now = *parameters_;
  seen.node = now.node;
  seen.resource = now.resource;
  seen.max_slave_lag_s = now.settings.max_slave_lag_s;
  const bool kept = server_.has_value();
  auto told = ask(now.settings, seen, deadline);
  if (!told && kept && told.error().code == Errc::io) {  // the server began anew meanwhile, or had tired of us
    server_.reset();
    told = ask(now.settings, seen, deadline);
  }
  if (!told) note_silence(seen, told.error());
  // After the server's own word: a record that is newer than that word must not be missed.
  read_record(now, agents::paths_from(agents::process_environment()), seen);
  note_role(seen);
  return seen;
}

Result<void> NodeLook::ask(const mysql::Settings& settings, Seen& seen, Deadline deadline) {
  if (!server_) {
    auto opened = mysql::Server::connect(settings, deadline);
    if (!opened) return opened.error();
    server_.emplace(std::move(*opened));
  }
  const auto answer = server_->ask(
      "SELECT @@global.read_only AS ro, @@global.gtid_slave_pos AS replicated, @@global.gtid_binlog_pos AS written, "
      "@@global.max_connections AS places, (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE "
      "VARIABLE_NAME = 'THREADS_CONNECTED') AS taken",
      deadline);
  if (!answer) return answer.error();
  const auto number = [&](std::string_view column) { return parse_int<std::uint64_t>(answer->text(0, column)); };
  const auto list = [&](std::string_view column) {
    return mysql::parse_gtids(answer->text(0, column)).value_or(mysql::GtidList{});
  };
  const auto read_only = number("ro");
  if (!read_only) return Error{Errc::invalid, "the server did not say whether it is read-only"};
  seen.writable = *read_only == 0;
  seen.applied = mysql::merged(list("replicated"), list("written"));
  if (!seen.writable)
    if (const auto told = ask_stream(seen, deadline); !told) return told;
  // The one place beyond the last is for who repairs a full server: it is given back.
  if (number("taken").value_or(0) > number("places").value_or(0)) server_.reset();
  return {};
}

Result<void> NodeLook::ask_stream(Seen& seen, Deadline deadline) {
  const auto status = server_->replication(deadline);
  if (!status) return status.error();
  if (!*status) return {};
  const auto beats = server_->ask(
      "SHOW GLOBAL STATUS WHERE Variable_name IN ('Slave_received_heartbeats', 'Slave_heartbeat_period')", deadline);
  if (!beats) return beats.error();
  std::string received;
  double period_s = 0;
  for (std::size_t row = 0; row < beats->rows.size(); ++row) {
    const std::string value = beats->text(row, "Value");
    if (lower(beats->text(row, "Variable_name")) == "slave_received_heartbeats")
      received = value;
    else
      period_s = std::strtod(value.c_str(), nullptr);
  }
  Stream stream{.status = **status, .applied = seen.applied};
  const Time now = boot_time();
  const std::string progress =
      fmt::format("{}:{} {} {} {}", stream.status.host, stream.status.port, received,
                  mysql::to_string(stream.status.received), static_cast<int>(stream.status.io));
  if (progress != progress_) {
    progress_ = progress;
    progressed_ = now;
  }
  stream.silent = now - progressed_;
  if (period_s > 0 && period_s < 3600)
    stream.silence_max = std::max<Duration>(
        silence_least, std::chrono::milliseconds(static_cast<long>(period_s * 1000 * silent_heartbeats_max)));
  ask_beat(stream, deadline);
  seen.stream = std::move(stream);
  return {};
}

void NodeLook::ask_beat(Stream& stream, Deadline deadline) {
  if (boot_time() < no_beat_until_) return;
  const auto answer = server_->ask("SELECT MAX(ts) FROM systole.heartbeat", deadline);
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  const auto row_us = answer ? parse_int<std::int64_t>(answer->value()) : std::nullopt;
  if (!row_us) {
    no_beat_until_ = boot_time() + no_beat_pause;
    return;
  }
  stream.beat_age_ms = beat_.see(*row_us, std::int64_t{wall.tv_sec} * 1'000'000 + wall.tv_nsec / 1000, boot_time());
}

void NodeLook::note_silence(Seen& seen, const Error& error) {
  server_.reset();
  keeper_.doubt();
  seen.silence = words_of(error, parameters_->settings, patience_);
  seen.detail = error.what;
  seen.writable = false;
  seen.stream.reset();
}

void NodeLook::note_role(Seen& seen) {
  const std::string role(role_of(seen));
  if (role != role_) {
    role_ = role;
    since_ = time_in_words();
  }
  seen.since = since_;
}

}  // namespace systole::endpoint
