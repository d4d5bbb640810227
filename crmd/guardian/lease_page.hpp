// SPDX-License-Identifier: GPL-2.0-or-later
// The page of memory that crmd and the guardian share: <run directory>/lease, mapped by both. crmd renews its lease
// many times a second, from a thread that must never wait; a store into this page cannot block and reaches the guardian
// whatever becomes of crmd the moment after. The guardian's timer of the lease's end is set by crmd as well, after the
// store: it may ring too early, never too late. The guardian stamps each of its wake-ups, so that
// crmd sees that somebody watches. The file lies in a tmpfs: on a disk, a store could wait for that disk.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/time.hpp"

namespace systole::guardian {

inline constexpr std::size_t lease_page_bytes = 4096;
inline constexpr std::uint64_t lease_magic = 0x6573'6165'4c73'7953;  // "SysLease"
inline constexpr std::uint32_t lease_version = 1;

struct LeasePage {
  std::uint64_t magic;
  std::uint32_t version;
  char boot[44];                       // the kernel's boot_id, closed by NUL: times of another boot mean nothing
  std::atomic<std::int64_t> until_ns;  // CLOCK_BOOTTIME; 0: no lease. Written by crmd, cleared at an orderly end
  std::atomic<std::int64_t> guardian_seen_ns;  // CLOCK_BOOTTIME of the guardian's last wake-up
};
static_assert(sizeof(LeasePage) <= lease_page_bytes);
static_assert(std::atomic<std::int64_t>::is_always_lock_free, "two processes share no lock");

inline bool belongs_to(const LeasePage& page, std::string_view boot) {
  return page.magic == lease_magic && page.version == lease_version && page.boot[sizeof page.boot - 1] == '\0' &&
         boot == std::string_view(page.boot);
}

/// How often the guardian looks at the page while something is held, and while nothing is.
inline constexpr Duration look_while_held = 400ms;
inline constexpr Duration look_while_idle = 1s;
/// How old its stamp may be while something is held before crmd takes it for stuck.
inline constexpr Duration guardian_silent_max = 1s;

}  // namespace systole::guardian
