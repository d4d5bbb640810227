// SPDX-License-Identifier: GPL-2.0-or-later
// Attributes that live in the configuration: permanent node attributes and cluster properties. Found, changed and
// deleted through the CIB, by the ids that Pacemaker's tools would choose, so that both find what the other wrote.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/program.hpp"
#include "tools/xml_bits.hpp"

namespace systole::tools {

struct StoredAttribute {
  enum class Where { nodes, crm_config } where = Where::nodes;
  std::string name;
  std::string node;  // uname; nodes only
  std::string set;   // id of the attribute set; "": any (query), the usual one (create)
  std::string id;    // id of the nvpair; "": any
};

/// What the CIB has under that name, perhaps in several sets.
Result<std::vector<Nvpair>> find_stored(DaemonLink& daemon, const StoredAttribute& attribute);

/// An answer that is no success becomes an Error that carries its text; the code is kept in exit_code.
struct Done {
  int exit_code = 0;
  std::string text;
};
Result<Done> store(DaemonLink& daemon, const StoredAttribute& attribute, const std::string& value,
                   const std::string& client);
/// text: the id of what was deleted; "" where there was nothing.
Result<Done> erase(DaemonLink& daemon, const StoredAttribute& attribute, const std::string& client);

}  // namespace systole::tools
