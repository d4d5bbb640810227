// SPDX-License-Identifier: GPL-2.0-or-later
// See guardian_client.hpp.
#include "crmd/io/guardian_client.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/base/exit_codes.hpp"
#include "common/base/timer.hpp"
#include "crmd/io/clock.hpp"

namespace systole::io {
namespace {

using boost::system::error_code;

constexpr auto retry_interval = std::chrono::milliseconds(5);
constexpr auto retry_interval_later = std::chrono::milliseconds(100);
constexpr auto check_interval = std::chrono::milliseconds(200);
constexpr auto check_interval_idle =
    std::chrono::milliseconds(1000);        // it is here, and nothing is held or the feeding does it
constexpr Duration spawn_interval = 200ms;  // one that ends at once is not started a hundred times a second
constexpr Duration patience_without = 2s;   // then it is said loudly
constexpr auto time_to_die = std::chrono::milliseconds(10);  // else its socket still accepts us
constexpr int stale_max = 2;                                 // one silent check may mean that we both were stopped

/// posix_spawn's two attribute objects, released together.
struct SpawnPlan {
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
};

/// 0, or errno's number.
int spawn_apart(const std::vector<std::string>& words, pid_t* pid) {
  SpawnPlan plan;
  ::posix_spawn_file_actions_addopen(&plan.files, 0, "/dev/null", O_RDONLY, 0);
  // Our sockets must not live on in it; some are not close-on-exec, since Asio makes them so.
  ::posix_spawn_file_actions_addclosefrom_np(&plan.files, 3);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&plan.attributes, &none);
  ::posix_spawnattr_setsigdefault(&plan.attributes, &all);
  ::posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  return ::posix_spawn(pid, arguments[0], &plan.files, &plan.attributes, arguments.data(), environ);
}

}  // namespace

std::string find_guardian() {
  if (const char* const said = std::getenv("SYSTOLE_GUARDIAN")) return said;
  std::error_code code;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) return "";
  for (const char* const relative : {".", "../guardian_process"}) {
    const auto path = (program.parent_path() / relative / "systole-guardian").lexically_normal();
    if (std::filesystem::exists(path, code)) return path.string();
  }
  return "";
}

void GuardianClient::Unmap::operator()(guardian::LeasePage* page) const {
  ::munmap(page, guardian::lease_page_bytes);
}

GuardianClient::GuardianClient(boost::asio::io_context& context, GuardianSettings settings, Log& log,
                               Callbacks callbacks)
    : settings_(std::move(settings)),
      log_(log),
      callbacks_(std::move(callbacks)),
      socket_(context),
      retry_(context),
      check_(context),
      trying_since_(boot_time()),
      buffer_(guardian::message_bytes_max + 1, '\0') {
  if (settings_.program.empty()) settings_.program = find_guardian();
  connect();
  check_soon();
}

GuardianClient::~GuardianClient() {
  error_code ignored;
  socket_.close(ignored);
}

// ---- what crmd asks for

void GuardianClient::feed(Time until) {
  const Time now = boot_time();  // the vdso's
  until = std::min(until, now + guardian::lease_longest);
  if (until <= until_) return;
  // We are awake anyway: the timer need not wake us for it.
  if (now - checked_by_feed_ >= check_interval) {
    checked_by_feed_ = now;
    check();
  }
  until_ = until;
  tell_lease();
}

/// The page first: a timer that was moved for a lease that is not known there would ring too late.
void GuardianClient::tell_lease() {
  if (!page_) return;
  const std::int64_t until = until_.time_since_epoch().count();
  if (until <= page_->until_ns.load(std::memory_order_acquire)) return;
  page_->until_ns.store(until, std::memory_order_release);
  if (lease_end_) set_timer(lease_end_.get(), until_);
}

std::uint64_t GuardianClient::hold(std::vector<guardian::Holding> holdings) {
  // Until now it may have looked at the page once a second only.
  if (!talk_.holds_something()) fresh_at_ = boot_time();
  say(talk_.hold(std::move(holdings)));
  return talk_.number();
}

void GuardianClient::done() {
  ending_ = true;
  say(talk_.done());
}

// ---- getting one

void GuardianClient::connect() {
  if (ending_ || socket_.is_open()) return;
  if (try_to_connect()) return;
  look_after_child();
  const Time now = boot_time();
  if (child_ == 0 && now >= spawn_at_) spawn();
  const bool long_time = now - trying_since_ > patience_without;
  if (long_time && !std::exchange(complained_, true))
    log_.error(
        "no guardian answers on {}/{} for {} ms: if crmd dies now, nothing ends its resources. The process named "
        "in {}/{}, if it lives, has to be killed by hand",
        settings_.run_directory, guardian::socket_name, to_ms(now - trying_since_), settings_.run_directory,
        guardian::lock_name);
  connect_after(long_time ? retry_interval_later : retry_interval);
}

void GuardianClient::connect_after(std::chrono::milliseconds delay) {
  retry_.expires_after(delay);
  retry_.async_wait([this](const error_code& stopped) {
    if (stopped) return;
    if (!broken_.empty()) lost(std::exchange(broken_, ""));
    connect();
  });
}

bool GuardianClient::try_to_connect() {
  const std::string path = fmt::format("{}/{}", settings_.run_directory, guardian::socket_name);
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) return false;
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, address.sun_path);
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return false;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  pid_ = peer.pid;
  process_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  socket_.assign(socket.release());
  fresh_at_ = boot_time();
  stale_ = 0;
  listen();
  say(talk_.connected());
  return true;
}

void GuardianClient::spawn() {
  spawn_at_ = boot_time() + spawn_interval;
  std::vector<std::string> words{settings_.program, "--rundir", settings_.run_directory};
  if (!settings_.watchdog.empty())
    words.insert(words.end(), {"--watchdog", settings_.watchdog, "--watchdog-timeout",
                               std::to_string(settings_.watchdog_timeout.count())});
  const int failed = settings_.program.empty() ? ENOENT : spawn_apart(words, &child_);
  if (failed == 0) return;
  child_ = 0;
  spawn_at_ = boot_time() + patience_without;
  log_.error("cannot start the guardian {}: {}; if crmd dies, nothing ends its resources",
             settings_.program.empty() ? "systole-guardian, which is not beside crmd" : settings_.program,
             std::strerror(failed));
}

/// Reaps it; it says in the log itself why it ended.
void GuardianClient::look_after_child() {
  int status = 0;
  if (child_ == 0 || ::waitpid(child_, &status, WNOHANG) == 0) return;
  const pid_t ended = std::exchange(child_, 0);
  if (ending_ || (WIFEXITED(status) && WEXITSTATUS(status) == exit_code::ok)) return;
  if (WIFEXITED(status))
    log_.warning("the guardian (process {}) ended with exit code {}", ended, WEXITSTATUS(status));
  else
    log_.warning("the guardian (process {}) was ended by signal {}", ended, WTERMSIG(status));
}

void GuardianClient::map_page() {
  const std::string path = fmt::format("{}/{}", settings_.run_directory, guardian::lease_name);
  const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  struct stat about {};
  const bool sound =
      file && ::fstat(file.get(), &about) == 0 && about.st_size == static_cast<off_t>(guardian::lease_page_bytes);
  void* const memory =
      sound ? ::mmap(nullptr, guardian::lease_page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0)
            : MAP_FAILED;
  if (memory == MAP_FAILED) return kill_it(fmt::format("its page {} cannot be mapped", path));
  page_.reset(static_cast<guardian::LeasePage*>(memory));
  tell_lease();
}

// ---- the conversation

void GuardianClient::listen() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
    if (error) return;
    receive();
  });
}

/// What comes with it is the timer.
ssize_t GuardianClient::receive_datagram() {
  iovec part{buffer_.data(), buffer_.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  const ssize_t got = ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  const cmsghdr* const header = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) return got;
  int timer = -1;
  std::memcpy(&timer, CMSG_DATA(header), sizeof timer);
  lease_end_ = Fd(timer);
  return got;
}

void GuardianClient::receive() {
  const ssize_t got = receive_datagram();
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return listen();
  if (got <= 0) {
    lost(got == 0 ? "it ended" : std::strerror(errno));
    return connect();
  }
  const auto message = guardian::decode_from_guardian({buffer_.data(), static_cast<std::size_t>(got)});
  if (!message) return kill_it(message.error().what);
  listen();
  std::visit([this](const auto& which) { take(which); }, *message);
}

void GuardianClient::take(const guardian::State& state) {
  if (state.version != guardian::protocol_version)
    kill_it(fmt::format("it is of another release (protocol version {}, ours is {})", state.version,
                        guardian::protocol_version));
  else
    map_page();
  if (!socket_.is_open()) return;
  log_.info("the guardian is here (process {}); it holds: {}; watchdog: {}", state.pid,
            guardian::names_of(state.holdings), state.watchdog);
  complained_ = false;
  const bool first = talk_.meet(state);
  if (callbacks_.on_state) callbacks_.on_state(state, first);  // may call hold()
  say(talk_.follow_up(state));
}

void GuardianClient::take(const guardian::Ack& ack) {
  talk_.accepted(ack);
  if (callbacks_.on_held) callbacks_.on_held(ack.number);
}

void GuardianClient::take(const guardian::LadderedNews& news) {
  send(guardian::HeardNews{});
  if (callbacks_.on_laddered) callbacks_.on_laddered(news.news);
}

void GuardianClient::say(const std::vector<guardian::FromCrmd>& messages) {
  for (const guardian::FromCrmd& message : messages) send(message);
}

void GuardianClient::send(const guardian::FromCrmd& message) {
  if (!socket_.is_open()) return;
  const auto bytes = guardian::encode(message);
  if (!bytes) return log_.error("the guardian cannot be told what is held: {}", bytes.error().what);
  if (::send(socket_.native_handle(), bytes->data(), bytes->size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return;
  // Later, and not from within: whoever called may be in the middle of something. What was to be said is said again.
  broken_ = std::strerror(errno);
  connect_after(std::chrono::milliseconds(0));
}

// ---- losing one

void GuardianClient::lost(const std::string& why) {
  if (!socket_.is_open()) return;
  error_code ignored;
  socket_.close(ignored);
  if (!ending_) log_.warning("the guardian (process {}) is lost: {}; starting another", pid_, why);
  talk_.lost();
  broken_.clear();
  pid_ = 0;
  process_.reset();
  lease_end_.reset();
  trying_since_ = boot_time();
}

void GuardianClient::kill_it(const std::string& why) {
  log_.error("the guardian (process {}) is killed: {}", pid_, why);
  // By descriptor: the number may already belong to somebody else.
  if (process_) ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
  lost("it was killed");
  connect_after(time_to_die);
}

void GuardianClient::check_soon() {
  const bool idle = ready() && (!talk_.holds_something() || boot_time() - checked_by_feed_ < check_interval_idle);
  check_.expires_after(idle ? check_interval_idle : check_interval);
  check_.async_wait([this](const error_code& stopped) {
    if (stopped) return;
    check();
    check_soon();
  });
}

void GuardianClient::check() {
  look_after_child();
  if (!socket_.is_open() || ending_) return;
  const bool expects_stamps = ready() && page_ && talk_.holds_something();
  if (ready() && !expects_stamps) return;
  Time seen = fresh_at_;
  if (expects_stamps) seen = std::max(seen, Time{Duration{page_->guardian_seen_ns.load(std::memory_order_acquire)}});
  const Duration silent = boot_time() - seen;
  stale_ = silent > guardian::guardian_silent_max ? stale_ + 1 : 0;
  if (stale_ >= stale_max) kill_it(fmt::format("it has been silent for {} ms", to_ms(silent)));
}

}  // namespace systole::io
