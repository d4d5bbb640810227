// SPDX-License-Identifier: GPL-2.0-or-later
// See seal.hpp.
#include "crmd/io/seal.hpp"

#include <sodium.h>

#include "common/base/ensure.hpp"
#include "common/base/limits.hpp"

namespace systole::io {
namespace {

constexpr unsigned char format = 0xc1;
constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t head_bytes = 2;
static_assert(head_bytes + nonce_bytes + tag_bytes == seal_bytes);
static_assert(config::key_bytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

unsigned char mark_of(const config::Key& key) {
  unsigned char hash[crypto_generichash_BYTES];
  crypto_generichash(hash, sizeof hash, key.data(), key.size(), nullptr, 0);
  return hash[0];
}

unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Sealer::Sealer(std::vector<config::Key> keys) {
  ensure(!keys.empty());
  ensure(sodium_init() >= 0);
  for (const config::Key& key : keys) keys_.push_back({mark_of(key), key});
}

std::string Sealer::seal(std::string_view plain) const {
  const Marked& with = keys_.front();
  std::string sealed(plain.size() + seal_bytes, '\0');
  unsigned char* const out = bytes_of(sealed);
  out[0] = format;
  out[1] = with.mark;
  randombytes_buf(out + head_bytes, nonce_bytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(out + head_bytes + nonce_bytes, nullptr, bytes_of(plain), plain.size(),
                                             out, head_bytes, nullptr, out + head_bytes, with.key.data());
  return sealed;
}

Sealer::Opened Sealer::open(std::string_view sealed) const {
  if (sealed.size() > limits::packet_bytes_max) return {"", Refusal::oversized};
  if (sealed.size() < seal_bytes) return {"", Refusal::truncated};
  const unsigned char* const in = bytes_of(sealed);
  if (in[0] != format) return {"", Refusal::foreign};
  Refusal refusal = Refusal::foreign;
  for (const Marked& candidate : keys_) {
    if (candidate.mark != in[1]) continue;
    refusal = Refusal::tampered;
    std::string plain(sealed.size() - seal_bytes, '\0');
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(plain), nullptr, nullptr, in + head_bytes + nonce_bytes,
                                                   sealed.size() - head_bytes - nonce_bytes, in, head_bytes,
                                                   in + head_bytes, candidate.key.data()) == 0)
      return {std::move(plain), std::nullopt};
  }
  return {"", refusal};
}

}  // namespace systole::io
