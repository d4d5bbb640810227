// SPDX-License-Identifier: GPL-2.0-or-later
// What mariadb-binlog --flashback writes, read back as the statements that undo a tail. Only BINLOG statements count:
// first the log's format, then each row change turned around, the last one first. The transactions' limits are left
// out, because all of it is to be done in one. Pure.
#pragma once

#include <istream>
#include <optional>
#include <string>

#include "common/base/result.hpp"

namespace systole::mysql {

/// The next BINLOG statement, without its delimiter; nullopt: there is none any more. Error (corrupt): the text ends
/// within one, or what it carries is not base64.
Result<std::optional<std::string>> next_undo_statement(std::istream& text);

}  // namespace systole::mysql
