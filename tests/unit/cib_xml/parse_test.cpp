// SPDX-License-Identifier: GPL-2.0-or-later
// From text to the model's values: every part of the subset, old spellings, references, and what lies beyond the
// subset.
#include <gtest/gtest.h>

#include "tests/unit/cib_xml/samples.hpp"

namespace systole::cib {
namespace {

using Strings = std::vector<std::string>;

Configuration read(const Parts& parts) {
  return good(parse_configuration(cib_of(parts)));
}

TEST(Configuration, holds_versions_properties_and_nodes) {
  const Configuration read_back = read(
      {.properties =
           R"(<cluster_property_set id="other" score="100"><nvpair id="o1" name="stonith-enabled" value="true"/>
                        </cluster_property_set><cluster_property_set id="cib-bootstrap-options">
                        <nvpair id="b1" name="stonith-enabled" value="false"/></cluster_property_set>)",
       .nodes = R"(<node id="1" uname="n1"><instance_attributes id="nodes-1"><nvpair id="nodes-1-standby" name="standby"
                   value="on"/></instance_attributes></node><node id="2" uname="n2" type="member"/>)"});
  EXPECT_EQ(read_back.version, (Version{0, 5, 0}));
  EXPECT_EQ(property(read_back, "stonith-enabled"), "false");
  ASSERT_EQ(read_back.nodes.size(), 2U);
  EXPECT_EQ(read_back.nodes[0].uname.value, "n1");
  EXPECT_EQ(value_of(read_back.nodes[0].attributes, "standby"), "on");
  EXPECT_EQ(read_back.nodes[1].type, "member");
  EXPECT_TRUE(read_back.unsupported.empty());
}

TEST(Configuration, holds_primitives_with_operations_and_attributes) {
  const Configuration c = read({.resources = dummy("vip", R"(
      <meta_attributes id="vip-m"><nvpair id="vip-m-r" name="target-role" value="Started"/></meta_attributes>
      <instance_attributes id="vip-i"><nvpair id="vip-i-ip" name="ip" value="10.0.0.1"/><nvpair id="vip-i-x" name="x"/>
      </instance_attributes>
      <operations><op id="vip-mon" name="monitor" interval="10s" timeout="20s" role="Master" on-fail="restart">
        <instance_attributes id="vip-mon-i"><nvpair id="vip-mon-l" name="OCF_CHECK_LEVEL"
      value="10"/></instance_attributes>
      </op><op id="vip-st" name="start" interval="0"/></operations>)")});
  const Primitive* vip = find_primitive(c, ResourceId{"vip"});
  ASSERT_NE(vip, nullptr);
  EXPECT_EQ(vip->standard + ":" + vip->provider + ":" + vip->type, "ocf:pacemaker:Dummy");
  EXPECT_EQ(all_values(vip->instance), (Pairs{{"ip", "10.0.0.1"}}));
  EXPECT_EQ(value_of(vip->meta, "target-role"), "Started");
  ASSERT_EQ(vip->operations.size(), 2U);
  EXPECT_EQ(vip->operations[0].interval, Duration(10s));
  EXPECT_EQ(vip->operations[0].attributes, (Pairs{{"timeout", "20s"}, {"role", "Promoted"}, {"on-fail", "restart"}}));
  EXPECT_EQ(value_of(vip->operations[0].instance, "OCF_CHECK_LEVEL"), "10");
  EXPECT_EQ(vip->operations[1].interval, Duration{});
}

TEST(Configuration, holds_groups_clones_and_the_old_master) {
  const Configuration c =
      read({.resources = "<group id=\"g\">" + dummy("a") + dummy("b") + "</group><clone id=\"c\"><group id=\"cg\">" +
                         dummy("d") + "</group></clone><master id=\"m\">" + dummy("e") + "</master>"});
  ASSERT_EQ(c.resources.size(), 3U);
  EXPECT_EQ(std::get<Group>(c.resources[0]).members.size(), 2U);
  EXPECT_EQ(std::get<Group>(std::get<Clone>(c.resources[1]).child).members[0].id.value, "d");
  EXPECT_FALSE(std::get<Clone>(c.resources[1]).legacy_master);
  EXPECT_TRUE(std::get<Clone>(c.resources[2]).legacy_master);
  EXPECT_EQ(primitives_of(c).size(), 4U);
}

TEST(Configuration, holds_constraints_with_their_defaults) {
  const Configuration c = read({.resources = dummy("a") + dummy("b"), .constraints = R"(
      <rsc_location id="l1" rsc="a" node="n1" score="INFINITY" role="Slave" resource-discovery="never"/>
      <rsc_location id="l2" rsc="a"><rule id="r" score="-INFINITY" boolean-op="or" role="Master">
        <expression id="e1" attribute="#uname" operation="eq" value="n2"/>
        <rule id="r2"><expression id="e2" attribute="pingd" operation="lt" value="1"
      type="integer"/></rule></rule></rsc_location>
      <rsc_colocation id="c1" rsc="a" with-rsc="b" with-rsc-role="Master" score="-50"/>
      <rsc_colocation id="c2" rsc="a" with-rsc="b"/>
      <rsc_order id="o1" first="a" then="b" first-action="promote"/>
      <rsc_order id="o2" first="a" then="b" kind="Serialize"/>
      <rsc_order id="o3" first="a" then="b" score="0" symmetrical="false"/>)"});
  ASSERT_EQ(c.locations.size(), 2U);
  EXPECT_EQ(c.locations[0],
            (Location{"l1", ResourceId{"a"}, NodeName{"n1"}, Score::infinity(), {}, "Unpromoted", "never"}));
  const Rule& rule = c.locations[1].rules.at(0);
  EXPECT_TRUE(rule.any);
  EXPECT_EQ(rule.score, Score::minus_infinity());
  EXPECT_EQ(rule.role, "Promoted");
  EXPECT_EQ(rule.expressions.at(0), (Expression{"e1", "#uname", "n2", Compare::eq, ValueType::automatic}));
  EXPECT_EQ(rule.rules.at(0).expressions.at(0), (Expression{"e2", "pingd", "1", Compare::lt, ValueType::integer}));
  ASSERT_EQ(c.colocations.size(), 2U);
  EXPECT_EQ(c.colocations[0], (Colocation{"c1", ResourceId{"a"}, ResourceId{"b"}, Score{-50}, "", "Promoted"}));
  EXPECT_EQ(c.colocations[1].score, Score{0});
  ASSERT_EQ(c.orders.size(), 3U);
  EXPECT_EQ(c.orders[0].then_action, "promote");
  EXPECT_TRUE(c.orders[0].symmetrical);
  EXPECT_EQ(c.orders[1].kind, OrderKind::serialize);
  EXPECT_FALSE(c.orders[1].symmetrical);
  EXPECT_EQ(c.orders[2].kind, OrderKind::optional);
  EXPECT_FALSE(c.orders[2].symmetrical);
}

TEST(Configuration, holds_constraints_with_sets_and_patterns) {
  const Configuration c = read({.resources = dummy("a") + dummy("b") + dummy("c"), .constraints = R"(
      <rsc_order id="o1" kind="Optional"><resource_set id="s1" sequential="false" require-all="false" action="stop">
        <resource_ref id="a"/><resource_ref id="b"/></resource_set>
        <resource_set id="s2"><resource_ref id="c"/></resource_set></rsc_order>
      <rsc_order id="o2" first="a" then="b" require-all="false"/>
      <rsc_colocation id="c1" score="20"><resource_set id="s3" role="Master"><resource_ref id="a"/>
        <resource_ref id="b"/></resource_set></rsc_colocation>
      <rsc_location id="l1" rsc-pattern="^a" node="n1" score="5"/>)"});
  ASSERT_EQ(c.orders.size(), 2U);
  ASSERT_EQ(c.orders[0].sets.size(), 2U);
  const ResourceSet& first = c.orders[0].sets[0];
  EXPECT_EQ(first.members, (std::vector{ResourceId{"a"}, ResourceId{"b"}}));
  EXPECT_EQ(first.sequential, false);
  EXPECT_FALSE(first.require_all);
  EXPECT_EQ(first.action, "stop");
  EXPECT_EQ(c.orders[0].sets[1].sequential, std::nullopt);
  EXPECT_TRUE(c.orders[0].sets[1].require_all);
  EXPECT_EQ(c.orders[1].require_all, false);
  EXPECT_EQ(c.colocations.at(0).sets.at(0).role, "Promoted");
  EXPECT_EQ(c.locations.at(0).pattern, "^a");
  EXPECT_TRUE(c.unsupported.empty());
}

TEST(Configuration, leaves_unknown_members_out_of_sets_and_says_so) {
  const Configuration c = read({.resources = dummy("a") + R"(<bundle id="b"/>)", .constraints = R"(
      <rsc_order id="o1"><resource_set id="s1"><resource_ref id="a"/><resource_ref id="b"/></resource_set></rsc_order>)"});
  EXPECT_EQ(c.orders.at(0).sets.at(0).members, (std::vector{ResourceId{"a"}}));
  EXPECT_FALSE(c.unsupported.empty());
}

TEST(Configuration, resolves_id_ref_of_sets_pairs_operations_and_rules) {
  const Configuration c =
      read({.resources = dummy("a", R"(<meta_attributes id="am"><nvpair id="am1" name="x" value="1"/>
      </meta_attributes><operations id="ops"><op id="op1" name="monitor" interval="5"/></operations>)") +
                         dummy("b", R"(<meta_attributes id-ref="am"/><operations id-ref="ops"/>
      <instance_attributes id="bi"><nvpair id-ref="am1"/><nvpair id-ref="am1" name="y"/></instance_attributes>)"),
            .constraints = R"(<rsc_location id="l1" rsc="a"><rule id="r" score="7"><expression id="e"
      attribute="x" operation="defined"/></rule></rsc_location><rsc_location id="l2" rsc="b"><rule
      id-ref="r"/></rsc_location>)"});
  const Primitive* b = find_primitive(c, ResourceId{"b"});
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(value_of(b->meta, "x"), "1");
  EXPECT_EQ(all_values(b->instance), (Pairs{{"x", "1"}, {"y", "1"}}));
  ASSERT_EQ(b->operations.size(), 1U);
  EXPECT_EQ(b->operations[0].interval, Duration(5s));
  EXPECT_EQ(c.locations.at(1).rules, c.locations.at(0).rules);
  EXPECT_TRUE(c.unsupported.empty());
}

TEST(Configuration, a_rule_that_refers_to_its_own_ancestor_is_unsupported_and_ends) {
  const Configuration c = read({.resources = dummy("a"), .constraints = R"(<rsc_location id="l" rsc="a"><rule id="r">
      <rule id-ref="r"/></rule></rsc_location>)"});
  EXPECT_FALSE(c.unsupported.empty());
  EXPECT_EQ(c.locations.at(0).rules.at(0).unsupported, "rule");
}

TEST(Configuration, names_what_it_does_not_act_on) {
  const Configuration c = read(
      {.nodes =
           R"(<node id="1" uname="n1"><utilization id="u"><nvpair id="u1" name="cpu" value="2"/></utilization></node>)",
       .resources =
           R"(<template id="t" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="p" template="t"/>)" +
           dummy("a") + dummy("b") + R"(<bundle id="bu"><podman image="x"/></bundle>)",
       .constraints = R"(<rsc_order id="o1" first="p" then="a"/><rsc_ticket id="ti" rsc="a" ticket="T"/>
           <rsc_location id="l2" rsc="a"><rule id="r" score="1"><date_expression id="d" operation="gt"
      start="2026-01-01"/></rule>
           </rsc_location>)",
       .more = R"(<tags><tag id="tg"><obj_ref id="a"/></tag></tags><alerts><alert id="al" path="/x"/></alerts>)"});
  EXPECT_EQ(c.unsupported, (Strings{"node 1 (utilization)", "template t", "primitive p (made from a template)",
                                    "bundle bu", "rsc_order o1 (first p is out of reach)", "rsc_ticket ti",
                                    "date_expression d", "tag tg", "alert al"}));
  EXPECT_EQ(c.locations.at(0).rules.at(0).unsupported, "date_expression d");
  EXPECT_EQ(primitives_of(c).size(), 2U);
}

TEST(Configuration, reads_resource_and_operation_defaults) {
  const Configuration c = read({.more = R"(<rsc_defaults><meta_attributes id="rd" score="3"><nvpair id="rd1"
      name="resource-stickiness" value="100"/></meta_attributes></rsc_defaults><op_defaults><meta_attributes id="od">
      <nvpair id="od1" name="timeout" value="30s"/></meta_attributes></op_defaults>)"});
  EXPECT_EQ(value_of(c.resource_defaults, "resource-stickiness"), "100");
  EXPECT_EQ(c.resource_defaults.at(0).score, Score{3});
  EXPECT_EQ(value_of(c.operation_defaults, "timeout"), "30s");
}

TEST(Document, of_a_new_cluster_is_valid_and_carries_the_cluster_name) {
  const std::string document = empty_document("my & \"cluster\"");
  const Configuration c = good(parse_configuration(document));
  EXPECT_EQ(c.version, Version{});
  EXPECT_EQ(property(c, "cluster-name"), "my & \"cluster\"");
  EXPECT_TRUE(parse_configuration(empty_document("")));
  EXPECT_EQ(good(to_document(document)), document);
}

TEST(Document, keeps_comments_order_and_parts_that_nobody_here_knows) {
  const std::string document = good(to_document(cib_of(
      {.resources = "<!-- first -->" + dummy("b") + dummy("a") + "<!-- last -->",
       .more = R"(<acls><acl_role id="r"><acl_permission id="p" kind="read" xpath="/cib"/></acl_role></acls>)"})));
  EXPECT_NE(document.find("    <resources>\n      <!-- first -->\n      <primitive id=\"b\""), std::string::npos)
      << document;
  EXPECT_NE(document.find("<!-- last -->\n    </resources>"), std::string::npos);
  EXPECT_NE(document.find("<acl_permission id=\"p\" kind=\"read\" xpath=\"/cib\"/>"), std::string::npos);
  EXPECT_EQ(good(to_document(document)), document) << "printing is not stable";
}

TEST(Document, that_is_not_validated_keeps_unknown_attributes_and_elements) {
  const std::string odd =
      R"(<cib validate-with="none" epoch="1" num_updates="0" admin_epoch="0" colour="blue"><configuration>
      <crm_config/><nodes/><resources><gadget id="x"
      size="9"><part/></gadget></resources><constraints/></configuration></cib>)";
  const std::string document = good(to_document(odd));
  EXPECT_NE(document.find("colour=\"blue\""), std::string::npos);
  EXPECT_NE(document.find("<gadget id=\"x\" size=\"9\">"), std::string::npos);
  EXPECT_EQ(good(parse_configuration(document)).unsupported, (Strings{"gadget x"}));
}

TEST(Document, has_neither_status_nor_the_header_of_the_moment) {
  const std::string document =
      good(to_document(R"(<cib validate-with="pacemaker-3.9" epoch="1" num_updates="7" admin_epoch="2"
      have-quorum="1" dc-uuid="3"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status>
      <node_state id="1" uname="n1"/></status></cib>)"));
  EXPECT_EQ(document.find("node_state"), std::string::npos);
  EXPECT_EQ(document.find("dc-uuid"), std::string::npos);
  EXPECT_EQ(document.find("have-quorum"), std::string::npos);
  EXPECT_EQ(good(parse_configuration(document)).version, (Version{2, 1, 0}));
}

}  // namespace
}  // namespace systole::cib
