// SPDX-License-Identifier: GPL-2.0-or-later
// What is seen of an init script by reading it: scripts of all styles pass, and each fault is found.
#include "tools/agent/script_rules.hpp"

#include <gtest/gtest.h>

#include "agents/lsb/header.hpp"

namespace systole::tools {
namespace {

std::string script(std::string_view body) {
  return "#!/bin/sh\n" + lsb::make_header("svc", "a service", "it serves") + std::string(body);
}

std::string broken(std::string_view text, std::string_view name = "svc") {
  std::string all;
  for (const RuleResult& result : judge_script(text, name).rules)
    if (!result.instead.empty()) all += result.rule + ": " + result.instead + "\n";
  return all;
}

constexpr std::string_view usual =
    "case \"$1\" in\n"
    "  start) begin ;;\n"
    "  (stop) end ;;\n"
    "  \"restart\"|force-reload) end; begin ;;\n"
    "  status) look ;;\n"
    "  *) echo usage; exit 3 ;;\n"
    "esac\n"
    "exit 0\n";

TEST(ScriptRules, let_scripts_of_all_styles_pass) {
  EXPECT_EQ(broken(script(usual)), "");
  EXPECT_EQ(broken(script("case $1 in start) a;; stop) b;; status) c;; *) exit 3;; esac\n")), "");
  EXPECT_EQ(broken(script("if [ \"$1\" = start ]; then a\nelif [ $1 = \"stop\" ]; then b\n"
                          "elif [ $1 = status ]; then c\nelse exit 3\nfi\n")),
            "");
  EXPECT_EQ(broken(script("while read -r line; do echo $line; done </etc/fstab\nread pid <$PIDFILE\nps | read x\n" +
                          std::string(usual))),
            "");
  EXPECT_EQ(broken(script("set -e\ncase $1 in\nstart) a ;;\nstop) b ;;\nstatus) c ;;\n*) d ;;\nesac\nexit 0\n")), "");
  EXPECT_EQ(broken(script(usual), "svc.sh"), "");
}

TEST(ScriptRules, say_where_they_cannot_see) {
  const ScriptFindings found = judge_script(script("exec /usr/sbin/svc-control \"$@\"\n"), "svc");
  ASSERT_EQ(found.notes.size(), 1U);
  EXPECT_NE(found.notes[0].find("only with --run"), std::string::npos);
  EXPECT_EQ(found.interpreter, "/bin/sh");
}

TEST(ScriptRules, find_each_fault_with_its_line) {
  const auto body = [](std::string_view part, std::string_view instead) {
    std::string text(usual);
    return script(text.replace(text.find(part), part.size(), instead));
  };
  EXPECT_NE(broken(script(usual), "a b").find("the name is one"), std::string::npos);
  EXPECT_NE(broken(script(usual).substr(10)).find("names an interpreter"), std::string::npos);
  EXPECT_NE(broken("").find("names an interpreter"), std::string::npos);
  EXPECT_NE(broken(body("exit 0", "exit 0\r")).find("carriage returns"), std::string::npos);
  EXPECT_NE(broken(body("start) begin", "begin) begin")).find("an action start"), std::string::npos);
  EXPECT_NE(broken(body("(stop)", "(halt)")).find("an action stop"), std::string::npos);
  EXPECT_NE(broken(body("status) look ;;", "")).find("an action status"), std::string::npos);
  EXPECT_NE(broken(body("*)", "help)")).find("unknown actions"), std::string::npos);
  EXPECT_NE(broken(body("exit 3", "return")).find("always ends with 'exit 0'"), std::string::npos);
  EXPECT_NE(broken(body("begin ;;", "read answer ;;")).find("asks no questions: line 12: start) read answer ;;"),
            std::string::npos)
      << broken(body("begin ;;", "read answer ;;"));
}

TEST(ScriptRules, know_the_ways_to_ask_a_person) {
  for (const char* const question : {"read x", "  read -r answer", "if read -p 'Sure? ' yes; then", "a && (read x)",
                                     "select x in a b; do", "read x </dev/tty", "then dialog --yesno"})
    EXPECT_NE(broken(script(std::string(question) + "\n" + std::string(usual))).find("it asks no questions"),
              std::string::npos)
        << question;
  for (const char* const none : {"# read x", "while read x; do :; done", "read x <$file", "echo read this",
                                 "cat f | read x", "readlink f", "already read"})
    EXPECT_EQ(broken(script(std::string(none) + "\n" + std::string(usual))), "") << none;
}

TEST(ScriptRules, note_what_only_lsb_demands) {
  std::string text(usual);
  text.replace(text.find("force-reload"), 12, "reload");
  const ScriptFindings found = judge_script(script(text), "svc");
  ASSERT_EQ(found.notes.size(), 1U);
  EXPECT_NE(found.notes[0].find("force-reload"), std::string::npos);
}

}  // namespace
}  // namespace systole::tools
