// SPDX-License-Identifier: GPL-2.0-or-later
// Frames on the unix socket between tools and daemon: a 32-bit length (little-endian, of what follows), a 16-bit
// protocol version, a body. Bytes ↔ frames only; who reads and writes them is crmd/io's and the tools' business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace systole::wire::ipc {

inline constexpr std::size_t frame_head_bytes = 6;

struct FrameHead {
  std::size_t body_bytes = 0;
  std::uint16_t version = 0;
  bool operator==(const FrameHead&) const = default;
};

/// bytes: at least frame_head_bytes. Errors: the length is shorter than the version field or beyond
/// limits::ipc_frame_bytes_max.
Result<FrameHead> read_frame_head(std::string_view bytes);

/// Head and body together. Errc::too_big beyond the limit.
Result<std::string> make_frame(std::string_view body);

}  // namespace systole::wire::ipc
