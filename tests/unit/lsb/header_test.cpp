// SPDX-License-Identifier: GPL-2.0-or-later
// The comment block of init scripts: what is in it, and every way to get it wrong.
#include "agents/lsb/header.hpp"

#include <gtest/gtest.h>

#include "agents/lsb/install.hpp"

namespace systole::lsb {
namespace {

const std::string sound =
    "#!/bin/sh\n"
    "### BEGIN INIT INFO\n"
    "# Provides: db mysql\n"
    "# Required-Start: $network\n"
    "# Required-Stop: $network\n"
    "# Should-Start: none\n"
    "# X-Interactive: true\n"
    "# Default-Start: 2 3\n"
    "# Default-Stop:\n"
    "# Short-Description: a database\n"
    "# Description: a database\n"
    "#  on two lines\n"
    "### END INIT INFO\n"
    "exit 3\n";

std::string without(std::string text, std::string_view part, std::string_view instead = "") {
  return text.replace(text.find(part), part.size(), instead);
}

TEST(Header, of_a_sound_script_is_read) {
  const ReadHeader read = read_header(sound);
  EXPECT_TRUE(read.faults.empty()) << read.faults.front();
  ASSERT_TRUE(read.header);
  EXPECT_EQ(facilities(*read.header, "Provides"), (std::vector<std::string>{"db", "mysql"}));
  EXPECT_TRUE(facilities(*read.header, "Should-Start").empty());
  EXPECT_TRUE(facilities(*read.header, "Should-Stop").empty());
  EXPECT_EQ(read.header->fields.at("Description"), "a database on two lines");
  EXPECT_EQ(read.header->fields.at("X-Interactive"), "true");
  EXPECT_EQ(read.header->begin, 2U);
  EXPECT_EQ(read.header->end, 13U);
}

TEST(Header, faults_are_named_with_their_line) {
  struct Case {
    std::string text;
    const char* fault;
  };
  const Case cases[] = {
      {"", "there is no '### BEGIN INIT INFO' block"},
      {without(sound, "### END INIT INFO\n"), "line 2: the block never ends"},
      {without(sound, "# Provides: db mysql\n"), "line 2: 'Provides' is missing"},
      {without(sound, "db mysql"), "line 2: 'Provides' names nothing"},
      {without(sound, "db mysql", "$network"), "line 2: 'Provides' names the system's $network"},
      {without(sound, "# Required-Start: $network\n"), "'Required-Start' is missing"},
      {without(sound, "Required-Stop", "Required-stop"), "line 5: 'Required-stop' is spelt 'Required-Stop'"},
      {without(sound, "Should-Start", "Wants"), "line 6: unknown keyword 'Wants'"},
      {without(sound, "2 3", "2 9"), "'Default-Start' names '9'"},
      {without(sound, "# Default-Start", "Default-Start"), "line 8: a line of the block does not begin with '#'"},
      {without(sound, "# Default-Start: 2 3", "# Default-Start 2 3"), "line 8: this is no '# Keyword: value'"},
      {without(sound, "# Should-Start: none", "# Provides: x"), "line 6: 'Provides' is there twice"},
      {without(sound, "# Should-Start: none", "### BEGIN INIT INFO"), "line 6: the block begins a second time"},
  };
  for (const Case& one : cases) {
    std::string all;
    for (const std::string& fault : read_header(one.text).faults) all += fault + "; ";
    EXPECT_NE(all.find(one.fault), std::string::npos) << one.fault << " → " << all;
  }
}

TEST(Header, that_we_write_has_no_fault_nor_has_its_script) {
  const std::string script = make_script({"/etc", "vip", "/usr/sbin/systole-lsb", "ocf:systole:IPaddr", {}});
  EXPECT_TRUE(read_header(script).faults.empty());
  EXPECT_NE(script.find("exec '/usr/sbin/systole-lsb' vip \"$@\"\n"), std::string::npos) << script;
}

TEST(ScriptNames, are_those_that_everybody_takes) {
  for (const char* const name : {"vip", "my-sql_2", "0a"}) EXPECT_TRUE(is_script_name(name)) << name;
  for (const char* const name : {"", "a.sh", "-a", "a b", "../a", "a/b", "ä"})
    EXPECT_FALSE(is_script_name(name)) << name;
}

}  // namespace
}  // namespace systole::lsb
