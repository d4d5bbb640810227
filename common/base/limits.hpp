// SPDX-License-Identifier: GPL-2.0-or-later
// Every limit of the house, in one place. Reaching one is an Error with the number in it, never a crash.
#pragma once

#include <cstddef>

namespace systole::limits {

inline constexpr std::size_t nodes_max = 32;
inline constexpr std::size_t links_max = 8;
inline constexpr std::size_t packet_bytes_max = 1'400;      // sealed datagram; fits an Ethernet frame without fragments
inline constexpr std::size_t message_bytes_max = 16 << 20;  // one message between nodes, all fragments together
inline constexpr std::size_t ipc_frame_bytes_max = 64 << 20;
inline constexpr std::size_t document_bytes_max = 8 << 20;         // one CIB configuration
inline constexpr std::size_t stream_backlog_bytes_max = 64 << 20;  // unacknowledged bytes towards one peer
inline constexpr std::size_t xml_depth_max = 64;
inline constexpr std::size_t resources_max = 4'096;
inline constexpr std::size_t node_name_bytes_max = 255;
inline constexpr std::size_t agent_output_bytes_max = 1
                                                      << 20;  // of stdout and stderr each; the rest is dropped and said
inline constexpr std::size_t exit_reason_bytes_max = 128;     // as Pacemaker truncates it
inline constexpr std::size_t attribute_value_bytes_max = 64 << 10;
inline constexpr std::size_t clients_max = 256;          // connected tools
inline constexpr std::size_t queued_writes_max = 1'024;  // CIB writes that wait for the leader

}  // namespace systole::limits
