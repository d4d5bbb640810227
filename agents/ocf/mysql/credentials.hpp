// SPDX-License-Identifier: GPL-2.0-or-later
// Passwords from a file of this node instead of parameters, which stand in the cluster's configuration for all its
// readers. The file is an option file as the server's clients know them:
//
//   [systole-control]         the agent on its own server (test_user, test_passwd)
//   user=root
//   password="se#cret"
//   [systole-replication]     a replica on its primary (replication_user, replication_passwd)
//   password=...
//
// Other sections are passed over, so that an existing file can be used. What is said about a fault never quotes the
// file: what stands in the wrong place may be a password.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace systole::mysql {

/// What a section names; the rest is as the parameters say.
struct Credential {
  std::optional<std::string> user = {}, password = {};
  bool operator==(const Credential&) const = default;
};

struct Credentials {
  Credential control = {}, replication = {};
  bool operator==(const Credentials&) const = default;
};

Result<Credentials> parse_credentials(std::string_view text);

/// permission: others than its owner may read or write the file, or its owner is neither root nor we. not_found, io: it
/// cannot be read. invalid, too_big: its text.
Result<Credentials> load_credentials(const std::string& path);

}  // namespace systole::mysql
