// SPDX-License-Identifier: GPL-2.0-or-later
// crmd's end of the guardian, with the real guardian: it is there, it is replaced, it acts.
#include "crmd/io/guardian_client.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "common/log/sinks.hpp"
#include "crmd/io/clock.hpp"
#include "tests/unit/io/scratch.hpp"

namespace systole::io {
namespace {

const std::string program = SYSTOLE_BINARY_DIR "/crmd/guardian_process/systole-guardian";

struct GuardianClientTest : test::Scratch {
  struct Crmd {
    explicit Crmd(GuardianClientTest& test)
        : client(test.context, {.run_directory = test.folder, .program = program}, test.log,
                 {.on_state =
                      [this, &test](const guardian::State& state, bool) {
                        states.push_back(state);
                        test.pids.insert(state.pid);
                      },
                  .on_laddered = [this](const guardian::Laddered& news) { ladders.push_back(news); },
                  .on_held = [this](std::uint64_t number) { held = number; }}) {}
    std::vector<guardian::State> states;
    std::vector<guardian::Laddered> ladders;
    std::uint64_t held = 0;
    GuardianClient client;
  };

  GuardianClientTest() { log.add(make_capture_sink(lines)); }
  ~GuardianClientTest() override {
    for (const pid_t pid : pids) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    if (victim > 0) {
      ::kill(victim, SIGKILL);
      ::waitpid(victim, nullptr, 0);
    }
  }
  bool run_until(const std::function<bool()>& happened) { return test::run_until(context, happened); }
  /// A process in a group of its own.
  void make_victim() {
    victim = ::fork();
    if (victim == 0) {
      ::setpgid(0, 0);
      ::execlp("sleep", "sleep", "60", nullptr);
      ::_exit(1);
    }
    ::setpgid(victim, victim);
  }
  bool was_logged(const std::string& words) const {
    return std::ranges::any_of(lines, [&words](const std::string& line) { return line.find(words) != line.npos; });
  }

  /// How often the process went to sleep.
  static int sleeps_of(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    const std::string wanted = "voluntary_ctxt_switches:";
    for (std::string line; std::getline(status, line);)
      if (line.starts_with(wanted)) return std::stoi(line.substr(wanted.size()));
    return -1;
  }

  boost::asio::io_context context;
  Log log;
  std::vector<std::string> lines;
  std::set<pid_t> pids;
  pid_t victim = 0;
};

const guardian::Holding nothing_real{"vip", {"198.51.100.77"}, "", {}, {}};

TEST_F(GuardianClientTest, a_guardian_is_started_where_none_answers_and_takes_what_is_held) {
  Crmd crmd(*this);
  crmd.client.feed(boot_time() + 10s);
  const auto number = crmd.client.hold({nothing_real});
  ASSERT_TRUE(run_until([&] { return crmd.held == number; })) << ::testing::PrintToString(lines);
  EXPECT_TRUE(crmd.states.at(0).holdings.empty());
  EXPECT_FALSE(crmd.states.at(0).laddered);
  EXPECT_EQ(::getsid(crmd.client.pid()), crmd.client.pid()) << "a session of its own";
}

TEST_F(GuardianClientTest, the_next_crmd_hears_what_its_predecessor_held) {
  pid_t first = 0;
  {
    Crmd crmd(*this);
    crmd.client.feed(boot_time() + 10s);
    crmd.client.hold({nothing_real});
    ASSERT_TRUE(run_until([&] { return crmd.held == 1; }));
    first = crmd.client.pid();
  }
  Crmd next(*this);
  ASSERT_TRUE(run_until([&] { return !next.states.empty(); }));
  EXPECT_EQ(next.client.pid(), first);
  EXPECT_EQ(next.states[0].holdings, std::vector{nothing_real});
  EXPECT_TRUE(next.states[0].until);
}

TEST_F(GuardianClientTest, a_guardian_that_is_killed_is_replaced_at_once_and_told_everything_again) {
  Crmd crmd(*this);
  crmd.client.feed(boot_time() + 10s);
  crmd.client.hold({nothing_real});
  ASSERT_TRUE(run_until([&] { return crmd.held == 1; }));
  crmd.held = 0;
  const pid_t first = crmd.client.pid();
  const Time killed = boot_time();
  ::kill(first, SIGKILL);
  ASSERT_TRUE(run_until([&] { return crmd.held == 1; })) << ::testing::PrintToString(lines);
  RecordProperty("replaced_after_ms", static_cast<int>(to_ms(boot_time() - killed)));
  EXPECT_NE(crmd.client.pid(), first);
  EXPECT_TRUE(was_logged("is lost: it ended")) << ::testing::PrintToString(lines);
  // The page outlived the first one: the second knows the lease.
  EXPECT_TRUE(crmd.states.at(1).until);
}

TEST_F(GuardianClientTest, a_guardian_that_stands_still_is_killed_and_replaced) {
  Crmd crmd(*this);
  crmd.client.feed(boot_time() + 60s);
  crmd.client.hold({nothing_real});
  ASSERT_TRUE(run_until([&] { return crmd.held == 1; }));
  crmd.held = 0;
  const pid_t first = crmd.client.pid();
  ::kill(first, SIGSTOP);
  ASSERT_TRUE(run_until([&] { return crmd.held == 1; })) << ::testing::PrintToString(lines);
  EXPECT_NE(crmd.client.pid(), first);
  EXPECT_TRUE(was_logged("it has been silent for")) << ::testing::PrintToString(lines);
}

TEST_F(GuardianClientTest, a_guardian_that_is_idle_is_not_taken_for_stuck) {
  Crmd crmd(*this);
  ASSERT_TRUE(run_until([&] { return crmd.client.ready(); }));
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  run_until([&] { return std::chrono::steady_clock::now() > end; });
  crmd.client.feed(boot_time() + 60s);
  crmd.client.hold({nothing_real});
  const auto later = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  run_until([&] { return std::chrono::steady_clock::now() > later; });
  EXPECT_EQ(crmd.states.size(), 1u) << ::testing::PrintToString(lines);
  EXPECT_EQ(crmd.held, 1u);
}

TEST_F(GuardianClientTest, at_the_end_of_the_lease_what_is_held_dies_and_crmd_hears_of_it) {
  make_victim();
  Crmd crmd(*this);
  const Time end = boot_time() + 300ms;
  crmd.client.feed(end);
  crmd.client.hold({{"db", {}, "", {victim}, {}}});
  ASSERT_TRUE(run_until([&] { return !crmd.ladders.empty(); })) << ::testing::PrintToString(lines);
  EXPECT_TRUE(crmd.ladders[0].all_gone) << crmd.ladders[0].text;
  EXPECT_GE(crmd.ladders[0].at, end);
  int status = 0;
  ASSERT_EQ(::waitpid(victim, &status, WNOHANG), victim);
  victim = 0;
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST_F(GuardianClientTest, a_lease_that_is_fed_in_time_ends_nothing) {
  make_victim();
  Crmd crmd(*this);
  crmd.client.feed(boot_time() + 300ms);
  crmd.client.hold({{"db", {}, "", {victim}, {}}});
  const Time end = boot_time() + 1s;
  run_until([&] {
    crmd.client.feed(boot_time() + 300ms);
    return boot_time() > end;
  });
  EXPECT_TRUE(crmd.ladders.empty());
  EXPECT_EQ(::waitpid(victim, nullptr, WNOHANG), 0);
}

TEST_F(GuardianClientTest, renewals_wake_no_guardian_and_yet_it_knows_the_end_to_the_moment) {
  Crmd crmd(*this);
  int sleeps = 0;
  Time end{};
  // A machine that stands still for longer than such a lease lets it end early: once more, then.
  for (int attempt = 0; attempt < 5; ++attempt) {
    crmd.ladders.clear();
    crmd.client.feed(boot_time() + 1s);
    const auto number = crmd.client.hold({nothing_real});
    ASSERT_TRUE(run_until([&] { return crmd.held == number; })) << ::testing::PrintToString(lines);
    run_until([&, until = boot_time() + 900ms] { return boot_time() > until; });
    sleeps = -sleeps_of(crmd.client.pid());
    for (const Time until = boot_time() + 2s; boot_time() < until && crmd.ladders.empty();) {
      crmd.client.feed(end = boot_time() + 150ms);
      run_until([&, next = boot_time() + 10ms] { return boot_time() > next; });
    }
    sleeps += sleeps_of(crmd.client.pid());
    if (crmd.ladders.empty()) break;
  }
  ASSERT_TRUE(run_until([&] { return !crmd.ladders.empty(); })) << ::testing::PrintToString(lines);
  EXPECT_GE(crmd.ladders[0].at, end);
  EXPECT_LT(sleeps, 10) << "it looks five times by itself; at the end of each lease it knew it would be fourteen";
  RecordProperty("late_us", static_cast<int>((crmd.ladders[0].at - end) / 1us));
}

TEST_F(GuardianClientTest, a_crmd_that_was_away_hears_of_the_ladder_when_it_is_back) {
  make_victim();
  {
    Crmd crmd(*this);
    crmd.client.feed(boot_time() + 200ms);
    crmd.client.hold({{"db", {}, "", {victim}, {}}});
    ASSERT_TRUE(run_until([&] { return crmd.held == 1; }));
  }
  int status = 0;
  ASSERT_TRUE(run_until([&] { return ::waitpid(victim, &status, WNOHANG) == victim; }));
  victim = 0;
  // The guardian looks once more at what it has ended: until then it holds it.
  guardian::State told;
  for (const Time until = boot_time() + 10s; boot_time() < until && !(told.laddered && told.holdings.empty());) {
    Crmd next(*this);
    ASSERT_TRUE(run_until([&] { return !next.states.empty(); }));
    told = next.states[0];
  }
  EXPECT_TRUE(told.holdings.empty());
  ASSERT_TRUE(told.laddered);
  EXPECT_NE(told.laddered->text.find("db"), std::string::npos);
}

TEST_F(GuardianClientTest, an_orderly_end_ends_the_guardian_too) {
  Crmd crmd(*this);
  crmd.client.feed(boot_time() + 10s);
  crmd.client.hold({nothing_real});
  ASSERT_TRUE(run_until([&] { return crmd.held == 1; }));
  const pid_t pid = crmd.client.pid();
  crmd.client.done();
  EXPECT_TRUE(run_until([&] { return ::kill(pid, 0) != 0 && errno == ESRCH; })) << "it lives, or was not reaped";
}

TEST_F(GuardianClientTest, without_the_program_it_says_so_and_goes_on) {
  GuardianClient client(context, {.run_directory = folder, .program = "/nowhere/systole-guardian"}, log, {});
  EXPECT_TRUE(was_logged("cannot start the guardian /nowhere/systole-guardian")) << ::testing::PrintToString(lines);
  client.feed(boot_time() + 1s);
  client.hold({nothing_real});
  EXPECT_FALSE(client.ready());
}

}  // namespace
}  // namespace systole::io
