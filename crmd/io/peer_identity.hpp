// SPDX-License-Identifier: GPL-2.0-or-later
// Who is at the other end of the tools' socket, and whether he may ask: root, the daemon's own user, user hacluster,
// members of group haclient. The kernel says which numbers the peer has; names come from this machine's own files and
// from nowhere else, because a directory service that does not answer must not stop the core, and with it heartbeats.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace systole::io {

/// A peer of a unix socket as the kernel knows it since it connected.
struct PeerIdentity {
  std::uint32_t uid = 0;
  std::string user;  // its name, or the number where it has none here
  bool allowed = false;
};

struct AccountFiles {
  std::string users = "/etc/passwd", groups = "/etc/group";
};

/// socket: connected, AF_UNIX. Not allowed where the kernel does not say who it is.
PeerIdentity identify_peer(int socket, const AccountFiles& files = {});

/// Why that user is turned away, and what he or his administrator may do about it: one line.
std::string refusal_for(const PeerIdentity& peer, const AccountFiles& files = {});

}  // namespace systole::io
