// SPDX-License-Identifier: GPL-2.0-or-later
// See replays.hpp.
#include "crmd/io/replays.hpp"

#include <algorithm>

#include "common/base/limits.hpp"

namespace systole::io {
namespace {

constexpr std::size_t lives_max = 8;  // of one node; a machine that restarts its daemon more often has other troubles
constexpr std::size_t senders_max = 4 * limits::nodes_max;  // also those that another cluster with our key would have
// A node that begins a session may have a whole configuration to send before the core has answered once.
constexpr double strays_at_once = 512, strays_per_second = 1'000;

}  // namespace

bool Replays::admits(Time now, std::size_t link, const wire::Packet& packet, bool of_session) {
  auto sender = senders_.find(packet.from);
  if (sender == senders_.end()) {
    if (senders_.size() >= senders_max) return false;
    sender = senders_.try_emplace(packet.from).first;
  }
  if (window_of(sender->second, packet.boot, link).take(packet.seq) == Window::Verdict::known) return false;
  return of_session || within_rate(now, sender->second);
}

Window& Replays::window_of(Sender& sender, std::uint64_t boot, std::size_t link) {
  auto life = std::ranges::find(sender.lives, boot, &Life::boot);
  if (life == sender.lives.end()) {
    if (sender.lives.size() >= lives_max) sender.lives.pop_back();
    sender.lives.push_front({boot, {}});
  } else if (life != sender.lives.begin()) {
    std::rotate(sender.lives.begin(), life, life + 1);
  }
  Life& newest = sender.lives.front();
  if (newest.links.size() <= link) newest.links.resize(link + 1);
  return newest.links[link];
}

bool Replays::within_rate(Time now, Sender& sender) {
  const std::chrono::duration<double> passed = now - sender.strays_counted;
  sender.strays_counted = now;
  sender.strays = std::max(0.0, sender.strays - passed.count() * strays_per_second);
  if (sender.strays + 1 > strays_at_once) return false;
  sender.strays += 1;
  return true;
}

}  // namespace systole::io
