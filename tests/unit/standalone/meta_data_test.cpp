// SPDX-License-Identifier: GPL-2.0-or-later
// What agents say of themselves: read from any provider's XML, judged, and compared with what a person typed.
#include <gtest/gtest.h>

#include "cib/xml/agent_meta_data.hpp"
#include "tools/agent/about_agent.hpp"
#include "tools/agent/meta_data_rules.hpp"

namespace systole::tools {
namespace {

const std::string sound = R"(<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd" [
<!ATTLIST parameter reloadable (1|0) "1">
<!ENTITY boom "boom">
]>
<resource-agent name="Dummy" version="2">
<version>1.1</version>
<longdesc lang="de">Lang</longdesc><longdesc lang="en">A long
   story</longdesc>
<shortdesc lang="en">Short</shortdesc>
<parameters>
<parameter name="state" unique="1" required="true">
<longdesc lang="en">Where</longdesc><shortdesc lang="en">State file</shortdesc><content type="string" default="/run/x"/>
</parameter>
<parameter name="sleep" unique-group="s" reloadable="1"><deprecated>use state</deprecated>
<longdesc lang="en">How long</longdesc><shortdesc lang="en">Pause</shortdesc><content type="integer" default="5"/>
</parameter>
</parameters>
<actions>
<action name="start" timeout="40s"/><action name="stop" timeout="20"/>
<action name="monitor" timeout="10s" interval="10s" depth="0" role="Promoted"/><action name="meta-data" timeout="5s"/>
</actions>
</resource-agent>
)";

std::string without(std::string text, std::string_view part, std::string_view instead = "") {
  return text.replace(text.find(part), part.size(), instead);
}

TEST(AgentMetaData, are_read_whatever_doctype_they_carry) {
  const auto data = cib::parse_agent_meta_data(sound, "it");
  ASSERT_TRUE(data) << data.error().what;
  EXPECT_EQ(data->name, "Dummy");
  EXPECT_EQ(data->ocf_version, "1.1");
  EXPECT_EQ(data->about, "A long story");
  EXPECT_EQ(data->brief, "Short");
  ASSERT_EQ(data->parameters.size(), 2U);
  EXPECT_EQ(data->parameters[0],
            (cib::AgentParameter{"state", "string", "State file", "Where", "/run/x", true, true, false, ""}));
  EXPECT_EQ(data->parameters[1],
            (cib::AgentParameter{"sleep", "integer", "Pause", "How long", "5", false, true, true, "use state"}));
  EXPECT_EQ(data->actions.at(2), (cib::AgentAction{"monitor", "10s", "10s", "Promoted", "0"}));
}

TEST(AgentMetaData, that_are_no_meta_data_are_refused_by_name) {
  for (const char* const text : {"", "no xml", "<resource-agent>", "<other/>"}) {
    const auto data = cib::parse_agent_meta_data(text, "the meta-data of x");
    ASSERT_FALSE(data) << text;
    EXPECT_TRUE(data.error().what.starts_with("the meta-data of x")) << data.error().what;
  }
}

TEST(AgentMetaData, take_in_nothing_that_a_doctype_declares) {
  const auto data = cib::parse_agent_meta_data(without(sound, "Short", "a &boom; b"), "it");
  EXPECT_TRUE(!data || data->brief.find("boom") == std::string::npos);
  EXPECT_FALSE(cib::parse_agent_meta_data(sound, "it")->parameters[0].reloadable) << "a default out of the doctype";
}

TEST(MetaDataRules, find_each_fault_and_none_in_sound_ones) {
  const auto broken = [](const std::string& xml, std::string_view type = "Dummy") {
    std::string all;
    for (const RuleResult& result : judge_meta_data(*cib::parse_agent_meta_data(xml, "it"), type))
      if (!result.instead.empty()) all += result.rule + ": " + result.instead + "\n";
    return all;
  };
  EXPECT_EQ(broken(sound), "");
  EXPECT_NE(broken(sound, "Other").find("'Dummy'"), std::string::npos);
  struct Case {
    const char *part, *instead, *fault;
  };
  const Case cases[] = {
      {"<version>1.1</version>", "", "no <version>"},
      {"name=\"stop\"", "name=\"promote\"", "not listed: stop"},
      {"name=\"stop\"", "name=\"promote\"", "one of them is listed alone"},
      {"timeout=\"40s\"", "", "start has ''"},
      {"timeout=\"40s\"", "timeout=\"0\"", "start has '0'"},
      {"name=\"sleep\"", "name=\"state\"", "state is there twice"},
      {"name=\"sleep\"", "", "one without a name"},
      {"type=\"integer\"", "type=\"number\"", "sleep has the type 'number'"},
      {"default=\"5\"", "default=\"five\"", "sleep is no integer: 'five'"},
      {"Pause", "", "sleep"},
      {"Short", "", "the agent itself"},
  };
  for (const Case& one : cases) {
    const std::string found = broken(without(sound, one.part, one.instead));
    EXPECT_NE(found.find(one.fault), std::string::npos) << one.fault << " → " << found;
  }
}

TEST(Parameters, are_compared_with_what_the_agent_has) {
  const auto data = *cib::parse_agent_meta_data(sound, "it");
  EXPECT_TRUE(faults_of(data, {{"state", "/x"}, {"OCF_CHECK_LEVEL", "10"}}).empty());
  EXPECT_EQ(faults_of(data, {{"state", "/x"}, {"slep", "1"}}),
            (std::vector<std::string>{"Dummy has no parameter 'slep'; did you mean 'sleep'?"}));
  EXPECT_TRUE(faults_of(data, {}).empty()) << "what is required has a default";
  const auto bare = *cib::parse_agent_meta_data(without(sound, " default=\"/run/x\""), "it");
  EXPECT_EQ(faults_of(bare, {}), (std::vector<std::string>{"Dummy needs 'state': State file"}));
  EXPECT_EQ(unknown_parameters(data, {{"zzz", ""}}), (std::vector<std::string>{"Dummy has no parameter 'zzz'"}));
}

TEST(Actions, have_the_time_that_the_agent_advertises) {
  const auto data = *cib::parse_agent_meta_data(sound, "it");
  EXPECT_EQ(timeout_of(data, "start"), 40s);
  EXPECT_EQ(timeout_of(data, "stop"), 20s);
  EXPECT_EQ(timeout_of(data, "notify"), 20s);
  EXPECT_TRUE(offers(data, "monitor"));
  EXPECT_FALSE(offers(data, "promote"));
}

}  // namespace
}  // namespace systole::tools
