// SPDX-License-Identifier: GPL-2.0-or-later
// The rules of agent calls that need no process.
#include "crmd/io/agent_rules.hpp"

#include <gtest/gtest.h>

namespace systole::io {
namespace {

int exited(int code) {
  return code << 8;
}

TEST(AgentRules, ocf_codes_beyond_the_known_ones_are_errors) {
  for (const int code : {0, 1, 7, 8, 9, 190, 191}) EXPECT_EQ(judge_ending("ocf", "monitor", exited(code), "").rc, code);
  for (const int code : {10, 77, 127, 255}) EXPECT_EQ(judge_ending("ocf", "monitor", exited(code), "").rc, 1);
}

TEST(AgentRules, init_scripts_have_codes_of_their_own) {
  const int status[][2] = {{0, 0}, {1, 7}, {2, 7}, {3, 7}, {4, 1}, {150, 5}, {151, 4}, {99, 1}};
  for (const auto& [code, rc] : status) EXPECT_EQ(judge_ending("lsb", "status", exited(code), "").rc, rc) << code;
  EXPECT_EQ(judge_ending("lsb", "stop", exited(5), "").rc, 5);
  EXPECT_EQ(judge_ending("lsb", "stop", exited(9), "").rc, 1);
}

TEST(AgentRules, the_exit_reason_is_cut_at_its_limit_but_not_within_a_character) {
  EXPECT_EQ(exit_reason_of("no reason here\n"), "");
  EXPECT_EQ(exit_reason_of("ocf-exit-reason:a\nocf-exit-reason:b\nmore\n"), "b");
  const std::string umlauts = "ocf-exit-reason:x" + std::string(64, '\xc3').append("") + "";
  EXPECT_LE(exit_reason_of(umlauts).size(), limits::exit_reason_bytes_max);
  std::string text = "ocf-exit-reason:";
  for (int i = 0; i < 63; ++i) text += "\xc3\xa4";
  text += "xy\xc3\xa4z";  // 126 + 2 bytes, then a character across nothing
  EXPECT_EQ(exit_reason_of(text).size(), 128u);
  text = "ocf-exit-reason:x";
  for (int i = 0; i < 80; ++i) text += "\xc3\xa4";
  EXPECT_EQ(exit_reason_of(text).size(), 127u) << "the 128th byte would be half a character";
}

TEST(AgentRules, names_that_lead_out_of_the_folder_are_refused) {
  executor::RunAgent run;
  run.standard = "ocf";
  run.provider = "..";
  run.type = "evil";
  const auto prepared = prepare_call({}, run, nullptr);
  ASSERT_TRUE(std::holds_alternative<executor::Outcome>(prepared));
  EXPECT_EQ(std::get<executor::Outcome>(prepared).rc, 6);
  run.provider = "test";
  run.type = "../../bin/sh";
  EXPECT_TRUE(std::holds_alternative<executor::Outcome>(prepare_call({}, run, nullptr)));
}

TEST(AgentRules, a_class_that_is_not_supported_says_so) {
  executor::RunAgent run;
  run.standard = "systemd";
  run.type = "mariadb";
  const auto prepared = prepare_call({}, run, nullptr);
  ASSERT_TRUE(std::holds_alternative<executor::Outcome>(prepared));
  EXPECT_EQ(std::get<executor::Outcome>(prepared).status, cib::OpStatus::not_supported);
  EXPECT_NE(std::get<executor::Outcome>(prepared).exit_reason.find("systemd"), std::string::npos);
}

TEST(AgentRules, bounded_output_keeps_the_newest_bytes_and_counts_the_rest) {
  BoundedOutput output;
  for (int i = 0; i < 40; ++i) output.add(std::string(100'000, static_cast<char>('a' + i % 26)));
  EXPECT_LE(output.text().size(), 2 * limits::agent_output_bytes_max);
  EXPECT_GE(output.text().size(), limits::agent_output_bytes_max);
  EXPECT_EQ(output.text().size() + output.dropped(), 4'000'000u);
  EXPECT_EQ(output.text().back(), 'a' + 39 % 26);
}

}  // namespace
}  // namespace systole::io
