// SPDX-License-Identifier: GPL-2.0-or-later
// The rejoin dies, or its server or the primary's does, between any two of its steps; afterwards both databases are
// equal all the same.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/ocf/mysql/rejoin.hpp"
#include "tests/agents/mysql/rejoin_rig.hpp"

namespace systole::mysql {
namespace {

/// Everything that Rejoin needs, without the cluster.
class Bench {
 public:
  explicit Bench(Rig& rig)
      : rig_(rig),
        env_(rig.environment("n2", "start")),
        call_(about_mysql(), env_, "rejoin", agents::boot_now()),
        settings_(settings_of(call_)) {}

  /// In a process of its own, which calls `at_step` with the number of each step.
  int run(const std::function<void(int)>& at_step) {
    const pid_t child = ::fork();
    if (child == 0) {
      int step = 0;
      Log log;
      Rejoin rejoin(settings_,
                    {.place = {.folder = rig_.folder("n2") + "/kept/rejoin",
                               .resource = "db",
                               .node = [] { return std::string("n2"); },
                               .env = env_,
                               .between_steps = [&] { at_step(++step); }},
                     .tell = [](const std::string&) {}},
                    log);
      const auto done = rejoin.run({.host = rig_.address("n1"), .port = rig_.port()}, Deadline::in(30s));
      if (!done) fmt::print(stderr, "rejoin: {}\n", done.error().what);
      ::_exit(done ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }

 private:
  Rig& rig_;
  agents::Environment env_;
  agents::Call call_;
  Settings settings_;
};

/// A replica that was written to while it did not replicate.
void diverge(Rig& rig) {
  ASSERT_EQ(rig.sql("n2", "STOP SLAVE"), "");
  for (const std::string& change : changes) ASSERT_EQ(rig.sql("n2", change), "") << change;
}

void expect_equal_again(Rig& rig, const std::string& what) {
  ASSERT_EQ(rig.call("n2", "monitor").code, 0) << what;  // sets up replication
  ASSERT_TRUE(eventually([&] { return flows(rig, "n2") && checksums(rig, "n1") == checksums(rig, "n2"); })) << what;
  ASSERT_EQ(rig.sql("n2", "SHOW TABLES IN systole LIKE 'rejoin'"), "") << what;
}

TEST(MysqlRejoinCrash, may_die_between_any_two_steps) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  Bench bench(rig);
  int died_at = 0;
  for (int code = 9; code == 9;) {
    ++died_at;
    ASSERT_NO_FATAL_FAILURE(diverge(rig));
    code = bench.run([&](int step) {
      if (step == died_at) ::_exit(9);
    });
    if (code == 9) {
      ASSERT_EQ(bench.run([](int) {}), 0) << "after step " << died_at;
    }
    ASSERT_NO_FATAL_FAILURE(expect_equal_again(rig, fmt::format("died at step {}", died_at)));
  }
  EXPECT_GT(died_at, 15) << "steps there are";
}

/// Diverged, then rejoined with the death of a node's server before that step. Returns the rejoin's exit code.
int rejoin_with_death(Rig& rig, Bench& bench, const std::string& victim, int at) {
  diverge(rig);
  return bench.run([&](int step) {
    if (step == at) rig.kill_server(victim);
  });
}

TEST(MysqlRejoinCrash, outlives_the_death_of_its_server_between_any_two_steps) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  Bench bench(rig);
  int died_at = 0;
  for (bool died = true; died;) {
    const int code = rejoin_with_death(rig, bench, "n2", ++died_at);
    ASSERT_FALSE(HasFatalFailure());
    died = !rig.server("n2");
    if (died) {
      ASSERT_EQ(rig.call("n2", "start", joining("n1")).code, 0) << "at step " << died_at;
    } else {
      ASSERT_EQ(code, 0);
    }
    ASSERT_TRUE(eventually([&] { return rig.call("n2", "monitor").code == 0; })) << "at step " << died_at;
    ASSERT_NO_FATAL_FAILURE(expect_equal_again(rig, fmt::format("server died at step {}", died_at)));
  }
  EXPECT_GT(died_at, 15) << "steps there are";
}

/// Started again, and promoted again by a person's word.
void bring_primary_back(Rig& rig) {
  ASSERT_EQ(rig.call("n1", "start").code, 0);
  std::filesystem::remove(rig.folder("n1") + "/data/systole_must_follow");
  ASSERT_EQ(rig.call("n1", "promote", Rig::promotion("n1", "n1")).code, 0);
}

TEST(MysqlRejoinCrash, outlives_the_death_of_the_primary_between_any_two_steps) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  Bench bench(rig);
  int died_at = 0;
  for (bool died = true; died;) {
    const int code = rejoin_with_death(rig, bench, "n1", ++died_at);
    ASSERT_FALSE(HasFatalFailure());
    died = !rig.server("n1");
    if (died) {
      ASSERT_NO_FATAL_FAILURE(bring_primary_back(rig)) << "at step " << died_at;
    }
    if (code != 0) {
      ASSERT_EQ(bench.run([](int) {}), 0) << "after the primary's death at step " << died_at;
    }
    ASSERT_NO_FATAL_FAILURE(expect_equal_again(rig, fmt::format("the primary died at step {}", died_at)));
  }
  EXPECT_GT(died_at, 15) << "steps there are";
}

}  // namespace
}  // namespace systole::mysql
