// SPDX-License-Identifier: GPL-2.0-or-later
// See owner.hpp.
#include "agents/ocf/mysql/owner.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <unistd.h>

#include "agents/kit/child.hpp"

namespace systole::mysql {

Result<Owner> Owner::of(const Settings& settings) {
  const auto user = agents::user_by_name(settings.user);
  if (!user) return user.error();
  Owner owner;
  owner.user_ = user->user;
  const group* const wanted = ::getgrnam(settings.group.c_str());
  owner.group_ = wanted != nullptr ? wanted->gr_gid : user->group;
  owner.name_ = fmt::format("{}:{}", settings.user, settings.group);
  return owner;
}

Result<void> Owner::take(const std::string& path) const {
  if (::geteuid() != 0 || ::lchown(path.c_str(), user_, group_) == 0) return {};
  return errno_error(fmt::format("giving '{}' to {}", path, name_));
}

}  // namespace systole::mysql
