// SPDX-License-Identifier: GPL-2.0-or-later
// A cluster and a plan in the words of Pacemaker's crm_simulate, which people and scripts read.
#pragma once

#include <string>
#include <string_view>

#include "crmd/scheduler/picture.hpp"

namespace systole::tools {

/// Nodes and resources as they are: the lists below "Current cluster status:".
std::string show_status(const scheduler::Picture& picture);
/// One line for each resource that changes; "" when none does.
std::string show_changes(const scheduler::Picture& picture);
/// The graph in Graphviz's language, as Pacemaker draws it. all: also what nothing asks for, and what nobody manages.
std::string show_graph(const scheduler::Picture& picture, bool all = false);
/// Allocation and promotion scores, a line each.
std::string show_scores(const scheduler::Picture& picture, std::string_view indent);
/// The transition as the XML that Pacemaker's controller carries out.
std::string show_transition(const scheduler::Transition& transition);
/// "  * Node Attributes:", "  * Migration Summary:" (the fail counts): below the lists of show_status.
std::string show_attributes(const scheduler::Picture& picture);
std::string show_fail_counts(const scheduler::Picture& picture);
/// "1 of 2 resource instances DISABLED …", and an empty line; "" when none is.
std::string show_counts(const scheduler::Picture& picture);

}  // namespace systole::tools
