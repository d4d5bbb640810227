// SPDX-License-Identifier: GPL-2.0-or-later
// /etc/default as a shell would read it, without a shell: table by table; and what a shell would compute is refused.
#include "agents/lsb/assignments.hpp"

#include <gtest/gtest.h>

#include "agents/lsb/settings.hpp"

namespace systole::lsb {
namespace {

std::string value_of(std::string_view text) {
  const auto read = parse_assignments(text, "f");
  if (!read) return "error: " + read.error().what;
  return read->empty() ? "nothing" : read->back().value;
}

TEST(Assignments, quotes_mean_what_they_mean_in_a_shell) {
  struct Case {
    const char *text, *value;
  };
  const Case cases[] = {
      {"a=b", "b"},
      {"a=", ""},
      {"a=''", ""},
      {"a=b # why", "b"},
      {"a=b#c", "b#c"},
      {"  export a=b\t\n\n# end", "b"},
      {"a='b c'", "b c"},
      {"a='it'\\''s'", "it's"},
      {"a=\"b c\"", "b c"},
      {"a=\"\\$HOME \\\"x\\\" \\\\ \\n\"", "$HOME \"x\" \\ \\n"},
      {"a=b\\ c", "b c"},
      {"a=1'2'\"3\"\\4", "1234"},
      {"a='$HOME `id`'", "$HOME `id`"},
      {"a='two\nlines'", "two\nlines"},
      {"a=one\\\nword", "oneword"},
      {"a=x=y", "x=y"},
      {"a=/usr/*/b?[c]", "/usr/*/b?[c]"},
      {"a=b\r\n", "b"},
      {"a=1\na=2", "2"},
      {"# only\n\n", "nothing"},
  };
  for (const Case& one : cases) EXPECT_EQ(value_of(one.text), one.value) << one.text;
}

TEST(Assignments, what_a_shell_would_compute_or_run_is_refused_with_its_line) {
  struct Case {
    const char *text, *where, *why;
  };
  const Case cases[] = {
      {"a=$HOME", "f:1:", "'$'"},
      {"a=1\nb=\"$(id)\"", "f:2:", "'$'"},
      {"a=`id`", "f:1:", "'`'"},
      {"a=b;reboot", "f:1:", "';'"},
      {"a=b|c", "f:1:", "'|'"},
      {"a=b c", "f:1:", "a second word"},
      {"reboot", "f:1:", "NAME=value"},
      {"1a=b", "f:1:", "NAME=value"},
      {"a b=c", "f:1:", "NAME=value"},
      {"a-b=c", "f:1:", "NAME=value"},
      {"a+=b", "f:1:", "NAME=value"},
      {"=b", "f:1:", "NAME=value"},
      {"a=~root", "f:1:", "'~'"},
      {"\n\na='b\n\n", "f:5:", "the quote of line 3"},
      {"a=\"b", "f:1:", "the quote of line 1"},
      {"a=b\\", "f:1:", "after a backslash"},
      {"a='\x01'", "f:1:", "control character 0x01"},
  };
  for (const Case& one : cases) {
    const std::string got = value_of(one.text);
    EXPECT_TRUE(got.starts_with(std::string("error: ") + one.where)) << one.text << " → " << got;
    EXPECT_NE(got.find(one.why), std::string::npos) << one.text << " → " << got;
  }
}

TEST(Assignments, too_much_is_refused) {
  std::string many;
  for (std::size_t n = 0; n <= assignments_max; ++n) many += "a=b\n";
  EXPECT_NE(value_of(many).find("more than 256"), std::string::npos);
  EXPECT_NE(value_of(std::string(assignments_bytes_max + 1, '#')).find("larger than"), std::string::npos);
}

TEST(Assignments, a_quoted_value_is_read_back) {
  for (const std::string value : {"", "a", "it's", "'", "$x \"y\" `z` \\", "two\nlines", "# no comment"})
    EXPECT_EQ(value_of("a=" + shell_quoted(value)), value);
}

TEST(Settings, hold_the_agent_its_time_and_its_parameters) {
  const auto read =
      parse_settings("OCF_AGENT=ocf:systole:IPaddr\nOCF_TIMEOUT=1m\nip=192.0.2.1\nOCF_RESKEY_nic='e 0'\n", "f");
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->agent, (AgentName{"systole", "IPaddr", ""}));
  EXPECT_EQ(read->timeout, Duration(60s));
  EXPECT_EQ(read->parameters, (Parameters{{"ip", "192.0.2.1"}, {"nic", "e 0"}}));
}

TEST(Settings, that_lack_the_agent_or_hold_nonsense_are_refused_with_their_line) {
  EXPECT_NE(parse_settings("ip=1", "f").error().what.find("f: OCF_AGENT is missing"), std::string::npos);
  EXPECT_TRUE(parse_settings("\nOCF_AGENT=lsb:a:b", "f").error().what.starts_with("f:2: "));
  EXPECT_TRUE(parse_settings("OCF_AGENT=a\nOCF_TIMEOUT=soon", "f").error().what.starts_with("f:2: "));
  EXPECT_FALSE(parse_settings("OCF_AGENT=a\nOCF_TIMEOUT=0", "f"));
}

TEST(Settings, that_we_write_are_read_back) {
  const Parameters parameters{{"ip", "192.0.2.1"}, {"password", "it's $ecret"}};
  const auto read = parse_settings(make_settings("/opt/it's/Agent", parameters), "f");
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->agent.path, "/opt/it's/Agent");
  EXPECT_EQ(read->parameters, parameters);
  EXPECT_FALSE(read->timeout);
}

}  // namespace
}  // namespace systole::lsb
