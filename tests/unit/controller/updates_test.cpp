// SPDX-License-Identifier: GPL-2.0-or-later
// What a node knows changes only by updates; they survive the wire.
#include <gtest/gtest.h>

#include "crmd/controller/messages.hpp"

namespace systole::controller {
namespace {

const NodeName n1{"n1"};

executor::Report report(std::string operation, int rc, int call_id) {
  executor::Report made;
  made.standard = "ocf";
  made.provider = "systole";
  made.type = "mysql";
  made.result.resource = ResourceId{"db"};
  made.result.operation = std::move(operation);
  made.result.rc = rc;
  made.result.call_id = call_id;
  return made;
}

TEST(Updates, a_joined_node_brings_its_history_and_public_attributes) {
  Known known;
  NodeJoined joined{n1, {}, {{"master-db", {"10", false}}, {"secret", {"x", true}}}};
  cib::record(joined.history[ResourceId{"db"}], report("start", 0, 1).result);
  learn(known, joined);
  const cib::NodeState& node = known.status.nodes.at(n1);
  EXPECT_EQ(node.transient, (cib::Pairs{{"master-db", "10"}}));
  EXPECT_TRUE(node.history.at(ResourceId{"db"}).entries.contains("last_0"));
  EXPECT_NE(known.attributes.find(n1, "secret"), nullptr);
}

TEST(Updates, a_private_attribute_never_becomes_status) {
  Known known;
  learn(known, AttributeChanged{{n1, "p", "1", std::nullopt, true}});
  learn(known, AttributeWritten{n1, "p"});
  EXPECT_TRUE(known.status.nodes[n1].transient.empty());
}

TEST(Updates, forgetting_failures_keeps_the_rest_of_the_history) {
  Known known;
  learn(known, HistoryAdded{n1, report("start", 0, 1)});
  executor::Report failure = report("monitor", 1, 2);
  failure.result.interval = 10s;
  learn(known, HistoryAdded{n1, failure});
  learn(known, HistoryForgotten{n1, ResourceId{"db"}, true});
  const auto& entries = known.status.nodes[n1].history.at(ResourceId{"db"}).entries;
  EXPECT_TRUE(entries.contains("last_0"));
  EXPECT_FALSE(entries.contains("last_failure_0"));
}

/// Else the leader believes for ever that the monitor runs, and never orders it again.
TEST(Updates, a_cancelled_monitor_is_known_to_run_no_more) {
  Known known;
  executor::Report monitor = report("monitor", 0, 2), cancelled = report("cancel", 0, 0);
  monitor.result.interval = cancelled.result.interval = 10s;
  learn(known, HistoryAdded{n1, report("start", 0, 1)});
  learn(known, HistoryAdded{n1, monitor});
  learn(known, HistoryAdded{n1, cancelled});
  EXPECT_FALSE(known.status.nodes[n1].history.at(ResourceId{"db"}).entries.contains("monitor_10000"));
}

TEST(Updates, the_end_of_a_monitor_does_not_make_a_resource_known) {
  Known known;
  learn(known, HistoryAdded{n1, report("cancel", 0, 0)});
  EXPECT_TRUE(known.status.nodes[n1].history.empty());
}

TEST(Updates, a_lost_node_loses_its_attributes_and_keeps_its_history) {
  Known known;
  learn(known, NodeJoined{n1, {{ResourceId{"db"}, {}}}, {{"a", {"1", false}}}});
  learn(known, NodeGone{n1});
  EXPECT_TRUE(known.status.nodes[n1].transient.empty());
  EXPECT_FALSE(known.status.nodes[n1].history.empty());
}

TEST(Messages, every_kind_survives_the_wire) {
  const std::vector<Message> all{
      JoinOffer{},
      JoinRequest{},
      Welcome{},
      OrderTo{},
      ResultOf{report("start", 0, 1)},
      Updates{Term{3, NodeId{1}}, {NodeChanged{n1, "1", true, true, "member", "member"}, Progress{true, {"a"}, {"b"}}}},
      AttributesWanted{{{n1, "a", "1", 5s, true}}},
      Forget{},
      Forward{7, wire::ipc::Why{"vip"}, "root"},
      Forwarded{},
      Leaving{},
      MayLeave{},
      Expelled{{}, "does not answer"},
      replica::Message{replica::Kept{}},
      HoldMe{7},
      Holding{7, {2, NodeId{1}}}};
  EXPECT_EQ(all.size(), std::variant_size_v<Message>);
  for (const Message& message : all) {
    const std::string bytes = wire::encode(message);
    const auto back = wire::decode<Message>(bytes);
    ASSERT_TRUE(back) << message.index();
    EXPECT_EQ(wire::encode(*back), bytes);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(wire::decode<Message>(bytes.substr(0, cut)));
  }
}

}  // namespace
}  // namespace systole::controller
