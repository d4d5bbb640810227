// SPDX-License-Identifier: GPL-2.0-or-later
// cibadmin's changes: what finds its place where, which version comes out, and that a refused change changes nothing.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/base/exit_codes.hpp"
#include "tests/unit/cib_xml/samples.hpp"

namespace systole::cib {
namespace {

constexpr std::int64_t sunday = 1'795'348'800;  // 2026-11-22 12:00:00 UTC

class CibChange : public testing::Test {
 protected:
  CibChange() {
    NodeState node;
    node.id = "1";
    node.uname.value = "n1";
    node.member = node.online = true;
    node.join = node.expected = "member";
    node.transient = {{"pingd", "100"}, {"fail-count-d1#monitor_10000", "2"}};
    status_.nodes[node.uname] = node;
  }

  Result<Changed> change(Request request) { return apply(document_, header_, status_, request, sunday); }
  Changed done(Request request) {
    const auto result = change(std::move(request));
    EXPECT_TRUE(result) << result.error().what;
    return result ? *result : Changed{};
  }
  Configuration now(const Changed& changed) { return good(parse_configuration(changed.document)); }
  Errc failure(Request request) {
    const auto result = change(std::move(request));
    EXPECT_FALSE(result);
    return result ? Errc{} : result.error().code;
  }

  std::string document_ = good(to_document(
      cib_of({.properties =
                  R"(<cluster_property_set id="cib-bootstrap-options"><nvpair id="cib-bootstrap-options-stonith-enabled"
                        name="stonith-enabled" value="false"/></cluster_property_set>)",
              .nodes = R"(<node id="1" uname="n1"/><node id="2" uname="n2"/>)",
              .resources = "<!-- ours -->" +
                           dummy("d1", R"(<operations><op id="d1-mon" name="monitor" interval="10s"/></operations>)") +
                           dummy("d2")})));
  Header header_{true, "1", 3};
  Status status_;
};

TEST_F(CibChange, create_adds_to_a_section_and_raises_the_epoch) {
  const Changed changed = done({.change = Change::create,
                                .scope = "resources",
                                .xml = dummy("d3"),
                                .origin = "n1",
                                .client = "cibadmin",
                                .user = "root"});
  EXPECT_TRUE(changed.configuration);
  EXPECT_FALSE(changed.status);
  EXPECT_EQ(now(changed).version, (Version{0, 6, 0}));
  EXPECT_NE(find_primitive(now(changed), ResourceId{"d3"}), nullptr);
  EXPECT_EQ(
      changed.document.substr(0, changed.document.find('\n')),
      "<cib crm_feature_set=\"3.16.1\" validate-with=\"pacemaker-3.9\" epoch=\"6\" num_updates=\"0\" admin_epoch=\"0\" "
      "cib-last-written=\"Sun Nov 22 12:00:00 2026\" update-origin=\"n1\" update-client=\"cibadmin\" "
      "update-user=\"root\">");
  EXPECT_NE(changed.document.find("<!-- ours -->"), std::string::npos);
  EXPECT_NE(changed.document.find("<status/>"), std::string::npos);
}

TEST_F(CibChange, create_takes_a_section_with_several_children) {
  const Changed changed = done({.change = Change::create,
                                .scope = "resources",
                                .xml = "<resources>" + dummy("x") + dummy("y") + "</resources>"});
  EXPECT_EQ(primitives_of(now(changed)).size(), 4U);
}

TEST_F(CibChange, create_makes_a_section_that_the_schema_lets_be_absent) {
  const std::string set =
      R"(<meta_attributes id="rd"><nvpair id="rd1" name="resource-stickiness" value="1"/></meta_attributes>)";
  EXPECT_EQ(now(done({.change = Change::create, .scope = "rsc_defaults", .xml = set})).resource_defaults.size(), 1U);
  EXPECT_EQ(
      now(done({.change = Change::create, .scope = "configuration", .xml = "<rsc_defaults>" + set + "</rsc_defaults>"}))
          .resource_defaults.size(),
      1U);
}

TEST_F(CibChange, create_puts_a_child_into_the_element_of_an_xpath) {
  const Changed changed =
      done({.change = Change::create, .xpath = "//primitive[@id='d2']", .xml = "<meta_attributes id=\"d2-m\"/>"});
  EXPECT_EQ(find_primitive(now(changed), ResourceId{"d2"})->meta.size(), 1U);
  EXPECT_EQ(failure({.change = Change::create, .xpath = "//primitive[@id='zz']", .xml = "<meta_attributes id=\"m\"/>"}),
            Errc::not_found);
}

TEST_F(CibChange, create_of_what_exists_is_refused) {
  const auto result = change({.change = Change::create, .scope = "resources", .xml = dummy("d1")});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what,
            "<primitive id=\"d1\"> (line 1) exists already: /cib/configuration/resources/primitive[@id='d1']");
  EXPECT_EQ(exit_code_of(result.error()), 108);
}

TEST_F(CibChange, create_without_a_place_asks_for_one) {
  EXPECT_EQ(failure({.change = Change::create, .xml = dummy("d3")}), Errc::not_found);
  EXPECT_EQ(failure({.change = Change::create, .scope = "nosuch", .xml = dummy("d3")}), Errc::schema);
  EXPECT_EQ(failure({.change = Change::create, .scope = "resources", .xml = "<primitive id="}), Errc::invalid);
}

TEST_F(CibChange, create_whose_result_is_no_valid_cib_is_refused) {
  const auto result = change({.change = Change::create,
                              .scope = "constraints",
                              .xml = R"(<rsc_location id="l" rsc="nope" node="n1" score="1"/>)"});
  ASSERT_FALSE(result);
  EXPECT_EQ(exit_code_of(result.error()), 78);
  EXPECT_NE(result.error().what.find("rsc=\"nope\" names no resource"), std::string::npos);
}

TEST_F(CibChange, modify_merges_attributes_and_children) {
  const Changed changed =
      done({.change = Change::modify,
            .scope = "resources",
            .xml = R"(<primitive id="d1" provider="heartbeat"><operations><op id="d1-mon" interval="5s"/>
                                <op id="d1-start" name="start" interval="0"/></operations></primitive>)"});
  const Configuration after = now(changed);
  const Primitive* d1 = find_primitive(after, ResourceId{"d1"});
  EXPECT_EQ(d1->provider, "heartbeat");
  EXPECT_EQ(d1->type, "Dummy");
  ASSERT_EQ(d1->operations.size(), 2U);
  EXPECT_EQ(d1->operations[0].name, "monitor");
  EXPECT_EQ(d1->operations[0].interval, Duration(5s));
}

TEST_F(CibChange, modify_finds_an_element_by_its_id_wherever_it_is) {
  const Changed changed =
      done({.change = Change::modify, .xml = R"(<nvpair id="cib-bootstrap-options-stonith-enabled" value="true"/>)"});
  EXPECT_EQ(property(now(changed), "stonith-enabled"), "true");
}

TEST_F(CibChange, modify_of_what_is_missing_fails_unless_it_may_create) {
  EXPECT_EQ(failure({.change = Change::modify, .scope = "resources", .xml = dummy("d7")}), Errc::not_found);
  const Changed changed =
      done({.change = Change::modify, .scope = "resources", .xml = dummy("d7"), .allow_create = true});
  EXPECT_NE(find_primitive(now(changed), ResourceId{"d7"}), nullptr);
}

TEST_F(CibChange, modify_can_count_upwards) {
  const Changed changed = done({.change = Change::modify, .xml = R"(<nvpair id="status-1-pingd" value="value++"/>)"});
  ASSERT_TRUE(changed.status);
  EXPECT_FALSE(changed.configuration);
  EXPECT_EQ(changed.document, document_);
  EXPECT_EQ(changed.status->nodes.at(NodeName{"n1"}).transient.at("pingd"), "101");
  const Changed more =
      done({.change = Change::modify, .xml = R"(<nvpair id="status-1-pingd" value="value+=INFINITY"/>)"});
  EXPECT_EQ(more.status->nodes.at(NodeName{"n1"}).transient.at("pingd"), "INFINITY");
}

TEST_F(CibChange, that_changes_nothing_raises_no_version) {
  const Changed changed = done({.change = Change::modify, .scope = "resources", .xml = dummy("d2")});
  EXPECT_FALSE(changed.configuration);
  EXPECT_FALSE(changed.status);
  EXPECT_EQ(changed.document, document_);
}

TEST_F(CibChange, replace_puts_the_new_element_into_the_old_ones_place) {
  const Changed changed =
      done({.change = Change::replace, .scope = "resources", .xml = R"(<primitive id="d1" class="lsb" type="x"/>)"});
  const Configuration after = now(changed);
  EXPECT_EQ(id_of(after.resources.at(0)).value, "d1");
  EXPECT_EQ(std::get<Primitive>(after.resources[0]).standard, "lsb");
  EXPECT_TRUE(std::get<Primitive>(after.resources[0]).operations.empty());
  EXPECT_EQ(failure({.change = Change::replace, .scope = "resources", .xml = dummy("zz")}), Errc::not_found);
}

TEST_F(CibChange, replace_of_the_configuration_keeps_the_status) {
  const Changed changed =
      done({.change = Change::replace,
            .xml = "<configuration><crm_config/><nodes/><resources/><constraints/></configuration>"});
  EXPECT_TRUE(now(changed).resources.empty());
  EXPECT_FALSE(changed.status);
}

TEST_F(CibChange, replace_of_everything_never_brings_an_old_status_back) {
  const std::string saved =
      R"(<cib epoch="5" num_updates="3" admin_epoch="0"><configuration><crm_config/><nodes/><resources/>
      <constraints/></configuration><status><node_state id="9" uname="ghost" crmd="online"/></status></cib>)";
  const Changed changed = done({.change = Change::replace, .xml = saved});
  EXPECT_EQ(now(changed).version, (Version{0, 6, 0}));
  EXPECT_FALSE(changed.status);
  EXPECT_NE(changed.document.find("validate-with=\"pacemaker-3.9\""), std::string::npos);
}

TEST_F(CibChange, replace_by_an_older_version_is_refused_and_a_newer_one_counts_on) {
  const auto whole = [](const std::string& version) {
    return "<cib validate-with=\"pacemaker-3.9\" " + version +
           "><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>";
  };
  for (const char* older :
       {R"(epoch="4" num_updates="9" admin_epoch="0")", R"(epoch="5" num_updates="2" admin_epoch="0")"}) {
    const auto result = change({.change = Change::replace, .xml = whole(older)});
    ASSERT_FALSE(result);
    EXPECT_EQ(exit_code_of(result.error()), 103);
  }
  EXPECT_EQ(
      now(done({.change = Change::replace, .xml = whole(R"(epoch="9" num_updates="0" admin_epoch="0")")})).version,
      (Version{0, 10, 0}));
  EXPECT_EQ(
      now(done({.change = Change::replace, .xml = whole(R"(epoch="0" num_updates="0" admin_epoch="1")")})).version,
      (Version{1, 1, 0}));
}

TEST_F(CibChange, erase_takes_the_first_element_whose_attributes_all_match) {
  EXPECT_EQ(primitives_of(now(done({.change = Change::erase, .xml = "<primitive id=\"d2\"/>"}))).size(), 1U);
  EXPECT_EQ(now(done({.change = Change::erase, .scope = "nodes", .xml = "<node uname=\"n1\"/>"})).nodes.size(), 1U);
  EXPECT_FALSE(done({.change = Change::erase, .xml = "<primitive id=\"d2\" class=\"lsb\"/>"}).configuration);
  EXPECT_FALSE(done({.change = Change::erase, .xml = "<primitive id=\"d9\"/>"}).configuration);
}

TEST_F(CibChange, erase_by_xpath_takes_one_match_or_all) {
  EXPECT_EQ(primitives_of(now(done({.change = Change::erase, .xpath = "//primitive"}))).size(), 1U);
  EXPECT_TRUE(
      now(done({.change = Change::erase, .xpath = "//primitive | //op", .all_matches = true})).resources.empty());
  EXPECT_FALSE(done({.change = Change::erase, .xpath = "//nothing"}).configuration);
  EXPECT_EQ(failure({.change = Change::erase, .xpath = "/cib"}), Errc::invalid);
  EXPECT_EQ(failure({.change = Change::erase, .xpath = "//resources"}), Errc::schema);
  EXPECT_EQ(failure({.change = Change::erase, .xpath = "///["}), Errc::invalid);
}

TEST_F(CibChange, erase_of_a_node_state_touches_the_status_alone) {
  const Changed changed = done({.change = Change::erase, .scope = "status", .xml = "<node_state uname=\"n1\"/>"});
  ASSERT_TRUE(changed.status);
  EXPECT_TRUE(changed.status->nodes.empty());
  EXPECT_FALSE(changed.configuration);
  EXPECT_EQ(changed.document, document_);
}

TEST_F(CibChange, patch_of_a_transient_attribute_reaches_the_status) {
  const Changed changed = done({.change = Change::patch, .xml = R"(<diff format="2"><change operation="create"
      path="/cib/status/node_state[@id='1']/transient_attributes[@id='1']/instance_attributes[@id='status-1']"
      position="0">
      <nvpair id="status-1-standby" name="standby" value="on"/></change></diff>)"});
  ASSERT_TRUE(changed.status);
  EXPECT_EQ(changed.status->nodes.at(NodeName{"n1"}).transient.at("standby"), "on");
  EXPECT_EQ(changed.status->nodes.at(NodeName{"n1"}).transient.at("fail-count-d1#monitor_10000"), "2");
}

TEST_F(CibChange, patch_with_versions_fits_only_the_version_it_was_made_from) {
  const auto patch = [](const char* source, const char* target) {
    return fmt::format(R"(<diff format="2"><version><source admin_epoch="0" {}/><target admin_epoch="0" {}/></version>
        <change operation="modify" path="/cib"><change-list><change-attr name="epoch" operation="set"
      value="8"/></change-list>
        <change-result/></change><change operation="delete" path="//primitive[@id='d2']"/></diff>)",
                       source, target);
  };
  const char* const current = R"(epoch="5" num_updates="3")";
  const Changed changed = done({.change = Change::patch, .xml = patch(current, R"(epoch="8" num_updates="0")")});
  EXPECT_EQ(now(changed).version, (Version{0, 8, 0}));
  EXPECT_EQ(primitives_of(now(changed)).size(), 1U);
  EXPECT_EQ(
      failure({.change = Change::patch, .xml = patch(R"(epoch="4" num_updates="3")", R"(epoch="8" num_updates="0")")}),
      Errc::old_version);
  EXPECT_EQ(failure({.change = Change::patch, .xml = patch(current, current)}), Errc::old_version);
  EXPECT_EQ(
      failure({.change = Change::patch, .xml = patch(R"(epoch="7" num_updates="0")", R"(epoch="8" num_updates="0")")}),
      Errc::refused);
}

TEST_F(CibChange, patch_that_does_not_fit_changes_nothing_and_names_the_change) {
  const auto result = change({.change = Change::patch, .xml = R"(<diff format="2">
      <change operation="delete" path="/cib/configuration/resources/primitive[@id='d1']"/>
      <change operation="create" path="/cib/configuration/nope" position="0"><x/></change></diff>)"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what,
            "the patch does not fit: create of '/cib/configuration/nope': there is no such element");
  EXPECT_EQ(exit_code_of(result.error()), 1);
  for (const char* bad : {"<foo/>", "<diff/>", "<diff format=\"1\"/>"}) {
    EXPECT_EQ(failure({.change = Change::patch, .xml = bad}), Errc::invalid) << bad;
  }
  for (const char* bad :
       {"<change operation=\"frob\" path=\"/cib\"/>", "<change operation=\"delete\" path=\"/cib\"/>",
        "<change operation=\"move\" path=\"/cib\" position=\"1\"/>", "<change operation=\"modify\" path=\"/cib\"/>",
        "<change operation=\"create\" path=\"/cib\"/>"}) {
    EXPECT_EQ(failure({.change = Change::patch, .xml = std::string("<diff format=\"2\">") + bad + "</diff>"}),
              Errc::refused)
        << bad;
  }
}

TEST_F(CibChange, bump_raises_the_epoch_alone) {
  const Changed changed = done({.change = Change::bump});
  EXPECT_TRUE(changed.configuration);
  EXPECT_EQ(now(changed).version, (Version{0, 6, 0}));
}

TEST_F(CibChange, of_the_version_itself_may_only_rise) {
  EXPECT_EQ(now(done({.change = Change::modify, .xml = "<cib admin_epoch=\"3\"/>"})).version, (Version{3, 5, 0}));
  EXPECT_EQ(failure({.change = Change::modify, .xml = "<cib epoch=\"3\"/>"}), Errc::old_version);
}

TEST_F(CibChange, upgrade_moves_to_the_newest_schema) {
  document_ = good(to_document(cib_of({.resources = dummy("a")}, "validate-with=\"pacemaker-3.4\"")));
  const Changed changed = done({.change = Change::upgrade});
  EXPECT_NE(changed.document.find("validate-with=\"pacemaker-3.9\""), std::string::npos);
  document_ = changed.document;
  EXPECT_FALSE(done({.change = Change::upgrade}).configuration);
}

TEST_F(CibChange, that_drops_a_section_or_the_status_element_leaves_a_sound_document) {
  EXPECT_EQ(failure({.change = Change::patch,
                     .xml = R"(<diff format="2"><change operation="delete" path="/cib/configuration"/></diff>)"}),
            Errc::schema);
  const Changed changed = done(
      {.change = Change::patch, .xml = R"(<diff format="2"><change operation="delete" path="/cib/status"/></diff>)"});
  ASSERT_TRUE(changed.status);
  EXPECT_TRUE(changed.status->nodes.empty());
}

}  // namespace
}  // namespace systole::cib
