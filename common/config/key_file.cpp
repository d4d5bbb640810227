// SPDX-License-Identifier: GPL-2.0-or-later
// Reads through one descriptor, so that what is checked is what is read. Writing goes by a temporary file and link(2),
// which, unlike rename(2), refuses to replace an existing key.
#include "common/config/key_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "common/base/durable.hpp"
#include "common/base/handles.hpp"
#include "common/base/text.hpp"

namespace systole::config {
namespace {

constexpr std::size_t keys_max = 8;
constexpr std::size_t file_bytes_max = 4096;

std::optional<Key> from_hex(std::string_view text) {
  if (text.size() != 2 * key_bytes) return {};
  Key key{};
  for (std::size_t i = 0; i < key_bytes; ++i) {
    unsigned value = 0;
    const char* const at = text.data() + 2 * i;
    const auto [end, code] = std::from_chars(at, at + 2, value, 16);
    if (code != std::errc{} || end != at + 2) return {};
    key[i] = static_cast<unsigned char>(value);
  }
  return key;
}

std::optional<Key> from_base64(std::string_view text) {
  static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() != 44 || text.back() != '=' || text[42] == '=') return {};
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text.substr(0, 43)) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string_view::npos) return {};
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<char>((bits >> held) & 0xff));
    }
  }
  if (bytes.size() != key_bytes) return {};
  Key key{};
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

Result<std::string> read_small(int fd, const std::string& path) {
  std::string content(file_bytes_max + 1, '\0');
  std::size_t filled = 0;
  for (;;) {
    const ssize_t got = ::read(fd, content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(fmt::format("cannot read the key file {}", path));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > file_bytes_max)
      return Error{Errc::too_big, fmt::format("the key file {} is larger than {} bytes", path, file_bytes_max)};
  }
  content.resize(filled);
  return content;
}

std::string to_hex(const Key& key) {
  std::string text;
  for (const unsigned char byte : key) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

Result<std::vector<Key>> parse_keys(std::string_view content, std::string_view file) {
  std::vector<Key> keys;
  if (content.size() == key_bytes) {
    std::copy(content.begin(), content.end(), keys.emplace_back().begin());
    return keys;
  }
  int number = 0;
  for (const std::string& raw : split(content, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#') continue;
    auto key = from_hex(line);
    if (!key) key = from_base64(line);
    if (!key)
      return Error{
          Errc::invalid,
          fmt::format("{}:{}: this line is neither 64 hex digits nor base64 of 32 bytes; 'systole keygen' makes "
                      "a key",
                      file, number)};
    keys.push_back(*key);
  }
  if (keys.empty())
    return Error{Errc::invalid, fmt::format("{}: there is no key in it; 'systole keygen' makes one", file)};
  if (keys.size() > keys_max)
    return Error{Errc::too_big, fmt::format("{}: {} keys; at most {} are allowed", file, keys.size(), keys_max)};
  return keys;
}

Result<Key> random_key() {
  Key key{};
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
    return errno_error("cannot get random bytes from the kernel");
  return key;
}

std::string first_key_text(const Key& key) {
  return "# Key of a Systole cluster. The same on every node, mode 0400. Keep it secret.\n" + to_hex(key) + "\n";
}

Result<std::string> with_added_key(std::string_view content, const Key& key, std::string_view file) {
  const auto keys = parse_keys(content, file);
  if (!keys) return keys.error();
  if (std::ranges::find(*keys, key) != keys->end())
    return Error{Errc::exists, fmt::format("{} holds this key already", file)};
  if (keys->size() >= keys_max)
    return Error{Errc::too_big,
                 fmt::format("{} holds {} keys, and more are not allowed: remove one that no node seals with any more",
                             file, keys->size())};
  std::string text(content);
  if (content.size() == key_bytes) text = first_key_text(keys->front());  // raw bytes have no room for a second key
  if (text.back() != '\n') text += '\n';
  return text + to_hex(key) + "\n";
}

Result<std::string> read_key_text(const std::string& path) {
  // Non-blocking: a FIFO of that name must not hang the daemon.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    const int why = errno;
    Error error = errno_error(fmt::format("cannot open the key file {}", path), why);
    if (why == ENOENT) {
      error.code = Errc::not_found;
      error.what += fmt::format("; make one with 'systole keygen {}' and copy it to every node", path);
    }
    return error;
  }
  struct stat about {};
  if (::fstat(fd.get(), &about) != 0) return errno_error(fmt::format("cannot look at the key file {}", path));
  if (!S_ISREG(about.st_mode)) return Error{Errc::permission, fmt::format("the key file {} is no regular file", path)};
  if (about.st_uid != 0 && about.st_uid != ::geteuid())
    return Error{Errc::permission, fmt::format("the key file {} belongs to uid {}, not to root; run: chown root {}",
                                               path, about.st_uid, path)};
  const unsigned mode = about.st_mode & 07777u;
  if (mode != 0400u && mode != 0600u)
    return Error{
        Errc::permission,
        fmt::format("the key file {} has mode {:04o}: others may read or change the cluster's secret; run: chmod "
                    "0400 {} (and make a new key if it was open for long)",
                    path, mode, path)};
  return read_small(fd.get(), path);
}

Result<std::vector<Key>> read_key_file(const std::string& path) {
  const auto content = read_key_text(path);
  if (!content) return content.error();
  return parse_keys(*content, path);
}

Result<void> generate_key_file(const std::string& path) {
  const auto key = random_key();
  if (!key) return key.error();
  const std::string temporary = fmt::format("{}.{}.new", path, ::getpid());
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400));
  if (!fd) return errno_error(fmt::format("cannot create {}", temporary));
  auto done = write_durably(fd.get(), first_key_text(*key), temporary);
  if (done && ::link(temporary.c_str(), path.c_str()) != 0) {
    const int why = errno;
    Error error = errno_error(fmt::format("cannot create {}", path), why);
    if (why == EEXIST)
      error = {Errc::exists,
               fmt::format("{} exists already and is left alone: a new key would lock this node out of its "
                           "cluster. Remove it first if that is what you want",
                           path)};
    done = error;
  }
  ::unlink(temporary.c_str());
  return done;
}

}  // namespace systole::config
