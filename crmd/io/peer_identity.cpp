// SPDX-License-Identifier: GPL-2.0-or-later
// See peer_identity.hpp.
#include "crmd/io/peer_identity.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string_view>

#include "common/base/handles.hpp"

namespace systole::io {
namespace {

constexpr const char* privileged_user = "hacluster";
constexpr const char* privileged_group = "haclient";
constexpr std::size_t groups_max = 256;  // of one process; more are not looked at

using File = std::unique_ptr<std::FILE, Release<std::fclose>>;

std::optional<std::string> name_of(uid_t uid, const std::string& path) {
  if (uid == 0) return "root";
  const File file(std::fopen(path.c_str(), "re"));
  if (!file) return {};
  while (const passwd* const entry = ::fgetpwent(file.get()))
    if (entry->pw_uid == uid) return entry->pw_name;
  return {};
}

std::optional<gid_t> number_of(std::string_view group_name, const std::string& path) {
  const File file(std::fopen(path.c_str(), "re"));
  if (!file) return {};
  while (const group* const entry = ::fgetgrent(file.get()))
    if (entry->gr_name == group_name) return entry->gr_gid;
  return {};
}

bool has_supplementary(int socket, gid_t group) {
  std::array<gid_t, groups_max> groups{};
  socklen_t size = sizeof groups;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
  const auto count = static_cast<std::ptrdiff_t>(size / sizeof(gid_t));
  return std::find(groups.begin(), groups.begin() + count, group) != groups.begin() + count;
}

}  // namespace

PeerIdentity identify_peer(int socket, const AccountFiles& files) {
  PeerIdentity identity;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return identity;
  identity.uid = peer.uid;
  identity.user = name_of(peer.uid, files.users).value_or(std::to_string(peer.uid));
  identity.allowed = peer.uid == 0 || peer.uid == ::geteuid() || identity.user == privileged_user;
  if (identity.allowed) return identity;
  const auto group = number_of(privileged_group, files.groups);
  identity.allowed = group && (peer.gid == *group || has_supplementary(socket, *group));
  return identity;
}

std::string refusal_for(const PeerIdentity& peer, const AccountFiles& files) {
  const bool is_there = number_of(privileged_group, files.groups).has_value();
  return fmt::format(
      "user '{}' may not talk to the cluster: only root and members of group {} may. Use sudo; or let root run: "
      "{}usermod --append --groups {} {}, and log in again",
      peer.user, privileged_group, is_there ? "" : fmt::format("groupadd --system {}; ", privileged_group),
      privileged_group, peer.user);
}

}  // namespace systole::io
