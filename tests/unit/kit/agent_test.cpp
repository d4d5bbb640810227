// SPDX-License-Identifier: GPL-2.0-or-later
// run_call: which verb runs for which action and which parameters, and what a probe makes of a missing installation.
#include "agents/kit/agent.hpp"

#include <gtest/gtest.h>

#include "common/log/sinks.hpp"

namespace systole::agents {
namespace {

const About table{.name = "Fake",
                  .version = "1",
                  .brief = "fake",
                  .about = "fake",
                  .params = {{.name = "ip", .required = true, .brief = "address"},
                             {.name = "n", .type = ParamType::integer, .fallback = "3", .brief = "n"}},
                  .actions = {{.name = "start", .timeout = "20s"},
                              {.name = "stop", .timeout = "30s"},
                              {.name = "monitor", .timeout = "10s", .interval = "5s"},
                              {.name = "watch", .timeout = "10s"},
                              {.name = "validate-all", .timeout = "5s"}}};

struct Fake final : Agent {
  Ocf valid = Ocf::ok;
  Fallbacks found;
  std::string ran;
  const About& about() const override { return table; }
  Fallbacks fallbacks(Call&) override { return found; }
  Ocf validate(Call&) override { return valid; }
  Ocf start(Call&) override { return note("start"); }
  Ocf stop(Call& call) override { return note("stop " + std::to_string(call.params().number("n"))); }
  Ocf monitor(Call&) override { return note("monitor"); }
  Ocf extra(Call& call) override { return note("extra " + call.action()); }
  Ocf note(std::string what) {
    ran = std::move(what);
    return Ocf::ok;
  }
};

struct Outcome {
  Ocf code;
  std::string ran, reason;
};

Outcome run(std::string action, const Environment& env, Ocf valid = Ocf::ok) {
  Fake agent;
  agent.valid = valid;
  Call call(table, env, std::move(action), boot_now());
  ::testing::internal::CaptureStderr();
  const Ocf code = run_call(agent, call);
  const std::string err = ::testing::internal::GetCapturedStderr();
  const bool told = call.reason().empty() || err.find("ocf-exit-reason:" + call.reason() + "\n") != std::string::npos;
  EXPECT_TRUE(told) << err;
  return {code, agent.ran, call.reason()};
}

const Environment good{{"OCF_RESKEY_ip", "10.0.0.1"}};

TEST(RunCall, runs_the_verb_of_the_action) {
  EXPECT_EQ(run("start", good).ran, "start");
  EXPECT_EQ(run("monitor", good).ran, "monitor");
  EXPECT_EQ(run("watch", good).ran, "extra watch");
  EXPECT_EQ(run("validate-all", good).code, Ocf::ok);
  EXPECT_EQ(run("validate-all", good).ran, "");
}

TEST(RunCall, refuses_an_action_that_the_table_does_not_name) {
  const auto outcome = run("promote", good);
  EXPECT_EQ(outcome.code, Ocf::unimplemented);
  EXPECT_EQ(outcome.reason, "Fake has no action 'promote'");
}

TEST(RunCall, says_which_parameters_are_wrong_before_any_verb_runs) {
  const auto outcome = run("start", {{"OCF_RESKEY_n", "x"}});
  EXPECT_EQ(outcome.code, Ocf::configured);
  EXPECT_EQ(outcome.ran, "");
  EXPECT_EQ(outcome.reason,
            "parameter 'ip' is required and missing: address; parameter 'n' is 'x' but must be a whole number");
}

TEST(RunCall, lets_what_an_agent_found_take_the_place_of_the_fallbacks_but_not_of_what_was_given) {
  const auto number_with = [](const Fallbacks& found, const Environment& more) {
    Fake agent;
    agent.found = found;
    Environment env = good;
    env.insert(more.begin(), more.end());
    Call call(table, env, "stop", boot_now());
    EXPECT_EQ(run_call(agent, call), Ocf::ok);
    return agent.ran;
  };
  EXPECT_EQ(number_with({}, {}), "stop 3");
  EXPECT_EQ(number_with({{"n", "8"}, {"unknown", "x"}}, {}), "stop 8");
  EXPECT_EQ(number_with({{"n", "8"}}, {{"OCF_RESKEY_n", "5"}}), "stop 5");
  EXPECT_EQ(number_with({{"n", "many"}}, {}), "stop 3") << "what the table would refuse is passed over";
}

TEST(RunCall, stops_in_spite_of_a_faulty_value) {
  EXPECT_EQ(run("stop", {{"OCF_RESKEY_ip", "10.0.0.1"}, {"OCF_RESKEY_n", "x"}}, Ocf::configured).ran, "stop 3");
}

TEST(RunCall, has_nothing_to_stop_without_a_required_value) {
  EXPECT_EQ(run("stop", {}).code, Ocf::ok);
  EXPECT_EQ(run("stop", {}).ran, "");
}

TEST(RunCall, takes_a_missing_installation_for_not_running_in_a_probe_only) {
  EXPECT_EQ(run("monitor", good, Ocf::installed).code, Ocf::not_running);
  Environment recurring = good;
  recurring["OCF_RESKEY_CRM_meta_interval"] = "10000";
  EXPECT_EQ(run("monitor", recurring, Ocf::installed).code, Ocf::installed);
  EXPECT_EQ(run("start", good, Ocf::installed).code, Ocf::installed);
}

TEST(RunCall, writes_the_prefix_that_the_manager_wants) {
  Environment env{{"OCF_EXIT_REASON_PREFIX", "why:"}};
  Call call(table, env, "start", boot_now());
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(call.fail(Ocf::generic, "disk '{}' is\nfull", "/"), Ocf::generic);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "why:disk '/' is full\n");
}

TEST(Call, gives_a_reason_that_every_manager_can_keep) {
  const Environment env;
  Call call(table, env, "start", boot_now());
  const auto reason = [&call](const std::string& why) {
    ::testing::internal::CaptureStderr();
    call.explain(Ocf::generic, why);
    ::testing::internal::GetCapturedStderr();
    return call.reason();
  };
  EXPECT_EQ(reason("a\tb\x1b[1m\x7f"), "a b [1m ");
  EXPECT_EQ(reason("grün – ok"), "grün – ok");
  EXPECT_EQ(reason("\xff \xc3 \xed\xa0\x80 \xe0\x80\x80"), "? ? ??? ???");
  EXPECT_EQ(reason(std::string(4096, 'w')), std::string(500, 'w') + "…");
}

TEST(Call, leaves_a_reserve_before_the_managers_timeout) {
  const Time now = boot_now();
  const auto deadline = [now](std::string timeout) {
    const Environment env{{"OCF_RESKEY_CRM_meta_timeout", std::move(timeout)}};
    return Call(table, env, "start", now).deadline() - now;
  };
  EXPECT_EQ(deadline("20000"), 18s);
  EXPECT_EQ(deadline("120000"), 118s);
  EXPECT_EQ(deadline("1000"), 800ms);
  EXPECT_EQ(deadline("300"), 150ms);
  EXPECT_EQ(Call(table, {}, "stop", now).deadline() - now, 28s);  // by hand: the table's advice
}

TEST(Call, pauses_no_longer_than_its_deadline) {
  const Time begin = boot_now();
  EXPECT_FALSE(pause_for(10s, begin + 20ms));
  EXPECT_TRUE(pause_for(1ms, begin + 10s));
  EXPECT_GE(boot_now() - begin, 21ms);
  EXPECT_LT(boot_now() - begin, 5s);
}

}  // namespace
}  // namespace systole::agents
