// SPDX-License-Identifier: GPL-2.0-or-later
// See channel.hpp.
#include "common/invite/channel.hpp"

#include <sodium.h>

#include <cstring>
#include <utility>

#include "common/base/ensure.hpp"
#include "common/wire/codec.hpp"

namespace systole::invite {
namespace {

constexpr std::string_view mark = "SYSJOIN";
constexpr std::size_t length_bytes = 4, tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
using Nonce = std::array<unsigned char, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES>;
static_assert(token_bytes >= crypto_generichash_KEYBYTES_MIN);

/// A key lives for one conversation and one direction, so a counter never comes twice under it.
Nonce nonce_of(std::uint64_t number) {
  Nonce nonce{};
  std::memcpy(nonce.data(), &number, sizeof number);
  return nonce;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Channel::Heard trouble(Channel::Trouble what) {
  Channel::Heard heard;
  heard.trouble = what;
  return heard;
}

}  // namespace

Channel::Channel(Side self, const Token& token, const Random& own) : self_(self), token_(token), hello_(mark) {
  ensure(sodium_init() >= 0);
  hello_ += static_cast<char>(protocol_version);
  hello_.append(own.begin(), own.end());
  ensure(hello_.size() == hello_bytes);
}

Channel::Key Channel::derive(std::string_view direction, const std::string& guest_hello,
                             const std::string& host_hello) const {
  std::string about(direction);
  about += guest_hello + host_hello;
  Key key{};
  crypto_generichash(key.data(), key.size(), bytes_of(about), about.size(), token_.data(), token_.size());
  return key;
}

Channel::Heard Channel::hear_hello() {
  const std::size_t known = std::min(waiting_.size(), mark.size());
  if (std::string_view(waiting_).substr(0, known) != mark.substr(0, known)) return trouble(Trouble::protocol);
  if (waiting_.size() > mark.size() && static_cast<unsigned char>(waiting_[mark.size()]) != protocol_version) {
    Heard heard = trouble(Trouble::version);
    heard.version = static_cast<unsigned char>(waiting_[mark.size()]);
    return heard;
  }
  if (waiting_.size() < hello_bytes) return {};
  if (waiting_.size() > hello_bytes) return trouble(Trouble::protocol);  // nobody can seal before both have greeted
  const std::string theirs = std::exchange(waiting_, {});
  const bool guest = self_ == Side::guest;
  const Key from_guest = derive("guest to host", guest ? hello_ : theirs, guest ? theirs : hello_);
  const Key from_host = derive("host to guest", guest ? hello_ : theirs, guest ? theirs : hello_);
  ours_ = guest ? from_guest : from_host;
  theirs_ = guest ? from_host : from_guest;
  greeted_ = true;
  Heard heard;
  heard.hello = true;
  return heard;
}

Channel::Heard Channel::hear_frame() {
  if (waiting_.size() < length_bytes) return {};
  std::uint32_t length = 0;
  std::memcpy(&length, waiting_.data(), sizeof length);
  if (length == 0) return trouble(waiting_.size() == length_bytes ? Trouble::no_token : Trouble::protocol);
  if (length <= tag_bytes || length > (self_ == Side::guest ? host_frame_bytes_max : guest_frame_bytes_max))
    return trouble(Trouble::protocol);
  if (waiting_.size() < length_bytes + length) return {};
  if (waiting_.size() > length_bytes + length) return trouble(Trouble::protocol);
  std::string plain(length - tag_bytes, '\0');
  const Nonce nonce = nonce_of(heard_++);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr,
                                                 bytes_of(waiting_) + length_bytes, length, nullptr, 0, nonce.data(),
                                                 theirs_.data()) != 0)
    return trouble(Trouble::token);
  waiting_.clear();
  Heard heard;
  heard.message = wire::decode<Message>(plain);
  if (!heard.message) heard.trouble = Trouble::protocol;
  return heard;
}

Channel::Heard Channel::hear(std::string_view bytes) {
  if (broken_) return {};
  waiting_ += bytes;
  Heard heard = greeted_ ? hear_frame() : hear_hello();
  broken_ = heard.trouble.has_value();
  return heard;
}

std::string Channel::seal(const Message& message) {
  ensure(greeted_);
  const std::string plain = wire::encode(message);
  const auto length = static_cast<std::uint32_t>(plain.size() + tag_bytes);
  std::string frame(length_bytes + length, '\0');
  std::memcpy(frame.data(), &length, sizeof length);
  const Nonce nonce = nonce_of(said_++);
  crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(frame.data()) + length_bytes, nullptr,
                                             bytes_of(plain), plain.size(), nullptr, 0, nullptr, nonce.data(),
                                             ours_.data());
  return frame;
}

}  // namespace systole::invite
