// SPDX-License-Identifier: GPL-2.0-or-later
// Option files of the server's programs, which are given as SecretText: a password has no place in arguments.
#pragma once

#include <string>
#include <string_view>

#include "agents/ocf/mysql/settings.hpp"

namespace systole::mysql {

/// In quotes, so that each character stands for itself.
std::string quoted_option(std::string_view text);

/// [client] with where the server listens and who we are there, and nothing else.
std::string client_options(const sql::Endpoint& endpoint, const sql::Account& account);

}  // namespace systole::mysql
