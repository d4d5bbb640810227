// SPDX-License-Identifier: GPL-2.0-or-later
// The giving side of a copy, beside the resident helper, or, where none runs, a monitor of the primary: reads what a
// node that wants one has published, and gives it in a process of its own, one at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql/copy_request.hpp"
#include "agents/ocf/mysql/settings.hpp"

namespace systole::mysql {

class Giver {
 public:
  /// self: by what those who ask may name us. call and settings must outlive this.
  Giver(agents::Call& call, const Settings& settings, std::vector<std::string> self)
      : call_(call), settings_(settings), self_(std::move(self)) {}

  /// The node says that it wants a copy. Whether from us, and from where to where, stands in its request.
  void see(const std::string& node);
  /// Looks whether any node wants one.
  void look();

 private:
  bool is_giving() const;
  /// True: it gives now.
  bool consider(const std::string& node, std::string_view text);
  void begin(const std::string& node, const CopyRequest& request);

  agents::Call& call_;
  const Settings& settings_;
  std::vector<std::string> self_;
  std::string answered_;  // the nonce of the last request: one that is withdrawn late is not answered twice
};

}  // namespace systole::mysql
