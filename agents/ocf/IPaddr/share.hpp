// SPDX-License-Identifier: GPL-2.0-or-later
// Taking and giving up this node's share of a cloned address: what share_rules.hpp decides, done with nft(8) and with
// the interface's list of group addresses. Both outlive this process and are the record of what runs here.
#pragma once

#include <functional>

#include "agents/ocf/IPaddr/helper.hpp"
#include "agents/ocf/IPaddr/share_rules.hpp"

namespace systole::agents::ipaddr {

/// Instances of one clone on one node share rules and address, and a manager may start one while it stops another: a
/// verb that changes them holds this. Other addresses wait too; it is short.
class ShareLock {
 public:
  /// Nothing to hold for an ordinary address. timeout: another one held it until the deadline.
  static Result<ShareLock> take(const Place& at);

 private:
  Fd folder_;
};

/// installed, with the reason said: there is no nft.
Ocf can_share(const Place& at);

/// Rules and group address, so that all is in place before the address is. Idempotent. What fails leaves nothing behind
/// that was not there before. Ordinary addresses: ok, as in all of these.
Ocf take_share(const Place& at, const Interface& nic);
/// After a start that went no further.
void undo_share(const Place& at, const Interface& nic);

/// Gives up this instance, under the lock; when no other is here, `stop_address` is run, and the rules go when it has
/// succeeded.
Ocf give_up_share(const Place& at, const std::function<Ocf()>& stop_address);

/// Verdict of monitor: look's, and that of the share.
Result<Verdict> judge_with_share(const Place& at, const Look& seen, Time deadline);

}  // namespace systole::agents::ipaddr
