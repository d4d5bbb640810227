// SPDX-License-Identifier: GPL-2.0-or-later
// A folder for state files, and calls of an agent with an environment made of a few words.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "agents/kit/agent.hpp"
#include "common/log/sinks.hpp"

namespace systole::agents {

class Stage : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "systole-rehearsal-" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
    env_ = {{"PATH", folder_ + ":/usr/bin:/bin"}, {"HA_RSCTMP", folder_ + "/state"}, {"OCF_RESOURCE_INSTANCE", "r:0"}};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// more: beyond the environment that all calls have.
  Ocf call(Agent& agent, std::string action, const Environment& more = {}) {
    Environment env = env_;
    for (const auto& [name, value] : more) env[name] = value;
    Call call(agent.about(), env, std::move(action), boot_now());
    call.log().add(make_capture_sink(log_));
    ::testing::internal::CaptureStderr();
    const Ocf code = run_call(agent, call);
    ::testing::internal::GetCapturedStderr();
    reason_ = call.reason();
    return code;
  }
  std::string file(const std::string& name) const {
    const auto text = read_file(folder_ + "/" + name);
    return text ? *text : "";
  }
  void put(const std::string& name, const std::string& text, unsigned mode = 0644) const {
    ASSERT_TRUE(write_file(folder_ + "/" + name, text, false, mode));
  }

  std::string folder_, reason_;
  std::vector<std::string> log_;
  Environment env_;
};

}  // namespace systole::agents
