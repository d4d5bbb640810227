// SPDX-License-Identifier: GPL-2.0-or-later
// Our differences and edits beside those of Pacemaker's own crm_diff and cibadmin, on random pairs of documents: each
// side's patch, applied by the other, must lead to the same configuration. Skipped where the tools are not installed
// (Debian package pacemaker-cli-utils); nothing that ships needs them.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "common/base/exit_codes.hpp"
#include "tests/unit/cib_xml/random_cib.hpp"
#include "tests/unit/cib_xml/samples.hpp"

namespace systole::cib {
namespace {

namespace fs = std::filesystem;

struct Ran {
  int rc = -1;
  std::string output;
};

/// Through the shell, since both the environment and the redirection are wanted. Words are our own, never input.
Ran run(const std::string& command) {
  Ran ran;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "re");
  if (pipe == nullptr) return ran;
  std::array<char, 4'096> buffer;
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    ran.output.append(buffer.data(), count);
  }
  const int state = ::pclose(pipe);
  ran.rc = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
  return ran;
}

struct Case {
  const char* options;
  Request request;
};

const std::string start =
    cib_of({.nodes = R"(<node id="1" uname="n1"/><node id="2" uname="n2"/>)",
            .resources = dummy("d1", R"(<operations><op id="d1-m" name="monitor" interval="10s"/></operations>)") +
                         dummy("d2")});

Request request(Change change, std::string scope, std::string xml, bool allow_create = false) {
  Request made{.change = change, .scope = std::move(scope), .xml = std::move(xml)};
  made.allow_create = allow_create;
  return made;
}

Request patch(const std::string& changes) {
  return request(Change::patch, "", R"(<diff format="2">)" + changes + "</diff>");
}

class BesidePacemaker : public testing::Test {
 protected:
  BesidePacemaker() {
    std::string pattern = testing::TempDir() + "/systole-differential-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~BesidePacemaker() override { fs::remove_all(folder_); }

  void SetUp() override {
    if (!fs::exists("/usr/sbin/cibadmin") || !fs::exists("/usr/sbin/crm_diff")) {
      GTEST_SKIP() << "no cibadmin and crm_diff here (Debian package pacemaker-cli-utils)";
    }
    if (run("/usr/sbin/cibadmin --version").output.find("2.1.5") == std::string::npos) {
      GTEST_SKIP() << "the cibadmin here is not that of Pacemaker 2.1.5, which is the reference";
    }
  }

  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  std::string slurp(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// The configuration that cibadmin makes of a document and a patch; its words where it refuses.
  std::string applied_by_them(const std::string& cib, const std::string& patch) {
    const std::string cib_file = file("cib.xml", cib), patch_file = file("patch.xml", patch);
    const Ran ran = run(fmt::format("CIB_file={} /usr/sbin/cibadmin -P -x {}", cib_file, patch_file));
    return ran.rc == 0 ? configuration_of(slurp(cib_file)) : ran.output;
  }
  void compare(const Case& one) {
    const std::string path = file("cib.xml", start), xml = file("input.xml", one.request.xml);
    const std::string scope = one.request.scope.empty() ? "" : "-o " + one.request.scope;
    const Ran theirs = run(fmt::format("CIB_file={} /usr/sbin/cibadmin {} {} -x {}", path, one.options, scope, xml));
    const auto ours = apply(good(to_document(start)), {}, {}, one.request, 0);
    const std::string what = fmt::format("cibadmin {} {} {}\n{}", one.options, scope, one.request.xml, theirs.output);
    EXPECT_EQ(ours ? 0 : exit_code_of(ours.error()), theirs.rc) << what << (ours ? "" : ours.error().what);
    if (ours && theirs.rc == 0) {
      EXPECT_EQ(configuration_of(ours->document), configuration_of(slurp(path))) << what;
    }
  }
  static std::string configuration_of(const std::string& cib) { return good(query(cib, "configuration", "", false)); }

  fs::path folder_;
};

TEST_F(BesidePacemaker, each_sides_patches_lead_the_other_to_the_same_configuration) {
  int ours_compared = 0, theirs_compared = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Dice dice(seed);
    const std::string from = random_cib(dice), to = random_cib(dice);
    const std::string ours = good(diff(from, to, false));
    const std::string from_file = file("from.xml", from), to_file = file("to.xml", to);
    const Ran theirs = run(fmt::format("/usr/sbin/crm_diff -u -o {} -n {}", from_file, to_file));
    EXPECT_EQ(theirs.rc, ours.empty() ? 0 : 1) << "seed " << seed;
    if (ours.empty()) continue;
    if (applied_by_them(from, theirs.output) == configuration_of(to)) {  // crm_diff sometimes forgets a moved comment
      const auto by_us = apply(from, {}, {}, {.change = Change::patch, .xml = theirs.output}, 0);
      ASSERT_TRUE(by_us) << "seed " << seed << ": " << by_us.error().what << theirs.output;
      EXPECT_EQ(configuration_of(by_us->document), configuration_of(to)) << "seed " << seed << theirs.output;
      ++theirs_compared;
    }
    EXPECT_EQ(applied_by_them(from, ours), configuration_of(to)) << "seed " << seed << ours;
    ++ours_compared;
  }
  EXPECT_GT(ours_compared, 20);
  EXPECT_GT(theirs_compared, 15);
}

TEST_F(BesidePacemaker, the_same_edits_give_the_same_configuration_and_the_same_exit_code) {
  const Case cases[] = {
      {"-C", request(Change::create, "resources", dummy("d3"))},
      {"-C", request(Change::create, "resources", dummy("d1"))},
      {"-C", request(Change::create, "resources", "<resources>" + dummy("x") + dummy("y") + "</resources>")},
      {"-C", request(Change::create, "constraints", R"(<rsc_location id="l" rsc="no" node="n1" score="1"/>)")},
      {"-C", request(Change::create, "constraints", R"(<rsc_location id="d1" rsc="d1" node="n1" score="1"/>)")},
      {"-C", request(Change::create, "constraints", R"(<rsc_location id="l" rsc="d1" node="n1" score="x"/>)")},
      {"-C", request(Change::create, "configuration", R"(<rsc_defaults><meta_attributes id="m"/></rsc_defaults>)")},
      {"-M", request(Change::modify, "resources",
                     R"(<primitive id="d1" provider="heartbeat"><meta_attributes id="m"/></primitive>)")},
      {"-M", request(Change::modify, "", R"(<op id="d1-m" interval="5s"/>)")},
      {"-M", request(Change::modify, "resources", dummy("d7"))},
      {"-M -c", request(Change::modify, "resources", dummy("d7"), true)},
      {"-R", request(Change::replace, "resources", R"(<primitive id="d1" class="lsb" type="q"/>)")},
      {"-R", request(Change::replace, "resources", "<resources>" + dummy("d9") + "</resources>")},
      {"-R", request(Change::replace, "resources", dummy("zz"))},
      {"-R",
       request(Change::replace, "", "<configuration><crm_config/><nodes/><resources/><constraints/></configuration>")},
      {"-R",
       request(Change::replace, "", R"(<cib epoch="4" num_updates="0" admin_epoch="0" validate-with="pacemaker-3.9">
        <configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>)")},
      {"-D", request(Change::erase, "", R"(<primitive id="d2"/>)")},
      {"-D", request(Change::erase, "", R"(<primitive id="d2" class="lsb"/>)")},
      {"-D", request(Change::erase, "nodes", R"(<node uname="n1"/>)")},
      {"-D", request(Change::erase, "", R"(<primitive id="d9"/>)")},
      {"-C", request(Change::create, "nosuch", dummy("d3"))},
      {"-M", request(Change::modify, "nosuch", dummy("d3"))},
      {"-M", request(Change::modify, "nosuch", R"(<op id="d1-m" interval="5s"/>)")},
      {"-M -c", request(Change::modify, "nosuch", dummy("d3"), true)},
      {"-M -c", request(Change::modify, "nosuch", R"(<op id="d1-m" interval="5s"/>)", true)},
      {"-R", request(Change::replace, "nosuch", dummy("d1"))},
      {"-D", request(Change::erase, "nosuch", dummy("d1"))},
      {"-R",
       request(Change::replace, "", R"(<cib epoch="3" num_updates="0" admin_epoch="0" validate-with="pacemaker-3.9">
        <configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>)")},
  };
  for (const Case& one : cases) compare(one);
}

TEST_F(BesidePacemaker, the_same_patches_give_the_same_configuration_and_the_same_exit_code) {
  const std::string resources = "/cib/configuration/resources";
  const auto change = [&](const char* operation, const std::string& path, const std::string& inside = "") {
    return fmt::format(R"(<change operation="{}" path="{}{}" position="0">{}</change>)", operation, resources, path,
                       inside);
  };
  const auto versions = [](int source, int target) {
    return fmt::format(R"(<version><source admin_epoch="0" epoch="{}" num_updates="0"/>
        <target admin_epoch="0" epoch="{}" num_updates="0"/></version>)",
                       source, target);
  };
  const Case cases[] = {
      {"-P", patch(change("delete", "/primitive[@id='d2']"))},
      {"-P", patch(change("delete", "/primitive[@id='d9']"))},
      {"-P", patch(change("move", "/primitive[@id='d9']"))},
      {"-P", patch(change("frobnicate", "/primitive[@id='d1']"))},
      {"-P", patch(change("create", "/group[@id='g']", dummy("d3")))},
      {"-P", patch(change("create", "", R"(<foo id="f"/>)"))},
      {"-P", patch(versions(4, 5))},
      {"-P", patch(versions(7, 8))},
  };
  for (const Case& one : cases) compare(one);
}

}  // namespace
}  // namespace systole::cib
