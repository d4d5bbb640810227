// SPDX-License-Identifier: GPL-2.0-or-later
// Where an agent's lines go, with sockets of our own in the places of the journal's and syslog's.
#include "agents/kit/logging.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "agents/kit/paths.hpp"
#include "common/base/handles.hpp"

namespace systole::agents {
namespace {

class Listener {
 public:
  explicit Listener(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::ranges::copy(path, at.sun_path);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  }
  std::string next() const {
    std::array<char, 4096> bytes;
    const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    return got < 0 ? "" : std::string(bytes.data(), static_cast<std::size_t>(got));
  }

 private:
  Fd fd_;
};

class AgentLog : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "systole-agent-log-" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
    around_ = {.stderr_is_terminal = false, .journal = folder_ + "/journal", .syslog = folder_ + "/syslog"};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// What a line's way to stderr leaves there.
  std::string say(Environment env) const {
    env.emplace("OCF_RESOURCE_INSTANCE", "net\nX=1");
    Log log;
    open_log(log, env, "ping", around_);
    ::testing::internal::CaptureStderr();
    log.warning("a word");
    log.debug("a detail");
    return ::testing::internal::GetCapturedStderr();
  }
  std::string tag() const { return "ping(net X=1)[" + std::to_string(::getpid()) + "]: "; }

  std::string folder_;
  LogSurroundings around_;
};

TEST_F(AgentLog, goes_to_the_journal_where_nothing_is_named) {
  const Listener journal(around_.journal), syslog(around_.syslog);
  EXPECT_EQ(say({{"HA_LOGFACILITY", "none"}, {"HA_LOGFILE", ""}}), "");
  EXPECT_EQ(journal.next(),
            "PRIORITY=4\nSYSLOG_IDENTIFIER=ping(net X=1)\nOCF_RESOURCE_INSTANCE=net X=1\nMESSAGE=a word\n");
  EXPECT_EQ(journal.next() + syslog.next(), "");
}

TEST_F(AgentLog, goes_to_syslog_where_there_is_no_journal) {
  const Listener syslog(around_.syslog);
  EXPECT_EQ(say({}), "");
  const std::string line = syslog.next();
  EXPECT_TRUE(line.starts_with("<28>")) << line;
  EXPECT_TRUE(line.ends_with(tag() + "a word")) << line;
}

TEST_F(AgentLog, goes_to_stderr_where_there_is_neither_or_a_terminal) {
  EXPECT_EQ(say({}), tag() + "a word\n");
  const Listener journal(around_.journal);
  around_.stderr_is_terminal = true;
  EXPECT_EQ(say({{"HA_LOGFILE", folder_ + "/file"}}), tag() + "a word\n");
  EXPECT_EQ(journal.next(), "");
}

TEST_F(AgentLog, goes_where_the_manager_says) {
  const Listener journal(around_.journal), syslog(around_.syslog);
  EXPECT_EQ(say({{"HA_LOGFACILITY", "local3"}, {"HA_LOGFILE", folder_ + "/file"}}), "");
  EXPECT_TRUE(syslog.next().starts_with("<156>"));
  EXPECT_TRUE(read_file(folder_ + "/file")->ends_with(tag() + "a word\n"));
  EXPECT_EQ(journal.next(), "");
}

TEST_F(AgentLog, is_silent_when_told_so) {
  const Listener journal(around_.journal);
  EXPECT_EQ(say({{"HA_LOGFILE", "/dev/null"}}), "");
  EXPECT_EQ(journal.next(), "");
}

TEST_F(AgentLog, tells_details_when_asked) {
  EXPECT_EQ(say({{"HA_debug", "1"}}), tag() + "a word\n" + tag() + "a detail\n");
  EXPECT_EQ(say({{"HA_debug", "0"}}), tag() + "a word\n");
}

}  // namespace
}  // namespace systole::agents
