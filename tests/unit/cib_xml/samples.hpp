// SPDX-License-Identifier: GPL-2.0-or-later
// Documents that several tests of this folder start from.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "cib/xml/cib_xml.hpp"

namespace systole::cib {

/// A CIB with these inner parts, each given as XML.
struct Parts {
  std::string properties = {}, nodes = {}, resources = {}, constraints = {}, more = {};
};
inline std::string cib_of(const Parts& parts, const std::string& header = "validate-with=\"pacemaker-3.9\"") {
  return "<cib crm_feature_set=\"3.16.1\" " + header +
         " epoch=\"5\" num_updates=\"0\" admin_epoch=\"0\"><configuration>\n" + "<crm_config>" + parts.properties +
         "</crm_config><nodes>" + parts.nodes + "</nodes>\n<resources>" + parts.resources +
         "</resources>\n<constraints>" + parts.constraints + "</constraints>" + parts.more +
         "</configuration><status/></cib>";
}

inline std::string dummy(const std::string& id, const std::string& inner = "") {
  return "<primitive id=\"" + id + "\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\">" + inner + "</primitive>";
}

template <class T>
T good(Result<T> result) {
  EXPECT_TRUE(result) << result.error().what;
  return result ? std::move(*result) : T{};
}

}  // namespace systole::cib
