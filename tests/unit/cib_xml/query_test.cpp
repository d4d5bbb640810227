// SPDX-License-Identifier: GPL-2.0-or-later
// cibadmin -Q.
#include <gtest/gtest.h>

#include "common/base/exit_codes.hpp"
#include "tests/unit/cib_xml/samples.hpp"

namespace systole::cib {
namespace {

const std::string sample = cib_of(
    {.nodes = R"(<node id="1" uname="n1"/>)",
     .resources = dummy("d1", "<operations><op id=\"o\" name=\"start\" interval=\"0\"/></operations>") + dummy("d2")});

std::string ask(const std::string& scope, const std::string& xpath, bool no_children = false) {
  return good(query(sample, scope, xpath, no_children));
}

TEST(Query, of_a_section_gives_the_section) {
  EXPECT_EQ(ask("nodes", ""), "<nodes>\n  <node id=\"1\" uname=\"n1\"/>\n</nodes>\n");
  EXPECT_EQ(ask("resources", "", true), "<resources/>\n");
  EXPECT_EQ(ask("status", ""), "<status/>\n");
}

TEST(Query, of_an_absent_section_finds_nothing_and_of_an_unknown_one_gives_all) {
  const auto absent = query(sample, "fencing-topology", "", false);
  ASSERT_FALSE(absent);
  EXPECT_EQ(exit_code_of(absent.error()), 105);
  EXPECT_EQ(ask("nosuch", ""), ask("", ""));
  EXPECT_EQ(ask("cib", "", true),
            "<cib crm_feature_set=\"3.16.1\" validate-with=\"pacemaker-3.9\" epoch=\"5\" num_updates=\"0\" "
            "admin_epoch=\"0\"/>\n");
}

TEST(Query, by_xpath_gives_one_match_bare_and_several_wrapped) {
  EXPECT_EQ(ask("", "//primitive[@id='d2']"),
            "<primitive id=\"d2\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"/>\n");
  EXPECT_EQ(ask("status", "//primitive", true), R"(<xpath-query>
  <primitive id="d1" class="ocf" provider="pacemaker" type="Dummy"/>
  <primitive id="d2" class="ocf" provider="pacemaker" type="Dummy"/>
</xpath-query>
)");
  EXPECT_EQ(ask("", "//node/@uname"), "<node id=\"1\" uname=\"n1\"/>\n");
}

TEST(Query, by_an_xpath_without_match_or_sense_says_so) {
  EXPECT_EQ(query(sample, "", "//foo", false).error().code, Errc::not_found);
  EXPECT_EQ(query(sample, "", "///[", false).error().code, Errc::invalid);
  EXPECT_EQ(query(sample, "", "count(//node)", false).error().code, Errc::not_found);
  EXPECT_EQ(query(sample, "", std::string(100'000, '('), false).error().code, Errc::too_big);
  EXPECT_EQ(query(sample, "", "//namespace::*", false).error().code, Errc::not_found);
}

TEST(Query, by_an_xpath_that_would_take_forever_is_cut_off) {
  std::string many;
  for (int i = 0; i < 400; ++i) many += dummy("p" + std::to_string(i));
  const std::string big = cib_of({.resources = many});
  const auto answer = query(big, "", "//*[count(//*[count(//*[count(//*) > 1]) > 1]) > 1]", false);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::invalid);
}

TEST(Query, for_paths_names_each_match) {
  EXPECT_EQ(good(query_paths(sample, "//primitive | //op")),
            (std::vector<std::string>{"/cib/configuration/resources/primitive[@id='d1']",
                                      "/cib/configuration/resources/primitive[@id='d1']/operations/op[@id='o']",
                                      "/cib/configuration/resources/primitive[@id='d2']"}));
}

}  // namespace
}  // namespace systole::cib
