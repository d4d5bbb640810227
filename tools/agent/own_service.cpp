// SPDX-License-Identifier: GPL-2.0-or-later
// See own_service.hpp.
#include "tools/agent/own_service.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "agents/kit/process.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/text.hpp"

namespace systole::tools {
namespace {

namespace fs = std::filesystem;

// A large server takes minutes to write its pages down.
constexpr Duration patience = 15min;
constexpr std::array<std::string_view, 3> script_names{"mariadb", "mysql", "mysqld"};

std::string script_of(std::string_view name) {
  return fmt::format("/etc/init.d/{}", name);
}

bool systemd_runs() {
  return ::access("/run/systemd/system", F_OK) == 0;
}

Result<agents::Ran> run(const std::vector<std::string>& argv) {
  return agents::run_program(argv, agents::process_environment(), boot_time() + patience);
}

Result<void> must_run(const std::vector<std::string>& argv) {
  const auto ran = run(argv);
  if (!ran) return ran.error();
  if (ran->code == 0) return {};
  return Error{Errc::io, fmt::format("'{}' ended with {}: {}", agents::shown(argv), ran->code,
                                     trim(ran->err.empty() ? ran->out : ran->err))};
}

bool starts_at_boot(std::string_view name) {
  for (const char level : {'2', '3', '4', '5'}) {
    std::error_code none;
    for (const fs::directory_entry& entry : fs::directory_iterator(fmt::format("/etc/rc{}.d", level), none)) {
      const std::string link = entry.path().filename();
      if (link.size() > 3 && link.front() == 'S' && link.substr(3) == name) return true;
    }
  }
  return false;
}

std::vector<OwnService> find_scripts() {
  std::vector<OwnService> found;
  for (const std::string_view name : script_names) {
    if (::access(script_of(name).c_str(), X_OK) != 0) continue;
    const auto status = run({script_of(name), "status"});
    found.push_back({.kind = OwnService::Kind::script,
                     .name = std::string(name),
                     .active = status && status->code == 0,
                     .enabled = starts_at_boot(name)});
  }
  return found;
}

/// Debian's program for links of init scripts, else Red Hat's.
Result<void> set_at_boot(const OwnService& service, bool on) {
  const auto done = must_run({"update-rc.d", service.name, on ? "enable" : "disable"});
  if (done || done.error().code != Errc::not_found) return done;
  return must_run({"chkconfig", service.name, on ? "on" : "off"});
}

}  // namespace

std::string to_text(const OwnService& service) {
  return fmt::format("{} {} {} {}", service.kind == OwnService::Kind::unit ? "unit" : "script", service.name,
                     service.active ? "active" : "inactive", service.enabled ? "enabled" : "disabled");
}

std::optional<OwnService> parse_service(std::string_view text) {
  const auto parts = words(text);
  if (parts.size() != 4 || (parts[0] != "unit" && parts[0] != "script")) return {};
  return OwnService{.kind = parts[0] == "unit" ? OwnService::Kind::unit : OwnService::Kind::script,
                    .name = parts[1],
                    .active = parts[2] == "active",
                    .enabled = parts[3] == "enabled"};
}

std::vector<OwnService> parse_units(std::string_view shown) {
  std::vector<OwnService> found;
  OwnService unit;
  bool loaded = false;
  const auto take = [&] {
    if (loaded && !unit.name.empty() && std::ranges::find(found, unit.name, &OwnService::name) == found.end())
      found.push_back(unit);
    unit = OwnService{};
    loaded = false;
  };
  for (const std::string& line : split(shown, '\n')) {
    if (trim(line).empty()) take();
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = line.substr(0, equals), value = line.substr(equals + 1);
    if (name == "Id") unit.name = value;
    if (name == "LoadState") loaded = value == "loaded";
    if (name == "ActiveState") unit.active = value != "inactive" && value != "failed";
    if (name == "UnitFileState") unit.enabled = value.starts_with("enabled");
  }
  take();
  return found;
}

std::vector<OwnService> find_services() {
  if (!systemd_runs()) return find_scripts();
  const auto shown = run({"systemctl", "show", "--property=Id,LoadState,ActiveState,UnitFileState", "mariadb.service",
                          "mysql.service", "mysqld.service", "mariadb.socket"});
  return shown ? parse_units(shown->out) : std::vector<OwnService>{};
}

Result<void> stop_service(const OwnService& service) {
  return must_run(service.kind == OwnService::Kind::unit ? std::vector<std::string>{"systemctl", "stop", service.name}
                                                         : std::vector<std::string>{script_of(service.name), "stop"});
}

Result<void> start_service(const OwnService& service) {
  return must_run(service.kind == OwnService::Kind::unit ? std::vector<std::string>{"systemctl", "start", service.name}
                                                         : std::vector<std::string>{script_of(service.name), "start"});
}

Result<void> disable_service(const OwnService& service) {
  if (service.kind == OwnService::Kind::unit) return must_run({"systemctl", "disable", service.name});
  return set_at_boot(service, false);
}

Result<void> enable_service(const OwnService& service) {
  if (service.kind == OwnService::Kind::unit) return must_run({"systemctl", "enable", service.name});
  return set_at_boot(service, true);
}

}  // namespace systole::tools
