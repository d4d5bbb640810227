// SPDX-License-Identifier: GPL-2.0-or-later
// See links.hpp. No SO_REUSEADDR: two daemons on one port must be an error, not a lottery.
#include "crmd/io/links.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <cstring>

#include "common/base/limits.hpp"
#include "common/base/timer.hpp"
#include "crmd/io/clock.hpp"
#include "crmd/io/groups.hpp"
#include "crmd/io/source_filter.hpp"

namespace systole::io {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;

constexpr int receive_buffer_bytes = 4 << 20;      // 80 ms of 100,000 packets a second
constexpr int datagrams_per_turn = 64;             // then the others have their turn
constexpr std::size_t packets_waiting_max = 8192;  // for a core that does not take them; what comes then is lost

Error bind_error(const LinkSetup& setup, int why) {
  const std::string place = fmt::format("{} port {}/udp", setup.address, setup.port);
  switch (why) {
    case EADDRINUSE:
      return {Errc::exists,
              fmt::format("{} is in use by another program (find it with: ss -ulpn 'sport = :{}'); end it, or "
                          "choose another 'port' in the totem section of every node's cluster.conf",
                          place, setup.port)};
    case EADDRNOTAVAIL:
      return {Errc::refused,
              fmt::format("{} cannot be used: no interface of this machine has this address now (see: ip "
                          "addr). Is the network up, and is this the right node?",
                          place)};
    case EACCES:
      return {Errc::permission, fmt::format("{} cannot be used: {}", place, std::strerror(why))};
    default:
      return errno_error(fmt::format("cannot listen on {}", place), why);
  }
}

Result<udp::socket> open_socket(asio::io_context& context, const LinkSetup& setup) {
  boost::system::error_code code;
  const auto address = asio::ip::make_address(setup.address, code);
  if (code) return Error{Errc::invalid, fmt::format("'{}' is no IP address", setup.address)};
  if (const auto lacks = lacks_interface(setup.address); lacks) return *lacks;
  const auto group = group_of(setup);
  if (!group) return group.error();
  udp::socket socket(context);
  socket.open(address.is_v6() ? udp::v6() : udp::v4(), code);
  if (code) return errno_error(fmt::format("cannot open a socket for {}", setup.address), code.value());
  const int fd = socket.native_handle();
  if (address.is_v6()) socket.set_option(asio::ip::v6_only(true), code);
  if (!setup.interface.empty() && ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, setup.interface.c_str(),
                                               static_cast<socklen_t>(setup.interface.size())) != 0) {
    const int why = errno;
    if (why == ENODEV)
      return Error{Errc::not_found,
                   fmt::format("there is no interface '{}' on this machine (see: ip link); cluster.conf "
                               "names it for the link with address {}",
                               setup.interface, setup.address)};
    return errno_error(fmt::format("cannot use interface '{}'", setup.interface), why);
  }
  socket.bind(udp::endpoint(group->value_or(address), setup.port), code);
  if (code) return bind_error(setup, code.value());
  if (*group)
    if (const auto joined = join_group(socket, setup, **group); !joined) return joined.error();
  // Both are wishes: without them the link works, with less room for bursts and behind other traffic.
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer_bytes, sizeof receive_buffer_bytes) != 0)
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  const int priority = 6;
  ::setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority);
  socket.non_blocking(true, code);
  return socket;
}

}  // namespace

Links::Links(NodeId self, Sealer sealer, BeatTimes times, Log& log, OnReceived on_received)
    : self_(self),
      log_(log),
      on_received_(std::move(on_received)),
      buffer_(limits::packet_bytes_max + 1, '\0'),
      opener_(std::make_shared<const Sealer>(std::move(sealer))),
      sealer_(opener_),
      beats_(times),
      alarm_(make_timer()) {}

Links::~Links() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    arm({});
  }
  thread_.join();
}

Result<std::unique_ptr<Links>> Links::open(NodeId self, const std::vector<LinkSetup>& setups,
                                           const std::map<NodeId, std::vector<std::string>>& peers, Sealer sealer,
                                           BeatTimes times, Log& log, OnReceived on_received) {
  std::unique_ptr<Links> links(new Links(self, std::move(sealer), times, log, std::move(on_received)));
  if (!links->alarm_) return errno_error("cannot make a timer");
  for (const LinkSetup& setup : setups) {
    auto socket = open_socket(links->unused_, setup);
    if (!socket) return socket.error();
    const auto group = group_of(setup);
    if (!group) return group.error();
    links->links_.push_back(
        std::make_unique<Link>(Link{std::move(*socket), setup, scope_of(setup.address), *group, 0}));
  }
  auto endpoints = links->endpoints(peers);
  if (!endpoints) return endpoints.error();
  links->peers_ = std::move(*endpoints);
  links->refuse_strangers(peers);
  // Signals belong to the main thread, whose signal set knows what they mean.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  links->thread_ = std::thread([pulse = links.get()] { pulse->pulse(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return links;
}

Result<Links::Endpoints> Links::endpoints(const std::map<NodeId, std::vector<std::string>>& peers) const {
  Endpoints found;
  for (const auto& [id, addresses] : peers)
    for (std::size_t i = 0; i < addresses.size() && i < links_.size(); ++i) {
      boost::system::error_code code;
      auto address = asio::ip::make_address(addresses[i], code);
      if (code) return Error{Errc::invalid, fmt::format("'{}' is no IP address", addresses[i])};
      if (links_[i]->group) {
        found[id].emplace_back(*links_[i]->group, links_[i]->setup.port);
        continue;
      }
      // The interface is this node's own: the peer's name for its end of the cable means nothing here.
      if (address.is_v6() && address.to_v6().is_link_local()) {
        asio::ip::address_v6 from_here = address.to_v6();
        from_here.scope_id(links_[i]->scope);
        address = from_here;
      }
      found[id].emplace_back(address, links_[i]->setup.port);
    }
  return found;
}

/// A wish as well: what gets through all the same does not pass the seal. Who speaks to a group may do so from another
/// of his addresses.
void Links::refuse_strangers(const std::map<NodeId, std::vector<std::string>>& peers) {
  for (std::size_t link = 0; link < links_.size(); ++link) {
    if (links_[link]->group) continue;
    std::vector<asio::ip::address> sources;
    for (const auto& [id, addresses] : peers) {
      boost::system::error_code code;
      if (link < addresses.size()) sources.push_back(asio::ip::make_address(addresses[link], code));
    }
    udp::socket& socket = links_[link]->socket;
    accept_only_from(socket.native_handle(), socket.local_endpoint().address().is_v6(), sources);
  }
}

// ---- the core's side

Result<void> Links::reconfigure(const std::map<NodeId, std::vector<std::string>>& peers, Sealer sealer) {
  auto wanted = endpoints(peers);
  if (!wanted) return wanted.error();
  auto holds = std::make_shared<const Sealer>(std::move(sealer));
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, before] : peers_)
      if (!wanted->contains(id)) beats_.forget(id);
    peers_ = std::move(*wanted);
    sealer_ = std::move(holds);
  }
  refuse_strangers(peers);
  return {};
}

void Links::transmit(NodeId to, std::size_t link, wire::Packet packet, Time good_until) {
  const auto peer = peers_.find(to);
  if (peer == peers_.end() || link >= peer->second.size() || link >= links_.size()) return;
  Link& through = *links_[link];
  std::string complaint;
  {
    const std::lock_guard lock(mutex_);
    const Time now = boot_time();
    beats_.stamp(now, to, packet, good_until);
    if (beats_.next_deadline(now) < armed_) arm(now);  // a later one is set when the core has done its work
    complaint.swap(complaint_);
  }
  // Without the lock: an answer may come before this call is over, and then the pulse need not wait.
  const int why = send(link, to, packet);
  if (!complaint.empty()) log_.warning("{}", complaint);
  if (why == through.last_error) return;
  through.last_error = why;
  if (why != 0)
    log_.warning("link {} ({}): cannot send: {}; trying on with every heartbeat", link, through.setup.address,
                 std::strerror(why));
  else
    log_.notice("link {} ({}): can send again", link, through.setup.address);
}

/// By the core's thread, which alone changes peers and sealer, or with the lock.
int Links::send(std::size_t link, NodeId to, const wire::Packet& packet) {
  const std::string sealed = sealer_->seal(wire::encode_packet(packet));
  boost::system::error_code code;
  links_[link]->socket.send_to(asio::buffer(sealed), peers_.at(to)[link], 0, code);
  return code.value();
}

std::vector<Received> Links::take() {
  const std::lock_guard lock(mutex_);
  told_ = false;
  return std::exchange(received_, {});
}

void Links::fed(Time now) {
  const std::lock_guard lock(mutex_);
  beats_.fed(now);
  arm(now);
}

/// With the lock. The deadline moves on with every heartbeat of the core, long before it comes.
void Links::arm(Time now) {
  const Time due = ending_ ? Time{} : beats_.next_deadline(now);
  if (due == armed_) return;
  armed_ = due;
  set_timer(alarm_.get(), due);
}

RefusedDatagrams Links::refused() const {
  const std::lock_guard lock(mutex_);
  RefusedDatagrams refused = refused_;
  for (const auto& link : links_) refused.by_kernel += dropped_by_kernel(link->socket.native_handle());
  return refused;
}

// ---- the pulse

void Links::pulse() {
  sched_param parameters{};
  parameters.sched_priority = ::sched_get_priority_min(SCHED_RR) + 1;  // before the core
  ::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters);
  while (true) {
    const bool rang = wait();
    for (std::size_t link = 0; link < links_.size(); ++link) receive_all(link);
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    if (rang) armed_ = never;
    beat();
  }
}

/// True: the alarm rang. What has rung must be set anew even to the same time.
bool Links::wait() {
  std::vector<pollfd> waiting{{alarm_.get(), POLLIN, 0}};
  for (const auto& link : links_) waiting.push_back({link->socket.native_handle(), POLLIN, 0});
  ::poll(waiting.data(), waiting.size(), -1);
  {
    const std::lock_guard lock(mutex_);
    opener_ = sealer_;  // before what was sealed with a new key is opened
  }
  if (waiting[0].revents == 0) return false;
  std::uint64_t rings = 0;
  return ::read(alarm_.get(), &rings, sizeof rings) == sizeof rings;
}

/// With the lock.
void Links::beat() {
  const Time now = boot_time();
  for (const auto& [to, packet] : beats_.overdue(now))
    for (std::size_t link = 0; link < links_.size() && link < peers_.at(to).size(); ++link) send(link, to, packet);
  arm(now);
}

void Links::receive_all(std::size_t link) {
  for (int n = 0; n < datagrams_per_turn; ++n) {
    // MSG_TRUNC: the true length, so that an oversized datagram is known as one.
    const ssize_t got =
        ::recv(links_[link]->socket.native_handle(), buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0) return;
    if (static_cast<std::size_t>(got) > limits::packet_bytes_max)
      count(Sealer::Refusal::oversized);
    else
      receive(link, std::string_view(buffer_).substr(0, static_cast<std::size_t>(got)));
  }
}

void Links::count(Sealer::Refusal refusal) {
  const std::lock_guard lock(mutex_);
  switch (refusal) {
    case Sealer::Refusal::truncated:
      ++refused_.truncated;
      return;
    case Sealer::Refusal::oversized:
      ++refused_.oversized;
      return;
    case Sealer::Refusal::foreign:
      ++refused_.foreign;
      return;
    case Sealer::Refusal::tampered:
      ++refused_.tampered;
      return;
  }
}

void Links::receive(std::size_t link, std::string_view datagram) {
  const Sealer::Opened opened = opener_->open(datagram);
  if (opened.refusal) return count(*opened.refusal);
  auto packet = wire::decode_packet(opened.plain);
  bool tell = false;
  {
    const std::lock_guard lock(mutex_);
    if (!packet) {
      // Whoever sealed it has our key: most likely a node with another version of Systole. Said once is enough.
      if (refused_.unreadable++ == 0)
        complaint_ = fmt::format("link {}: a sealed packet cannot be read: {}", link, packet.error().what);
      return;
    }
    // In a group everybody hears everything, and each receiver's packets have numbers of their own.
    if (packet->to && packet->to != self_) return;
    const Time now = boot_time();
    if (!replays_.admits(now, link, *packet, beats_.of_session(*packet))) {
      ++refused_.replayed;
      return;
    }
    if (received_.size() >= packets_waiting_max) return;
    // Stamped and queued under one lock: who reads the clock and then takes the queue misses nothing older.
    beats_.heard(now, *packet);
    received_.push_back({now, link, std::move(*packet)});
    tell = beats_.is_news(now, received_.back().packet) && !std::exchange(told_, true);
  }
  if (tell) on_received_();
}

}  // namespace systole::io
