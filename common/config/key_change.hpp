// SPDX-License-Identifier: GPL-2.0-or-later
// A change of the cluster's key without a gap, in three steps, each taken over by every node before the next: a new key
// below the others opens (with_added_key() of key_file.hpp); moved above them it seals; and when every node seals with
// it, the others go. Pure: the text of a key file in, the next one out, comments and all.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace systole::config {

/// The last key stands above all others: it seals from now on. Errc::refused if there is only one.
Result<std::string> with_last_key_first(std::string_view content, std::string_view file);

/// Only the first key is left. Errc::refused if there is only one.
Result<std::string> with_first_key_only(std::string_view content, std::string_view file);

}  // namespace systole::config
