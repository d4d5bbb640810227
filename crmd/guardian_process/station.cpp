// SPDX-License-Identifier: GPL-2.0-or-later
// See station.hpp.
#include "crmd/guardian_process/station.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/base/overloaded.hpp"
#include "common/base/timer.hpp"
#include "crmd/guardian_process/processes.hpp"

namespace systole::guardian {
namespace {

constexpr std::size_t connections_max = 8;

Time boot_time() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return Time{std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
}

Level level_of(Note::Level level) {
  switch (level) {
    case Note::Level::info:
      return Level::info;
    case Note::Level::notice:
      return Level::notice;
    case Note::Level::warning:
      return Level::warning;
    case Note::Level::error:
      return Level::error;
  }
  return Level::error;
}

void silence(const Fd& timer) {
  std::uint64_t rings = 0;
  [[maybe_unused]] const ssize_t had_rung = ::read(timer.get(), &rings, sizeof rings);
}

/// with: a descriptor that goes along; -1: none. False with errno: not sent.
bool send_datagram(int socket, std::string_view bytes, int with) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (with >= 0) {
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof with);
    std::memcpy(CMSG_DATA(header), &with, sizeof with);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

}  // namespace

Station::Station(LeaseFile page, HeldFile held, Ladder ladder, WatchdogSetup watchdog, Log& log)
    : log_(log),
      page_(std::move(page)),
      held_(std::move(held)),
      ladder_(std::move(ladder)),
      wanted_(std::move(watchdog)),
      buffer_(message_bytes_max + 1, '\0') {}

Result<std::unique_ptr<Station>> Station::open(const std::string& run_directory, WatchdogSetup watchdog, Log& log) {
  auto page = LeaseFile::open(fmt::format("{}/{}", run_directory, lease_name));
  if (!page) return page.error();
  auto addresses = Addresses::open();
  if (!addresses) return addresses.error();
  std::unique_ptr<Station> station(new Station(std::move(*page),
                                               HeldFile(fmt::format("{}/{}", run_directory, held_name)),
                                               Ladder(std::move(*addresses)), std::move(watchdog), log));
  if (const auto made = station->make_timer_and_signals(); !made) return made.error();
  if (const auto listening = station->listen(fmt::format("{}/{}", run_directory, socket_name)); !listening)
    return listening.error();
  return station;
}

Result<void> Station::make_timer_and_signals() {
  timer_ = Fd(make_timer());
  lease_end_ = Fd(make_timer());
  if (!timer_ || !lease_end_) return errno_error("cannot make a timer");
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU})
    sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  signals_ = Fd(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals_) return errno_error("cannot listen for signals");
  return {};
}

Result<void> Station::listen(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path)
    return Error{Errc::too_big, fmt::format("the path of the socket '{}' is longer than unix sockets allow", path)};
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, address.sun_path);
  listener_ = Fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(path.c_str());
  const mode_t before = ::umask(0177);  // so that there is no moment at which others could connect
  const bool bound =
      listener_ && ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int reason = errno;
  ::umask(before);
  if (!bound) return errno_error(fmt::format("cannot bind the socket {}", path), reason);
  if (::listen(listener_.get(), static_cast<int>(connections_max)) != 0)
    return errno_error(fmt::format("cannot listen on the socket {}", path));
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return errno_error(fmt::format("cannot look at the socket {}", path));
  socket_path_ = path;
  socket_inode_ = about.st_ino;
  return {};
}

void Station::run() {
  recall();
  while (!ending_) {
    page_.stamp(boot_time());
    look_at_page();
    look_for_own_socket();
    put(Tick{});
    if (ending_) break;
    arm();
    set_timers();
    wait();
  }
  log_.notice("nothing is held: ending");
  page_.clear();
  watchdog_.disarm();
  if (is_own_socket_there()) ::unlink(socket_path_.c_str());
}

/// What a guardian of this boot left behind without an orderly end.
void Station::recall() {
  if (page_.is_new()) return held_.remove();
  auto held = held_.load();
  if (!held) return log_.error("what the guardian before this one held is not known: {}", held.error().what);
  look_at_page();
  put(Remembered{std::move(*held)});
}

/// An armed watchdog whose guardian was killed is still counting: opened, it begins anew, so what has to be ended comes
/// first.
void Station::arm() {
  if (wanted_.device.empty() || guardian_.on_ladder()) return;
  watchdog_ = Watchdog(wanted_.device, wanted_.timeout, log_);
  wanted_.device.clear();
  if (watchdog_.armed()) put(Armed{watchdog_.timeout()});
}

/// The lease's end has a timer of its own, which crmd has too and sets anew with each renewal: else that time would
/// come, and wake us in vain, many times a second. Where crmd has not come to that it rings early, and the page says
/// what holds.
void Station::set_timers() {
  set_timer(lease_end_.get(), guardian_.lease_end());
  set_timer(timer_.get(), guardian_.looks_at(boot_time()));
}

void Station::wait() {
  std::vector<pollfd> polled{{timer_.get(), POLLIN, 0},
                             {lease_end_.get(), POLLIN, 0},
                             {signals_.get(), POLLIN, 0},
                             {listener_.get(), POLLIN, 0}};
  for (const Connection& connection : connections_) polled.push_back({connection.socket.get(), POLLIN, 0});
  if (::poll(polled.data(), polled.size(), -1) <= 0) return;
  for (const Fd* const timer : {&timer_, &lease_end_}) silence(*timer);
  // What crmd last wrote into the page counts before what it said or that it is gone.
  look_at_page();
  for (std::size_t i = 4; i < polled.size(); ++i)
    if (polled[i].revents != 0) read(connections_[i - 4]);
  std::erase_if(connections_, [](const Connection& connection) { return !connection.socket; });
  if (polled[2].revents != 0) take_signal();
  if (polled[3].revents != 0) let_in();
}

void Station::look_at_page() {
  if (const auto until = page_.until()) put(LeaseUntil{*until});
}

bool Station::is_own_socket_there() const {
  struct stat about {};
  return ::stat(socket_path_.c_str(), &about) == 0 && about.st_ino == socket_inode_;
}

/// Whoever cleared the run directory away took the way for every crmd to come. Only looked at when awake anyway.
void Station::look_for_own_socket() {
  if (!connections_.empty() || !guardian_.holdings().empty() || is_own_socket_there()) return;
  put(Unreachable{fmt::format("{} is gone, or is another's", socket_path_)});
}

void Station::take_signal() {
  signalfd_siginfo about{};
  if (::read(signals_.get(), &about, sizeof about) != static_cast<ssize_t>(sizeof about)) return;
  const int number = static_cast<int>(about.ssi_signo);
  if (number == SIGTERM || number == SIGINT || number == SIGHUP || number == SIGQUIT)
    put(Asked{fmt::format("SIG{} of process {}", ::sigabbrev_np(number), about.ssi_pid)});
}

// ---- the socket

void Station::let_in() {
  Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  if (!known || (peer.uid != 0 && peer.uid != ::geteuid())) {
    log_.warning("process {} of user {} is turned away: only crmd has business here", peer.pid, peer.uid);
    return;
  }
  if (connections_.size() >= connections_max) {  // who came and said nothing makes room
    const auto mute = std::ranges::find(connections_, false, &Connection::greeted);
    log_.warning("process {} is let go: it is connected and says nothing", mute->pid);
    connections_.erase(mute);
  }
  connections_.push_back({std::move(socket), peer.pid, false});
}

void Station::read(Connection& connection) {
  if (!connection.socket) return;
  const ssize_t got = ::recv(connection.socket.get(), buffer_.data(), buffer_.size(), MSG_TRUNC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return leave(connection);
  const std::size_t size = std::min(static_cast<std::size_t>(got), buffer_.size());
  const auto message = decode_from_crmd(std::string_view(buffer_.data(), size));
  if (message && (connection.greeted || std::holds_alternative<Hello>(*message))) return take(connection, *message);
  log_.warning("process {} on {} is let go: {}", connection.pid, socket_path_,
               message ? "it did not introduce itself" : message.error().what);
  leave(connection);
}

void Station::take(Connection& connection, const FromCrmd& message) {
  std::visit(Overloaded{[&](const Hello& hello) { take_hello(connection, hello); },
                        [&](const HoldList& list) { take_list(list); }, [&](const HeardNews&) { put(Heard{}); },
                        [&](const CrmdDone&) { put(Done{}); }},
             message);
}

void Station::take_hello(Connection& connection, const Hello& hello) {
  if (Connection* const before = crmd(); before != nullptr && before != &connection) leave(*before);
  put(CrmdHere{});  // before it counts as greeted: the news, if any, are in the answer
  send(connection, state_of(guardian_, ::getpid(), watchdog_.in_words()), lease_end_.get());
  if (hello.version != protocol_version) {
    log_.error("crmd (process {}) speaks version {} and this guardian {}: they are of different releases",
               connection.pid, hello.version, protocol_version);
    put(CrmdGone{});
    return leave(connection);
  }
  connection.greeted = true;
  log_.info("crmd is here (process {}); held so far: {}", connection.pid, names_of(guardian_.holdings()));
}

void Station::take_list(const HoldList& list) {
  for (const Holding& holding : list.holdings)
    if (const std::string complaint = complaint_about(holding); !complaint.empty())
      log_.error("resource '{}': {}; it will not be ended when the lease ends", holding.resource, complaint);
  if (list.holdings != guardian_.holdings()) log_.info("held from now on: {}", names_of(list.holdings));
  put(Hold{list.holdings, list.number});
}

void Station::leave(Connection& connection) {
  connection.socket.reset();
  if (std::exchange(connection.greeted, false)) put(CrmdGone{});
}

void Station::send(const Connection& connection, const FromGuardian& message, int with) {
  const auto bytes = encode(message);
  // A crmd that does not read gets nothing; nobody waits for it. What it must know is told again until it says heard.
  if (!bytes || !send_datagram(connection.socket.get(), *bytes, with))
    log_.warning("crmd (process {}) could not be told something: {}", connection.pid,
                 bytes ? std::strerror(errno) : bytes.error().what);
}

Station::Connection* Station::crmd() {
  const auto found = std::ranges::find_if(connections_, &Connection::greeted);
  return found == connections_.end() ? nullptr : &*found;
}

// ---- the machine

void Station::put(Event event) {
  inbox_.push_back(std::move(event));
  if (std::exchange(stepping_, true)) return;
  while (!inbox_.empty()) {
    const Event next = std::move(inbox_.front());
    inbox_.pop_front();
    for (const Effect& effect : guardian_.step(boot_time(), next))
      std::visit([this](const auto& which) { perform(which); }, effect);
  }
  stepping_ = false;
}

void Station::perform(const Climb& effect) {
  std::vector<pid_t> spared{::getpid()};
  if (const Connection* const here = crmd()) spared.push_back(here->pid);
  inbox_.push_back(ladder_.climb(effect.holdings, spared));
}

void Station::perform(const Accept& effect) {
  if (const Connection* const here = crmd()) send(*here, Ack{effect.number});
}

void Station::perform(const Remember& effect) {
  if (const auto saved = held_.save(effect.holdings); !saved)
    log_.error("{}: a guardian that is killed together with crmd leaves these to nobody: {}", saved.error().what,
               names_of(effect.holdings));
}

void Station::perform(const Tell& effect) {
  if (const Connection* const here = crmd()) send(*here, LadderedNews{effect.news});
}

void Station::perform(const Note& effect) {
  log_.line(level_of(effect.level), effect.text);
}

}  // namespace systole::guardian
