// SPDX-License-Identifier: GPL-2.0-or-later
// How crmd ends. sysexits(3) where it has a number; 108 is Pacemaker's "exists".
#pragma once

namespace systole::exit_code {

inline constexpr int ok = 0;                 // ended as asked
inline constexpr int error = 1;              // ended at once by a second signal
inline constexpr int usage = 64;             // unknown or malformed option
inline constexpr int data = 65;              // broken CIB (--first-cib), damaged vote
inline constexpr int no_input = 66;          // a file that was named is not there: cluster.conf, key, CIB
inline constexpr int unavailable = 69;       // port in use, or this node's address is on no interface
inline constexpr int system = 71;            // the kernel refuses something that always works
inline constexpr int io = 74;                // state or run directory cannot be used
inline constexpr int permission = 77;        // key file that others may touch, missing privileges
inline constexpr int configuration = 78;     // cluster.conf: wrong, unknown interface, not this node
inline constexpr int already_running = 108;  // another crmd holds this run directory

}  // namespace systole::exit_code
