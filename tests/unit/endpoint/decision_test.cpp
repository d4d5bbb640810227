// SPDX-License-Identifier: GPL-2.0-or-later
// What was seen → what a health check hears.
#include "tools/endpoint/decision.hpp"

#include <gtest/gtest.h>

#include "tests/unit/endpoint/seen_samples.hpp"

namespace systole::endpoint {
namespace {

constexpr Question primary{.subject = Subject::primary}, replica{.subject = Subject::replica},
    read_only{.subject = Subject::read_only}, health{.subject = Subject::health};

Question replica_within(std::int64_t bound) {
  return {.subject = Subject::replica, .lag_ms_max = bound};
}

bool has(const Answer& said, std::string_view words) {
  return said.body.find(words) != std::string::npos;
}

TEST(EndpointDecision, the_primary_is_the_primary_and_a_reader_and_no_replica) {
  const Seen seen = sound_primary();
  EXPECT_EQ(answer(primary, seen).status, 200U);
  EXPECT_EQ(answer(read_only, seen).status, 200U);
  EXPECT_EQ(answer(health, seen).status, 200U);
  EXPECT_EQ(answer(replica, seen).status, 503U);
}

TEST(EndpointDecision, a_replica_is_a_replica_and_a_reader_and_no_primary) {
  const Seen seen = sound_replica();
  EXPECT_EQ(answer(replica, seen).status, 200U);
  EXPECT_EQ(answer(read_only, seen).status, 200U);
  EXPECT_EQ(answer(health, seen).status, 200U);
  const Answer said = answer(primary, seen);
  EXPECT_EQ(said.status, 503U);
  EXPECT_TRUE(has(said, "read-only: a replica of 192.0.2.2")) << said.body;
}

TEST(EndpointDecision, a_writable_server_is_no_primary_when_the_record_names_another_node) {
  Seen seen = sound_primary();
  seen.record.primary = "n2";
  for (const Question& question : {primary, read_only, health}) {
    const Answer said = answer(question, seen);
    EXPECT_EQ(said.status, 503U);
    EXPECT_TRUE(has(said, "n2 is the primary, not n1")) << said.body;
  }
  EXPECT_EQ(answer(replica, seen).status, 503U);
}

TEST(EndpointDecision, where_no_record_is_kept_the_servers_word_counts) {
  Seen seen = sound_primary();
  seen.record = {};
  seen.helper.reset();
  EXPECT_EQ(answer(primary, seen).status, 200U);
}

TEST(EndpointDecision, the_record_alone_makes_no_primary) {
  Seen seen = sound_replica();
  seen.record.primary = "n1";
  EXPECT_EQ(answer(primary, seen).status, 503U);
}

TEST(EndpointDecision, a_helper_that_knows_of_a_successor_is_believed) {
  Seen seen = sound_primary();
  seen.helper->state = mysql::LineageState::outdated;
  EXPECT_EQ(answer(primary, seen).status, 503U);
}

TEST(EndpointDecision, a_primary_whose_writers_wait_is_still_the_primary_and_says_so) {
  Seen seen = sound_primary();
  seen.helper->state = mysql::LineageState::stalled;
  const Answer said = answer(primary, seen);
  EXPECT_EQ(said.status, 200U);
  EXPECT_TRUE(has(said, "writers wait")) << said.body;
}

TEST(EndpointDecision, a_server_that_does_not_answer_is_nothing_and_nobody_hears_details) {
  const Seen seen = silent_server();
  for (const Question& question : {primary, replica, read_only, health, replica_within(1000)}) {
    const Answer said = answer(question, seen);
    EXPECT_EQ(said.status, 503U);
    EXPECT_TRUE(has(said, R"("reason": "no server listens at /run/s")")) << said.body;
    EXPECT_TRUE(has(said, R"("role": "unknown")")) << said.body;
    EXPECT_FALSE(has(said, "secret"));
  }
}

TEST(EndpointDecision, what_was_last_known_of_a_silent_server_is_not_told_as_true) {
  Seen seen = sound_primary();
  seen.silence = "it does not answer";
  const Answer said = answer(health, seen);
  EXPECT_EQ(said.status, 503U);
  EXPECT_TRUE(has(said, R"("writable": null, "readable": false, "gtid": null)")) << said.body;
  EXPECT_EQ(answer(primary, seen).status, 503U);
}

TEST(EndpointDecision, a_read_only_server_that_follows_nobody_is_no_replica) {
  Seen seen = sound_replica();
  seen.stream.reset();
  for (const Question& question : {primary, replica, read_only, health}) EXPECT_EQ(answer(question, seen).status, 503U);
  EXPECT_TRUE(has(answer(health, seen), R"("role": "alone")"));
}

TEST(EndpointDecision, a_replica_with_an_error_says_its_number_and_never_its_text) {
  Seen seen = sound_replica();
  seen.stream->status.sql_running = false;
  seen.stream->status.sql_errno = 1062;
  seen.stream->status.sql_error = "Duplicate entry 'a secret' for key 'PRIMARY'";
  const Answer said = answer(replica, seen);
  EXPECT_EQ(said.status, 503U);
  EXPECT_TRUE(has(said, "error 1062")) << said.body;
  EXPECT_FALSE(has(said, "secret")) << said.body;
  EXPECT_FALSE(has(answer(health, seen), "secret"));
}

TEST(EndpointDecision, a_replica_that_is_not_connected_or_stands_still_does_not_replicate) {
  Seen seen = sound_replica();
  seen.stream->status.io = mysql::IoThread::connecting;
  seen.stream->status.io_errno = 2003;
  EXPECT_TRUE(has(answer(replica, seen), "not connected, error 2003"));
  EXPECT_EQ(answer(read_only, seen).status, 503U);
  seen.stream->status.io = mysql::IoThread::stopped;
  EXPECT_EQ(answer(replica, seen).status, 503U);
  seen = sound_replica();
  seen.stream->status.sql_running = false;
  EXPECT_EQ(answer(replica, seen).status, 503U);
}

TEST(EndpointDecision, a_replica_that_hears_no_heartbeat_does_not_replicate) {
  Seen seen = sound_replica();
  seen.stream->silent = 3100ms;
  const Answer said = answer(replica, seen);
  EXPECT_EQ(said.status, 503U);
  EXPECT_TRUE(has(said, "nothing came from 192.0.2.2 for 3100 ms")) << said.body;
  EXPECT_TRUE(has(answer(health, seen), R"("readable": false)"));
}

TEST(EndpointDecision, a_lag_is_compared_with_the_bound_inclusively) {
  Seen seen = sound_replica();
  seen.stream->applied.clear();
  seen.stream->status.behind_s = 2;
  EXPECT_EQ(answer(replica_within(2000), seen).status, 200U);
  const Answer said = answer(replica_within(1999), seen);
  EXPECT_EQ(said.status, 503U);
  EXPECT_TRUE(has(said, "2000 ms behind, more than lag_ms=1999")) << said.body;
  EXPECT_TRUE(has(said, R"("lag_ms": 2000)")) << said.body;
  EXPECT_EQ(answer(replica, seen).status, 200U) << "without a bound any distance will do";
}

TEST(EndpointDecision, a_lag_that_is_not_known_is_within_no_bound) {
  Seen seen = sound_replica();
  seen.stream->applied.clear();
  seen.stream->status.behind_s = std::nullopt;
  EXPECT_EQ(answer(replica, seen).status, 200U);
  for (const Question& question :
       {replica_within(2'147'483'647), Question{.subject = Subject::read_only, .lag_ms_max = 5}}) {
    const Answer said = answer(question, seen);
    EXPECT_EQ(said.status, 503U);
    EXPECT_TRUE(has(said, "is not known")) << said.body;
  }
}

TEST(EndpointDecision, a_bound_of_the_lag_does_not_concern_the_primary) {
  EXPECT_EQ(answer({.subject = Subject::read_only, .lag_ms_max = 0}, sound_primary()).status, 200U);
}

TEST(EndpointDecision, readable_is_what_the_agent_makes_of_it) {
  Seen seen = sound_replica();
  EXPECT_TRUE(has(answer(health, seen), R"("readable": true)"));
  seen.stream->applied.clear();
  seen.stream->status.behind_s = 3601;
  EXPECT_TRUE(has(answer(health, seen), R"("readable": false)"));
  EXPECT_TRUE(has(answer(health, sound_primary()), R"("readable": true)"));
  Seen outdated = sound_primary();
  outdated.record.primary = "n2";
  EXPECT_TRUE(has(answer(health, outdated), R"("readable": false)"));
}

TEST(EndpointDecision, health_tells_all_of_it) {
  EXPECT_EQ(answer(health, sound_replica()).body,
            R"({"status": 200, "reason": "a replica of 192.0.2.2", "node": "n1", "resource": "db", "role": "replica", )"
            R"("lag_ms": 0, "writable": false, "readable": true, "gtid": "0-2-100", "record": "e=7 q=12 p=n2 s=n1", )"
            R"("helper": {"state": "in sync", "since": "2026-11-29 14:00:00", "durability": "lossless", )"
            R"("complains": false}, "since": "2026-11-29T14:00:01Z"})"
            "\n");
}

TEST(EndpointDecision, before_anything_is_known_all_is_null) {
  EXPECT_EQ(
      answer(health, {.silence = "not yet"}).body,
      R"({"status": 503, "reason": "not yet", "node": null, "resource": null, "role": "unknown", "lag_ms": null, )"
      R"("writable": null, "readable": false, "gtid": null, "record": null, "helper": null, "since": null})"
      "\n");
}

TEST(EndpointDecision, what_a_name_holds_stays_inside_its_string) {
  Seen seen = sound_replica();
  seen.node = "n\"1\n";
  EXPECT_TRUE(has(answer(replica, seen), R"("node": "n\"1\u000a")"));
}

TEST(EndpointDecision, a_refusal_is_json_too) {
  EXPECT_EQ(refusal(404, "no such \"path\""),
            (Answer{404, "{\"status\": 404, \"reason\": \"no such \\\"path\\\"\"}\n"}));
}

}  // namespace
}  // namespace systole::endpoint
