// SPDX-License-Identifier: GPL-2.0-or-later
// See decision.hpp.
#include "tools/endpoint/decision.hpp"

#include <fmt/format.h>

#include "agents/ocf/mysql/judge.hpp"
#include "tools/endpoint/lag.hpp"
#include "tools/json_bits.hpp"

namespace systole::endpoint {
namespace {

using tools::quoted;

struct Verdict {
  bool yes = false;
  std::string reason = {};
};

Verdict no(std::string reason) {
  return {.yes = false, .reason = std::move(reason)};
}

std::string read_only_words(const Seen& seen) {
  if (!seen.stream) return "read-only, and follows nobody";
  return fmt::format("read-only: a replica of {}", seen.stream->status.host);
}

Verdict judge_primary(const Seen& seen) {
  if (!seen.silence.empty()) return no(seen.silence);
  if (!seen.writable) return no(read_only_words(seen));
  if (seen.record.exists() && seen.record.primary != seen.node)
    return no(fmt::format("writable, but by the record '{}' {} is the primary, not {}", mysql::to_string(seen.record),
                          seen.record.primary, seen.node));
  if (seen.helper && seen.helper->state == mysql::LineageState::outdated)
    return no("writable, but its helper knows of a later primary");
  if (seen.helper && seen.helper->state == mysql::LineageState::stalled)
    return {.yes = true, .reason = "the primary; its writers wait for the replica's acknowledgement"};
  return {.yes = true, .reason = "the primary"};
}

/// Why it does not replicate; "": it does.
std::string trouble_of(const Stream& stream) {
  const mysql::Replication& status = stream.status;
  if (status.sql_errno != 0)
    return fmt::format("replication stopped with error {}; the server's log says more", status.sql_errno);
  const std::string error = status.io_errno == 0 ? "" : fmt::format(", error {}", status.io_errno);
  switch (status.io) {
    case mysql::IoThread::stopped:
      return fmt::format("receives nothing from {}: the receiver stands still{}", status.host, error);
    case mysql::IoThread::connecting:
      return fmt::format("receives nothing from {}: not connected{}", status.host, error);
    case mysql::IoThread::running:
      break;
  }
  if (!status.sql_running) return "receives, but the applier stands still";
  if (!flows(stream))
    return fmt::format("nothing came from {} for {} ms, not even a heartbeat", status.host, to_ms(stream.silent));
  return {};
}

Verdict judge_replica(const Seen& seen, const std::optional<std::int64_t>& bound) {
  if (!seen.silence.empty()) return no(seen.silence);
  if (seen.writable) return no("writable: no replica");
  if (!seen.stream) return no("read-only, and follows nobody");
  if (std::string trouble = trouble_of(*seen.stream); !trouble.empty()) return no(std::move(trouble));
  const auto lag = lag_ms(*seen.stream);
  const std::string replica = fmt::format("a replica of {}", seen.stream->status.host);
  if (!bound) return {.yes = true, .reason = replica};
  if (!lag) return no(replica + ", but how far it is behind is not known");
  if (*lag > *bound) return no(fmt::format("{}, {} ms behind, more than lag_ms={}", replica, *lag, *bound));
  return {.yes = true, .reason = fmt::format("{}, {} ms behind", replica, *lag)};
}

Verdict judge_reader(const Seen& seen, const std::optional<std::int64_t>& bound) {
  return seen.writable ? judge_primary(seen) : judge_replica(seen, bound);
}

Verdict judge_for(const Question& question, const Seen& seen) {
  switch (question.subject) {
    case Subject::primary:
      return judge_primary(seen);
    case Subject::replica:
      return judge_replica(seen, question.lag_ms_max);
    case Subject::read_only:
      return judge_reader(seen, question.lag_ms_max);
    case Subject::health:
      return judge_reader(seen, std::nullopt);
  }
  return {};
}

/// By the agent's own rule for the reader attribute.
bool is_readable(const Seen& seen) {
  if (seen.writable || !seen.silence.empty()) return judge_primary(seen).yes;
  if (!seen.stream || !flows(*seen.stream)) return false;
  mysql::Facts facts{.alive = true, .replication_known = true};
  facts.variables = mysql::Variables{.read_only = true};
  facts.replication = seen.stream->status;
  return mysql::judge(facts, {.max_slave_lag_s = seen.max_slave_lag_s, .semi_sync = false}).readable;
}

std::string number_or_null(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "null";
}

std::string text_or_null(std::string_view text) {
  return text.empty() ? "null" : quoted(text);
}

std::optional<std::int64_t> lag_of(const Seen& seen) {
  if (!seen.silence.empty() || seen.writable || !seen.stream) return std::nullopt;
  return lag_ms(*seen.stream);
}

std::string helper_json(const std::optional<mysql::HelperState>& helper) {
  if (!helper) return "null";
  return fmt::format(R"({{"state": {}, "since": {}, "durability": {}, "complains": {}}})",
                     quoted(to_string(helper->state)), text_or_null(helper->since),
                     quoted(to_string(helper->durability)), !helper->complaint.empty());
}

std::string all_json(const Seen& seen) {
  const bool answers = seen.silence.empty();
  return fmt::format(R"(, "writable": {}, "readable": {}, "gtid": {}, "record": {}, "helper": {}, "since": {})",
                     answers ? (seen.writable ? "true" : "false") : "null", is_readable(seen),
                     answers ? quoted(mysql::to_string(mysql::position_of(seen.applied))) : "null",
                     seen.record.exists() ? quoted(mysql::to_string(seen.record)) : "null", helper_json(seen.helper),
                     text_or_null(seen.since));
}

}  // namespace

std::string_view role_of(const Seen& seen) {
  if (!seen.silence.empty()) return "unknown";
  if (seen.writable) return "primary";
  return seen.stream ? "replica" : "alone";
}

Answer answer(const Question& question, const Seen& seen) {
  const Verdict verdict = judge_for(question, seen);
  const unsigned status = verdict.yes ? 200 : 503;
  return {
      .status = status,
      .body = fmt::format(R"({{"status": {}, "reason": {}, "node": {}, "resource": {}, "role": {}, "lag_ms": {}{}}})"
                          "\n",
                          status, quoted(verdict.reason), text_or_null(seen.node), text_or_null(seen.resource),
                          quoted(role_of(seen)), number_or_null(lag_of(seen)),
                          question.subject == Subject::health ? all_json(seen) : std::string{})};
}

Answer refusal(unsigned status, std::string_view reason) {
  return {.status = status, .body = fmt::format("{{\"status\": {}, \"reason\": {}}}\n", status, quoted(reason))};
}

}  // namespace systole::endpoint
