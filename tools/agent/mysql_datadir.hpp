// SPDX-License-Identifier: GPL-2.0-or-later
// A datadir that is to be given a copy of the primary: what is in it, and the steps by which one takes another's place.
// Nothing of what people have stored is deleted; a copy that is not whole bears a mark, which the agent obeys, too: it
// starts no server there.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::tools {

struct DataDir {
  enum class State {
    missing,     // or empty
    fresh,       // a database as packages make it: nobody's data
    unfinished,  // a copy that was begun by us, or a database by the agent, and not brought to its end
    seeded,      // a whole copy of ours, which no cluster has started yet
    in_use,      // somebody's data
    strange,     // files, and no database
  };
  State state = State::missing;
  std::vector<std::string> databases = {};  // in_use: whose
  bool own_mount = false;                   // a file system of its own: it cannot be moved
  std::string note = {};                    // seeded: what the copy is
};

/// By the names in it: each database is a folder there. `test` counts when something is in it.
DataDir::State state_of(const std::vector<std::string>& folders, const std::vector<std::string>& files);
/// Those of the folders that hold somebody's data.
std::vector<std::string> databases_in(const std::vector<std::string>& folders);

DataDir look_at_datadir(const std::string& path);

/// The mark of a copy that is not whole; the agent knows it (prepare.cpp).
std::string unfinished_mark(const std::string& datadir);
/// The mark of a copy that is whole, with a line about it.
std::string seeded_mark(const std::string& datadir);

/// Files of an earlier log of this base name ("/var/log/mysql/mysql-bin.log"), such as its index.
bool has_old_logs(const std::string& log);

/// The datadir itself where a symbolic link leads to it.
std::string real_datadir(const std::string& path);

/// Moves the datadir to "PATH.before-systole-TIME" and makes an empty one with its owner and mode. Returns where it is
/// now; "": there was none.
Result<std::string> move_aside(const std::string& datadir, std::string_view time);
/// Undoes that.
Result<void> move_back(const std::string& datadir, const std::string& aside);
/// All but the mark; for what nobody has stored anything in.
Result<void> empty_datadir(const std::string& datadir);

}  // namespace systole::tools
