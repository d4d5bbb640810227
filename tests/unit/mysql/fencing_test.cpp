// SPDX-License-Identifier: GPL-2.0-or-later
// What Pacemaker's tools print of a node's end, as seen with 2.1.5 and as 2.1.7 documents it.
#include "agents/ocf/mysql/fencing.hpp"

#include <gtest/gtest.h>

#include <string>

namespace systole::mysql {
namespace {

std::string node(const std::string& in_ccm, const std::string& crmd, const std::string& expected) {
  return "<node_state id=\"1\" uname=\"n1\" in_ccm=\"" + in_ccm + "\" crmd=\"" + crmd +
         "\" crm-debug-origin=\"send_stonith_update\" join=\"down\" expected=\"" + expected + "\"/>\n";
}

std::string history(const std::string& action, const std::string& status, const std::string& completed) {
  return "<pacemaker-result api-version=\"2.25\" request=\"stonith_admin --history n1 --output-as=xml\">\n"
         "  <list name=\"fencing history\" count=\"1\">\n    <fence_event action=\"" +
         action + "\" target=\"n1\" client=\"pacemaker-controld.30\" origin=\"n2\" status=\"" + status +
         "\" delegate=\"n2\" completed=\"" + completed + "\"/>\n  </list>\n</pacemaker-result>\n";
}

constexpr std::int64_t at = 1795938643;  // 2026-11-29 07:50:43 UTC

TEST(Fencing, a_node_is_down_when_nobody_expects_it_back) {
  EXPECT_TRUE(is_down(node("false", "offline", "down")));
  EXPECT_TRUE(is_down(node("0", "0", "down")));
  EXPECT_FALSE(is_down(node("false", "offline", "member"))) << "lost, not yet fenced";
  EXPECT_FALSE(is_down(node("true", "online", "member")));
  EXPECT_FALSE(is_down(node("1732866643", "1732866643", "member")));
  EXPECT_FALSE(is_down(node("true", "offline", "down"))) << "its machine is up";
  EXPECT_FALSE(is_down(""));
  EXPECT_FALSE(is_down("<node_state in_ccm=\"false"));
}

TEST(Fencing, a_success_counts_from_the_moment_at_which_the_node_was_last_seen) {
  const std::string done = history("reboot", "success", "2026-11-29 07:50:43Z");
  EXPECT_TRUE(was_fenced(done, at - 5));
  EXPECT_TRUE(was_fenced(done, at + 10)) << "it was shot while it was still a member";
  EXPECT_FALSE(was_fenced(done, at + 11));
  EXPECT_TRUE(was_fenced(history("off", "success", "2026-11-29 07:50:43.123456Z"), at));
}

TEST(Fencing, whatever_is_not_a_success_is_none) {
  for (const char* const status : {"failed", "pending", ""})
    EXPECT_FALSE(was_fenced(history("reboot", status, "2026-11-29 07:50:43Z"), at)) << status;
  EXPECT_FALSE(was_fenced(history("on", "success", "2026-11-29 07:50:43Z"), at));
  for (const char* const time : {"", "soon", "2026-11-29 07:50:43 +01:00", "2026-11-29"})
    EXPECT_FALSE(was_fenced(history("reboot", "success", time), at)) << time;
  EXPECT_FALSE(was_fenced("", at));
  EXPECT_FALSE(was_fenced("<list name=\"fencing history\" count=\"0\"/>", at));
  EXPECT_FALSE(was_fenced("<fence_event status=\"success\" action=\"off\"", at));
}

}  // namespace
}  // namespace systole::mysql
