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

TEST(MetaData, holds_the_whole_table_and_escapes_its_text) {
  EXPECT_EQ(meta_data(small()), R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd" [
<!ATTLIST parameter unique-group CDATA #IMPLIED reloadable (1|0) #IMPLIED>
<!ATTLIST action name CDATA #REQUIRED>
]>
<resource-agent name="Tiny" version="1.0">
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

TEST(MetaData, replaces_characters_that_xml_cannot_carry) {
  EXPECT_EQ(xml_escaped("a\x01z\n"), "a?z\n");
}

}  // namespace
}  // namespace systole::agents
