// SPDX-License-Identifier: GPL-2.0-or-later
// See piped.hpp.
#include "tools/agent/piped.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agents/kit/agent.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/text.hpp"

namespace systole::tools {
namespace {

constexpr std::size_t kept_bytes = 64 << 10, tail_bytes = 8 << 10;
constexpr Duration look_every = 2s;

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("make a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

void not_blocking(const Fd& fd) {
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

/// False at the end of the stream.
bool read_into(int fd, std::string& text, std::size_t most) {
  std::array<char, 4096> part;
  const ssize_t size = ::read(fd, part.data(), part.size());
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  text.append(part.data(), std::min(static_cast<std::size_t>(size), most - std::min(most, text.size())));
  return size > 0;
}

/// The line that says what is wrong, else the last one. A statement that failed may be quoted over many lines.
std::string last_words(const std::string& errors) {
  constexpr std::size_t bytes_max = 300;
  const std::vector<std::string> lines = split(trim(errors), '\n');
  const auto named = std::ranges::find_if(lines, [](const std::string& line) { return line.starts_with("ERROR "); });
  return (named != lines.end() ? *named : lines.back()).substr(0, bytes_max);
}

Error ended_badly(const Command& command, int code, const std::string& errors) {
  if (code == 127 && trim(errors).empty())
    return {Errc::not_found, fmt::format("the program '{}' cannot be started: is it installed?", command.argv.front())};
  return {Errc::io, fmt::format("'{}' ended with {}: {}", command.argv.front(), code, last_words(errors))};
}

/// A sink that ends early must be an error of write(2), not our end.
class PipesMayBreak {
 public:
  PipesMayBreak() : before_(::signal(SIGPIPE, SIG_IGN)) {}
  ~PipesMayBreak() { ::signal(SIGPIPE, before_); }
  PipesMayBreak(const PipesMayBreak&) = delete;
  PipesMayBreak& operator=(const PipesMayBreak&) = delete;

 private:
  sighandler_t before_;
};

class Pumping {
 public:
  Pumping(const Command& from, const Command& into, const PumpWatch& watch) : from_(from), into_(into), watch_(watch) {}
  Result<Pumped> run();

 private:
  Result<void> begin();
  Result<void> turn();
  void read();
  void write();
  Result<Pumped> end();

  const Command &from_, &into_;
  const PumpWatch& watch_;
  Fd out_, in_, from_err_, into_err_;
  std::string waiting_, from_errors_, into_errors_;
  Pumped pumped_;
  Time moved_ = boot_time(), looked_ = boot_time();
  bool read_all_ = false, broken_ = false;
  Child source_, sink_;
};

Result<void> Pumping::begin() {
  auto out = make_pipe(), in = make_pipe(), from_err = make_pipe(), into_err = make_pipe();
  for (const auto* pipe : {&out, &in, &from_err, &into_err})
    if (!*pipe) return pipe->error();
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (const auto begun = source_.begin(from_, {null.get(), out->write.get(), from_err->write.get()}); !begun)
    return begun;
  if (const auto begun = sink_.begin(into_, {in->read.get(), null.get(), into_err->write.get()}); !begun) return begun;
  out_ = std::move(out->read);
  in_ = std::move(in->write);
  from_err_ = std::move(from_err->read);
  into_err_ = std::move(into_err->read);
  not_blocking(out_);
  not_blocking(in_);
  return {};
}

void Pumping::read() {
  std::array<char, kept_bytes> part;
  const ssize_t size = ::read(out_.get(), part.data(), part.size());
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (size <= 0) {
    read_all_ = true;
    out_.reset();
    return;
  }
  waiting_.append(part.data(), static_cast<std::size_t>(size));
  pumped_.tail.append(part.data(), static_cast<std::size_t>(size));
  if (pumped_.tail.size() > tail_bytes) pumped_.tail.erase(0, pumped_.tail.size() - tail_bytes);
  moved_ = boot_time();
}

void Pumping::write() {
  const ssize_t size = ::write(in_.get(), waiting_.data(), waiting_.size());
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (size < 0) {
    broken_ = true;  // the sink has ended: its own words say why
    in_.reset();
    return;
  }
  waiting_.erase(0, static_cast<std::size_t>(size));
  pumped_.bytes += static_cast<std::uint64_t>(size);
  moved_ = boot_time();
}

Result<void> Pumping::turn() {
  // One buffer at a time: the source waits for the sink.
  std::array<pollfd, 4> wait{pollfd{waiting_.empty() ? out_.get() : -1, POLLIN, 0},
                             pollfd{waiting_.empty() ? -1 : in_.get(), POLLOUT, 0}, pollfd{from_err_.get(), POLLIN, 0},
                             pollfd{into_err_.get(), POLLIN, 0}};
  ::poll(wait.data(), wait.size(), 200);
  if (wait[0].fd >= 0 && wait[0].revents != 0) read();
  if (wait[1].fd >= 0 && wait[1].revents != 0) write();
  if (wait[2].revents != 0 && !read_into(from_err_.get(), from_errors_, kept_bytes)) from_err_.reset();
  if (wait[3].revents != 0 && !read_into(into_err_.get(), into_errors_, kept_bytes)) into_err_.reset();
  const Time now = boot_time();
  if (now - looked_ < look_every && now - moved_ < look_every) return watch_.look(pumped_.bytes, Duration::zero());
  looked_ = now;
  return watch_.look(pumped_.bytes, now - moved_);
}

Result<Pumped> Pumping::end() {
  while (from_err_ && read_into(from_err_.get(), from_errors_, kept_bytes)) continue;
  while (into_err_ && read_into(into_err_.get(), into_errors_, kept_bytes)) continue;
  const int sink = sink_.reap();
  const int source = source_.reap();
  if (sink != 0) return ended_badly(into_, sink, into_errors_);
  if (source != 0) return ended_badly(from_, source, from_errors_);
  return std::move(pumped_);
}

Result<Pumped> Pumping::run() {
  if (const auto begun = begin(); !begun) return begun.error();
  while (!broken_ && !(read_all_ && waiting_.empty()))
    if (const auto good = turn(); !good) return good.error();
  out_.reset();
  in_.reset();  // the end of the stream
  while (into_err_)
    if (const auto good = turn(); !good) return good.error();
  return end();
}

}  // namespace

Result<Pumped> pump(const Command& from, const Command& into, const PumpWatch& watch) {
  const PipesMayBreak scope;
  return Pumping(from, into, watch).run();
}

Result<agents::Ran> run_with_input(const Command& command, std::string_view input, Time deadline) {
  // By a file in memory: a program that does not read its input must not keep us waiting.
  const auto text = SecretText::of(input);
  if (!text) return text.error();
  ::lseek(text->fd(), 0, SEEK_SET);
  auto out = make_pipe(), err = make_pipe();
  if (!out) return out.error();
  if (!err) return err.error();
  Child child;
  if (const auto begun = child.begin(command, {text->fd(), out->write.get(), err->write.get()}); !begun)
    return begun.error();
  out->write.reset();
  err->write.reset();
  agents::Ran ran;
  while (out->read || err->read) {
    std::array<pollfd, 2> wait{pollfd{out->read.get(), POLLIN, 0}, pollfd{err->read.get(), POLLIN, 0}};
    if (::poll(wait.data(), wait.size(), Deadline(deadline).left_ms()) == 0)
      return Error{Errc::timeout, fmt::format("'{}' did not end in time and was killed", command.argv.front())};
    if (wait[0].revents != 0 && !read_into(out->read.get(), ran.out, 1 << 20)) out->read.reset();
    if (wait[1].revents != 0 && !read_into(err->read.get(), ran.err, kept_bytes)) err->read.reset();
  }
  ran.code = child.reap();
  if (ran.code == 127 && ran.err.empty()) return ended_badly(command, ran.code, ran.err);
  return ran;
}

}  // namespace systole::tools
