// SPDX-License-Identifier: GPL-2.0-or-later
// What a distribution starts a database server with at boot, and what must not go on doing so beside a cluster: a unit
// of systemd, or an init script where systemd does not run.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::tools {

struct OwnService {
  enum class Kind { unit, script } kind = Kind::unit;
  std::string name;  // "mariadb.service", or "mariadb" of /etc/init.d
  bool active = false, enabled = false;
  bool operator==(const OwnService&) const = default;
};

/// "unit mariadb.service active enabled".
std::string to_text(const OwnService& service);
std::optional<OwnService> parse_service(std::string_view text);

/// By what `systemctl show --property=Id,LoadState,ActiveState,UnitFileState UNIT…` printed. One under several names is
/// there once; those that are not installed, or masked, are not there.
std::vector<OwnService> parse_units(std::string_view shown);

std::vector<OwnService> find_services();

/// Each waits for its end. Ok when it is so already.
Result<void> stop_service(const OwnService& service);
Result<void> start_service(const OwnService& service);
Result<void> disable_service(const OwnService& service);
Result<void> enable_service(const OwnService& service);

}  // namespace systole::tools
