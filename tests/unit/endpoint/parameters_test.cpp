// SPDX-License-Identifier: GPL-2.0-or-later
// Which resource is meant, and its parameters as the agent would get them.
#include "tools/endpoint/parameters.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace systole::endpoint {
namespace {

std::string clone(std::string_view id, std::string_view more = {}) {
  return fmt::format(
      R"(<clone id="{0}-clone"><meta_attributes id="{0}-meta"><nvpair id="{0}-p" name="promotable" value="true"/>)"
      R"(</meta_attributes><primitive id="{0}" class="ocf" provider="systole" type="mysql">)"
      R"(<instance_attributes id="{0}-params"><nvpair id="{0}-s" name="socket" value="/run/{0}"/>)"
      R"(<nvpair id="{0}-u" name="test_user" value="checker"/></instance_attributes>{1}</primitive></clone>)",
      id, more);
}

std::string configuration(std::string_view resources) {
  return fmt::format(R"(<configuration><crm_config/><nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>)"
                     R"(<resources>{}<primitive id="vip" class="ocf" provider="systole" type="IPaddr"/></resources>)"
                     R"(<constraints/></configuration>)",
                     resources);
}

Result<Chosen> choose(std::string_view resources, std::string_view wanted = {}, std::string_view node = "n1") {
  const auto read = read_printed(configuration(resources));
  if (!read) return read.error();
  return choose_database(*read, wanted, node);
}

TEST(EndpointParameters, the_only_database_needs_no_name) {
  const auto chosen = choose(clone("db"));
  ASSERT_TRUE(chosen) << chosen.error().what;
  EXPECT_EQ(chosen->resource, "db");
  EXPECT_TRUE(chosen->promotable);
  EXPECT_EQ(chosen->values, (cib::Pairs{{"socket", "/run/db"}, {"test_user", "checker"}}));
}

TEST(EndpointParameters, of_several_one_must_be_named_by_its_id_or_its_clones) {
  const std::string two = clone("db") + clone("shop");
  EXPECT_EQ(choose(two).error().code, Errc::invalid);
  EXPECT_NE(choose(two).error().what.find("db, shop"), std::string::npos);
  EXPECT_EQ(choose(two, "shop")->resource, "shop");
  EXPECT_EQ(choose(two, "db-clone")->resource, "db");
}

TEST(EndpointParameters, what_is_no_database_is_not_taken) {
  EXPECT_EQ(choose(clone("db"), "vip").error().code, Errc::not_found);
  EXPECT_EQ(choose("").error().code, Errc::not_found);
}

TEST(EndpointParameters, a_database_outside_of_a_clone_is_not_promotable) {
  const auto chosen = choose(R"(<primitive id="one" class="ocf" provider="systole" type="mysql"/>)");
  ASSERT_TRUE(chosen);
  EXPECT_FALSE(chosen->promotable);
}

TEST(EndpointParameters, a_set_with_a_rule_counts_on_its_node_alone) {
  const std::string special =
      R"(<instance_attributes id="there" score="5"><rule id="r" score="0"><expression id="e" attribute="#uname" )"
      R"(operation="eq" value="n2"/></rule><nvpair id="there-s" name="socket" value="/run/other"/>)"
      R"(</instance_attributes>)";
  EXPECT_EQ(choose(clone("db", special), {}, "n1")->values.at("socket"), "/run/db");
  EXPECT_EQ(choose(clone("db", special), {}, "n2")->values.at("socket"), "/run/other");
}

TEST(EndpointParameters, what_is_no_configuration_is_an_error) {
  EXPECT_FALSE(read_printed("<configuration>"));
  EXPECT_FALSE(read_printed(""));
}

}  // namespace
}  // namespace systole::endpoint
