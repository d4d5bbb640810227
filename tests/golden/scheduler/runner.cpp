// SPDX-License-Identifier: GPL-2.0-or-later
// Scheduler cases: each file in cases/ holds a cluster (story.hpp says how to write one), a line of dashes, and what
// the scheduler makes of it. SYSTOLE_RENEW_GOLDEN=1 writes the outcome into the files: read the difference before you
// keep it. SYSTOLE_CASES_XML=FOLDER writes each cluster as a CIB, for `crm_simulate -S -x`.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/golden/scheduler/story.hpp"

namespace systole::scheduler::testing {
namespace {

constexpr std::string_view dashes = "----\n";

std::vector<std::filesystem::path> cases() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(SYSTOLE_CASES)) {
    if (entry.path().extension() == ".txt") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void check(const std::filesystem::path& path) {
  SCOPED_TRACE(path.string());
  const std::string text = slurp(path);
  const auto at = text.find(dashes);
  const std::string input = text.substr(0, at);
  const auto story = parse_story(input);
  ASSERT_TRUE(story.has_value()) << story.error().what;
  const std::string outcome = print(schedule(story->view()), *story);
  if (const char* folder = std::getenv("SYSTOLE_CASES_XML")) {
    std::ofstream(std::filesystem::path(folder) / path.filename().replace_extension(".xml")) << to_xml(*story);
  }
  if (std::getenv("SYSTOLE_RENEW_GOLDEN") != nullptr) {
    std::ofstream(path) << input << dashes << outcome;
    return;
  }
  ASSERT_NE(at, std::string::npos) << "no expectation yet; SYSTOLE_RENEW_GOLDEN=1 writes it";
  EXPECT_EQ(text.substr(at + dashes.size()), outcome);
}

TEST(SchedulerCases, each_case_gives_the_transition_that_is_written_in_it) {
  const auto found = cases();
  EXPECT_GE(found.size(), 25U) << "cases are missing from " << SYSTOLE_CASES;
  for (const auto& path : found) check(path);
}

}  // namespace
}  // namespace systole::scheduler::testing
