// SPDX-License-Identifier: GPL-2.0-or-later
// What a valid CIB looks like, as far as this product acts on it: the elements and attributes of schema pacemaker-3.9
// that the model has, their types, ids and references. Parts of that schema on which we do not act (bundles, templates,
// tags, ACLs, alerts, fencing topology, tickets, sets) are let through, but for their ids, and named by the reader as
// unsupported.
//
// validate-with decides how strict the check is, because old documents must stay readable: pacemaker-3.0 … 3.9 (and no
// statement at all) are checked in full; older schemas and "none" only for what the reader needs; newer ones are
// refused, since we cannot know what they mean.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cib/xml/tree.hpp"

namespace systole::cib::xml {

enum class Strictness { full, lenient };
/// From cib/@validate-with. Errc::schema: newer than pacemaker-3.9, or no schema's name at all.
Result<Strictness> strictness_of(const xmlNode* cib);

/// Elements by id: the configuration's XML ids (not those of nodes, which are a name space of their own).
using Ids = std::map<std::string, xmlNode*>;

struct Checked {
  Ids ids;
  std::vector<std::string> problems;  // one sentence each, with element and line
};
/// Checks structure, types, unique ids and references of a whole cib element.
Checked check(xmlNode* cib, Strictness strictness);

/// Adds the problems up: one Error of kind schema with the first few of them.
Error schema_error(const std::vector<std::string>& problems);

}  // namespace systole::cib::xml
