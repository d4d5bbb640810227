// SPDX-License-Identifier: GPL-2.0-or-later
// The link as the agent uses it: a raw socket (packet(7)) on one interface that announces an address, probes for other
// owners of it, and hears what others say of it. The kernel filters: nothing else is ever received.
#pragma once

#include <optional>
#include <vector>

#include "agents/ocf/IPaddr/frames.hpp"
#include "common/base/handles.hpp"
#include "common/base/result.hpp"

namespace systole::agents::ipaddr {

class LinkSocket {
 public:
  /// own: the machine's hardware addresses, which never count as somebody else's.
  /// common: announced in place of the interface's own (cloned.hpp).
  static Result<LinkSocket> open(const Interface& nic, const Ip& ip, std::vector<Mac> own,
                                 std::optional<Mac> common = {});

  int fd() const { return socket_.get(); }
  /// To everybody, in each form of the family.
  Result<void> announce();
  /// To each of them alone.
  Result<void> announce_to(const std::vector<Neighbour>& neighbours);
  Result<void> probe();
  /// The next frame of somebody else about the address; nullopt: none is waiting.
  std::optional<Claim> hear();

 private:
  LinkSocket(Fd socket, const Interface& nic, const Ip& ip, std::vector<Mac> own, const Mac& announced)
      : socket_(std::move(socket)), nic_(nic), ip_(ip), own_(std::move(own)), announced_(announced) {}
  Result<void> send(Frame frame);

  Fd socket_;
  Interface nic_;
  Ip ip_;
  std::vector<Mac> own_;
  Mac announced_;
};

std::vector<Mac> own_macs(const Facts& facts);

}  // namespace systole::agents::ipaddr
