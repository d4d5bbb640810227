// SPDX-License-Identifier: GPL-2.0-or-later
// Everything that reads XML from outside: CIBs, fragments, patches, XPath. Beyond not crashing, three promises are held
// to: a document that was accepted prints stably, what apply() returns is accepted again, and a difference applied to
// the old document gives the new one.
#include <fmt/format.h>

#include "cib/xml/cib_xml.hpp"
#include "tests/fuzz/hammer.hpp"

namespace {

using namespace systole;
using namespace systole::cib;

const std::vector<std::string> cibs = {
    R"(<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="5" num_updates="3" admin_epoch="0"><!-- c -->
<configuration><crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="o1" name="stonith-enabled"
value="false"/></cluster_property_set></crm_config><nodes><node id="1" uname="n1"><instance_attributes id="nodes-1">
<nvpair id="nodes-1-standby" name="standby" value="on"/></instance_attributes></node><node id="2" uname="n2"/></nodes>
<resources><group id="g"><primitive id="a" class="ocf" provider="pacemaker" type="Dummy"><operations><op id="a-m"
name="monitor" interval="10s" timeout="20"/></operations></primitive><primitive id="b" class="lsb" type="x"/></group>
<clone id="c"><meta_attributes id="cm"><nvpair id="cm1" name="promotable" value="true"/></meta_attributes><primitive
id="d" class="systemd" type="y"/></clone><master id="m"><primitive id="e" class="ocf" provider="h" type="z"/></master>
</resources><constraints><rsc_location id="l1" rsc="g" node="n1" score="INFINITY"/><rsc_location id="l2" rsc="c"><rule
id="r" score="-INFINITY" boolean-op="or"><expression id="e1" attribute="#uname" operation="eq" value="n2"/><rule
id="r2"><date_expression id="d1" operation="gt" start="2026-01-01"/></rule></rule></rsc_location><rsc_colocation id="c1"
rsc="g" with-rsc="c" score="100" with-rsc-role="Master"/><rsc_order id="o" first="c" then="g" first-action="promote"
then-action="start"/></constraints><rsc_defaults><meta_attributes id="rd"><nvpair id="rd1" name="x" value="1"/>
</meta_attributes></rsc_defaults></configuration><status><node_state id="1" uname="n1" in_ccm="true" crmd="online"
join="member" expected="member"><lrm id="1"><lrm_resources><lrm_resource id="a" type="Dummy" class="ocf"
provider="pacemaker"><lrm_rsc_op id="a_last_0" operation="start" call-id="3" rc-code="0" op-status="0" interval="0"
transition-key="1:2:0:u"/></lrm_resource></lrm_resources></lrm><transient_attributes id="1"><instance_attributes
id="status-1"><nvpair id="status-1-p" name="p" value="1"/></instance_attributes></transient_attributes></node_state>
</status></cib>)",
    R"(<cib validate-with="none" epoch="1" num_updates="0" admin_epoch="0" odd="1"><configuration><crm_config/><nodes/>
<resources><gadget>text<part a="1"/><part a="2"/></gadget><primitive id="p" class="ocf" provider="x" type="y"
template="t"/></resources><constraints><rsc_order id="o" first="p" then="q"/></constraints><tags><tag id="t"><obj_ref
id="p"/></tag></tags></configuration></cib>)"};

const std::vector<std::string> fragments = {
    R"(<primitive id="a" class="lsb" type="q"><meta_attributes id="am"><nvpair id="am1" name="x" value="value++"/>
</meta_attributes></primitive>)",
    R"(<resources><primitive id="n" class="lsb" type="q"/></resources>)",
    R"(<nvpair id="status-1-p" value="value+=3"/>)", R"(<node_state uname="n1"/>)",
    R"(<diff format="2"><version><source admin_epoch="0" epoch="5" num_updates="3"/><target admin_epoch="0" epoch="6"
num_updates="0"/></version><change operation="modify" path="/cib"><change-list><change-attr name="epoch" operation="set"
value="6"/><change-attr name="x" operation="unset"/></change-list></change><change operation="delete"
path="/cib/configuration/resources/group[@id='g']/primitive[@id='b']"/><change operation="move"
path="/cib/configuration/resources/clone[@id='c']" position="0"/><change operation="create"
path="/cib/configuration/resources" position="1"><primitive id="n" class="lsb" type="q"/></change><change
operation="delete" path="/cib/comment" position="0"/></diff>)"};

const std::vector<std::string> xpaths = {"//primitive[@id='a']",
                                         "//nvpair | //op",
                                         "/cib/configuration/*",
                                         "//@id",
                                         "count(//x) > 1",
                                         "//rule/..",
                                         "id('a')",
                                         "//comment()"};

const std::vector<std::string> words = {"<",
                                        ">",
                                        "/>",
                                        "\"",
                                        "'",
                                        "&amp;",
                                        "&#0;",
                                        "&x;",
                                        "<![CDATA[",
                                        "]]>",
                                        "<!--",
                                        "<!DOCTYPE a [<!ENTITY x \"y\">]>",
                                        "<?p?>",
                                        "id=\"a\"",
                                        "id-ref=\"a\"",
                                        "INFINITY",
                                        "-1",
                                        "99999999999999999999",
                                        "\xff",
                                        "\xc3",
                                        " ",
                                        "\n",
                                        "<status/>",
                                        "<primitive id=\"a\"/>",
                                        "<rule id-ref=\"r\"/>",
                                        "xmlns=\"u\"",
                                        "xml:id=\"a\""};

/// A promise broken is as bad as a crash.
void promise(bool kept, const std::string& what) {
  if (kept) return;
  fmt::print(stderr, "promise broken: {}\n", what);
  std::abort();
}

void try_change(Dice& dice, const std::string& document, const std::string& fragment, const std::string& xpath) {
  static const std::vector<std::string> scopes = {
      "", "resources", "status", "constraints", "configuration", "rsc_defaults"};
  Request request;
  request.change = static_cast<Change>(dice.below(7));
  request.scope = scopes[dice.below(scopes.size())];
  if (dice.chance(1, 3)) request.xpath = xpath;
  request.xml = fragment;
  request.allow_create = dice.chance(1, 2);
  request.all_matches = dice.chance(1, 2);
  const auto status = parse_status(cibs[0]);
  const auto changed = apply(document, {true, "1", 3}, *status, request, 1'700'000'000);
  if (!changed || !changed->configuration) return;
  promise(to_document(changed->document) && *to_document(changed->document) == changed->document,
          "what apply() returned is not accepted as it is: " + changed->document);
  const auto patch = diff(document, changed->document, false);
  promise(static_cast<bool>(patch), "no difference could be made");
  if (patch->empty()) return;
  const auto again = apply(document, {}, {}, {.change = Change::patch, .xml = *patch}, 0);
  promise(static_cast<bool>(again), "a difference does not fit: " + *patch + document);
  const auto left = query(again->document, "configuration", "", false),
             right = query(changed->document, "configuration", "", false);
  promise(left && right &&
              diff(again->document, changed->document, false).value().find("/configuration") == std::string::npos,
          "a difference leads elsewhere: " + *patch + document);
}

void one_round(Dice& dice) {
  static const fuzz::Mutator cib_maker(cibs, words), fragment_maker(fragments, words), xpath_maker(xpaths, words);
  const std::string text = cib_maker.make(dice), fragment = fragment_maker.make(dice), xpath = xpath_maker.make(dice);
  (void)parse_configuration(text);
  (void)parse_status(text);
  (void)query(text, "", xpath, dice.chance(1, 2));
  const auto document = to_document(text);
  if (document) {
    promise(to_document(*document).value() == *document, "printing is not stable: " + *document);
    try_change(dice, *document, fragment, xpath);
  }
  try_change(dice, to_document(cibs[dice.below(cibs.size())]).value(), fragment, xpath);
}

}  // namespace

int main(int argc, char** argv) {
  return systole::fuzz::hammer(argc, argv, one_round);
}
