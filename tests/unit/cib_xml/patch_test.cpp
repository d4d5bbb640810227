// SPDX-License-Identifier: GPL-2.0-or-later
// Differences in Pacemaker's patch format 2. The texts expected here were compared with crm_diff 2.1.5; the property
// that matters, a patch makes the new document out of the old one, is tried on many random pairs.
#include <gtest/gtest.h>

#include "tests/unit/cib_xml/random_cib.hpp"
#include "tests/unit/cib_xml/samples.hpp"

namespace systole::cib {
namespace {

std::string cib_with(const std::string& resources) {
  return good(to_document(cib_of({.resources = resources})));
}

std::string changes(const std::string& from, const std::string& to) {
  return good(diff(cib_with(from), cib_with(to), false));
}

TEST(Diff, of_equal_documents_is_empty) {
  EXPECT_EQ(changes(dummy("a"), dummy("a")), "");
  EXPECT_EQ(changes(dummy("a"), "<primitive type=\"Dummy\" id=\"a\" class=\"ocf\" provider=\"pacemaker\"/>"), "");
}

TEST(Diff, of_an_attribute_names_what_was_set_and_unset) {
  EXPECT_EQ(changes("<primitive id=\"a\" class=\"ocf\" provider=\"p\" type=\"t\"/>",
                    "<primitive id=\"a\" class=\"lsb\" type=\"t\"/>"),
            R"(<diff format="2">
  <change operation="modify" path="/cib/configuration/resources/primitive[@id='a']">
    <change-list>
      <change-attr name="class" operation="set" value="lsb"/>
      <change-attr name="provider" operation="unset"/>
    </change-list>
    <change-result>
      <primitive id="a" class="lsb" type="t"/>
    </change-result>
  </change>
</diff>
)");
}

TEST(Diff, lists_deletes_first_and_then_what_is_new_in_document_order) {
  EXPECT_EQ(changes(dummy("a") + dummy("b"), dummy("x") + dummy("b")), R"(<diff format="2">
  <change operation="delete" path="/cib/configuration/resources/primitive[@id='a']"/>
  <change operation="create" path="/cib/configuration/resources" position="0">
    <primitive id="x" class="ocf" provider="pacemaker" type="Dummy"/>
  </change>
</diff>
)");
}

TEST(Diff, of_order_is_a_move_and_of_a_comment_names_its_position) {
  EXPECT_EQ(changes(dummy("a") + dummy("b"), dummy("b") + dummy("a")), R"(<diff format="2">
  <change operation="move" path="/cib/configuration/resources/primitive[@id='b']" position="0"/>
</diff>
)");
  EXPECT_EQ(changes("<!-- one -->" + dummy("a"), dummy("a")), R"(<diff format="2">
  <change operation="delete" path="/cib/configuration/resources/comment" position="0"/>
</diff>
)");
}

TEST(Diff, carries_versions_when_asked) {
  const std::string from = cib_with(""), to = cib_with(dummy("a"));
  EXPECT_NE(good(diff(from, to, true)).find("<source admin_epoch=\"0\" epoch=\"5\" num_updates=\"0\"/>"),
            std::string::npos);
  EXPECT_EQ(good(diff(from, to, false)).find("<version>"), std::string::npos);
}

TEST(Diff, replaces_the_parent_where_paths_cannot_name_a_child) {
  const auto fence = [](const std::string& inner) {
    return "<bundle id=\"b\"><storage>" + inner + "</storage></bundle>";
  };
  const std::string patch = changes(fence("<m a=\"1\"/><m a=\"2\"/>"), fence("<m a=\"1\"/><m a=\"3\"/>"));
  EXPECT_NE(patch.find("operation=\"delete\" path=\"/cib/configuration/resources/bundle[@id='b']/storage\""),
            std::string::npos)
      << patch;
  EXPECT_NE(changes("<bundle id=\"b\">some</bundle>", "<bundle id=\"b\">other</bundle>"), "");
}

TEST(Patch, makes_the_new_document_out_of_the_old_one_whatever_they_are) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    Dice dice(seed);
    const std::string from = random_cib(dice), to = random_cib(dice);
    const std::string patch = good(diff(from, to, false));
    if (patch.empty()) {
      ASSERT_EQ(from, to) << "seed " << seed;
      continue;
    }
    const auto changed = apply(from, {}, {}, {.change = Change::patch, .xml = patch}, 0);
    ASSERT_TRUE(changed) << "seed " << seed << ": " << changed.error().what;
    ASSERT_EQ(good(query(changed->document, "configuration", "", false)), good(query(to, "configuration", "", false)))
        << "seed " << seed << "\n"
        << from << patch;
  }
}

}  // namespace
}  // namespace systole::cib
