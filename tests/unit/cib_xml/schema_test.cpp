// SPDX-License-Identifier: GPL-2.0-or-later
// Bad input: each case is refused with the element, the line and the reason.
#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "tests/unit/cib_xml/samples.hpp"

namespace systole::cib {
namespace {

Error refused(const std::string& text) {
  const auto result = parse_configuration(text);
  EXPECT_FALSE(result) << "was accepted: " << text;
  return result ? Error{} : result.error();
}

Error refused_with(const Parts& parts) {
  return refused(cib_of(parts));
}

TEST(BrokenXml, is_named_with_line_and_column) {
  const Error error = refused("<cib>\n<configuration>\n</cib>");
  EXPECT_EQ(error.code, Errc::invalid);
  EXPECT_EQ(error.what,
            "the CIB is not well-formed XML: line 3, column 7: Opening and ending tag mismatch: configuration line 2 "
            "and cib");
}

TEST(BrokenXml, of_every_kind_is_refused) {
  for (const std::string text :
       {"", "   \n", "hello", "<", "<cib", "<cib/><cib/>", "<cib a='1' a='2'/>", "<cib>&lt</cib>",
        "<cib>&nothing;</cib>", "\xff\xfe<cib/>", "<cib a=\"\x01\"/>", "<?xml version='1.0'?>"}) {
    EXPECT_EQ(refused(text).code, Errc::invalid) << text;
  }
}

TEST(BrokenXml, with_a_document_type_is_refused_before_any_entity_is_read) {
  const std::string bomb =
      "<?xml version=\"1.0\"?><!DOCTYPE cib [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>"
      "<cib>&b;</cib>";
  EXPECT_EQ(refused(bomb).what, "the CIB holds a document type declaration (<!DOCTYPE …>), which is not allowed");
  EXPECT_EQ(refused("<!DOCTYPE cib SYSTEM \"file:///etc/passwd\"><cib/>").code, Errc::invalid);
}

TEST(BrokenXml, that_is_too_deep_or_too_long_is_refused_with_the_limit) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  for (int i = 0; i < 100; ++i) deep += "</a>";
  EXPECT_EQ(refused(deep).what, "the CIB is nested deeper than 64 elements");
  EXPECT_EQ(refused("<cib>" + std::string(limits::message_bytes_max, ' ') + "</cib>").code, Errc::too_big);
  std::string deeper;
  for (int i = 0; i < 100'000; ++i) deeper += "<a>";
  EXPECT_FALSE(parse_configuration(deeper));
}

TEST(WrongSchema, names_root_missing_sections_and_strangers) {
  EXPECT_EQ(refused("<nodes/>").what, "the document's root is <nodes> (line 1), not <cib>");
  EXPECT_EQ(refused("<cib epoch='1' num_updates='0' admin_epoch='0'/>").what,
            "<cib> (line 1): exactly one <configuration> is needed, not 0");
  const Error error = refused(
      "<cib epoch='1' num_updates='0' admin_epoch='0'><configuration><crm_config/><nodes/>"
      "<resources/></configuration></cib>");
  EXPECT_EQ(error.code, Errc::schema);
  EXPECT_EQ(error.what, "<configuration> (line 1): exactly one <constraints> is needed, not 0");
  EXPECT_EQ(refused_with({.resources = "\n<rsc_order id=\"x\"/>"}).what,
            "<rsc_order id=\"x\"> (line 4) does not belong into <resources> (line 3)");
}

TEST(WrongSchema, names_unknown_missing_and_wrong_attributes) {
  EXPECT_EQ(
      refused_with({.resources = "<primitive id=\"a\" class=\"ocf\" provider=\"p\" type=\"t\" blah=\"7\"/>"}).what,
      "<primitive id=\"a\"> (line 3): unknown attribute 'blah'");
  EXPECT_EQ(refused_with({.resources = "<primitive id=\"a\" class=\"ocf\" type=\"t\"/>"}).what,
            "<primitive id=\"a\"> (line 3): class ocf needs the attribute 'provider'");
  EXPECT_EQ(
      refused_with({.resources = "<primitive id=\"a\" class=\"sysv\" type=\"t\"/>"}).what,
      "<primitive id=\"a\"> (line 3): class=\"sysv\" is none of: ocf lsb systemd service stonith heartbeat upstart "
      "nagios");
  EXPECT_EQ(refused_with({.resources = dummy("a", "<operations><op id=\"o\" interval=\"1\"/></operations>")}).what,
            "<op id=\"o\"> (line 3): attribute 'name' is missing");
  EXPECT_EQ(refused_with(
                {.resources = dummy("a", "<operations><op id=\"o\" name=\"monitor\" interval=\"soon\"/></operations>")})
                .what,
            "<op id=\"o\"> (line 3): interval=\"soon\" is no duration (10s, 500ms, 1min, PT10S)");
  EXPECT_EQ(
      refused_with({.resources = dummy("a",
                                       "<operations><op id=\"o\" name=\"monitor\" interval=\"1\" enabled=\"maybe\"/>"
                                       "</operations>")})
          .what,
      "<op id=\"o\"> (line 3): enabled=\"maybe\" is neither true nor false");
  EXPECT_EQ(refused_with({.resources = "<group id=\"g\"/>"}).what,
            "<group id=\"g\"> (line 3): a group without members");
  EXPECT_EQ(refused_with({.resources = "<clone id=\"c\">" + dummy("a") + dummy("b") + "</clone>"}).what,
            "<clone id=\"c\"> (line 3): exactly one <primitive> or <group> is needed, not 2");
}

TEST(WrongSchema, names_ids_that_are_used_twice_or_are_none) {
  EXPECT_EQ(refused_with(
                {.resources = dummy("a"), .constraints = "<rsc_location id=\"a\" rsc=\"a\" node=\"n\" score=\"1\"/>"})
                .what,
            "<rsc_location id=\"a\"> (line 4) has the same id as <primitive id=\"a\"> (line 3)");
  EXPECT_EQ(
      refused_with({.resources = dummy("1a")}).what,
      "<primitive id=\"1a\"> (line 3): '1a' is no valid id (a letter or _ first, then letters, digits, '.', '-' and "
      "'_')");
  EXPECT_EQ(refused_with({.nodes = "<node id=\"1\" uname=\"n\"/><node id=\"2\" uname=\"n\"/>"}).what,
            "<node id=\"2\"> (line 2): two nodes have this name");
}

TEST(WrongSchema, names_constraints_that_refer_to_nothing_and_scores_that_are_none) {
  const auto constraint = [](const std::string& xml) {
    return refused_with({.resources = dummy("a"), .constraints = xml}).what;
  };
  EXPECT_EQ(constraint("<rsc_location id=\"l\" rsc=\"b\" node=\"n\" score=\"1\"/>"),
            "<rsc_location id=\"l\"> (line 4): rsc=\"b\" names no resource");
  EXPECT_EQ(constraint("<rsc_colocation id=\"l\" rsc=\"a\" with-rsc=\"l\" score=\"1\"/>"),
            "<rsc_colocation id=\"l\"> (line 4): with-rsc=\"l\" names no resource");
  EXPECT_EQ(constraint("<rsc_order id=\"l\" first=\"zz\" then=\"a\"/>"),
            "<rsc_order id=\"l\"> (line 4): first=\"zz\" names no resource");
  EXPECT_EQ(constraint("<rsc_location id=\"l\" rsc=\"a\" node=\"n\" score=\"lots\"/>"),
            "<rsc_location id=\"l\"> (line 4): score=\"lots\" is no score (a whole number, INFINITY or -INFINITY)");
  EXPECT_EQ(constraint("<rsc_location id=\"l\" rsc=\"a\"/>"),
            "<rsc_location id=\"l\"> (line 4): either 'node' with 'score', or <rule> is needed");
  EXPECT_EQ(constraint("<rsc_order id=\"l\" first=\"a\" then=\"a\" kind=\"Sometimes\"/>"),
            "<rsc_order id=\"l\"> (line 4): kind=\"Sometimes\" is none of: Optional Mandatory Serialize");
  EXPECT_EQ(refused_with({.resources = dummy("a", "<meta_attributes id-ref=\"zz\"/>")}).what,
            "<meta_attributes id-ref=\"zz\"> (line 3): id-ref=\"zz\" names nothing");
}

TEST(WrongSchema, lists_several_problems_but_not_all_of_very_many) {
  std::string many;
  for (int i = 0; i < 8; ++i) many += "<rsc_order id=\"o" + std::to_string(i) + "\" first=\"x\" then=\"a\"/>";
  const Error error = refused_with({.resources = dummy("a"), .constraints = many});
  EXPECT_NE(error.what.find("o4"), std::string::npos);
  EXPECT_EQ(error.what.find("o5"), std::string::npos);
  EXPECT_TRUE(error.what.ends_with("; and 3 more")) << error.what;
}

TEST(WrongSchema, that_is_newer_than_ours_or_no_schema_is_refused) {
  EXPECT_EQ(refused(cib_of({}, "validate-with=\"pacemaker-3.10\"")).what,
            "validate-with=\"pacemaker-3.10\" is newer than what is known here (pacemaker-3.9)");
  EXPECT_EQ(refused(cib_of({}, "validate-with=\"sausage\"")).code, Errc::schema);
  EXPECT_EQ(refused(cib_of({}, "validate-with=\"pacemaker-x.y\"")).code, Errc::schema);
  for (const char* good_one : {"pacemaker-3.0", "pacemaker-2.10", "pacemaker-1.2", "none", "pacemaker-next"}) {
    EXPECT_TRUE(parse_configuration(cib_of({}, std::string("validate-with=\"") + good_one + "\""))) << good_one;
  }
}

TEST(WrongSchema, too_many_nodes_are_refused_with_the_limit) {
  std::string nodes;
  for (std::size_t i = 1; i <= limits::nodes_max + 1; ++i) {
    nodes += "<node id=\"" + std::to_string(i) + "\" uname=\"n" + std::to_string(i) + "\"/>";
  }
  const Error error = refused_with({.nodes = nodes});
  EXPECT_EQ(error.code, Errc::too_big);
  EXPECT_EQ(error.what, "the CIB has 33 nodes; the limit is 32");
}

}  // namespace
}  // namespace systole::cib
