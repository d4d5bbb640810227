// SPDX-License-Identifier: GPL-2.0-or-later
// Three groups in this order, because the last one of equal options counts: wishes of ours that the user may overrule,
// the user's own, then what must hold.
#include "agents/ocf/mysql/options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::mysql {

std::vector<std::string> command_line(const ServerOptions& options) {
  std::vector<std::string> argv{
      options.binary,
      fmt::format("--defaults-file={}", options.config),  // must come first
      fmt::format("--user={}", options.user),
      fmt::format("--datadir={}", options.datadir),
      fmt::format("--socket={}", options.socket),
      fmt::format("--pid-file={}", options.pid),
      fmt::format("--log-error={}", options.log),
      // Optimistic parallel apply: the drain of the relay log is the time of a fail-over under load.
      "--slave-parallel-threads=4",
      "--slave-parallel-mode=optimistic",
      // Below 10 s a cut and healed link can leave the primary's dump thread dead-locked.
      "--slave-net-timeout=10",
  };
  argv.insert(argv.end(), options.additional.begin(), options.additional.end());
  if (!options.log_bin_configured) argv.emplace_back("--log-bin=mysql-bin");
  // The server's own choice hangs on the host's name or the pid file's, and may change.
  if (!options.relay_log.empty()) argv.push_back("--relay-log=" + options.relay_log);
  const std::vector<std::string> fixed{
      "--read-only=ON",         // from the first instant; only promote ends it
      "--skip-slave-start",     // a start of the threads may delete received transactions: the agent decides
      "--event-scheduler=OFF",  // an event of a privileged definer writes in spite of read_only
      "--gtid-strict-mode=ON",
      "--log-slave-updates=ON",
      "--sync-binlog=1",
      "--innodb-flush-log-at-trx-commit=1",
      "--rpl-semi-sync-master-enabled=OFF",
      "--rpl-semi-sync-master-wait-point=AFTER_SYNC",
      "--rpl-semi-sync-master-wait-no-slave=ON",
      fmt::format("--rpl-semi-sync-master-timeout={}", options.semi_sync_timeout_ms),
      options.acknowledges ? "--rpl-semi-sync-slave-enabled=ON" : "--rpl-semi-sync-slave-enabled=OFF",
      "--rpl-semi-sync-slave-kill-conn-timeout=1",  // s a replica may wait for a silent primary while it stops
      options.role == Role::replica ? "--init-rpl-role=SLAVE" : "--init-rpl-role=MASTER",
  };
  argv.insert(argv.end(), fixed.begin(), fixed.end());
  return argv;
}

bool sets_option(const std::vector<std::string>& options, std::string_view name) {
  const auto plain = [](std::string_view option) {
    std::string text(option.substr(0, option.find('=')));
    std::ranges::replace(text, '_', '-');
    return text;
  };
  const std::string wanted = "--" + plain(name);
  return std::ranges::any_of(options, [&](const std::string& option) { return plain(option) == wanted; });
}

bool is_safe_wrapper(std::string_view binary) {
  const std::size_t slash = binary.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? binary : binary.substr(slash + 1);
  return name == "mysqld_safe" || name == "safe_mysqld" || name == "mariadbd-safe";
}

}  // namespace systole::mysql
