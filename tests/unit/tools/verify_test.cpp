// SPDX-License-Identifier: GPL-2.0-or-later
// `systole verify`: what it warns of in a CIB that is valid.
#include <gtest/gtest.h>

#include "tests/unit/tools/fake_daemon.hpp"
#include "tools/commands.hpp"

namespace systole::tools {
namespace {

using test::FakeDaemon;

std::string op(const std::string& id, const std::string& attributes) {
  return "<op id=\"" + id + "\" name=\"monitor\" " + attributes + "/>";
}

/// The warnings about a database with these operations.
std::string warnings(const std::string& operations, bool promotable = true) {
  FakeDaemon daemon;
  daemon.change(
      R"(<resources><clone id="db-clone"><meta_attributes id="m"><nvpair id="m-p" name="promotable" value=")" +
          std::string(promotable ? "true" : "false") +
          R"("/></meta_attributes><primitive id="db" class="ocf" provider="systole" type="mysql"><operations>)" +
          operations + "</operations></primitive></clone></resources>",
      "resources");
  Surroundings here;
  here.daemon = &daemon;
  verify(here, {"/nonexistent/cluster.conf", "", ""});
  std::string found;
  for (std::size_t at = 0, end = 0; (end = here.out.find('\n', at)) != std::string::npos; at = end + 1)
    if (const std::string line = here.out.substr(at, end - at); line.find("monitor") != std::string::npos)
      found += line + "\n";
  return found;
}

const std::string unpromoted = op("slow", R"(interval="20s")");

TEST(Verify, warns_of_a_promotable_resource_whose_promoted_instance_is_not_watched) {
  const std::string warning =
      "warning  the cluster's CIB: db: no recurring monitor with role=\"Promoted\": a promoted instance is not "
      "watched, "
      "since a monitor without a role does not run on it\n";
  EXPECT_EQ(warnings(""), warning);
  EXPECT_EQ(warnings(unpromoted), warning);
  EXPECT_EQ(warnings(unpromoted + op("fast", R"(interval="10s" role="Slave")")), warning);
  EXPECT_EQ(warnings(unpromoted + op("once", R"(interval="0" role="Promoted")")), warning);
  EXPECT_EQ(warnings(unpromoted + op("off", R"(interval="10s" role="Promoted" enabled="false")")), warning);
}

TEST(Verify, is_content_with_a_monitor_of_the_promoted_role_by_its_new_or_old_name) {
  EXPECT_EQ(warnings(unpromoted + op("fast", R"(interval="10s" role="Promoted")")), "");
  EXPECT_EQ(warnings(unpromoted + op("fast", R"(interval="10s" role="Master")")), "");
}

TEST(Verify, wants_no_monitor_of_the_promoted_role_where_nothing_is_promoted) {
  EXPECT_EQ(warnings(unpromoted, false), "");
}

TEST(Verify, warns_of_two_monitors_with_one_interval_whatever_their_roles) {
  EXPECT_EQ(warnings(op("a", R"(interval="10s")") + op("b", R"(interval="10000ms" role="Promoted")")),
            "warning  the cluster's CIB: db: monitors 'a' and 'b' have the same interval 10s and cannot be told apart, "
            "whatever their roles: none of them runs; make one a little longer\n");
  EXPECT_EQ(warnings(op("a", R"(interval="0")") + op("b", R"(interval="0")"), false), "");
}

TEST(Verify, finds_nothing_wrong_with_the_examples_that_users_copy) {
  for (const auto& [name, resources] :
       {std::pair("database-and-address.xml", 2), std::pair("readers.xml", 4), std::pair("watched.xml", 4)}) {
    Surroundings here;
    verify(here, {"/nonexistent/cluster.conf", "", std::string(EXAMPLES "/") + name});
    EXPECT_NE(here.out.find(name + (": " + std::to_string(resources)) + " resource(s), 2 node(s)"), std::string::npos)
        << here.out;
    EXPECT_EQ(here.out.find("warning"), std::string::npos) << here.out;
  }
}

}  // namespace
}  // namespace systole::tools
