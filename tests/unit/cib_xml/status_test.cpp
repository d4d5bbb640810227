// SPDX-License-Identifier: GPL-2.0-or-later
// The status section: written as Pacemaker writes it (its readers use regular expressions), and read back.
#include <gtest/gtest.h>

#include "tests/unit/cib_xml/samples.hpp"

namespace systole::cib {
namespace {

OperationResult monitor_result() {
  OperationResult result;
  result.resource.value = "vip";
  result.operation = "monitor";
  result.interval = 10s;
  result.call_id = 12;
  result.rc = 7;
  result.expected_rc = 0;
  result.exit_reason = "gone \"<&>\"";
  result.transition_key = "4:17:0:00000000-0000-0000-0000-000000000001";
  result.last_rc_change = 1'700'000'000;
  result.exec_ms = 31;
  result.queue_ms = 2;
  result.digests.all = "f2317cad3d54cec5d7d7aa7d0bf35cf8";
  return result;
}

Status sample() {
  NodeState n1;
  n1.id = "1";
  n1.uname.value = "n1";
  n1.member = n1.online = true;
  n1.join = n1.expected = "member";
  n1.transient = {{"fail-count-vip#monitor_10000", "1"}, {"master-db", "INFINITY"}};
  ResourceHistory history{"ocf", "heartbeat", "IPaddr2", {}};
  record(history, monitor_result());
  n1.history[ResourceId{"vip"}] = history;
  NodeState n2;
  n2.id = "2";
  n2.uname.value = "n2";
  Status status;
  status.nodes[n1.uname] = n1;
  status.nodes[n2.uname] = n2;
  return status;
}

/// An lrm_rsc_op as Pacemaker writes it, one line.
std::string result_line(const std::string& id) {
  return "<lrm_rsc_op id=\"" + id +
         "\" operation_key=\"vip_monitor_10000\" operation=\"monitor\" crm-debug-origin=\"systole\""
         " crm_feature_set=\"3.16.1\" transition-key=\"4:17:0:00000000-0000-0000-0000-000000000001\""
         " transition-magic=\"0:7;4:17:0:00000000-0000-0000-0000-000000000001\""
         " exit-reason=\"gone &quot;&lt;&amp;&gt;&quot;\" on_node=\"n1\" call-id=\"12\" rc-code=\"7\" op-status=\"0\""
         " interval=\"10000\" last-rc-change=\"1700000000\" exec-time=\"31\" queue-time=\"2\""
         " op-digest=\"f2317cad3d54cec5d7d7aa7d0bf35cf8\"/>";
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  return text.replace(text.find(what), what.size(), with);
}

TEST(Status, is_rendered_with_pacemakers_names_ids_and_order_of_attributes) {
  const std::string cib = good(render(empty_document(""), {true, "1", 9}, sample()));
  EXPECT_EQ(
      cib.substr(0, cib.find('\n')),
      "<cib crm_feature_set=\"3.16.1\" validate-with=\"pacemaker-3.9\" epoch=\"0\" num_updates=\"9\" admin_epoch=\"0\" "
      "have-quorum=\"1\" dc-uuid=\"1\">");
  const std::string expected = R"(<status>
  <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member" crm-debug-origin="systole">
    <lrm id="1">
      <lrm_resources>
        <lrm_resource id="vip" type="IPaddr2" class="ocf" provider="heartbeat">
          RESULT_last_failure_0
          RESULT_monitor_10000
        </lrm_resource>
      </lrm_resources>
    </lrm>
    <transient_attributes id="1">
      <instance_attributes id="status-1">
        <nvpair id="status-1-fail-count-vip.monitor_10000" name="fail-count-vip#monitor_10000" value="1"/>
        <nvpair id="status-1-master-db" name="master-db" value="INFINITY"/>
      </instance_attributes>
    </transient_attributes>
  </node_state>
  <node_state id="2" uname="n2" in_ccm="false" crmd="offline" join="down" expected="down" crm-debug-origin="systole">
    <lrm id="2">
      <lrm_resources/>
    </lrm>
  </node_state>
</status>
)";
  EXPECT_EQ(good(query(cib, "status", "", false)),
            replaced(replaced(expected, "RESULT_last_failure_0", result_line("vip_last_failure_0")),
                     "RESULT_monitor_10000", result_line("vip_monitor_10000")));
}

TEST(Status, comes_back_as_it_was_rendered) {
  EXPECT_EQ(good(parse_status(good(render(empty_document("x"), {}, sample())))), sample());
}

TEST(Status, without_a_leader_has_no_dc_and_no_quorum) {
  const std::string cib = good(render(empty_document("x"), {}, {}));
  EXPECT_EQ(cib.find("dc-uuid"), std::string::npos);
  EXPECT_NE(cib.find("have-quorum=\"0\""), std::string::npos);
}

TEST(Status, with_bytes_that_xml_cannot_carry_is_still_well_formed) {
  Status status = sample();
  auto& entry = status.nodes.at(NodeName{"n1"}).history.at(ResourceId{"vip"}).entries.at("monitor_10000");
  entry.exit_reason = std::string(
      "a\x01"
      "b\0c\xff\xc3\xa9\xed\xa0\x80",
      11);
  status.nodes.at(NodeName{"n1"}).transient["line"] = "two\nlines\tand \xe2\x82\xac";
  const std::string cib = good(render(empty_document("x"), {}, status));
  const Status back = good(parse_status(cib));
  const NodeState& node = back.nodes.at(NodeName{"n1"});
  EXPECT_EQ(node.history.at(ResourceId{"vip"}).entries.at("monitor_10000").exit_reason, "a?b?c?\xc3\xa9???");
  EXPECT_EQ(node.transient.at("line"), "two\nlines\tand \xe2\x82\xac");
}

TEST(Status, of_other_releases_is_understood) {
  const Status status = good(parse_status(R"(<cib><status>
    <node_state id="1" uname="a" in_ccm="1700000000" crmd="1700000001" join="member" expected="member"><lrm
      id="1"><lrm_resources>
      <lrm_resource id="r:0" type="t" class="lsb"><lrm_rsc_op id="r:0_monitor_0" operation="monitor"
      call-id="3" rc-code="7"
      op-status="0" interval="0"
      transition-magic="0:7;1:2:7:u-u-i-d"/></lrm_resource></lrm_resources></lrm></node_state>
    <node_state id="2" uname="b" in_ccm="0" crmd="0"/><node_state id="3"/></status></cib>)"));
  const NodeState& a = status.nodes.at(NodeName{"a"});
  EXPECT_TRUE(a.member && a.online);
  const OperationResult& result = a.history.at(ResourceId{"r:0"}).entries.at("monitor_0");
  EXPECT_EQ(result.expected_rc, 7);
  EXPECT_EQ(result.transition_key, "1:2:7:u-u-i-d");
  EXPECT_FALSE(status.nodes.at(NodeName{"b"}).member);
  EXPECT_TRUE(status.nodes.contains(NodeName{"3"}));
}

TEST(Status, with_absurd_numbers_is_read_without_harm) {
  const Status status = good(parse_status(R"(<cib><status><node_state id="1" uname="a"><lrm id="1"><lrm_resources>
      <lrm_resource id="r"><lrm_rsc_op id="r_x" interval="9223372036854775807" op-status="77"
      rc-code="99999999999999" call-id="x"/>
      <lrm_rsc_op/></lrm_resource></lrm_resources></lrm></node_state></status></cib>)"));
  const auto& entries = status.nodes.at(NodeName{"a"}).history.at(ResourceId{"r"}).entries;
  EXPECT_EQ(entries.at("x").status, OpStatus::error);
  EXPECT_GT(entries.at("x").interval, Duration{});
}

}  // namespace
}  // namespace systole::cib
