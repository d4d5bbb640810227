// SPDX-License-Identifier: GPL-2.0-or-later
// Pacemaker's patch format 2 over trees: <diff format="2"> with changes that create, modify, delete and move elements,
// each named by its path. Positions count all children, comments included, in the finished document. Making and
// applying agree on one reading of "move": take the moved elements out, then put each new and each moved one at its
// position, in rising order. That reading also holds where Pacemaker's own tools apply our patches one change at a
// time.
#pragma once

#include "cib/xml/tree.hpp"

namespace systole::cib::xml {

/// The patch that makes the second cib element out of the first; nullptr where there is no difference.
Tree make_patch(xmlNode* from, xmlNode* to, bool with_versions);

/// Applies the changes of a <diff> element (its <version> is the caller's business). Errc::refused names the change
/// that does not fit; the tree is then half changed and to be thrown away.
Result<void> apply_patch(const Tree& tree, xmlNode* diff);

}  // namespace systole::cib::xml
