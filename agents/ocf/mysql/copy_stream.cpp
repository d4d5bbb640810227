// SPDX-License-Identifier: GPL-2.0-or-later
// See copy_stream.hpp.
#include "agents/ocf/mysql/copy_stream.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "agents/kit/agent.hpp"
#include "agents/kit/child.hpp"
#include "agents/kit/paths.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/dump.hpp"
#include "agents/ocf/mysql/option_file.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t length_bytes = 4, chunk_bytes = 256 << 10, line_bytes_max = 512, words_bytes_max = 300;
constexpr Duration silence_max = 60s;  // a disk may stand still for a while
constexpr std::string_view greeting = "systole-copy 1 ";

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("making a pipe");
  static_cast<void>(::fcntl(ends[0], F_SETPIPE_SZ, static_cast<int>(4 * chunk_bytes)));  // smaller does as well
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

/// What a program says of itself, in a file in memory: nobody has to read it meanwhile.
class Words {
 public:
  static Result<Words> make() {
    Words words;
    words.fd_ = Fd(::memfd_create("words", MFD_CLOEXEC));
    if (!words.fd_) return errno_error("making a file in memory");
    return words;
  }
  int fd() const { return fd_.get(); }
  /// The last line that tells of an error, else the last one.
  std::string last() const {
    std::array<char, 16 << 10> text{};
    const off_t size = ::lseek(fd_.get(), 0, SEEK_END);
    const off_t from = std::max<off_t>(0, size - static_cast<off_t>(text.size()));
    const ssize_t got = ::pread(fd_.get(), text.data(), text.size(), from);
    std::string last, error;
    for (const std::string& line : split({text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))}, '\n')) {
      if (trim(line).empty()) continue;
      last = trim(line);
      if (lower(line).find("error") != std::string::npos) error = trim(line);
    }
    return (error.empty() ? last : error).substr(0, words_bytes_max);
  }

 private:
  Words() = default;
  Fd fd_;
};

Error failure(std::string_view program, int code, const Words& words) {
  const bool client = program == "mariadb" || program == "mariadb-dump";
  if (code == 127 && words.last().empty())
    return {Errc::not_found, fmt::format("'{}' cannot be started: install the package mariadb-{}", program,
                                         client ? "client" : "backup")};
  return {Errc::io, fmt::format("'{}' ended with {}: {}", program, code, words.last())};
}

std::array<std::byte, length_bytes> big_endian(std::uint32_t value) {
  std::array<std::byte, length_bytes> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(value >> (24 - 8 * i));
  return bytes;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Options for mariadb-backup, with the password in them.
std::string backup_options(const Settings& settings) {
  std::string text = fmt::format("!include {}\n[mariadb-backup]\nsocket={}\ndatadir={}\nuser={}\n", settings.config,
                                 quoted_option(settings.socket), quoted_option(settings.datadir),
                                 quoted_option(settings.control.user));
  if (!settings.control.password.empty())
    text += fmt::format("password={}\n", quoted_option(settings.control.password));
  return text;
}

/// The program's output, until it ends.
Result<void> send_all(CopyChannel& channel, const Fd& from) {
  // Length and piece at once: a record of its own for the length is dear.
  std::vector<std::byte> buffer(length_bytes + chunk_bytes);
  for (;;) {
    pollfd one{.fd = from.get(), .events = POLLIN, .revents = 0};
    if (::poll(&one, 1, Deadline::in(silence_max).left_ms()) == 0)
      return Error{Errc::timeout, "the tool that makes the copy writes nothing any more"};
    const ssize_t got = ::read(from.get(), buffer.data() + length_bytes, chunk_bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("reading the copy from its tool");
    if (got == 0) return {};
    const auto length = static_cast<std::size_t>(got);
    std::ranges::copy(big_endian(static_cast<std::uint32_t>(length)), buffer.begin());
    if (auto sent = channel.send({buffer.data(), length_bytes + length}, Deadline::in(silence_max)); !sent) return sent;
  }
}

/// Exactly so many bytes.
Result<void> receive_all(CopyChannel& channel, std::span<std::byte> into) {
  while (!into.empty()) {
    const auto got = channel.receive(into, Deadline::in(silence_max));
    if (!got) return got.error();
    if (*got == 0) return Error{Errc::io, "the giver ended in the middle of the copy"};
    into = into.subspan(*got);
  }
  return {};
}

Result<std::string> receive_line(CopyChannel& channel) {
  std::string line;
  while (line.size() < line_bytes_max) {
    std::array<std::byte, 1> one{};
    if (const auto got = receive_all(channel, one); !got) return got.error();
    if (one[0] == std::byte{'\n'}) return line;
    line += std::to_integer<char>(one[0]);
  }
  return Error{Errc::protocol, "the giver sent a line without an end"};
}

Result<void> write_all(const Fd& into, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(into.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("writing the copy to its tool");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

void keep_tail_of(std::string& tail, std::span<const std::byte> piece) {
  tail.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  if (tail.size() > dump_tail_bytes) tail.erase(0, tail.size() - dump_tail_bytes);
}

/// Chunk by chunk, until the one that is empty.
Result<void> pass_on(CopyChannel& channel, const Fd& into, const CopyWatch& watch, Taken& taken) {
  std::vector<std::byte> buffer(chunk_bytes);
  Time looked{};
  for (;;) {
    std::array<std::byte, length_bytes> head{};
    if (const auto got = receive_all(channel, head); !got) return got.error();
    std::uint32_t length = 0;
    for (const std::byte each : head) length = length << 8 | std::to_integer<std::uint32_t>(each);
    if (length == 0) return {};
    if (length > chunk_bytes) return Error{Errc::protocol, fmt::format("the giver sent a piece of {} bytes", length)};
    const std::span piece(buffer.data(), length);
    if (const auto got = receive_all(channel, piece); !got) return got.error();
    if (const auto written = write_all(into, piece); !written) return written.error();
    taken.bytes += length;
    if (taken.kind == CopyKind::dump) keep_tail_of(taken.tail, piece);
    if (boot_time() - looked < 1s) continue;
    looked = boot_time();
    watch.look(taken.bytes);
  }
}

}  // namespace

std::string to_text(const CopyHead& head) {
  return fmt::format("{}{} {} {}\n", greeting, head.bytes, head.series, head.kind == CopyKind::dump ? "dump" : "files");
}

std::optional<CopyHead> parse_copy_head(std::string_view line) {
  if (!line.starts_with(greeting)) return std::nullopt;
  const auto parts = words(line.substr(greeting.size()));
  const auto bytes = parts.size() == 3 ? parse_int<std::uint64_t>(parts[0]) : std::nullopt;
  if (!bytes || (parts[2] != "files" && parts[2] != "dump")) return std::nullopt;
  return CopyHead{.bytes = *bytes, .series = parts[1], .kind = parts[2] == "dump" ? CopyKind::dump : CopyKind::files};
}

Result<void> give_copy(CopyChannel& channel, const Settings& settings, const CopyHead& head,
                       const std::string& scratch) {
  if (auto sent = channel.send(bytes_of(to_text(head)), Deadline::in(silence_max)); !sent) return sent;
  const bool dump = head.kind == CopyKind::dump;
  const auto options =
      agents::SecretText::of(dump ? client_options(settings.local(), settings.control) : backup_options(settings));
  if (!options) return options.error();
  auto out = make_pipe();
  if (!out) return out.error();
  const auto words = Words::make();
  if (!words) return words.error();
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  agents::Child backup;
  agents::Command command{.argv = {"mariadb-backup", "--defaults-file=" + options->path(), "--backup",
                                   "--stream=mbstream", "--target-dir=" + scratch},
                          .inherits = {options->fd()}};
  if (dump) command.argv = dump_command(options->path());
  if (auto begun = backup.begin(command, {null.get(), out->write.get(), words->fd()}); !begun) return begun;
  out->write.reset();
  if (auto sent = send_all(channel, out->read); !sent) return sent;
  const int code = backup.reap();
  const Result<void> ended = code == 0 ? Result<void>() : failure(command.argv.front(), code, *words);
  const std::string last = ended ? "ok\n" : fmt::format("failed: {}\n", ended.error().what);
  if (auto sent = channel.send(big_endian(0), Deadline::in(silence_max)); !sent) return sent;
  if (auto sent = channel.send(bytes_of(last), Deadline::in(silence_max)); !sent) return sent;
  if (auto closed = channel.end(Deadline::in(silence_max)); !closed) return closed;
  return ended;
}

agents::Command unpack_command(const std::string& folder) {
  return {.argv = {"mbstream", "-x", "-C", folder}};
}

Result<Taken> take_copy(CopyChannel& channel, const CopyWatch& watch) {
  const auto line = receive_line(channel);
  if (!line) return line.error();
  const auto head = parse_copy_head(*line);
  if (!head) return Error{Errc::protocol, fmt::format("the giver speaks of something else: '{}'", *line)};
  const auto sink = watch.begin(*head);
  if (!sink) return sink.error();
  auto in = make_pipe();
  if (!in) return in.error();
  const auto words = Words::make();
  if (!words) return words.error();
  const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ::signal(SIGPIPE, SIG_IGN);
  agents::Child unpack;
  if (const auto begun = unpack.begin(*sink, {in->read.get(), null.get(), words->fd()}); !begun) return begun.error();
  in->read.reset();
  Taken taken{.kind = head->kind};
  const auto passed = pass_on(channel, in->write, watch, taken);
  in->write.reset();
  if (!passed) {
    const bool ended = unpack.ended_by(boot_time() + 1s);
    return ended && unpack.reap() != 0 ? failure(sink->argv.front(), unpack.reap(), *words) : passed.error();
  }
  const auto verdict = receive_line(channel);
  if (!verdict) return verdict.error();
  if (*verdict != "ok") return Error{Errc::io, fmt::format("on the giver's side: {}", *verdict)};
  if (const int code = unpack.reap(); code != 0) return failure(sink->argv.front(), code, *words);
  return taken;
}

Result<GtidList> prepare_copy(const std::string& folder, const agents::Environment& env, Time deadline) {
  const auto ran = agents::run_program({"mariadb-backup", "--prepare", "--target-dir=" + folder}, env, deadline);
  if (!ran) return ran.error();
  if (ran->code != 0) {
    const std::string_view said = trim(ran->err);
    return Error{Errc::io, fmt::format("mariadb-backup --prepare ended with {}: {}", ran->code,
                                       said.substr(said.size() - std::min(said.size(), words_bytes_max)))};
  }
  // The file's name changed with 11.1.
  for (const char* const name : {"mariadb_backup_binlog_info", "xtrabackup_binlog_info"})
    if (const auto text = agents::read_file(fmt::format("{}/{}", folder, name)))
      if (const auto position = position_in_backup(*text)) return *position;
  return Error{Errc::invalid,
               "the copy does not say at which transaction it was made: does the giver write a binary log?"};
}

std::optional<GtidList> position_in_backup(std::string_view text) {
  const auto parts = words(text);
  if (parts.size() < 3) return std::nullopt;
  // The list may be broken over lines.
  std::string list;
  for (std::size_t i = 2; i < parts.size(); ++i) list += parts[i];
  auto position = parse_gtids(list);
  return position && !position->empty() ? position : std::nullopt;
}

std::uint64_t size_of_database(const std::string& datadir) {
  std::uint64_t all = 0;
  std::error_code failed;
  for (auto it = fs::recursive_directory_iterator(datadir, fs::directory_options::skip_permission_denied, failed);
       it != fs::recursive_directory_iterator(); it.increment(failed)) {
    if (failed) break;
    if (it.depth() == 0 && it->path().filename().string().starts_with(".systole-")) {
      it.disable_recursion_pending();  // copies of it
      continue;
    }
    const std::string end = it->path().extension().string();
    const bool numbered = end.size() == 7 && parse_int<std::uint32_t>(std::string_view(end).substr(1));
    if (!numbered && it->is_regular_file(failed)) all += it->file_size(failed);
  }
  return all;
}

}  // namespace systole::mysql
