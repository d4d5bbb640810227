// SPDX-License-Identifier: GPL-2.0-or-later
// `systole status` and the verbs: what is wrong must be said, and the exit code must say it too.
#include "tools/status.hpp"

#include <gtest/gtest.h>

#include "tests/unit/tools/fake_daemon.hpp"
#include "tools/commands.hpp"
#include "tools/link_status.hpp"

namespace systole::tools {
namespace {

using test::FakeDaemon;

struct StatusTest : testing::Test {
  StatusTest() {
    daemon.change(R"(<resources>
      <clone id="db-clone"><meta_attributes id="m"><nvpair id="m-p" name="promotable" value="true"/></meta_attributes>
        <primitive id="db" class="ocf" provider="systole" type="mysql"/></clone>
      <primitive id="vip" class="ocf" provider="systole" type="IPaddr"/></resources>)",
                  "resources");
    for (const char* const name : {"n1", "n2"}) {
      cib::NodeState& state = daemon.status.nodes[NodeName{name}];
      state.id = name[1] == '1' ? "1" : "2";
      state.uname = NodeName{name};
      state.member = state.online = true;
      state.join = state.expected = "member";
    }
    done("n1", "db", "start");
    done("n1", "db", "promote");
    done("n2", "db", "start");
    done("n1", "vip", "start");
    here.daemon = &daemon;
  }

  void done(const std::string& node, const std::string& resource, const std::string& operation, int rc = 0) {
    cib::OperationResult result;
    result.resource = ResourceId{resource};
    result.operation = operation;
    result.call_id = ++calls;
    result.rc = rc;
    result.transition_key = "1:1:0:00000000-0000-0000-0000-000000000000";
    cib::ResourceHistory& history = daemon.status.nodes[NodeName{node}].history[ResourceId{resource}];
    history.standard = "ocf";
    history.provider = "systole";
    history.type = resource == "db" ? "mysql" : "IPaddr";
    cib::record(history, result);
  }

  void lose(const std::string& node) {
    cib::NodeState& state = daemon.status.nodes[NodeName{node}];
    state.member = state.online = false;
    state.join = "down";
    for (wire::ipc::NodeInfo& info : daemon.cluster.nodes)
      if (info.name == node) info.up = info.joined = false;
  }

  StatusView view() {
    auto gathered = gather_status(daemon);
    EXPECT_TRUE(gathered) << gathered.error().what;
    return gathered ? *gathered : StatusView();
  }

  FakeDaemon daemon;
  Surroundings here;
  int calls = 0;
};

const Pause no_pause = [](Duration) {};

TEST_F(StatusTest, a_healthy_cluster_ends_with_0_and_says_so) {
  const StatusView seen = view();
  EXPECT_EQ(seen.exit_code(), 0) << status_text(seen, false);
  const std::string text = status_text(seen, false);
  EXPECT_NE(text.find("Promoted n1, Unpromoted n2"), std::string::npos) << text;
  EXPECT_NE(text.find("All is well."), std::string::npos) << text;
  EXPECT_EQ(text.find('\033'), std::string::npos);
}

TEST_F(StatusTest, a_lost_node_is_redundancy_that_is_gone) {
  lose("n2");
  const StatusView seen = view();
  EXPECT_EQ(seen.exit_code(), 1);
  const std::string text = status_text(seen, true);
  EXPECT_NE(text.find("\033[1;31mREDUNDANCY IS GONE: node n2 is offline"), std::string::npos) << text;
}

TEST_F(StatusTest, a_resource_that_runs_nowhere_is_an_outage) {
  done("n1", "vip", "stop");
  const StatusView seen = view();
  EXPECT_EQ(seen.exit_code(), 2);
  EXPECT_NE(status_text(seen, false).find("OUT OF SERVICE: vip runs nowhere"), std::string::npos);
}

TEST_F(StatusTest, a_database_without_a_promoted_instance_is_an_outage) {
  done("n1", "db", "demote");
  EXPECT_EQ(view().exit_code(), 2);
}

TEST_F(StatusTest, a_dead_link_is_redundancy_that_is_gone) {
  daemon.cluster.nodes[1].links = {{"up", 10}, {"dead", 5'000}};
  const StatusView seen = view();
  EXPECT_EQ(seen.exit_code(), 1);
  EXPECT_NE(status_text(seen, false).find("link 1 to n2 is dead"), std::string::npos);
}

TEST_F(StatusTest, links_are_named_only_when_one_is_not_well) {
  EXPECT_EQ(status_text(view(), false).find("Links"), std::string::npos);
  daemon.cluster.nodes[1].links[0].trouble = "loses 12 % of the packets";
  daemon.cluster.nodes[1].links[0].address = "192.0.2.2";
  const StatusView seen = view();
  EXPECT_EQ(seen.exit_code(), 0);
  EXPECT_NE(status_text(seen, false).find("link 0 to n2 (192.0.2.2): loses 12 % of the packets"), std::string::npos);
}

TEST_F(StatusTest, link_status_shows_what_was_measured_and_ends_with_1_when_a_link_is_not_well) {
  wire::ipc::LinkInfo& link = daemon.cluster.nodes[1].links[0];
  link.address = "192.0.2.2";
  link.lasts_ms = 63'000;
  link.lost = 1;
  link.expected = 80;
  link.round_trip = wire::ipc::RoundTripInfo{200, 350, 1200};
  link.flaps = 3;
  EXPECT_EQ(link_status(here, false), 0);
  for (const char* const part : {"192.0.2.2", " up ", "1m3s", "1.2 %", "0.20 / 0.35 / 1.20", " 3\n", "are well"})
    EXPECT_NE(here.out.find(part), std::string::npos) << part << "\n" << here.out;
  here.out.clear();
  link.trouble = "never heard";
  EXPECT_EQ(link_status(here, true), 1);
  for (const char* const part : {R"("name": "n2")", R"("loss_percent": 1.2)", R"("avg_us": 350)", R"("flaps": 3)",
                                 R"("trouble": "never heard")"})
    EXPECT_NE(here.out.find(part), std::string::npos) << part << "\n" << here.out;
}

TEST_F(StatusTest, json_keeps_its_names_and_escapes_what_is_foreign) {
  daemon.cluster.problems = {"a \"quoted\" problem\nin two lines"};
  const std::string json = status_json(view());
  for (const char* const part : {R"("self": "n1")", R"("leader": "n2")", R"("id": "vip")", R"("role": "Promoted")",
                                 R"("exit_code": 0)", R"("problems": ["a \"quoted\" problem\u000ain two lines"])"})
    EXPECT_NE(json.find(part), std::string::npos) << part << "\n" << json;
}

TEST_F(StatusTest, a_move_writes_the_constraint_that_crm_resource_would_write_and_says_how_to_undo_it) {
  MoveOptions move;
  move.resource = "db";
  move.node = "n2";
  EXPECT_EQ(move_resource(here, move, no_pause), 0) << here.err;
  EXPECT_NE(
      daemon.document.find(
          R"(<rsc_location id="cli-prefer-db-clone" rsc="db-clone" role="Promoted" node="n2" score="INFINITY"/>)"),
      std::string::npos)
      << daemon.document;
  EXPECT_NE(here.out.find("systole move db-clone --clear"), std::string::npos);
}

TEST_F(StatusTest, a_move_away_bans_the_present_node_and_replaces_an_older_move) {
  MoveOptions move;
  move.resource = "vip";
  move.node = "n2";
  EXPECT_EQ(move_resource(here, move, no_pause), 0);
  move.node = "";
  EXPECT_EQ(move_resource(here, move, no_pause), 0) << here.err;
  EXPECT_NE(daemon.document.find(
                R"(<rsc_location id="cli-ban-vip-on-n1" rsc="vip" role="Started" node="n1" score="-INFINITY"/>)"),
            std::string::npos)
      << daemon.document;
  EXPECT_EQ(daemon.document.find("cli-prefer-vip"), std::string::npos);
  move.clear = true;
  EXPECT_EQ(move_resource(here, move, no_pause), 0);
  EXPECT_EQ(daemon.document.find("rsc_location"), std::string::npos) << daemon.document;
}

TEST_F(StatusTest, a_move_of_what_is_not_there_changes_nothing) {
  const std::string before = daemon.document;
  MoveOptions move;
  move.resource = "nothing";
  EXPECT_EQ(move_resource(here, move, no_pause), 105);
  move.resource = "vip";
  move.node = "n9";
  EXPECT_EQ(move_resource(here, move, no_pause), 105);
  EXPECT_EQ(daemon.document, before);
}

TEST_F(StatusTest, a_move_that_waits_fails_when_the_resource_did_not_arrive) {
  MoveOptions move;
  move.resource = "vip";
  move.node = "n2";
  move.wait = true;
  EXPECT_EQ(move_resource(here, move, no_pause), 1);
  EXPECT_NE(here.err.find("systole why vip"), std::string::npos) << here.err;
}

TEST_F(StatusTest, waiting_ends_with_124_and_says_what_is_under_way) {
  daemon.cluster.settled = false;
  daemon.cluster.under_way = {"start vip on n1 (3.0 s)"};
  EXPECT_EQ(wait_until_settled(here, 5s, no_pause), 124);
  EXPECT_NE(here.err.find("start vip on n1"), std::string::npos);
  daemon.cluster.settled = true;
  EXPECT_EQ(wait_until_settled(here, 5s, no_pause), 0);
}

TEST_F(StatusTest, standby_is_a_permanent_attribute_and_goes_again) {
  StandbyOptions options;
  options.node = "n2";
  EXPECT_EQ(standby(here, options, no_pause), 0) << here.err;
  EXPECT_NE(daemon.document.find(R"(id="nodes-2-standby" name="standby" value="on")"), std::string::npos)
      << daemon.document;
  EXPECT_EQ(view().exit_code(), 1) << "one node fewer is redundancy that is gone";
  options.off = true;
  EXPECT_EQ(standby(here, options, no_pause), 0);
  EXPECT_EQ(daemon.document.find("standby"), std::string::npos);
}

}  // namespace
}  // namespace systole::tools
