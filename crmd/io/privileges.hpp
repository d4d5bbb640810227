// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon asks of the kernel for itself, and what its children must not inherit of it.
#pragma once

#include "common/log/log.hpp"

namespace systole::io {

/// Asks for a real-time scheduling class, locked memory, descriptors and protection from the OOM killer; logs in one
/// line what was granted. Nothing of it is needed to work, all of it helps to beat on time. True: real-time scheduling
/// was granted, so that timers are never late by more than a moment.
bool ask_for_privileges(Log& log);

/// Gives up for good every capability but those named in privileges.cpp, for this thread and those it starts later: to
/// be called before there are others. Agents have all again: a program that root executes gets them anew. Logs only a
/// refusal.
void drop_capabilities(Log& log);

/// In a child between fork and exec: default signal handling, normal scheduling, normal OOM score, our first limits.
/// Async-signal-safe.
void restore_defaults_for_child();

}  // namespace systole::io
