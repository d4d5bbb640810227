// SPDX-License-Identifier: GPL-2.0-or-later
// CIBs for the tests of what is simulated: two nodes that are up, without fencing.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "tools/simulate/show.hpp"
#include "tools/simulate/world.hpp"

namespace systole::tools::test {

/// `ran`: lrm_resource elements of n1; n2: what its node element holds; more: what follows the resources.
inline std::string cib(std::string_view resources, std::string_view ran = "", std::string_view n2 = "",
                       std::string_view more = "<constraints/>") {
  const auto state = [](std::string_view node, std::string_view id, std::string_view history) {
    return fmt::format(R"(<node_state id="{}" uname="{}" in_ccm="true" crmd="online" join="member" expected="member">)"
                       R"(<lrm id="{}"><lrm_resources>{}</lrm_resources></lrm></node_state>)",
                       id, node, id, history);
  };
  return fmt::format(
      R"(<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1" dc-uuid="1">)"
      R"(<configuration><crm_config><cluster_property_set id="o"><nvpair id="s" name="stonith-enabled" )"
      R"(value="false"/></cluster_property_set></crm_config><nodes><node id="1" uname="n1"/><node id="2" uname="n2">{})"
      R"(</node></nodes><resources>{}</resources>{}</configuration><status>{}{}</status></cib>)",
      n2, resources, more, state("n1", "1", ran), state("n2", "2", ""));
}

inline std::string primitive(std::string_view id, std::string_view more = "") {
  return fmt::format(R"(<primitive id="{}" class="ocf" provider="systole" type="Dummy">{}</primitive>)", id, more);
}

/// Its monitor of 10 s.
inline std::string monitored(std::string_view id) {
  return primitive(id, fmt::format(R"(<operations><op id="{}-m" name="monitor" interval="10s"/></operations>)", id));
}

inline std::string started(std::string_view id) {
  return fmt::format(
      R"(<lrm_resource id="{0}" class="ocf" provider="systole" type="Dummy"><lrm_rsc_op id="{0}_last_0" )"
      R"(operation="start" operation_key="{0}_start_0" interval="0" call-id="3" rc-code="0" op-status="0" )"
      R"(op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8" transition-key="1:1:0:x"/></lrm_resource>)",
      id);
}

inline World world_of(const std::string& text) {
  auto world = World::of(text, 1'000'000);
  EXPECT_TRUE(world) << world.error().what;
  return std::move(*world);
}

inline std::string status_of(const World& world) {
  return show_status(scheduler::picture_of(world.view()));
}

}  // namespace systole::tools::test
