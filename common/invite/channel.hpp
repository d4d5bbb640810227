// SPDX-License-Identifier: GPL-2.0-or-later
// The sealed conversation of one invitation, bytes ↔ messages, pure: random numbers are handed in.
//
// Each side opens with a hello in the clear: a mark, the protocol's version, 32 random bytes. From the token and both
// hellos come two keys (BLAKE2b), one per direction, and every message after that is sealed with XChaCha20-Poly1305,
// its number as the nonce. Who does not have the token can neither read nor say anything; a recording fits no second
// conversation, because the other side's random bytes differ; a message left out, doubled or moved does not open. A
// token of 128 random bits cannot be guessed, so no password-authenticated exchange is needed. Numbered nonces instead
// of libsodium's secretstream: that one draws its header from the system, and then the two sides could not be tested as
// values.
//
//   hello   "SYSJOIN" version(1) random(32)
//   frame   length(4, little-endian) sealed message; length 0: "I have no such token" (the one thing said unsealed)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/invite/message.hpp"
#include "common/invite/token.hpp"

namespace systole::invite {

inline constexpr unsigned char protocol_version = 1;
inline constexpr std::size_t random_bytes = 32, hello_bytes = 8 + random_bytes;
/// A guest has little to say; a host sends whole files.
inline constexpr std::size_t guest_frame_bytes_max = 8 << 10, host_frame_bytes_max = 4 << 20;

using Random = std::array<unsigned char, random_bytes>;
enum class Side { guest, host };

class Channel {
 public:
  Channel(Side self, const Token& token, const Random& own);

  /// What is to be sent first.
  const std::string& hello() const { return hello_; }

  enum class Trouble {
    version,   // the other side speaks another version
    protocol,  // no invitation's conversation, or out of turn
    token,     // what came is sealed with another token, or was changed on the way
    no_token,  // the other side says that our token is not its own
  };
  struct Heard {
    bool hello = false;              // the other side's hello is complete
    std::optional<Message> message;  // one at most: the sides speak in turn
    std::optional<Trouble> trouble;  // nothing is heard after it
    int version = 0;                 // the other side's, with Trouble::version
  };
  Heard hear(std::string_view bytes);

  /// The other side's hello must have been heard.
  std::string seal(const Message& message);
  /// Instead of a message: we could not open what came.
  static std::string no_such_token() { return std::string(4, '\0'); }

 private:
  using Key = std::array<unsigned char, 32>;
  Heard hear_hello();
  Heard hear_frame();
  Key derive(std::string_view direction, const std::string& guest_hello, const std::string& host_hello) const;

  Side self_;
  Token token_;
  std::string hello_, waiting_;
  bool greeted_ = false, broken_ = false;
  Key ours_{}, theirs_{};
  std::uint64_t said_ = 0, heard_ = 0;
};

}  // namespace systole::invite
