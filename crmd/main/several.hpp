// SPDX-License-Identifier: GPL-2.0-or-later
// A witness of several clusters: one daemon for each, in a process of its own, so that no cluster can do harm to
// another; this one only starts them, starts them again, and passes signals on.
#pragma once

#include <functional>

#include "crmd/main/options.hpp"

namespace systole {

/// run_one: a whole daemon, until its end; its exit code. Each gets --state-dir/CLUSTER and --run-dir/CLUSTER. Returns
/// the exit code of them all: the first that is not 0. What is wrong with any configuration is said before any is
/// started.
int run_several(const Options& options, const std::function<int(const Options&)>& run_one);

}  // namespace systole
