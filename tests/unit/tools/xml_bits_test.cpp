// SPDX-License-Identifier: GPL-2.0-or-later
// As much XML as the attribute tools need.
#include "tools/xml_bits.hpp"

#include <gtest/gtest.h>

#include "common/base/dice.hpp"

namespace systole::tools {
namespace {

TEST(XmlBits, nvpairs_are_found_with_their_values_unescaped) {
  const auto found = find_nvpairs(
      R"(<xpath-query><nvpair id="a" name="x" value="1 &lt; 2 &amp; &quot;3&quot; &#228;"/><nvpairs id="no"/>)"
      "\n<nvpair\n id='b' name='y' value='a>b'></nvpair></xpath-query>");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], (Nvpair{"a", "x", "1 < 2 & \"3\" \xc3\xa4"}));
  EXPECT_EQ(found[1], (Nvpair{"b", "y", "a>b"}));
}

TEST(XmlBits, what_is_escaped_comes_back_as_it_was) {
  const std::string nasty = "<&\">'\n\ttail ]]>";
  EXPECT_EQ(find_attribute("<node id=\"" + escape_xml(nasty) + "\"/>", "node", "id"), nasty);
}

TEST(XmlBits, an_xpath_literal_takes_the_quotes_that_the_text_has_not) {
  EXPECT_EQ(xpath_literal("n1"), "'n1'");
  EXPECT_EQ(xpath_literal("it's"), "\"it's\"");
  EXPECT_EQ(xpath_literal("'\""), std::nullopt);
}

TEST(XmlBits, a_missing_tag_or_attribute_is_no_value) {
  EXPECT_EQ(find_attribute("<a b=\"1\"/>", "x", "b"), std::nullopt);
  EXPECT_EQ(find_attribute("<a b=\"1\"/>", "a", "c"), std::nullopt);
  EXPECT_TRUE(find_nvpairs("").empty());
}

TEST(XmlBits, torn_text_never_crashes) {
  const std::string whole = R"(<node id="1"><nvpair id="a&#65;" name='x' value="&lt;"/></node>)";
  for (std::size_t begin = 0; begin < whole.size(); ++begin)
    for (std::size_t size = 0; size <= whole.size() - begin; ++size) {
      EXPECT_LE(find_nvpairs(whole.substr(begin, size)).size(), 1u);
      find_attribute(whole.substr(begin, size), "node", "id");
    }
}

}  // namespace
}  // namespace systole::tools
