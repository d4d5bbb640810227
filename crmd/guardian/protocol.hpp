// SPDX-License-Identifier: GPL-2.0-or-later
// What crmd and the guardian say to each other over <run directory>/guardian.sock (SOCK_SEQPACKET, mode 0600). One
// datagram is one message: lines of plain words, so that strace shows who said what. '%', control characters and bytes
// above ASCII stand as %XX within a value.
//
//   crmd → guardian   hello VERSION                               first, and once
//                     hold NUMBER                                 all that is held; then each holding's lines
//                     heard                                       the last ladder's news were read
//                     done                                        nothing is held any more; the guardian may end
//   guardian → crmd   state VERSION                               the answer to hello, and with it (SCM_RIGHTS) the
//                                                                 timer of the lease's end; then its lines:
//                       pid N | until NS (where a lease is known) | watchdog WORDS | laddered NS yes/no WORDS, holdings
//                     ack NUMBER                                  that list is what counts now, and the lease lasts
//                     laddered NS yes/no WORDS                    yes: all is gone
//   a holding         resource NAME | address IP | cgroup PATH | group PID | pidfile PATH
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.hpp"
#include "crmd/guardian/guardian.hpp"

namespace systole::guardian {

inline constexpr std::uint32_t protocol_version = 1;
/// One datagram; below the kernel's default for a socket's buffer (212,992 with its own needs).
inline constexpr std::size_t message_bytes_max = 160 << 10;
inline constexpr std::string_view socket_name = "guardian.sock", lease_name = "lease", held_name = "held",
                                  lock_name = "guardian.pid";

struct Hello {
  std::uint32_t version = protocol_version;
  bool operator==(const Hello&) const = default;
};
struct HoldList {
  std::uint64_t number = 0;  // comes back in Ack
  std::vector<Holding> holdings;
  bool operator==(const HoldList&) const = default;
};
struct HeardNews {
  bool operator==(const HeardNews&) const = default;
};
struct CrmdDone {
  bool operator==(const CrmdDone&) const = default;
};
using FromCrmd = std::variant<Hello, HoldList, HeardNews, CrmdDone>;

struct State {
  std::uint32_t version = protocol_version;
  pid_t pid = 0;                     // the guardian's
  std::optional<Time> until;         // the lease as it knows it
  std::string watchdog;              // in words: "none", "/dev/watchdog, 10 s", "…: cannot open it: …"
  std::optional<Laddered> laddered;  // of which no crmd has heard
  std::vector<Holding> holdings;     // what it holds now: for a crmd that is back, what its predecessor held
  bool operator==(const State&) const = default;
};
struct Ack {
  std::uint64_t number = 0;
  bool operator==(const Ack&) const = default;
};
struct LadderedNews {
  Laddered news;
  bool operator==(const LadderedNews&) const = default;
};
using FromGuardian = std::variant<State, Ack, LadderedNews>;

/// Errc::too_big: more than message_bytes_max.
Result<std::string> encode(const FromCrmd& message);
Result<std::string> encode(const FromGuardian& message);

/// Any bytes; Errc::protocol with the line that is wrong. A version other than ours is accepted in hello and state, so
/// that it can be answered in words.
Result<FromCrmd> decode_from_crmd(std::string_view bytes);
Result<FromGuardian> decode_from_guardian(std::string_view bytes);

}  // namespace systole::guardian
