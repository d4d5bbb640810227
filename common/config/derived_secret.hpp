// SPDX-License-Identifier: GPL-2.0-or-later
// Secrets that every node computes for itself from the key that all of them have, so that none has to be carried from
// one to the other. A keyed hash: who learns such a secret learns nothing of the key, nor of the other secrets.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace systole::config {

/// 43 letters, digits, "-" and "_" (256 bits, base64url). The same key and purpose give the same secret on each node.
std::string derived_secret(std::string_view key, std::string_view purpose);

/// The content of corosync's key file, under read_key_file()'s checks of owner and mode. It may be any bytes.
Result<std::string> read_foreign_key(const std::string& path);

}  // namespace systole::config
