// SPDX-License-Identifier: GPL-2.0-or-later
// See namespace.hpp; setns(2).
#include "agents/ocf/IPaddr/namespace.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>

#include "common/base/ensure.hpp"

namespace systole::agents::ipaddr {

Result<NetworkNamespace> NetworkNamespace::enter(const std::string& name) {
  NetworkNamespace here;
  if (name.empty()) return here;
  here.home_.reset(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!here.home_) return errno_error("open /proc/self/ns/net");
  const std::string path = "/run/netns/" + name;
  here.inside_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!here.inside_) return errno_error(fmt::format("network namespace '{}' ({})", name, path));
  if (::setns(here.inside_.get(), CLONE_NEWNET) != 0)
    return errno_error(fmt::format("enter network namespace '{}'", name));
  return here;
}

void NetworkNamespace::step_out() const {
  if (home_) ensure(::setns(home_.get(), CLONE_NEWNET) == 0);
}

void NetworkNamespace::step_in() const {
  if (inside_) ensure(::setns(inside_.get(), CLONE_NEWNET) == 0);
}

}  // namespace systole::agents::ipaddr
