// SPDX-License-Identifier: GPL-2.0-or-later
// Stricter than the clients' own reader where that one would silently take another password than was meant: a "#"
// outside quotes, a quote that is not closed, a name twice.
#include "agents/ocf/mysql/credentials.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agents/kit/paths.hpp"
#include "common/base/handles.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::size_t bytes_max = 64 << 10;

/// The text behind a backslash, as in the clients' option files; what they do not know stands for itself.
char escaped(char code) {
  switch (code) {
    case 'b':
      return '\b';
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 's':
      return ' ';
    default:
      return code;
  }
}

/// The value behind "=": bare, or in quotes of either kind. nullopt: what is wrong is in `fault`.
std::optional<std::string> value_of(std::string_view text, std::string& fault) {
  const char quote = text.empty() ? '\0' : text.front();
  const bool quoted = quote == '"' || quote == '\'';
  if (!quoted && text.find('#') != std::string_view::npos) {
    fault = "a value with # in it must be in quotes";
    return std::nullopt;
  }
  std::string value;
  for (std::size_t at = quoted ? 1 : 0; at < text.size(); ++at) {
    if (quoted && text[at] == quote) {
      const std::string_view rest = trim(text.substr(at + 1));
      if (rest.empty() || rest.front() == '#') return value;
      fault = "there is something behind the closing quote; write \\\\ and \\\" for a backslash and a quote within";
      return std::nullopt;
    }
    if (text[at] == '\\' && at + 1 < text.size())
      value += escaped(text[++at]);
    else
      value += text[at];
  }
  if (!quoted) return value;
  fault = "a quote is not closed";
  return std::nullopt;
}

Credential* section_of(std::string_view name, Credentials& all) {
  if (name == "systole-control") return &all.control;
  if (name == "systole-replication") return &all.replication;
  return nullptr;
}

/// One "name=value" of a section that is ours; the fault, or "".
std::string take(std::string_view line, Credential& into) {
  const std::size_t equals = line.find('=');
  const std::string_view name = trim(line.substr(0, equals));
  if (name != "user" && name != "password") return "expected user=… or password=…";
  if (equals == std::string_view::npos) return fmt::format("'{}' has no value", name);
  std::string fault;
  auto value = value_of(trim(line.substr(equals + 1)), fault);
  if (!value) return fault;
  if (value->find('\0') != std::string::npos) return "there is a zero byte in the value";
  std::optional<std::string>& target = name == "user" ? into.user : into.password;
  if (target) return fmt::format("'{}' stands twice in its section", name);
  if (name == "user" && value->empty()) return "the user is empty";
  target = std::move(*value);
  return {};
}

}  // namespace

Result<Credentials> parse_credentials(std::string_view text) {
  Credentials all;
  Credential* section = nullptr;
  bool any = false;
  std::size_t number = 0;
  for (const std::string& raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      const std::size_t close = line.find(']');
      if (close == std::string_view::npos)
        return Error{Errc::invalid, fmt::format("line {}: a section's name is not closed by ]", number)};
      section = section_of(trim(line.substr(1, close - 1)), all);
      any = any || section != nullptr;
    } else if (section != nullptr) {
      if (const std::string fault = take(line, *section); !fault.empty())
        return Error{Errc::invalid, fmt::format("line {}: {}", number, fault)};
    }
  }
  if (!any) return Error{Errc::invalid, "it has neither a section [systole-control] nor [systole-replication]"};
  return all;
}

Result<Credentials> load_credentials(const std::string& path) {
  const auto about = [&path](const std::string& what) {
    return fmt::format("the file '{}' (parameter credentials): {}", path, what);
  };
  // The mode is asked of the file that is open: a name can change between two looks. O_NONBLOCK: it may be a fifo.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    const int why = errno;
    if (why == ENOENT) return Error{Errc::not_found, about("it does not exist on this node")};
    return errno_error(about("it cannot be opened"), why);
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) {
    const int why = errno;
    return errno_error(about("it cannot be looked at"), why);
  }
  if (!S_ISREG(info.st_mode)) return Error{Errc::permission, about("it is no regular file")};
  if ((info.st_mode & 077) != 0)
    return Error{Errc::permission, about("others than its owner have rights on it: chmod 600")};
  if (info.st_uid != 0 && info.st_uid != ::geteuid())
    return Error{Errc::permission, about("it belongs to somebody else: chown root")};
  const auto text = agents::read_file(fmt::format("/proc/self/fd/{}", fd.get()), bytes_max);
  if (!text) return Error{text.error().code, about(fmt::format("it cannot be read, or is larger than {}", bytes_max))};
  auto parsed = parse_credentials(*text);
  if (!parsed) return Error{parsed.error().code, about(parsed.error().what)};
  return parsed;
}

}  // namespace systole::mysql
