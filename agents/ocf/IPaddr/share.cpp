// SPDX-License-Identifier: GPL-2.0-or-later
// See share.hpp; netdevice(7) for SIOCADDMULTI, flock(2).
#include "agents/ocf/IPaddr/share.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agents/kit/process.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr Duration lock_look = 10ms;

Ocf explain(Call& call, const Error& error) {
  const Ocf code = error.code == Errc::permission  ? Ocf::permission
                   : error.code == Errc::not_found ? Ocf::installed
                                                   : Ocf::generic;
  return call.explain(code, error.what);
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

/// not_found: there is no nft, or what the commands name (a table, a part of the kernel) does not exist.
Result<std::string> nft(const Place& at, const std::string& commands, Time deadline) {
  // As an argument: nft takes all commands of one call as one transaction, from wherever they come.
  Environment env = at.call.environment();
  env.insert_or_assign("LC_ALL", std::string("C"));  // its words are read below
  const auto ran = run_program({"nft", commands}, env, deadline);
  if (!ran && ran.error().code == Errc::not_found) {
    return Error{Errc::not_found,
                 "the same address on several nodes at once needs the program nft, and it is not here: install the "
                 "package nftables"};
  }
  if (!ran) return ran.error();
  if (ran->code == 0) return ran->out;
  const bool may_not = ran->err.find("Operation not permitted") != std::string::npos;
  const bool absent = ran->err.find("No such file or directory") != std::string::npos;
  return Error{may_not  ? Errc::permission
               : absent ? Errc::not_found
                        : Errc::io,
               fmt::format("nft left with {}: {}", ran->code, first_line(ran->err))};
}

Result<void> change_group(bool join, const std::string& nic, const Mac& mac) {
  ifreq request{};
  nic.copy(request.ifr_name, sizeof request.ifr_name - 1);
  request.ifr_hwaddr.sa_family = AF_UNSPEC;
  std::memcpy(request.ifr_hwaddr.sa_data, mac.data(), mac.size());
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket && ::ioctl(socket.get(), join ? SIOCADDMULTI : SIOCDELMULTI, &request) == 0) return {};
  if (!join && (errno == ENOENT || errno == ENODEV)) return {};
  return errno_error(fmt::format("make '{}' {} frames to {}", nic, join ? "take" : "refuse", to_text(mac)));
}

std::vector<std::string> hearing(const Mac& mac) {
  const auto listed = read_file("/proc/net/dev_mcast");
  return listed ? hearing_interfaces(*listed, mac) : std::vector<std::string>{};
}

Result<ShareSeen> look_at_share(const Place& at, Time deadline) {
  ShareSeen seen;
  seen.hearing = hearing(at.options.cloned->mac);
  for (const std::string_view family : {"netdev", "arp"}) {
    const auto listed = nft(at, listing_of(family, at.options.ip), deadline);
    // Without nft there are no rules either: the verbs that need it say so themselves.
    if (!listed && listed.error().code == Errc::not_found) break;
    if (!listed) return listed.error();
    seen.listing += *listed;
  }
  seen.table = !seen.listing.empty();
  seen.instances = instances_in(seen.listing);
  return seen;
}

Result<void> make_rules(const Place& at, const Shares& shares, Time deadline) {
  const auto made = nft(at, making_of(shares), deadline);
  return made ? Result<void>() : made.error();
}

Result<void> remove_share(const Place& at, Time deadline) {
  const auto gone = nft(at, removal_of(at.options.ip), deadline);
  for (const std::string& nic : hearing(at.options.cloned->mac)) {
    if (auto left = change_group(false, nic, at.options.cloned->mac); !left) return left;
  }
  if (!gone && gone.error().code != Errc::not_found) return gone.error();
  return {};
}

/// The reserve is for this: what ran into the deadline may have been done all the same.
Time undo_deadline(const Place& at) {
  return at.call.deadline() + at.call.reserve() / 2;
}

/// One call of nft: of a short timeout not much is left. `instances`: those on this node, with or without ours.
void put_back(const Place& at, const Interface& nic, std::set<int> instances) {
  const Cloned& cloned = *at.options.cloned;
  instances.erase(cloned.instance);
  const auto undone = instances.empty()
                          ? remove_share(at, undo_deadline(at))
                          : make_rules(at, {at.options.ip, nic.name, cloned, instances}, undo_deadline(at));
  if (!undone) at.call.log().warning("{}; the next stop tries again, proceeding", undone.error().what);
}

}  // namespace

Result<ShareLock> ShareLock::take(const Place& at) {
  ShareLock lock;
  if (!at.options.cloned) return lock;
  const std::string& folder = at.call.paths().state;
  if (auto made = make_folder(folder); !made) return made.error();
  lock.folder_.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.folder_) return errno_error(fmt::format("open '{}'", folder));
  while (::flock(lock.folder_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return errno_error(fmt::format("lock '{}'", folder));
    if (!pause_for(lock_look, at.call.deadline())) {
      return Error{Errc::timeout, fmt::format("another instance kept '{}' locked until the timeout", folder)};
    }
  }
  return lock;
}

Ocf can_share(const Place& at) {
  if (!at.options.cloned) return Ocf::ok;
  const auto there = nft(at, "--version", at.call.deadline());
  return there ? Ocf::ok : explain(at.call, there.error());
}

Ocf take_share(const Place& at, const Interface& nic) {
  if (!at.options.cloned) return Ocf::ok;
  const Cloned& cloned = *at.options.cloned;
  if (!nic.speaks_arp()) {
    return at.call.fail(Ocf::installed,
                        "'{}' is no Ethernet interface with ARP: an address on several nodes at once needs one",
                        nic.name);
  }
  if (!is_plain_name(nic.name))
    return at.call.fail(Ocf::installed, "nft cannot be told of an interface named '{}': rename it", nic.name);
  const auto seen = look_at_share(at, at.call.deadline());
  if (!seen) return explain(at.call, seen.error());
  Shares shares{at.options.ip, nic.name, cloned, seen->instances};
  shares.instances.insert(cloned.instance);
  // First the rules: who hears without them answers for others.
  if (const auto made = make_rules(at, shares, at.call.deadline()); !made) {
    put_back(at, nic, seen->instances);
    return explain(at.call, made.error());
  }
  if (const auto joined = change_group(true, nic.name, cloned.mac); !joined) {
    put_back(at, nic, seen->instances);
    return explain(at.call, joined.error());
  }
  at.call.log().info("instance {} of {} answers its share of {} on '{}', by way of {}", cloned.instance,
                     to_text(at.options.ip), cloned.instances, nic.name, to_text(cloned.mac));
  return Ocf::ok;
}

void undo_share(const Place& at, const Interface& nic) {
  if (!at.options.cloned) return;
  const auto seen = look_at_share(at, undo_deadline(at));
  if (seen) return put_back(at, nic, seen->instances);
  at.call.log().warning("{}; the next stop tries again, proceeding", seen.error().what);
}

Ocf give_up_share(const Place& at, const std::function<Ocf()>& stop_address) {
  if (!at.options.cloned) return stop_address();
  Call& call = at.call;
  const auto lock = ShareLock::take(at);
  if (!lock) return explain(call, lock.error());
  const Cloned& cloned = *at.options.cloned;
  const auto seen = look_at_share(at, call.deadline());
  const auto look_there = look(at.options, true, call.deadline());
  if (!look_there) return call.explain(Ocf::generic, look_there.error().what);
  const auto there = served(at.options, look_there->facts);
  std::set<int> others = seen ? seen->instances : std::set<int>{};
  const bool here = others.erase(cloned.instance) > 0;
  if (!others.empty() && !there.empty()) {
    const std::string& nic = look_there->facts.interface(there.front().index)->name;
    const auto made = here ? make_rules(at, {at.options.ip, nic, cloned, others}, call.deadline()) : Result<void>();
    if (!made) return explain(call, made.error());
    call.log().info("instance {} of {} has stopped; others stay on this node", cloned.instance, to_text(at.options.ip));
    return Ocf::ok;
  }
  if (const Ocf stopped = stop_address(); stopped != Ocf::ok) return stopped;
  const auto removed = remove_share(at, call.deadline());
  return removed ? Ocf::ok : explain(call, removed.error());
}

Result<Verdict> judge_with_share(const Place& at, const Look& seen, Time deadline) {
  if (!at.options.cloned) return seen.verdict;
  const auto share = look_at_share(at, deadline);
  // Where nft cannot work, no instance was ever started.
  if (!share && served(at.options, seen.facts).empty()) return seen.verdict;
  if (!share) return share.error();
  return judge_share(at.options, seen.facts, seen.verdict, *share);
}

}  // namespace systole::agents::ipaddr
