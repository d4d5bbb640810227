// SPDX-License-Identifier: GPL-2.0-or-later
// The command line, which passes through two programs.
#include "tools/endpoint/options.hpp"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace systole::endpoint {
namespace {

Options parsed(std::vector<std::string> words) {
  CLI::App app;
  Options options;
  describe(app, options);
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  app.parse(words);
  return options;
}

TEST(EndpointOptions, without_any_it_listens_everywhere) {
  const Options options = parsed({});
  EXPECT_EQ(options.listen, std::vector<std::string>{"*:9200"});
  EXPECT_EQ(options.resource, "");
  EXPECT_EQ(options.patience_ms, 1000U);
}

TEST(EndpointOptions, an_address_takes_the_place_of_all_and_there_may_be_several) {
  const Options options = parsed({"--listen", "127.0.0.1:1", "--listen=[::1]:2", "--resource", "db"});
  EXPECT_EQ(options.listen, (std::vector<std::string>{"127.0.0.1:1", "[::1]:2"}));
}

TEST(EndpointOptions, said_again_they_are_the_same) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{}, {"--listen=127.0.0.1:1", "--listen=[::1]:2", "--resource=-x", "--patience=77"}}) {
    const Options once = parsed(words), again = parsed(words_of(once));
    EXPECT_EQ(again.listen, once.listen);
    EXPECT_EQ(again.resource, once.resource);
    EXPECT_EQ(again.patience_ms, once.patience_ms);
  }
}

TEST(EndpointOptions, a_patience_out_of_bounds_is_refused) {
  for (const char* const word : {"--patience=0", "--patience=-1", "--patience=60001", "--patience=soon"})
    EXPECT_THROW(parsed({word}), CLI::ParseError) << word;
}

}  // namespace
}  // namespace systole::endpoint
