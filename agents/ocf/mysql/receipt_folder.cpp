// SPDX-License-Identifier: GPL-2.0-or-later
// See receipt_folder.hpp.
#include "agents/ocf/mysql/receipt_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "agents/kit/attributes.hpp"
#include "agents/kit/paths.hpp"
#include "agents/kit/process.hpp"
#include "common/base/handles.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

namespace fs = std::filesystem;

constexpr Duration node_patience = 5s;

class Writer {
 public:
  static Result<Writer> make(const std::string& path) {
    Writer writer(path);
    if (!writer.fd_) return errno_error(fmt::format("making '{}'", path));
    return writer;
  }
  Result<void> add(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return errno_error(fmt::format("writing '{}'", path_));
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
  }
  Result<void> flush() {
    if (::fsync(fd_.get()) != 0) return errno_error(fmt::format("flushing '{}'", path_));
    return {};
  }

 private:
  explicit Writer(const std::string& path)
      : path_(path), fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {}
  std::string path_;
  Fd fd_;
};

/// Of several logs one: the first one's magic number and description of the format, then all events from `begin` on
/// but those that only tie files together.
Result<void> write_tail(const std::string& path, const Tail& tail, std::span<const LogFile> files) {
  auto out = Writer::make(path);
  if (!out) return out.error();
  Result<void> written;
  bool begun = false;
  for (const LogFile& file : files) {
    const bool first = file.path == tail.begin->path;
    begun = begun || first;
    if (!begun) continue;
    if (first) written = out->add(file.bytes.subspan(0, log_magic_bytes));
    const auto read = read_events(file, [&](const LogEvent& event) {
      const bool format = event.type == event_format;
      const bool wanted =
          first ? format || (event.offset >= tail.begin->offset && !ties_files(event)) : !ties_files(event);
      if (wanted && written) written = out->add(whole_event(file, event));
      return written.has_value();
    });
    if (!read) return read.error();
    if (!written) return written;
  }
  return out->flush();
}

Result<void> run_binlog_tool(const ReceiptPlace& at, const std::string& folder, std::vector<std::string> options,
                             std::string_view result, Deadline deadline) {
  std::vector<std::string> argv{"mariadb-binlog", "--no-defaults"};
  argv.insert(argv.end(), options.begin(), options.end());
  argv.push_back(fmt::format("--result-file={}/{}", folder, result));
  argv.push_back(folder + "/tail.binlog");
  const auto ran = agents::run_program(argv, at.env, deadline.at());
  if (!ran) return Error{ran.error().code, fmt::format("{} (package mariadb-client)", ran.error().what)};
  if (ran->code != 0) return Error{Errc::io, fmt::format("mariadb-binlog failed ({}): {}", ran->code, trim(ran->err))};
  const Fd fd(::open(fmt::format("{}/{}", folder, result).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return errno_error(fmt::format("flushing '{}/{}'", folder, result));
  return {};
}

Result<void> write_readable(const ReceiptPlace& at, const std::string& folder, Fate fate, Deadline deadline) {
  auto readable =
      run_binlog_tool(at, folder, {"--verbose", "--verbose", "--base64-output=decode-rows"}, "tail.sql", deadline);
  if (fate != Fate::undone) return {};  // what is kept is in tail.binlog
  if (!readable) return readable;
  return run_binlog_tool(at, folder, {"--flashback", "--skip-annotate-row-events"}, "undo.sql", deadline);
}

Result<void> write_receipt(const ReceiptPlace& at, const std::string& folder, const TailToKeep& what) {
  std::ifstream readable(folder + "/tail.sql");
  const Receipt receipt{.resource = at.resource,
                        .node = at.node(),
                        .primary = what.primary,
                        .when = utc(std::time(nullptr)),
                        .fate = what.fate,
                        .why = what.tail.obstacle,
                        .base = what.tail.base,
                        .transactions = what.tail.transactions,
                        .rows = count_rows(readable)};
  return agents::write_file(folder + "/receipt", to_text(receipt), true, 0600);
}

Result<void> fill(const ReceiptPlace& at, const std::string& folder, const TailToKeep& what, Deadline deadline) {
  if (const auto made = agents::make_folder(folder); !made) return made;
  if (const auto done = write_tail(folder + "/tail.binlog", what.tail, what.files); !done) return done;
  at.between_steps();
  if (const auto done = write_readable(at, folder, what.fate, deadline); !done) return done;
  at.between_steps();
  if (const auto done = write_receipt(at, folder, what); !done) return done;
  return agents::flush_folder(folder);
}

}  // namespace

ReceiptPlace receipt_place(const agents::Call& call) {
  return {
      .folder = call.paths().kept + "/rejoin",
      .resource = call.meta().resource(),
      .node = [&call] { return agents::Attributes(call.environment()).local_node(agents::boot_now() + node_patience); },
      .env = call.environment()};
}

Result<std::string> keep_tail(const ReceiptPlace& at, const std::string& name, const TailToKeep& what,
                              Deadline deadline) {
  const std::string folder = fmt::format("{}/{}", at.folder, name);
  const std::string unfinished = fmt::format("{}/unfinished-{}", at.folder, at.resource);
  std::error_code failed;
  fs::remove_all(unfinished, failed);
  if (const auto made = agents::make_folder(at.folder); !made) return made.error();
  fs::permissions(at.folder, fs::perms::owner_all, failed);  // rows of the users' are in it
  if (const auto filled = fill(at, unfinished, what, deadline); !filled) {
    fs::remove_all(unfinished, failed);  // a disk that is full must not stay so
    return filled.error();
  }
  at.between_steps();
  fs::remove_all(folder, failed);  // of an attempt that did not come to undo
  fs::rename(unfinished, folder, failed);
  if (failed) return Error{Errc::io, fmt::format("naming '{}': {}", folder, failed.message())};
  if (const auto flushed = agents::flush_folder(at.folder); !flushed) return flushed.error();
  return folder;
}

std::string name_of_kept(const ReceiptPlace& at, const TailToKeep& what) {
  const TailTransaction& last = what.tail.transactions.back();
  return fmt::format("{}-{}{}-{}", utc(last.time_s), to_string(last.gtid),
                     what.fate == Fate::dropped ? "-received" : "", at.resource);
}

Result<std::string> keep_tail_once(const ReceiptPlace& at, const TailToKeep& what, Deadline deadline) {
  const std::string name = name_of_kept(at, what);
  if (::access(fmt::format("{}/{}/receipt", at.folder, name).c_str(), F_OK) == 0)
    return fmt::format("{}/{}", at.folder, name);
  return keep_tail(at, name, what, deadline);
}

}  // namespace systole::mysql
