// SPDX-License-Identifier: GPL-2.0-or-later
// `systole mysql receipts`: what was taken out of this node's databases so that they could follow their primary again.
#pragma once

#include <set>
#include <string>

namespace systole::tools {

/// Names of the receipts below `folder`, oldest first; of one resource, or of all ("").
std::set<std::string> receipts_in(const std::string& folder, const std::string& resource);
/// The receipts below `folder`, oldest first; of one resource, or of all ("").
std::string receipts_text(const std::string& folder, const std::string& resource);

}  // namespace systole::tools
