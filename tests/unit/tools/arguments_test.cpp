// SPDX-License-Identifier: GPL-2.0-or-later
// Command lines as Pacemaker's tools take them.
#include "tools/arguments.hpp"

#include <gtest/gtest.h>

namespace systole::tools {
namespace {

const std::vector<Option> options{
    {'G', {"query", "get-value"}, Takes::nothing, "print"},
    {'q', {"quiet"}, Takes::nothing, "less"},
    {'n', {"name"}, Takes::value, "name"},
    {'v', {"update"}, Takes::value, "value"},
    {'p', {"promotion"}, Takes::maybe, "score"},
    {'N', {"node"}, Takes::value, "node"},
};

Arguments parsed(const std::vector<std::string>& words) {
  auto arguments = Arguments::parse(options, words);
  EXPECT_TRUE(arguments) << arguments.error().what;
  return arguments ? *arguments : Arguments();
}

TEST(Arguments, letters_may_be_bundled) {
  const Arguments arguments = parsed({"-Gq"});
  EXPECT_TRUE(arguments.has('G'));
  EXPECT_TRUE(arguments.has('q'));
}

TEST(Arguments, a_value_stands_in_the_next_word_after_equals_or_after_its_letter) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"-n", "x"},
                                                {"-nx"},
                                                {"--name", "x"},
                                                {"--name=x"},
                                                {"-qn", "x"},
                                                {"-qnx"},
                                                {"--nam=x"}})
    EXPECT_EQ(parsed(words).value('n'), "x") << words.front();
}

TEST(Arguments, a_value_may_begin_with_a_minus_and_may_be_empty) {
  EXPECT_EQ(parsed({"-v", "-INFINITY"}).value('v'), "-INFINITY");
  EXPECT_EQ(parsed({"--update="}).value('v'), "");
  EXPECT_EQ(parsed({"-v", ""}).value('v'), "");
}

TEST(Arguments, an_optional_value_is_never_an_option) {
  const Arguments bare = parsed({"-p", "-v", "5"});
  EXPECT_TRUE(bare.has('p'));
  EXPECT_EQ(bare.value('p'), std::nullopt);
  EXPECT_EQ(bare.value('v'), "5");
  EXPECT_EQ(parsed({"-p", "db"}).value('p'), "db");
  EXPECT_EQ(parsed({"--promotion=db"}).value('p'), "db");
}

TEST(Arguments, the_last_of_several_actions_counts) {
  EXPECT_EQ(parsed({"-G", "-v", "5"}).last_of("Gv"), 'v');
  EXPECT_EQ(parsed({"-q"}).last_of("Gv"), 0);
}

TEST(Arguments, what_follows_two_dashes_is_no_option) {
  EXPECT_EQ(parsed({"a", "--", "-G"}).rest(), (std::vector<std::string>{"a", "-G"}));
}

TEST(Arguments, mistakes_are_named) {
  EXPECT_EQ(Arguments::parse(options, {"-x"}).error().what, "unknown option -x");
  EXPECT_EQ(Arguments::parse(options, {"--bogus=1"}).error().what, "unknown option --bogus");
  EXPECT_EQ(Arguments::parse(options, {"-n"}).error().what, "option -n needs a value");
  EXPECT_EQ(Arguments::parse(options, {"--n=1"}).error().what, "option --n is ambiguous");
  EXPECT_EQ(Arguments::parse(options, {"--quiet=1"}).error().what, "option --quiet takes no value");
}

}  // namespace
}  // namespace systole::tools
