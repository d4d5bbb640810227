// SPDX-License-Identifier: GPL-2.0-or-later
// See derived_secret.hpp.
#include "common/config/derived_secret.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/base/handles.hpp"

namespace systole::config {
namespace {

constexpr std::size_t secret_bytes = 32;
using Digest = std::array<unsigned char, secret_bytes>;

Digest hash(std::string_view text, const Digest* key) {
  Digest digest{};
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     key != nullptr ? key->data() : nullptr, key != nullptr ? key->size() : 0);
  return digest;
}

std::string base64url(const Digest& bytes) {
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::array<char, sodium_base64_ENCODED_LEN(secret_bytes, variant)> text{};
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  return text.data();
}

}  // namespace

std::string derived_secret(std::string_view key, std::string_view purpose) {
  // A key of any length becomes one of the length that the hash takes.
  Digest sized = hash(key, nullptr);
  const Digest secret = hash(purpose, &sized);
  sodium_memzero(sized.data(), sized.size());
  return base64url(secret);
}

Result<std::string> read_foreign_key(const std::string& path) {
  constexpr std::size_t least = 32, most = 4096;
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    const int why = errno;
    if (why == ENOENT) return Error{Errc::not_found, fmt::format("there is no key file {}", path)};
    return errno_error(fmt::format("cannot open the key file {}", path), why);
  }
  struct stat about {};
  if (::fstat(fd.get(), &about) != 0) return errno_error(fmt::format("cannot look at the key file {}", path));
  if (!S_ISREG(about.st_mode) || (about.st_mode & 077) != 0 || (about.st_uid != 0 && about.st_uid != ::geteuid()))
    return Error{Errc::permission, fmt::format("the key file {} is not only root's: chown root, chmod 400", path)};
  std::array<char, most> content{};
  const ssize_t size = ::read(fd.get(), content.data(), content.size());
  if (size < 0) return errno_error(fmt::format("cannot read the key file {}", path));
  if (static_cast<std::size_t>(size) < least)
    return Error{Errc::invalid, fmt::format("the key file {} has less than {} bytes", path, least)};
  return std::string(content.data(), static_cast<std::size_t>(size));
}

}  // namespace systole::config
