// SPDX-License-Identifier: GPL-2.0-or-later
// See cib_file.hpp.
#include "tools/cib_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cib/xml/cib_xml.hpp"
#include "common/base/exit_codes.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "tools/xml_bits.hpp"

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

ipc::Reply answer(int code, std::string text) {
  ipc::Reply reply;
  reply.exit_code = code;
  reply.text = std::move(text);
  return reply;
}

ipc::Reply answer(const Error& error) {
  return answer(exit_code_of(error), error.what);
}

cib::Header header_of(const std::string& cib) {
  cib::Header header;
  header.have_quorum = find_attribute(cib, "cib", "have-quorum") == "1";
  header.dc_uuid = find_attribute(cib, "cib", "dc-uuid").value_or("");
  header.num_updates = parse_int<std::int64_t>(find_attribute(cib, "cib", "num_updates").value_or("")).value_or(0);
  return header;
}

Result<void> write_file(const std::string& path, std::string_view text) {
  struct stat about {};
  if (::stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode))
    return Error{Errc::invalid, fmt::format("'{}' is no regular file: a change cannot be written back", path)};
  const std::string temporary = fmt::format("{}.{}.new", path, ::getpid());
  const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return errno_error(fmt::format("cannot create {}", temporary));
  while (!text.empty()) {
    const ssize_t put = ::write(fd.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const Error error = errno_error(fmt::format("cannot write {}", temporary));
      ::unlink(temporary.c_str());
      return error;
    }
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(fd.get()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = errno_error(fmt::format("cannot replace {}", path));
    ::unlink(temporary.c_str());
    return error;
  }
  return {};
}

ipc::Reply query(const std::string& cib, const ipc::QueryCib& wanted) {
  const auto part = cib::query(cib, wanted.scope, wanted.xpath, wanted.no_children);
  return part ? answer(0, *part) : answer(part.error());
}

ipc::Reply change(const std::string& path, const std::string& cib, const cib::Request& request) {
  const auto document = cib::to_document(cib);
  if (!document) return answer(document.error());
  const auto status = cib::parse_status(cib);
  if (!status) return answer(status.error());
  cib::Header header = header_of(cib);
  const auto changed = cib::apply(*document, header, *status, request, static_cast<std::int64_t>(::time(nullptr)));
  if (!changed) return answer(changed.error());
  if (changed->configuration)
    header.num_updates = 0;
  else if (changed->status)
    ++header.num_updates;
  const auto rendered = cib::render(changed->document, header, changed->status.value_or(*status));
  if (!rendered) return answer(rendered.error());
  if (const auto written = write_file(path, *rendered); !written) return answer(written.error());
  return answer(0, changed->output);
}

}  // namespace

Result<std::string> read_whole(const std::string& path) {
  const Fd opened(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) {
    Error error = errno_error(fmt::format("cannot read '{}'", path));
    return error;
  }
  std::string text;
  std::string piece(64 << 10, '\0');
  for (;;) {
    const ssize_t got = ::read(opened.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(fmt::format("cannot read '{}'", path));
    if (got == 0) return text;
    text.append(piece, 0, static_cast<std::size_t>(got));
    if (text.size() > limits::message_bytes_max)
      return Error{Errc::too_big, fmt::format("'{}' is larger than {} bytes", path, limits::message_bytes_max)};
  }
}

Result<ipc::Reply> CibFile::ask(const ipc::Request& request) {
  const auto cib = read_whole(path_);
  if (!cib) return answer(exit_code::no_input, fmt::format("CIB_file: {}", cib.error().what));
  if (const auto* const wanted = std::get_if<ipc::QueryCib>(&request)) return query(*cib, *wanted);
  if (const auto* const wanted = std::get_if<ipc::ChangeCib>(&request)) return change(path_, *cib, wanted->request);
  return Error{Errc::not_connected, "CIB_file is set: there is only a file, no cluster to ask"};
}

}  // namespace systole::tools
