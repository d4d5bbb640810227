// SPDX-License-Identifier: GPL-2.0-or-later
// See ipc_frame.hpp.
#include "common/wire/ipc_frame.hpp"

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/base/limits.hpp"
#include "common/wire/ipc.hpp"

namespace systole::wire::ipc {
namespace {

constexpr std::size_t version_bytes = sizeof(std::uint16_t);

}  // namespace

Result<FrameHead> read_frame_head(std::string_view bytes) {
  ensure(bytes.size() >= frame_head_bytes);
  std::uint32_t length = 0;
  FrameHead head;
  Reader reader(bytes.substr(0, frame_head_bytes));
  reader(length)(head.version);
  if (length < version_bytes)
    return Error{Errc::protocol, fmt::format("a frame of {} bytes has no room for its version", length)};
  if (length > limits::ipc_frame_bytes_max)
    return Error{Errc::protocol,
                 fmt::format("a frame of {} bytes; at most {} are allowed", length, limits::ipc_frame_bytes_max)};
  head.body_bytes = length - version_bytes;
  return head;
}

Result<std::string> make_frame(std::string_view body) {
  const std::size_t length = body.size() + version_bytes;
  if (length > limits::ipc_frame_bytes_max)
    return Error{Errc::too_big,
                 fmt::format("a message of {} bytes; at most {} are allowed", length, limits::ipc_frame_bytes_max)};
  Writer writer;
  writer(static_cast<std::uint32_t>(length))(protocol_version);
  std::string frame = writer.take();
  frame += body;
  return frame;
}

}  // namespace systole::wire::ipc
