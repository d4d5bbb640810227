// SPDX-License-Identifier: GPL-2.0-or-later
// The verbs of `systole` that do something. Each is a function of its options, a link to the daemon and a place for its
// words.
#pragma once

#include <functional>
#include <string>

#include "tools/program.hpp"

namespace systole::tools {

/// Lets time pass between two looks at the daemon; tests hand in one that only counts.
using Pause = std::function<void(Duration)>;

struct MoveOptions {
  std::string resource;
  std::string node;  // "": away from where it is
  bool clear = false, wait = false;
  Duration patience = 120s;
};
int move_resource(Surroundings& here, const MoveOptions& options, const Pause& pause);

struct StandbyOptions {
  std::string node;  // "": this one
  bool off = false, wait = false;
  Duration patience = 120s;
};
int standby(Surroundings& here, const StandbyOptions& options, const Pause& pause);

int cleanup(Surroundings& here, const std::string& resource, const std::string& node);
int confirm_lost(Surroundings& here, const std::string& node);
/// Waits until the successor answers, for ten seconds at most.
int reexec(Surroundings& here, const Pause& pause);
/// cluster.conf and the keys hold from now on as they are, without a restart.
int reload(Surroundings& here);
int why(Surroundings& here, const std::string& resource);
/// A file with a first key, or one of the steps of a change of keys in a file that is there.
enum class KeyStep { first, add, use_new, drop_old };
int keygen(Surroundings& here, const std::string& path, KeyStep step);

/// Until the cluster says that nothing is left to do, several times in a row: a change needs a moment to be noticed.
int wait_until_settled(Surroundings& here, Duration patience, const Pause& pause);

struct VerifyOptions {
  std::string config = "/etc/systole/cluster.conf", node, cib_file;
};
int verify(Surroundings& here, const VerifyOptions& options);

}  // namespace systole::tools
