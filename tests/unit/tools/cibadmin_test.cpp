// SPDX-License-Identifier: GPL-2.0-or-later
// cibadmin: its texts and exit codes, with a daemon and with CIB_file.
#include "tools/cibadmin.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/tools/fake_daemon.hpp"

namespace systole::tools {
namespace {

using test::FakeDaemon;
using test::Ran;
using test::run;

constexpr const char* vip = R"(<primitive id="vip" class="ocf" provider="systole" type="IPaddr"/>)";

TEST(Cibadmin, an_element_is_created_queried_and_deleted) {
  FakeDaemon daemon;
  EXPECT_EQ(run(cibadmin, daemon, {"-C", "-o", "resources", "-X", vip}).code, 0);
  const Ran query = run(cibadmin, daemon, {"-Q", "--xpath", "//primitive"});
  EXPECT_EQ(query.code, 0);
  EXPECT_NE(query.out.find("type=\"IPaddr\""), std::string::npos);
  EXPECT_EQ(run(cibadmin, daemon, {"-Q", "-e", "--xpath", "//primitive"}).out,
            "/cib/configuration/resources/primitive[@id='vip']\n");
  EXPECT_EQ(run(cibadmin, daemon, {"-D", "-o", "resources", "-X", vip}).code, 0);
  EXPECT_EQ(run(cibadmin, daemon, {"-D", "-o", "resources", "-X", vip}).code, 0)
      << "what is not there is deleted well enough";
}

TEST(Cibadmin, pacemakers_codes_and_words_come_first_and_ours_after) {
  FakeDaemon daemon;
  run(cibadmin, daemon, {"-C", "-o", "resources", "-X", vip});
  const Ran twice = run(cibadmin, daemon, {"-C", "-o", "resources", "-X", vip});
  EXPECT_EQ(twice.code, 108);
  EXPECT_TRUE(twice.err.starts_with("Call failed: File exists\n")) << twice.err;
  EXPECT_EQ(run(cibadmin, daemon, {"-M", "-o", "resources", "-X", R"(<primitive id="no"/>)"}).code, 105);
  EXPECT_EQ(run(cibadmin, daemon, {"-Q", "-A", "//nothing"}).code, 105);
  const Ran wrong = run(cibadmin, daemon, {"-C", "-o", "resources", "-X", R"(<primitive id="x"/>)"});
  EXPECT_EQ(wrong.code, 78);
  EXPECT_TRUE(wrong.err.starts_with("Call failed: Update does not conform to the configured schema\n")) << wrong.err;
  EXPECT_EQ(run(cibadmin, daemon, {"-E"}).code, 107);
}

TEST(Cibadmin, broken_xml_is_refused_with_its_place_and_nothing_is_lost) {
  FakeDaemon daemon;
  const std::string before = daemon.document;
  const Ran broken = run(cibadmin, daemon, {"-R", "-X", "<cib><configuration>"});
  EXPECT_EQ(broken.code, 65);
  EXPECT_NE(broken.err.find("line"), std::string::npos) << broken.err;
  EXPECT_EQ(daemon.document, before);
}

TEST(Cibadmin, a_wrong_command_line_asks_nobody) {
  FakeDaemon daemon;
  EXPECT_EQ(run(cibadmin, daemon, {}).code, 64);
  EXPECT_EQ(run(cibadmin, daemon, {"-C", "-o", "resources"}).code, 64);
  EXPECT_EQ(run(cibadmin, daemon, {"-Q", "what"}).code, 64);
  EXPECT_EQ(run(cibadmin, daemon, {"-C", "-x", "/nonexistent"}).code, 66);
  EXPECT_TRUE(daemon.asked.empty());
}

struct CibFileTest : testing::Test {
  CibFileTest() {
    std::string pattern = testing::TempDir() + "h6-cib-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    path = folder + "/cib.xml";
    std::ofstream(path) << cib::empty_document("shop");
  }
  ~CibFileTest() override { std::filesystem::remove_all(folder); }
  Ran with_file(std::vector<std::string> words) {
    return run(cibadmin, daemon, std::move(words), {{"CIB_file", path}});
  }

  FakeDaemon daemon;
  std::string folder, path;
};

TEST_F(CibFileTest, changes_go_to_the_file_and_never_to_the_daemon) {
  EXPECT_EQ(with_file({"-C", "-o", "resources", "-X", vip}).code, 0);
  EXPECT_EQ(with_file({"-Q", "-A", "//primitive"}).code, 0);
  EXPECT_NE(with_file({"-Q"}).out.find("epoch=\"1\""), std::string::npos);
  EXPECT_TRUE(daemon.asked.empty());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1) << "a temporary file was left behind";
}

TEST_F(CibFileTest, a_file_that_is_not_there_is_named) {
  path += "-not";
  const Ran ran = with_file({"-Q"});
  EXPECT_EQ(ran.code, 66);
  EXPECT_NE(ran.err.find(path), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace systole::tools
