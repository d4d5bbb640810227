// SPDX-License-Identifier: GPL-2.0-or-later
// Agent calls with real processes: sound ones, and every way in which an agent can misbehave.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "common/base/handles.hpp"
#include "common/log/sinks.hpp"
#include "crmd/io/agents.hpp"
#include "crmd/io/clock.hpp"
#include "tests/unit/io/scratch.hpp"

namespace systole::io {
namespace {

struct AgentCalls : test::Scratch {
  AgentCalls() {
    log.add(make_capture_sink(lines));
    log.limit(Level::debug);
    settings.ocf_root = folder;
    settings.init_folder = folder + "/init.d";
    settings.run_directory = "/run/h6-test";
    settings.tools_folder = "/h6/tools";
    agents.emplace(
        context, settings, std::nullopt, log,
        [this](std::uint64_t call, executor::Outcome outcome) {
          EXPECT_FALSE(outcomes.contains(call)) << "an outcome came twice";
          outcomes[call] = std::move(outcome);
        },
        [this](std::uint64_t call, bool offered) {
          EXPECT_FALSE(watches.contains(call)) << "a watch ended twice";
          watches[call] = offered;
        });
  }

  void agent(const std::string& script) const { write("resource.d/test/agent", "#!/bin/sh\n" + script); }

  executor::RunAgent call_of(const std::string& action, Duration timeout = 10s) {
    executor::RunAgent run;
    run.call = ++last_call;
    run.standard = "ocf";
    run.provider = "test";
    run.type = "agent";
    run.action = action;
    run.timeout = timeout;
    run.environment["OCF_RESOURCE_INSTANCE"] = "thing";
    return run;
  }

  executor::Outcome result_of(const executor::RunAgent& run) {
    agents->run(run);
    EXPECT_TRUE(test::run_until(context, [&] { return outcomes.contains(run.call); })) << "no outcome came";
    return outcomes[run.call];
  }

  bool logged(std::string_view text) const {
    return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }

  boost::asio::io_context context;
  Log log;
  std::vector<std::string> lines;
  AgentSettings settings;
  std::map<std::uint64_t, executor::Outcome> outcomes;
  std::map<std::uint64_t, bool> watches;  // those that ended by themselves: whether the agent offers it
  std::uint64_t last_call = 0;
  std::optional<Agents> agents;
};

/// Whoever adopts a killed process may take a moment to reap it: a zombie is dead enough.
bool is_dead(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string number, name, state;
  return !(file >> number >> name >> state) || state == "Z";
}

TEST_F(AgentCalls, an_exit_code_and_the_last_exit_reason_come_back) {
  agent("echo ocf-exit-reason:first >&2; echo 'ocf-exit-reason:the disk is gone' >&2; echo hello; exit 5");
  const executor::Outcome outcome = result_of(call_of("start"));
  EXPECT_EQ(outcome.rc, 5);
  EXPECT_EQ(outcome.status, cib::OpStatus::done);
  EXPECT_EQ(outcome.exit_reason, "the disk is gone");
  EXPECT_GT(outcome.ran, 0ns);
  EXPECT_TRUE(logged("info: start of thing: ocf-exit-reason:the disk is gone"));
  EXPECT_TRUE(logged("debug: start of thing: hello"));
}

TEST_F(AgentCalls, the_last_words_of_an_agent_that_says_much_are_never_lost) {
  agent("head -c 17000 /dev/zero | tr '\\0' x >&2; echo >&2; echo ocf-exit-reason:the disk is gone >&2; exit 5");
  const executor::RunAgent run = call_of("start");
  agents->run(run);
  // As a daemon that had something else to do: all that came meanwhile, and the end, are there at once.
  std::this_thread::sleep_for(500ms);
  ASSERT_TRUE(test::run_until(context, [&] { return outcomes.contains(run.call); }));
  EXPECT_EQ(outcomes[run.call].exit_reason, "the disk is gone");
}

TEST_F(AgentCalls, the_environment_is_the_agents_own_with_our_tools_first_in_the_path) {
  agent("env > " + folder + "/seen; exit 0");
  ::setenv("LD_LIBRARY_PATH_OF_NOBODY", "leaked", 1);
  executor::RunAgent run = call_of("monitor");
  run.environment["OCF_RESKEY_ip"] = "192.0.2.1 with blanks";
  EXPECT_EQ(result_of(run).rc, 0);
  std::ifstream file(folder + "/seen");
  const std::string seen{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(seen.find("OCF_RESKEY_ip=192.0.2.1 with blanks\n"), std::string::npos);
  EXPECT_NE(seen.find("PATH=/h6/tools:"), std::string::npos);
  EXPECT_NE(seen.find("SYSTOLE_RUNDIR=/run/h6-test\n"), std::string::npos);
  EXPECT_NE(seen.find("OCF_ROOT=" + folder + "\n"), std::string::npos);
  EXPECT_EQ(seen.find("leaked"), std::string::npos);
}

TEST_F(AgentCalls, an_agent_gets_no_descriptor_of_ours_and_an_empty_standard_input) {
  // Not close-on-exec, as Asio's sockets are; some have lower numbers than whatever the call opens.
  write("ours", "", 0644);
  std::vector<Fd> ours;
  for (int i = 0; i < 20; ++i) ours.emplace_back(::open((folder + "/ours").c_str(), O_RDONLY));
  agent("cat; echo leaked $(ls -l /proc/$$/fd | grep -c /ours); exit 0");
  EXPECT_EQ(result_of(call_of("monitor")).rc, 0);
  EXPECT_TRUE(logged("debug: monitor of thing: leaked 0"));
}

TEST_F(AgentCalls, a_hanging_agent_is_killed_with_all_its_children) {
  agent("sleep 1000 & echo $! > " + folder + "/child; wait");
  const executor::Outcome outcome = result_of(call_of("start", 300ms));
  EXPECT_EQ(outcome.status, cib::OpStatus::timed_out);
  EXPECT_EQ(outcome.rc, 1);
  EXPECT_EQ(outcome.exit_reason, "Resource agent did not complete within 300ms");
  pid_t child = 0;
  std::ifstream(folder + "/child") >> child;
  ASSERT_GT(child, 0);
  EXPECT_TRUE(test::run_until(context, [&] { return is_dead(child); })) << "the agent's child lives on";
}

/// What it started after that would be unknown to the daemon's successor, and might run on two nodes.
TEST_F(AgentCalls, an_agent_dies_with_its_daemon) {
  agent("echo $$ > " + folder + "/agent; sleep 1000");
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    boost::asio::io_context own;
    Agents of_daemon(
        own, settings, std::nullopt, log, [](std::uint64_t, const executor::Outcome&) {}, [](std::uint64_t, bool) {});
    of_daemon.run(call_of("start"));
    own.run();
    ::_exit(0);
  }
  pid_t started = 0;
  EXPECT_TRUE(test::run_until(context, [&] { return bool(std::ifstream(folder + "/agent") >> started); }));
  ::kill(daemon, SIGKILL);
  ::waitpid(daemon, nullptr, 0);
  ASSERT_GT(started, 0);
  EXPECT_TRUE(test::run_until(context, [&] { return is_dead(started); })) << "the agent lives on";
  ::kill(-started, SIGKILL);  // what the agent itself had started
}

TEST_F(AgentCalls, an_agent_that_ignores_signals_ends_all_the_same) {
  agent("trap '' TERM INT HUP; while :; do sleep 0.05; done");
  EXPECT_EQ(result_of(call_of("monitor", 200ms)).status, cib::OpStatus::timed_out);
}

TEST_F(AgentCalls, an_agent_that_floods_stderr_neither_blocks_nor_fills_our_memory) {
  agent("head -c 50000000 /dev/zero | tr '\\0' 'x' >&2; echo >&2; echo 'ocf-exit-reason:too much' >&2; exit 1");
  const executor::Outcome outcome = result_of(call_of("start", 60s));
  EXPECT_EQ(outcome.rc, 1);
  EXPECT_EQ(outcome.exit_reason, "too much") << "the reason comes last and must survive the flood";
  EXPECT_TRUE(logged("bytes of output were too much and are lost"));
}

TEST_F(AgentCalls, an_agent_that_dies_of_a_signal_is_an_error_that_names_it) {
  agent("kill -SEGV $$");
  const executor::Outcome outcome = result_of(call_of("monitor"));
  EXPECT_EQ(outcome.rc, 1);
  EXPECT_EQ(outcome.status, cib::OpStatus::error);
  EXPECT_EQ(outcome.exit_reason, "Resource agent interrupted by Segmentation fault signal");
}

TEST_F(AgentCalls, a_server_left_behind_with_our_pipes_open_does_not_hold_up_the_call) {
  agent("(trap '' HUP; sleep 5) & echo started; exit 0");
  const Time begin = boot_time();
  const executor::Outcome outcome = result_of(call_of("start"));
  EXPECT_EQ(outcome.rc, 0);
  EXPECT_LT(boot_time() - begin, 3s) << "we waited for the server's end";
  EXPECT_TRUE(logged("debug: start of thing: started"));
}

TEST_F(AgentCalls, a_cancelled_call_ends_at_once_as_cancelled) {
  agent("sleep 1000");
  const executor::RunAgent run = call_of("monitor", 1000s);
  agents->run(run);
  agents->kill(run.call);
  ASSERT_TRUE(test::run_until(context, [&] { return outcomes.contains(run.call); }));
  EXPECT_EQ(outcomes[run.call].status, cib::OpStatus::cancelled);
  EXPECT_EQ(agents->running(), 0u);
}

TEST_F(AgentCalls, an_agent_that_is_not_there_is_not_installed) {
  const executor::Outcome outcome = result_of(call_of("monitor"));
  EXPECT_EQ(outcome.rc, 5);
  EXPECT_EQ(outcome.status, cib::OpStatus::not_installed);
  EXPECT_NE(outcome.exit_reason.find("resource.d/test/agent"), std::string::npos);
}

TEST_F(AgentCalls, a_file_that_cannot_be_run_says_so_and_leaves_no_zombie) {
  write("resource.d/test/agent", "#!/nonexistent/interpreter\n");
  EXPECT_EQ(result_of(call_of("monitor")).status, cib::OpStatus::not_installed);
  write("resource.d/test/agent", "not for running", 0644);
  EXPECT_EQ(result_of(call_of("monitor")).rc, 4);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was not reaped";
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(AgentCalls, an_init_script_is_asked_for_its_status_and_its_code_is_translated) {
  write("init.d/service", "#!/bin/sh\n[ \"$1\" = status ] && exit 3\nexit 0\n");
  executor::RunAgent run = call_of("monitor");
  run.standard = "lsb";
  run.type = "service";
  EXPECT_EQ(result_of(run).rc, 7);
}

TEST_F(AgentCalls, many_calls_run_side_by_side) {
  agent("sleep 0.3; exit 0");
  const Time begin = boot_time();
  for (int i = 0; i < 20; ++i) agents->run(call_of("monitor"));
  ASSERT_TRUE(test::run_until(context, [&] { return outcomes.size() == 20; }));
  EXPECT_LT(boot_time() - begin, 4s);
}

/// An agent that says which actions it has, and writes down each of its calls.
constexpr const char* with_watch = R"(echo $1 >>calls
case $1 in
  meta-data) echo '<resource-agent><actions><action name="monitor"/><action timeout="20s" name="watch"/></actions>' ;;
  watch) until [ -e go ]; do sleep 0.01; done; exit 7 ;;
esac)";

std::string in_folder(const std::string& folder, std::string script) {
  return "cd " + folder + "\n" + std::move(script);
}

TEST_F(AgentCalls, a_watch_runs_until_it_has_news_and_its_agent_is_asked_once_whether_it_can) {
  agent(in_folder(folder, with_watch));
  const auto run = call_of("watch", {});
  agents->watch(run);
  EXPECT_FALSE(test::run_until(
      context, [&] { return !watches.empty(); }, 300ms));
  write("go", "");
  ASSERT_TRUE(test::run_until(context, [&] { return watches.contains(run.call); }));
  EXPECT_TRUE(watches[run.call]);
  const auto again = call_of("watch", {});
  agents->watch(again);
  ASSERT_TRUE(test::run_until(context, [&] { return watches.contains(again.call); }));
  std::ifstream calls(folder + "/calls");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(calls), {}), "meta-data\nwatch\nwatch\n");
}

TEST_F(AgentCalls, an_agent_without_a_watch_is_never_called_for_one) {
  agent(in_folder(folder, "echo $1 >>calls; echo '<action name=\"monitor\"/><!-- watch -->'"));
  for (int i = 0; i < 2; ++i) {
    const auto run = call_of("watch", {});
    agents->watch(run);
    ASSERT_TRUE(test::run_until(context, [&] { return watches.contains(run.call); }));
    EXPECT_FALSE(watches[run.call]);
  }
  std::ifstream calls(folder + "/calls");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(calls), {}), "meta-data\n");
}

TEST_F(AgentCalls, an_agent_that_is_not_there_or_cannot_tell_ends_the_watch_and_may_be_asked_again) {
  for (const char* const script : {"", "exit 1"}) {
    if (*script != 0) agent(script);
    const auto run = call_of("watch", {});
    agents->watch(run);
    ASSERT_TRUE(test::run_until(context, [&] { return watches.contains(run.call); })) << script;
    EXPECT_TRUE(watches[run.call]) << script;
  }
}

TEST_F(AgentCalls, a_watch_that_is_ended_is_killed_and_tells_nothing) {
  agent("case $1 in meta-data) echo '<action name=\"watch\"/>' ;; *) echo $$ >" + folder + "/pid; sleep 1000 ;; esac");
  const auto run = call_of("watch", {});
  agents->watch(run);
  pid_t process = 0;
  ASSERT_TRUE(test::run_until(context, [&] { return bool(std::ifstream(folder + "/pid") >> process); }));
  agents->end_watch(run.call);
  agents->end_watch(run.call);  // twice, and of one that never was
  agents->end_watch(999);
  EXPECT_TRUE(test::run_until(context, [&] { return is_dead(process); }));
  EXPECT_FALSE(test::run_until(
      context, [&] { return !watches.empty(); }, 100ms));
  // Ended while its agent is still asked.
  const auto early = call_of("watch", {});
  agents->watch(early);
  agents->end_watch(early.call);
  EXPECT_FALSE(test::run_until(
      context, [&] { return !watches.empty(); }, 200ms));
}

}  // namespace
}  // namespace systole::io
