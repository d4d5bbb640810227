// SPDX-License-Identifier: GPL-2.0-or-later
// The checksum of the Internet protocols (RFC 1071).
#pragma once

#include <cstdint>

#include "common/base/bytes.hpp"

namespace systole {

/// In host order. begin: what a pseudo-header adds up to, when not written out in front of the bytes.
std::uint16_t internet_checksum(Bytes bytes, std::uint32_t begin = 0);

}  // namespace systole
