// SPDX-License-Identifier: GPL-2.0-or-later
// Sealing of packets: XChaCha20-Poly1305 (libsodium) with a random nonce, so that nothing has to be remembered over
// restarts. On the wire: a format byte, the key's mark, 24 bytes of nonce, ciphertext with its 16-byte tag; format and
// mark are authenticated too. The mark is one byte of the key's hash: which key opens a packet does not depend on the
// order of lines in anybody's key file, so keys can be changed node by node.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/key_file.hpp"
#include "common/wire/packet.hpp"

namespace systole::io {

inline constexpr std::size_t seal_bytes = 2 + 24 + 16;
static_assert(seal_bytes <= wire::sealing_bytes_max);

/// Datagrams that never became packets, by reason.
struct RefusedDatagrams {
  std::uint64_t truncated = 0;   // too short to be sealed
  std::uint64_t oversized = 0;   // longer than limits::packet_bytes_max
  std::uint64_t foreign = 0;     // not our format, or sealed with a key that is not ours
  std::uint64_t tampered = 0;    // our key's mark, but the seal does not hold
  std::uint64_t unreadable = 0;  // sealed with our key, but no packet of our version
  std::uint64_t replayed = 0;    // a packet of ours that came before, or of a life that is over
  std::uint64_t by_kernel = 0;   // from an address of no node, or there was no room for it
};

class Sealer {
 public:
  /// keys: at least one; the first seals.
  explicit Sealer(std::vector<config::Key> keys);

  std::string seal(std::string_view plain) const;

  enum class Refusal { truncated, oversized, foreign, tampered };
  struct Opened {
    std::string plain;
    std::optional<Refusal> refusal;  // set: plain is empty
  };
  Opened open(std::string_view sealed) const;

 private:
  struct Marked {
    unsigned char mark;
    config::Key key;
  };
  std::vector<Marked> keys_;
};

}  // namespace systole::io
