// SPDX-License-Identifier: GPL-2.0-or-later
// What Pacemaker's tools say of a node's fencing. Only both together are evidence that it is off: the cluster counts it
// as down on purpose and not as lost (else it may be alive behind a cut), and a fencing has succeeded since it was last
// seen (a node that was shut down cleanly in maintenance mode has left its database running). Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace systole::mysql {

/// The node's element in the CIB's status (cibadmin --query): no member, its controller is off, and nobody expects it
/// back before it has joined anew. Pacemaker 2.1.7 and later write times in the place of false and true, 0 for never.
bool is_down(std::string_view node_state);

/// stonith_admin --history NODE --verbose --output-as=xml, in the time zone UTC: has one succeeded at or after that
/// moment (s since the epoch)? A node that was shot while it still answered is seen for some seconds more, hence some
/// tolerance.
bool was_fenced(std::string_view history, std::int64_t since_s);

}  // namespace systole::mysql
