// SPDX-License-Identifier: GPL-2.0-or-later
// Working inside a network namespace by name (ip-netns(8)) without starting another program, and stepping out of it for
// what must not be inside: the cluster manager's sockets are in the namespace where the agent was called.
#pragma once

#include <string>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"

namespace systole::agents::ipaddr {

class NetworkNamespace {
 public:
  /// An empty name: stays where it is. not_found: there is no such namespace.
  static Result<NetworkNamespace> enter(const std::string& name);
  NetworkNamespace(NetworkNamespace&&) = default;
  NetworkNamespace& operator=(NetworkNamespace&&) = default;
  /// Back home: whoever enters next must not take this place for it.
  ~NetworkNamespace() { step_out(); }
  /// Both do nothing without a namespace.
  void step_out() const;
  void step_in() const;

 private:
  NetworkNamespace() = default;
  Fd home_, inside_;
};

}  // namespace systole::agents::ipaddr
