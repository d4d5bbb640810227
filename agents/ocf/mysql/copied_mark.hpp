// SPDX-License-Identifier: GPL-2.0-or-later
// The mark of a database that was copied from another server and has not been started since: from where it goes on. It
// is a property of the data, hence in the datadir.
#pragma once

#include <optional>
#include <string>

#include "agents/ocf/mysql/gtid.hpp"
#include "common/base/result.hpp"

namespace systole::mysql {

/// The next start goes on from there: a copy's own positions are empty, and following from nothing would do everything
/// once more.
/// `state`: what its gtid_binlog_state is to be (state_up_to()), or only the position.
Result<void> mark_as_copied(const std::string& datadir, const GtidList& state);
/// That state. nullopt: it is no copy that was not started yet. Error (corrupt): it is, and from where is not known.
Result<std::optional<GtidList>> copied_at(const std::string& datadir);
/// What the mark says is done.
Result<void> forget_copied(const std::string& datadir);

}  // namespace systole::mysql
