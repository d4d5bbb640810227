// SPDX-License-Identifier: GPL-2.0-or-later
// Each sink is one write of one line: no buffer that could be lost with the process that had the news.
#include "common/log/sinks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <utility>

#include "common/base/handles.hpp"

namespace systole {

namespace {

constexpr int log_daemon = 3 << 3;

std::string stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 32> text{};
  return std::string(text.data(), std::strftime(text.data(), text.size(), "%b %d %H:%M:%S", &parts));
}

/// A datagram socket that is looked for again at each line while nobody listens.
class Datagrams {
 public:
  explicit Datagrams(std::string path) : path_(std::move(path)) {}
  void send(const std::string& bytes) noexcept {
    sockaddr_un to{};
    if (path_.size() >= sizeof to.sun_path) return;
    if (!socket_) socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    to.sun_family = AF_UNIX;
    std::ranges::copy(path_, to.sun_path);
    static_cast<void>(::sendto(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&to), sizeof to));
  }

 private:
  std::string path_;
  Fd socket_;
};

class JournalSink final : public LogSink {
 public:
  JournalSink(const std::string& tag, std::string path, const std::vector<std::string>& fields)
      : fields_(fmt::format("SYSLOG_IDENTIFIER={}\n", tag)), out_(std::move(path)) {
    for (const std::string& field : fields) fields_ += field + "\n";
  }
  void write(Level level, std::string_view line) noexcept override {
    out_.send(fmt::format("PRIORITY={}\n{}MESSAGE={}\n", syslog_priority(level), fields_, line));
  }

 private:
  std::string fields_;  // the same in every line
  Datagrams out_;
};

class SyslogSink final : public LogSink {
 public:
  SyslogSink(std::string tag, int facility, std::string path)
      : tag_(std::move(tag)), facility_(facility), out_(std::move(path)) {}
  void write(Level level, std::string_view line) noexcept override {
    out_.send(fmt::format("<{}>{} {}: {}", facility_ | syslog_priority(level), stamp(), tag_, line));
  }

 private:
  std::string tag_;
  int facility_;
  Datagrams out_;
};

void write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // full disk, closed pipe: the line is lost, the work goes on
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

class FileSink final : public LogSink {
 public:
  FileSink(std::string tag, std::string path) : tag_(std::move(tag)), path_(std::move(path)) {}
  void write(Level, std::string_view line) noexcept override {
    const Fd file(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640));
    if (file) write_all(file.get(), fmt::format("{} {}: {}\n", stamp(), tag_, line));
  }

 private:
  std::string tag_;
  std::string path_;
};

class StderrSink final : public LogSink {
 public:
  explicit StderrSink(std::string tag) : tag_(std::move(tag)) {}
  void write(Level, std::string_view line) noexcept override {
    write_all(STDERR_FILENO, fmt::format("{}: {}\n", tag_, line));
  }

 private:
  std::string tag_;
};

class CaptureSink final : public LogSink {
 public:
  explicit CaptureSink(std::vector<std::string>& lines) : lines_(lines) {}
  void write(Level level, std::string_view line) noexcept override {
    lines_.push_back(fmt::format("{}: {}", to_text(level), line));
  }

 private:
  std::vector<std::string>& lines_;
};

}  // namespace

std::optional<int> syslog_facility(std::string_view name) {
  struct Named {
    std::string_view name;
    int number;
  };
  constexpr std::array named{Named{"kern", 0}, Named{"user", 1},   Named{"mail", 2},      Named{"daemon", 3},
                             Named{"auth", 4}, Named{"syslog", 5}, Named{"lpr", 6},       Named{"news", 7},
                             Named{"uucp", 8}, Named{"cron", 9},   Named{"authpriv", 10}, Named{"ftp", 11}};
  for (const Named& known : named) {
    if (known.name == name) return known.number << 3;
  }
  if (name.size() == 6 && name.starts_with("local") && name[5] >= '0' && name[5] <= '7')
    return (16 + (name[5] - '0')) << 3;
  return std::nullopt;
}

std::unique_ptr<LogSink> make_journal_sink(std::string tag, std::string path, const std::vector<std::string>& fields) {
  return std::make_unique<JournalSink>(tag, std::move(path), fields);
}

std::unique_ptr<LogSink> make_syslog_sink(std::string tag, std::string facility, std::string path) {
  const int number = syslog_facility(facility).value_or(log_daemon);
  return std::make_unique<SyslogSink>(std::move(tag), number, std::move(path));
}

std::unique_ptr<LogSink> make_file_sink(std::string tag, std::string path) {
  return std::make_unique<FileSink>(std::move(tag), std::move(path));
}

std::unique_ptr<LogSink> make_stderr_sink(std::string tag) {
  return std::make_unique<StderrSink>(std::move(tag));
}

std::unique_ptr<LogSink> make_capture_sink(std::vector<std::string>& lines) {
  return std::make_unique<CaptureSink>(lines);
}

}  // namespace systole
