// SPDX-License-Identifier: GPL-2.0-or-later
// A whole database as mariadb-dump writes it: where there is no mariadb-backup, and for a new node by hand. It holds no
// lock on the server that is copied, and knows at which GTID it was made.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace systole::mysql {

/// `options`: path of a file of options (client_options()).
std::vector<std::string> dump_command(const std::string& options);
/// What takes it, as its standard input.
std::vector<std::string> load_command(const std::string& options);
/// Options of a server that nobody uses while it takes one. No binary log: what is copied has its history in the one
/// that it comes from. Flushed by the clean end, not at each commit.
std::vector<std::string> options_to_load();

/// At which GTID it was made, out of its last few KiB; nullopt: it is not whole, or the server writes no binary log.
std::optional<std::string> position_in_dump(std::string_view tail);
inline constexpr std::size_t dump_tail_bytes = 8 << 10;

}  // namespace systole::mysql
