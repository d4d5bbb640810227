// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes that must still be there after a power cut.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace systole {

/// All of them, and then to the disk. path is for messages.
Result<void> write_durably(int fd, std::string_view bytes, const std::string& path);

}  // namespace systole
