// SPDX-License-Identifier: GPL-2.0-or-later
// OCF's exit codes in the words and numbers of init scripts and of Heartbeat, each code once.
#include "agents/lsb/codes.hpp"

#include <gtest/gtest.h>

#include <map>

#include "agents/lsb/service.hpp"

namespace systole::lsb {
namespace {

TEST(Codes, each_code_of_ocf_has_its_place_in_lsb_and_its_word_for_heartbeat) {
  struct Case {
    int ocf, action, status;
    std::string_view heartbeat;
  };
  const Case cases[] = {
      {0, 0, 0, "running"},
      {1, 1, 4, "running, with a fault"},
      {2, 2, 4, "unknown"},
      {3, 3, 4, "unknown"},
      {4, 4, 4, "unknown"},
      {5, 5, 3, "stopped"},
      {6, 6, 4, "unknown"},
      {7, 7, 3, "stopped"},
      {8, 0, 0, "running"},
      {9, 1, 4, "running, with a fault"},
      {190, 0, 0, "running"},
      {191, 0, 0, "running"},
      {42, 1, 4, "running, with a fault"},
      {137, 1, 4, "running, with a fault"},
      {-1, 1, 4, "running, with a fault"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(static_cast<int>(lsb_code(one.ocf)), one.action) << one.ocf;
    EXPECT_EQ(static_cast<int>(lsb_status(one.ocf)), one.status) << one.ocf;
    EXPECT_EQ(heartbeat_word(one.ocf), one.heartbeat) << one.ocf;
  }
}

TEST(Codes, only_those_of_ocf_have_words) {
  EXPECT_EQ(in_words(7), "not running");
  EXPECT_EQ(in_words(42), "no OCF code");
  EXPECT_TRUE(is_ocf_code(191));
  EXPECT_FALSE(is_ocf_code(10));
}

/// An agent that answers from a table (0 where it says nothing) and remembers what it was asked.
struct FakeAgent {
  std::map<std::string, int> answers;
  std::string asked;
  ServiceAnswer perform(std::string_view action) {
    asked.clear();
    return lsb::perform(action, [this](const std::string& ocf_action) {
      asked += (asked.empty() ? "" : " ") + ocf_action;
      const auto found = answers.find(ocf_action);
      return found == answers.end() ? 0 : found->second;
    });
  }
};

TEST(Service, each_action_is_made_of_the_agents_actions) {
  struct Case {
    const char* action;
    std::map<std::string, int> answers;
    int code;
    const char* asked;
  };
  const Case cases[] = {
      {"start", {}, 0, "start"},
      {"start", {{"start", 5}}, 5, "start"},
      {"stop", {}, 0, "stop"},
      {"restart", {}, 0, "stop start"},
      {"restart", {{"stop", 1}}, 1, "stop"},
      {"try-restart", {}, 0, "monitor stop start"},
      {"try-restart", {{"monitor", 7}}, 0, "monitor"},
      {"try-restart", {{"monitor", 1}}, 0, "monitor stop start"},
      {"reload", {}, 0, "monitor reload"},
      {"reload", {{"monitor", 7}}, 7, "monitor"},
      {"reload", {{"reload", 3}}, 3, "monitor reload"},
      {"force-reload", {}, 0, "monitor reload"},
      {"force-reload", {{"reload", 3}}, 0, "monitor reload stop start"},
      {"force-reload", {{"reload", 1}}, 1, "monitor reload"},
      {"force-reload", {{"monitor", 7}}, 7, "monitor"},
      {"status", {}, 0, "monitor"},
      {"status", {{"monitor", 7}}, 3, "monitor"},
      {"status", {{"monitor", 1}}, 4, "monitor"},
      {"monitor", {}, 3, ""},
      {"", {}, 3, ""},
  };
  for (const Case& one : cases) {
    FakeAgent agent{one.answers, ""};
    EXPECT_EQ(agent.perform(one.action).code, one.code) << one.action;
    EXPECT_EQ(agent.asked, one.asked) << one.action;
  }
}

TEST(Service, only_status_has_a_word_on_stdout) {
  FakeAgent stopped{{{"monitor", 7}}, ""};
  EXPECT_EQ(stopped.perform("status").word, "stopped");
  EXPECT_EQ(stopped.perform("start").word, "");
  EXPECT_TRUE(is_service_action("force-reload"));
  EXPECT_FALSE(is_service_action("reload|start"));
}

}  // namespace
}  // namespace systole::lsb
