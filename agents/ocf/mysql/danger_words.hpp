// SPDX-License-Identifier: GPL-2.0-or-later
// What in a server makes replication less safe than it looks, as questions to it and as sentences about the answers.
// Pure: the agent asks over its connection, who prepares a server asks through the client program.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace systole::mysql {

/// How many of a list are named; the questions ask for one more, to know whether there are more.
inline constexpr std::size_t dangers_named_max = 5;

/// Tables whose engine has no transactions.
std::string tables_question();
/// Accounts that read_only does not bind, beyond these, which stand there as SQL literals.
std::string accounts_question(const std::vector<std::string>& quoted_users, bool with_super);

/// "a, b" or "a, … and more".
std::string named(std::vector<std::string> answers);
std::string tables_danger(const std::string& tables);
std::string accounts_danger(const std::string& accounts, bool with_super);

/// A binary log whose transactions cannot be undone; "": nothing wrong with it. Empty values are not known.
std::string danger_of_format(std::string_view format, std::string_view row_image);

/// Are accounts with SUPER free from read_only? So it was before 10.11.
bool super_is_free(std::string_view version);

}  // namespace systole::mysql
