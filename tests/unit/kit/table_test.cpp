// SPDX-License-Identifier: GPL-2.0-or-later
// From the table to meta-data: escapes, OCF 1.1's attributes, what is left out.
#include "agents/kit/table.hpp"

#include <gtest/gtest.h>

namespace systole::agents {
namespace {

About small() {
  return {
      .name = "Tiny",
      .version = "1.0",
      .brief = "A <small> agent",
      .about = "Says \"hello\" & goes",
      .params = {{.name = "who", .required = true, .unique = true, .brief = "Who", .about = "a < b"},
                 {.name = "wait", .type = ParamType::time, .fallback = "5s", .reloadable = true, .brief = "How long"}},
      .actions = {{.name = "start", .timeout = "20s"},
                  {.name = "monitor", .timeout = "10s", .interval = "5s", .role = "Promoted", .depth = "10"}}};
}

/// Without the DTD, which is the same for all.
std::string body(const About& about) {
  const std::string xml = meta_data(about);
  return xml.substr(xml.find("]>\n") + 3);
}

TEST(MetaData, holds_the_whole_table_and_escapes_its_text) {
  EXPECT_EQ(body(small()), R"(<resource-agent name="Tiny" version="1.0">
<version>1.1</version>
<longdesc lang="en">Says &quot;hello&quot; &amp; goes</longdesc>
<shortdesc lang="en">A &lt;small&gt; agent</shortdesc>
<parameters>
<parameter name="who" unique="1" required="1" reloadable="0" unique-group="who">
<longdesc lang="en">a &lt; b</longdesc>
<shortdesc lang="en">Who</shortdesc>
<content type="string"/>
</parameter>
<parameter name="wait" unique="0" required="0" reloadable="1">
<longdesc lang="en">How long</longdesc>
<shortdesc lang="en">How long</shortdesc>
<content type="time" default="5s"/>
</parameter>
</parameters>
<actions>
<action name="start" timeout="20s"/>
<action name="monitor" timeout="10s" interval="5s" role="Promoted" depth="10"/>
</actions>
</resource-agent>
)");
}

TEST(MetaData, lists_an_older_name_as_deprecated_and_optional) {
  About about = small();
  about.params = {
      {.name = "who", .fallback = "me", .required = true, .unique = true, .brief = "Who", .aliases = {"WHO"}}};
  EXPECT_NE(body(about).find(R"(<content type="string" default="me"/>
</parameter>
<parameter name="WHO" unique="1" required="0" reloadable="0" unique-group="who">
<longdesc lang="en">The older name of 'who'.</longdesc>
<shortdesc lang="en">Who</shortdesc>
<deprecated>
<replaced-with name="who"/>
</deprecated>
<content type="string"/>
</parameter>
)"),
            std::string::npos)
      << body(about);
}

TEST(MetaData, offers_choices) {
  About about = small();
  about.params = {{.name = "mode", .fallback = "a", .brief = "Mode", .choices = {"a", "b"}}};
  EXPECT_NE(body(about).find(R"(<content type="select" default="a">
<option value="a"/>
<option value="b"/>
</content>
)"),
            std::string::npos)
      << body(about);
}

TEST(MetaData, replaces_characters_that_xml_cannot_carry) {
  EXPECT_EQ(xml_escaped("a\x01z\n"), "a?z\n");
}

}  // namespace
}  // namespace systole::agents
