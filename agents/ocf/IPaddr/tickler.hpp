// SPDX-License-Identifier: GPL-2.0-or-later
// What the helper does for the address's clients under Systole's own manager (clients.hpp tells why), in a thread of
// its own: the manager's tools may take seconds while a leader is sought, and the helper must hear of its link
// meanwhile.
//
// Each second the list of clients goes to the other nodes, as a private attribute of each of them: an attribute of this
// node would be forgotten together with it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agents/kit/attributes.hpp"
#include "agents/ocf/IPaddr/clients.hpp"
#include "agents/ocf/IPaddr/helper.hpp"

namespace systole::agents::ipaddr {

class Tickler {
 public:
  /// Begins at once with the clients of the owner before, where that one left a list. The thread is in the network
  /// namespace of its maker. at must outlive this.
  explicit Tickler(const Place& at);
  /// Waits for a tool that runs, some seconds at most.
  ~Tickler() = default;
  Tickler(const Tickler&) = delete;
  Tickler& operator=(const Tickler&) = delete;

  /// Addresses that live on several nodes keep their connections when one of them dies, or are none of ours to reset.
  static bool is_wanted(const Place& at);

 private:
  void run(const std::stop_token& stop);
  std::vector<Client> take_over();
  void tell(const std::vector<Client>& clients);
  void copy();
  Result<void> copy_to_others(const std::string& list);
  void complain(const std::string& why);

  const Options& options_;
  Call call_;  // its own log
  agents::Attributes attributes_;
  std::string name_;  // of the attribute
  std::string self_;
  std::vector<std::string> others_;
  Time others_known_at_ = never;
  CopyPlan plan_;
  bool complained_ = false, too_many_ = false;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses all others
};

/// One tickle to each. The Error: none could be sent.
Result<void> send_tickles(const Ip& address, const std::string& nic, const std::vector<Client>& clients);

}  // namespace systole::agents::ipaddr
