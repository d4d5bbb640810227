// SPDX-License-Identifier: GPL-2.0-or-later
// One connection between two nodes through which a whole database goes: TLS 1.3 with a key that both sides know
// beforehand and that is used once. Who does not know the key gets no further than the handshake. Nothing here waits
// longer than its deadline.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "agents/sql/deadline.hpp"
#include "common/base/handles.hpp"
#include "common/base/result.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace systole::mysql {

class CopyKey {
 public:
  /// Of a secret that both sides have (the password of replication: whoever knows that can copy the database anyway)
  /// and of something that was never used before, which everybody may see.
  static CopyKey derive(std::string_view secret, std::string_view nonce);
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::array<std::byte, 32> bytes_{};
};

/// 32 hexadecimal digits by chance.
std::string draw_nonce();

/// A socket that waits for one visitor.
struct CopyListener {
  Fd socket;
  unsigned port = 0;
};
/// port 0: any that is free.
Result<CopyListener> listen_for_copy(const std::string& address, unsigned port);

class CopyChannel {
 public:
  /// The first visitor who knows the key; others are turned away.
  static Result<CopyChannel> accept(CopyListener& listener, const CopyKey& key, Deadline deadline);
  static Result<CopyChannel> connect(const std::string& host, unsigned port, const CopyKey& key, Deadline deadline);
  CopyChannel(CopyChannel&&) noexcept = default;
  CopyChannel& operator=(CopyChannel&&) noexcept = default;

  Result<void> send(std::span<const std::byte> bytes, Deadline deadline);
  /// How many came; 0: the other side has ended in order. io: it broke off.
  Result<std::size_t> receive(std::span<std::byte> into, Deadline deadline);
  /// In order: the other side sees 0.
  Result<void> end(Deadline deadline);

 private:
  struct FreeContext {
    void operator()(ssl_ctx_st* context) const noexcept;
  };
  struct FreeSession {
    void operator()(ssl_st* session) const noexcept;
  };
  CopyChannel() = default;
  static Result<CopyChannel> over(Fd socket, bool server, const CopyKey& key, Deadline deadline);
  Result<void> again(int outcome, std::string_view what, Deadline deadline);

  Fd socket_;
  std::unique_ptr<CopyKey> key_;  // where the library's callbacks find it
  std::unique_ptr<ssl_ctx_st, FreeContext> context_;
  std::unique_ptr<ssl_st, FreeSession> session_;
};

}  // namespace systole::mysql
