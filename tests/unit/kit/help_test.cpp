// SPDX-License-Identifier: GPL-2.0-or-later
// The table as help and as a manual page.
#include "agents/kit/help.hpp"

#include <gtest/gtest.h>

#include "common/base/text.hpp"

namespace systole::agents {
namespace {

About table() {
  return {.name = "Tiny",
          .version = "1.0",
          .brief = "A small agent",
          .about = "Keeps something, \\ and 'more',\n.so what",
          .params = {{.name = "who",
                      .required = true,
                      .unique = true,
                      .brief = "Whom",
                      .about = ".dots begin requests of roff; -1 is no hyphenation point",
                      .example = "a b"},
                     {.name = "count",
                      .type = ParamType::integer,
                      .fallback = "3",
                      .reloadable = true,
                      .brief = "How often",
                      .least = 1,
                      .greatest = 9,
                      .aliases = {"COUNT"}},
                     {.name = "mode", .fallback = "on", .brief = "How", .choices = {"on", "off"}}},
          .actions = {{.name = "start", .timeout = "20s"},
                      {.name = "monitor", .timeout = "10s", .interval = "5s", .role = "Promoted"},
                      {.name = "promote", .timeout = "10s"}}};
}

TEST(Help, tells_the_whole_table) {
  EXPECT_EQ(help_text(table()), R"(ocf:systole:Tiny - A small agent

usage: [OCF_RESKEY_NAME=VALUE ...] Tiny ACTION

Keeps something, \ and 'more', .so what

Parameters
  who (required, unique)
      .dots begin requests of roff; -1 is no hyphenation point
  count (integer, 1 to 9, default 3, changes need no restart)
      How often
      Older names: COUNT.
  mode (on | off, default on)
      How

Actions
  start          timeout 20s
  monitor        timeout 10s, every 5s as Promoted
  promote        timeout 10s
  man            prints the manual page: Tiny man | man -l -

By hand
  OCF_RESKEY_who='a b' /usr/lib/ocf/resource.d/systole/Tiny monitor; echo $?
)");
}

TEST(Help, folds_what_is_long) {
  About about = table();
  const std::string text = std::string(30, 'x') + " " + std::string(48, 'y') + " " + std::string(200, 'z') + " end";
  about.about = text;
  for (const std::string& line : split(help_text(about), '\n'))
    EXPECT_TRUE(line.size() <= 80 || line == std::string(200, 'z')) << line;
}

TEST(ManualPage, escapes_what_roff_would_take_for_its_own) {
  const std::string page = manual_page(table());
  EXPECT_NE(page.find(".SH DESCRIPTION\nKeeps something, \\e and \\(aqmore\\(aq, .so what\n"), std::string::npos)
      << page;
  EXPECT_NE(page.find("\n\\&.dots begin requests of roff; \\-1 is no"), std::string::npos) << page;
}

TEST(ManualPage, has_examples_for_each_manager) {
  const std::string page = manual_page(table());
  EXPECT_NE(page.find("pcs resource create Tiny1 ocf:systole:Tiny who=\\(aqa b\\(aq op monitor interval=5s timeout=10s "
                      "role=Promoted promotable\n"),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("crm configure primitive Tiny1 ocf:systole:Tiny params who="), std::string::npos) << page;
  EXPECT_TRUE(page.starts_with(".TH OCF_SYSTOLE_TINY 7 "));
}

}  // namespace
}  // namespace systole::agents
