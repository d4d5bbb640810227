// SPDX-License-Identifier: GPL-2.0-or-later
// The log: levels, one line per decision whatever foreign text is in it, and what each sink really writes.
#include "common/log/log.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <sstream>

#include "common/base/handles.hpp"
#include "common/log/sinks.hpp"

namespace systole {
namespace {

std::string temporary(std::string_view name) {
  return ::testing::TempDir() + "systole-log-" + std::to_string(::getpid()) + "-" + std::string(name);
}

/// A listener as journald and syslogd have it.
class Listener {
 public:
  explicit Listener(std::string path) : path_(std::move(path)), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, path_.c_str(), path_.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  }
  ~Listener() { ::unlink(path_.c_str()); }
  std::string next() {
    std::array<char, 4096> text{};
    const ssize_t n = ::recv(fd_.get(), text.data(), text.size(), 0);
    return n < 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(n));
  }

 private:
  std::string path_;
  Fd fd_;
};

TEST(Log, writes_each_line_with_its_level_to_every_sink) {
  std::vector<std::string> one, two;
  Log log;
  log.add(make_capture_sink(one));
  log.add(make_capture_sink(two));
  log.warning("link '{}' is late by {} ms", "eth1", 40);
  EXPECT_EQ(one, std::vector<std::string>{"warning: link 'eth1' is late by 40 ms"});
  EXPECT_EQ(one, two);
}

TEST(Log, leaves_out_what_matters_less_than_its_limit) {
  std::vector<std::string> lines;
  Log log;
  log.add(make_capture_sink(lines));
  log.debug("not at the start");
  log.limit(Level::debug);
  log.debug("now");
  log.limit(Level::error);
  log.warning("not any more");
  log.error("always");
  EXPECT_EQ(lines, (std::vector<std::string>{"debug: now", "error: always"}));
}

TEST(Log, keeps_foreign_text_from_forging_a_second_line) {
  std::vector<std::string> lines;
  Log log;
  log.add(make_capture_sink(lines));
  log.info("the agent says '{}'", "done\nerror: all is lost\x1b[2J");
  EXPECT_EQ(lines, std::vector<std::string>{"info: the agent says 'done error: all is lost [2J'"});
}

TEST(Log, speaks_the_journals_protocol) {
  Listener journal(temporary("journal"));
  Log log;
  log.add(make_journal_sink("systole", temporary("journal")));
  log.error("node '{}' is lost", "n2");
  EXPECT_EQ(journal.next(), "PRIORITY=3\nSYSLOG_IDENTIFIER=systole\nMESSAGE=node 'n2' is lost\n");
}

TEST(Log, adds_fields_to_each_line_of_the_journal) {
  Listener journal(temporary("fields"));
  Log log;
  log.add(make_journal_sink("IPaddr(vip)", temporary("fields"), {"OCF_RESOURCE_INSTANCE=vip"}));
  log.info("added");
  EXPECT_EQ(journal.next(), "PRIORITY=6\nSYSLOG_IDENTIFIER=IPaddr(vip)\nOCF_RESOURCE_INSTANCE=vip\nMESSAGE=added\n");
}

TEST(Log, speaks_syslogs_protocol_with_facility_and_level) {
  Listener syslog(temporary("syslog"));
  Log log;
  log.add(make_syslog_sink("IPaddr(vip)[7]", "local3", temporary("syslog")));
  log.info("added");
  const std::string line = syslog.next();
  EXPECT_TRUE(line.starts_with("<158>")) << line;  // local3 = 19, times 8, plus 6
  EXPECT_TRUE(line.ends_with(" IPaddr(vip)[7]: added")) << line;
}

TEST(Log, finds_a_journal_that_came_late) {
  Log log;
  log.add(make_journal_sink("systole", temporary("late")));
  log.info("nobody hears this");
  Listener journal(temporary("late"));
  log.info("this is heard");
  EXPECT_NE(journal.next().find("MESSAGE=this is heard\n"), std::string::npos);
}

TEST(Log, appends_to_a_file_and_follows_it_when_it_is_rotated) {
  const std::string path = temporary("file");
  Log log;
  log.add(make_file_sink("crmd", path));
  log.info("first");
  ASSERT_EQ(::unlink(path.c_str()), 0);
  log.info("second");
  log.info("third");
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  EXPECT_TRUE(line.ends_with(" crmd: second")) << line;
  std::getline(file, line);
  EXPECT_TRUE(line.ends_with(" crmd: third")) << line;
  ::unlink(path.c_str());
}

TEST(Log, survives_sinks_that_cannot_be_written) {
  Log log;
  log.add(make_file_sink("x", "/no/such/folder/file"));
  log.add(make_journal_sink("x", std::string(500, 'x')));
  log.add(make_syslog_sink("x", "no-such-facility", "/no/such/socket"));
  log.error("lost, and that is all");
}

TEST(Log, knows_syslogs_facilities) {
  EXPECT_EQ(syslog_facility("daemon"), 24);
  EXPECT_EQ(syslog_facility("local7"), 184);
  EXPECT_EQ(syslog_facility("local8"), std::nullopt);
  EXPECT_EQ(syslog_facility(""), std::nullopt);
}

}  // namespace
}  // namespace systole
