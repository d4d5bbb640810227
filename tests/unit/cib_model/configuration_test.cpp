// SPDX-License-Identifier: GPL-2.0-or-later
// Rules and attribute sets: who wins, what matches, and what never does.
#include "cib/model/configuration.hpp"

#include <gtest/gtest.h>

namespace systole::cib {
namespace {

Expression test_of(std::string attribute, Compare operation, std::string value, ValueType type = ValueType::automatic) {
  return {"e", std::move(attribute), std::move(value), operation, type};
}

bool holds(const Expression& expression, const Pairs& attributes = {}) {
  Rule rule;
  rule.expressions = {expression};
  return matches(rule, {"n1", "1", &attributes, true});
}

TEST(Expressions, know_the_built_in_attributes) {
  EXPECT_TRUE(holds(test_of("#uname", Compare::eq, "n1")));
  EXPECT_TRUE(holds(test_of("#id", Compare::eq, "1")));
  EXPECT_TRUE(holds(test_of("#kind", Compare::eq, "cluster")));
  EXPECT_TRUE(holds(test_of("#is_dc", Compare::eq, "true")));
  EXPECT_TRUE(holds(test_of("#uname", Compare::ne, "n2")));
}

TEST(Expressions, about_an_absent_attribute_hold_only_for_ne_and_not_defined) {
  EXPECT_TRUE(holds(test_of("x", Compare::not_defined, "")));
  EXPECT_TRUE(holds(test_of("x", Compare::ne, "1")));
  for (const Compare one : {Compare::defined, Compare::eq, Compare::lt, Compare::gt, Compare::lte, Compare::gte}) {
    EXPECT_FALSE(holds(test_of("x", one, "1")));
  }
}

TEST(Expressions, compare_by_their_type) {
  const Pairs ten{{"x", "10"}};
  EXPECT_TRUE(holds(test_of("x", Compare::gt, "9", ValueType::integer), ten));
  EXPECT_FALSE(holds(test_of("x", Compare::gt, "9", ValueType::string), ten));
  EXPECT_TRUE(holds(test_of("x", Compare::gt, "9"), ten)) << "numbers are compared as numbers unless said otherwise";
  EXPECT_TRUE(holds(test_of("x", Compare::lt, "10.5"), ten));
  EXPECT_TRUE(holds(test_of("x", Compare::lt, "10.0.1", ValueType::version), ten));
  EXPECT_TRUE(holds(test_of("x", Compare::eq, "10.0", ValueType::version), ten));
  EXPECT_TRUE(holds(test_of("x", Compare::eq, "ABC"), {{"x", "abc"}}));
  EXPECT_TRUE(holds(test_of("x", Compare::gte, "10"), ten) && holds(test_of("x", Compare::lte, "10"), ten));
}

TEST(Expressions, with_values_that_are_no_numbers_compare_text) {
  const Pairs word{{"x", "many"}};
  EXPECT_FALSE(holds(test_of("x", Compare::lt, "5", ValueType::integer), word));
  EXPECT_TRUE(holds(test_of("x", Compare::gt, "5", ValueType::number), word));
  EXPECT_TRUE(holds(test_of("x", Compare::ne, "5", ValueType::integer), word));
  EXPECT_TRUE(holds(test_of("x", Compare::eq, "MANY", ValueType::integer), word));
}

TEST(Expressions, read_a_number_as_far_as_it_goes) {
  EXPECT_TRUE(holds(test_of("x", Compare::eq, "3.6", ValueType::integer), {{"x", "3.4"}}));
  EXPECT_FALSE(holds(test_of("x", Compare::eq, "3.6", ValueType::number), {{"x", "3.4"}}));
  EXPECT_TRUE(holds(test_of("x", Compare::lt, "4"), {{"x", "3.4"}})) << "one with a point makes both of them fractions";
}

TEST(Rules, need_all_of_their_parts_or_any) {
  const Expression yes = test_of("#uname", Compare::eq, "n1"), no = test_of("#uname", Compare::eq, "n2");
  Rule rule;
  rule.expressions = {yes, no};
  const RuleSubject subject{"n1", "1"};
  EXPECT_FALSE(matches(rule, subject));
  rule.any = true;
  EXPECT_TRUE(matches(rule, subject));
  Rule outer;
  outer.rules = {rule};
  EXPECT_TRUE(matches(outer, subject));
}

TEST(Rules, with_a_part_that_nobody_understands_never_match) {
  Rule rule;
  rule.any = true;
  rule.expressions = {test_of("#uname", Compare::eq, "n1")};
  rule.unsupported = "date_expression d";
  EXPECT_FALSE(matches(rule, {"n1", "1"}));
}

AttributeSet set_of(int score, Pairs pairs) {
  return {"s", Score{score}, {}, std::move(pairs)};
}

TEST(AttributeSets, the_highest_score_wins_and_then_the_first) {
  const std::vector<AttributeSet> sets = {set_of(0, {{"a", "1"}, {"b", "1"}}), set_of(5, {{"a", "2"}}),
                                          set_of(0, {{"b", "3"}, {"c", "3"}})};
  EXPECT_EQ(value_of(sets, "a"), "2");
  EXPECT_EQ(value_of(sets, "b"), "1");
  EXPECT_EQ(value_of(sets, "c"), "3");
  EXPECT_FALSE(value_of(sets, "d"));
  EXPECT_EQ(all_values(sets), (Pairs{{"a", "2"}, {"b", "1"}, {"c", "3"}}));
}

TEST(AttributeSets, with_a_rule_count_only_where_it_matches) {
  AttributeSet ruled = set_of(9, {{"a", "ruled"}});
  ruled.rule.emplace().expressions = {test_of("#uname", Compare::eq, "n1")};
  const std::vector<AttributeSet> sets = {set_of(0, {{"a", "plain"}}), ruled};
  const RuleSubject here{"n1", "1"}, there{"n2", "2"};
  EXPECT_EQ(value_of(sets, "a", &here), "ruled");
  EXPECT_EQ(value_of(sets, "a", &there), "plain");
  EXPECT_EQ(value_of(sets, "a"), "plain");
}

TEST(Properties, the_bootstrap_set_wins_over_any_score) {
  Configuration configuration;
  configuration.cluster_properties = {set_of(100, {{"x", "other"}, {"y", "other"}})};
  configuration.cluster_properties.push_back({"cib-bootstrap-options", {}, {}, {{"x", "mine"}}});
  EXPECT_EQ(property(configuration, "x"), "mine");
  EXPECT_EQ(property(configuration, "y"), "other");
  EXPECT_FALSE(property(configuration, "z"));
}

Primitive primitive(const std::string& id) {
  Primitive made;
  made.id.value = id;
  return made;
}

TEST(Resources, are_found_at_every_depth) {
  Group group;
  group.id.value = "g";
  group.members = {primitive("a"), primitive("b")};
  Clone clone;
  clone.id.value = "c";
  clone.child = group;
  Configuration configuration;
  configuration.resources = {primitive("p"), clone};
  EXPECT_EQ(primitives_of(configuration).size(), 3U);
  EXPECT_NE(find_primitive(configuration, ResourceId{"b"}), nullptr);
  EXPECT_EQ(find_primitive(configuration, ResourceId{"g"}), nullptr);
  for (const char* inside : {"c", "g", "a", "b"}) {
    ASSERT_NE(find_top(configuration, ResourceId{inside}), nullptr) << inside;
    EXPECT_EQ(id_of(*find_top(configuration, ResourceId{inside})).value, "c");
  }
  EXPECT_EQ(find_top(configuration, ResourceId{"nothing"}), nullptr);
}

TEST(Roles, of_old_configurations_get_their_new_names) {
  EXPECT_EQ(modern_role("Master"), "Promoted");
  EXPECT_EQ(modern_role("Slave"), "Unpromoted");
  EXPECT_EQ(modern_role("Started"), "Started");
}

}  // namespace
}  // namespace systole::cib
