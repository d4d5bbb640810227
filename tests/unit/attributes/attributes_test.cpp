// SPDX-License-Identifier: GPL-2.0-or-later
// Node attributes: values, relative values, dampening, patterns.
#include "crmd/attributes/attributes.hpp"

#include <gtest/gtest.h>

namespace systole::attributes {
namespace {

const NodeName n1{"n1"};
Now at(Duration since_start) {
  return {Time{} + since_start, 0};
}
Change set(std::string name, std::string value, std::optional<Duration> dampening = {}) {
  return {n1, std::move(name), std::move(value), dampening, false};
}

TEST(Attributes, a_relative_value_adds_to_the_present_one) {
  Attributes attributes;
  EXPECT_EQ(*attributes.apply(set("fail-count-db#monitor_10000", "value++")), "1");
  EXPECT_EQ(*attributes.apply(set("fail-count-db#monitor_10000", "value++")), "2");
  EXPECT_EQ(*attributes.apply(set("x", "value+=40")), "40");
  EXPECT_EQ(*attributes.apply(set("x", "INFINITY")), "INFINITY");
  EXPECT_EQ(*attributes.apply(set("x", "value++")), "INFINITY");
}

TEST(Attributes, a_deleted_attribute_is_gone) {
  Attributes attributes;
  static_cast<void>(attributes.apply(set("x", "1")));
  EXPECT_EQ(*attributes.apply({n1, "x", std::nullopt, {}, false}), std::nullopt);
  EXPECT_EQ(attributes.find(n1, "x"), nullptr);
}

TEST(Attributes, a_name_that_xml_cannot_hold_is_refused_with_a_reason) {
  Attributes attributes;
  for (const char* bad : {"", "a b", "a<b", "a\"b"}) {
    const auto result = attributes.apply(set(bad, "1"));
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, Errc::invalid);
  }
}

TEST(Attributes, without_dampening_a_change_is_due_at_once) {
  Attributes attributes;
  attributes.schedule_write(at(5s), set("x", "1"));
  EXPECT_EQ(attributes.due(at(5s)).size(), 1U);
  EXPECT_TRUE(attributes.due(at(5s)).empty());
}

TEST(Attributes, dampening_starts_again_with_each_change) {
  Attributes attributes;
  attributes.schedule_write(at(0s), set("pingd", "1", 5s));
  EXPECT_EQ(attributes.due(at(0s)).size(), 1U) << "a changed delay takes effect by an immediate write";
  attributes.schedule_write(at(1s), set("pingd", "2"));
  attributes.schedule_write(at(4s), set("pingd", "3"));
  EXPECT_EQ(attributes.next_deadline(), at(9s).at);
  EXPECT_TRUE(attributes.due(at(8s)).empty());
  EXPECT_EQ(attributes.due(at(9s)).size(), 1U);
}

TEST(Attributes, a_pattern_finds_names_and_a_broken_one_is_refused) {
  Attributes attributes;
  static_cast<void>(attributes.apply(set("fail-count-db#start_0", "1")));
  static_cast<void>(attributes.apply(set("fail-count-vip#start_0", "1")));
  EXPECT_EQ(attributes.matching(n1, "^fail-count-db#")->size(), 1U);
  EXPECT_FALSE(attributes.matching(n1, "("));
}

TEST(Attributes, what_a_node_said_goes_with_the_node) {
  Attributes attributes;
  static_cast<void>(attributes.apply(set("x", "1")));
  attributes.schedule_write(at(0s), set("x", "1"));
  attributes.forget(n1);
  EXPECT_EQ(attributes.find(n1, "x"), nullptr);
  EXPECT_EQ(attributes.next_deadline(), never);
}

}  // namespace
}  // namespace systole::attributes
