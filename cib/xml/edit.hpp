// SPDX-License-Identifier: GPL-2.0-or-later
// The edits of cibadmin on a whole CIB's tree. Each returns an Error and leaves a half-edited tree behind, or succeeds;
// the caller owns a tree that it can throw away.
#pragma once

#include "cib/xml/cib_xml.hpp"
#include "cib/xml/tree.hpp"

namespace systole::cib::xml {

Result<void> edit(Tree& tree, const Request& request);

}  // namespace systole::cib::xml
