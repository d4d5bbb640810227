// SPDX-License-Identifier: GPL-2.0-or-later
// The numbers that our programs end with and that the daemon answers with: Pacemaker's exit codes, up to 78 those of
// sysexits(3). The one table from errors to codes is here too, so that a refusal has the same number whether the
// leader, the daemon that was asked, or the tool itself found the fault.
#pragma once

#include "common/base/result.hpp"

namespace systole {

namespace exit_code {

inline constexpr int ok = 0;
inline constexpr int error = 1;
inline constexpr int usage = 64;           // unknown or malformed option
inline constexpr int data = 65;            // broken or too much input
inline constexpr int no_input = 66;        // a file that was named is not there
inline constexpr int no_host = 68;         // no node of this name
inline constexpr int unavailable = 69;     // port in use, or this node's address is on no interface
inline constexpr int system = 71;          // the kernel refuses something that always works
inline constexpr int cannot_create = 73;   // the output file
inline constexpr int io = 74;              // a file or directory cannot be read or written
inline constexpr int protocol = 76;        // tool and daemon do not understand each other
inline constexpr int permission = 77;      // file mode, privileges, not a member of haclient
inline constexpr int configuration = 78;   // no valid CIB, or a wrong cluster.conf
inline constexpr int not_connected = 102;  // no daemon answers
inline constexpr int old_version = 103;    // the write is based on an older configuration
inline constexpr int digest = 104;         // stored data is damaged
inline constexpr int no_such = 105;        // no such object
inline constexpr int no_quorum = 106;      // nobody may decide now
inline constexpr int needs_force = 107;    // dangerous, say --force
inline constexpr int exists = 108;         // such an object exists; another crmd holds this run directory
inline constexpr int multiple = 109;       // several objects match where one is meant
inline constexpr int timeout = 124;

}  // namespace exit_code

int exit_code_of(const Error& error);

}  // namespace systole
