// SPDX-License-Identifier: GPL-2.0-or-later
// A node asks another one for a copy of its database: what it publishes as a private node attribute, by which the other
// one finds it. Whoever reads it can do nothing with it: see CopyKey.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace systole::mysql {

struct CopyRequest {
  std::string giver;  // the node that is asked
  std::string host;   // where the asking node waits for it
  unsigned port = 0;
  std::string nonce;
  bool dump_only = false;  // it has no mariadb-backup
  bool operator==(const CopyRequest&) const = default;
};
std::string to_text(const CopyRequest& request);
/// nullopt: no such text. Never longer than a few hundred bytes, and without anything but what its parts may be.
std::optional<CopyRequest> parse_copy_request(std::string_view text);

/// Of the attribute.
std::string copy_request_name(std::string_view resource);

}  // namespace systole::mysql
