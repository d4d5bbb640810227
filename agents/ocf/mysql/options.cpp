// SPDX-License-Identifier: GPL-2.0-or-later
// Three groups in this order, because the last one of equal options counts: wishes of ours that the user may overrule,
// the user's own, then what must hold.
#include "agents/ocf/mysql/options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

std::vector<std::string> places(const ServerOptions& options) {
  return {options.binary,
          fmt::format("--defaults-file={}", options.config),  // must come first
          fmt::format("--user={}", options.user),
          fmt::format("--datadir={}", options.datadir),
          fmt::format("--socket={}", options.socket),
          fmt::format("--pid-file={}", options.pid),
          fmt::format("--log-error={}", options.log)};
}

/// From MySQL's manual; tried on no server. What a plugin brings is "loose": without the plugin it is passed over.
std::vector<std::string> command_line_of_mysql(const ServerOptions& options) {
  const Dialect& dialect = options.dialect;
  std::vector<std::string> argv = places(options);
  argv.push_back(fmt::format("--{}=10", dialect[Phrase::net_timeout]));
  // The agent gives it one of its own before anybody is followed.
  if (!options.server_id_configured) argv.emplace_back("--server-id=1");
  argv.insert(argv.end(), options.additional.begin(), options.additional.end());
  if (!options.log_bin_configured) argv.emplace_back("--log-bin=mysql-bin");
  const std::string_view source = dialect[Phrase::semi_sync_source], replica = dialect[Phrase::semi_sync_replica];
  const std::vector<std::string> fixed{
      "--read-only=ON",
      "--super-read-only=ON",
      fmt::format("--{}", dialect[Phrase::skip_start]),
      "--event-scheduler=OFF",
      fmt::format("--{}=ON", dialect[Phrase::log_updates]),
      "--relay-log-recovery=OFF",  // what was received may exist nowhere else
      "--sync-binlog=1",
      "--innodb-flush-log-at-trx-commit=1",
      fmt::format("--loose-{}-enabled=OFF", source),
      fmt::format("--loose-{}-timeout={}", source, options.semi_sync_timeout_ms),
      fmt::format("--loose-{}-enabled=ON", replica),
  };
  argv.insert(argv.end(), fixed.begin(), fixed.end());
  if (const std::string_view option = dialect[Phrase::keep_place]; !option.empty())
    argv.push_back(fmt::format("--{}", option));
  return argv;
}

}  // namespace

std::vector<std::string> command_line(const ServerOptions& options) {
  if (options.dialect.is_mysql()) return command_line_of_mysql(options);
  std::vector<std::string> argv = places(options);
  // Optimistic parallel apply: the drain of the relay log is the time of a fail-over under load. Commits that wait for
  // each other share their flushes, so many threads help where the disk is slow, not only where processors are many. By
  // file and position it would leave no place from which to go on after a crash.
  argv.emplace_back(options.by_file ? "--slave-parallel-threads=0" : "--slave-parallel-threads=16");
  argv.emplace_back("--slave-parallel-mode=optimistic");
  // Below 10 s a cut and healed link can leave the primary's dump thread dead-locked.
  argv.emplace_back("--slave-net-timeout=10");
  // The server's own default is one connection there.
  if (options.extra_port != 0 && !options.extra_connections_configured) argv.emplace_back("--extra-max-connections=20");
  if (options.log_rows) argv.emplace_back("--binlog-format=ROW");
  for (const std::string& folder : options.hidden_folders) argv.push_back("--ignore-db-dirs=" + folder);
  argv.insert(argv.end(), options.additional.begin(), options.additional.end());
  if (!options.log_bin_configured) argv.emplace_back("--log-bin=mysql-bin");
  // The server's own choice hangs on the host's name or the pid file's, and may change.
  if (!options.relay_log.empty()) argv.push_back("--relay-log=" + options.relay_log);
  if (options.sync_relay_log) argv.emplace_back("--sync-relay-log=1");
  if (options.extra_port != 0) argv.push_back(fmt::format("--extra-port={}", options.extra_port));
  const std::vector<std::string> fixed{
      "--read-only=ON",         // from the first instant; only promote ends it
      "--skip-slave-start",     // a start of the threads may delete received transactions: the agent decides
      "--event-scheduler=OFF",  // an event of a privileged definer writes in spite of read_only
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
  // Who goes by file and position may have GTIDs that fit together nowhere.
  if (!options.by_file) argv.emplace_back("--gtid-strict-mode=ON");
  return argv;
}

namespace {

struct Option {
  std::string name;  // with "-", without the leading "--"
  std::optional<std::string> value;
};

Option option_of(std::string_view word) {
  while (word.starts_with('-')) word.remove_prefix(1);
  const std::size_t equals = word.find('=');
  Option option{.name = std::string(word.substr(0, equals)), .value = std::nullopt};
  if (equals != std::string_view::npos) option.value = std::string(word.substr(equals + 1));
  std::ranges::replace(option.name, '_', '-');
  if (option.name.starts_with("loose-")) option.name.erase(0, 6);
  return option;
}

bool says_off(const std::optional<std::string>& value) {
  if (!value) return false;
  const std::string word = lower(trim(*value));
  return word == "0" || word == "off" || word == "false";
}

}  // namespace

bool sets_option(const std::vector<std::string>& options, std::string_view name) {
  const std::string wanted = option_of(name).name;
  return std::ranges::any_of(options, [&](const std::string& word) { return option_of(word).name == wanted; });
}

std::vector<std::string> printed_options(std::string_view output) {
  std::vector<std::string> options;
  for (std::string& word : words(output)) {
    if (word.starts_with("--"))
      options.push_back(std::move(word));
    else if (!options.empty())  // before the first option stands a sentence
      options.back() += " " + word;
  }
  return options;
}

std::optional<std::string> option_value(const std::vector<std::string>& options, std::string_view name) {
  std::optional<std::string> value;
  for (const std::string& word : options)
    if (Option option = option_of(word); option.name == name && option.value && !option.value->empty())
      value = std::move(option.value);
  return value;
}

bool is_switched_off(const std::vector<std::string>& options, std::string_view name) {
  bool off = false;
  for (const std::string& word : options) {
    const Option option = option_of(word);
    if (option.name == name) off = says_off(option.value);
    if (option.name == fmt::format("skip-{}", name) || option.name == fmt::format("disable-{}", name))
      off = !says_off(option.value);
  }
  return off;
}

std::vector<std::string> unsafe_options(const std::vector<std::string>& options) {
  std::vector<std::string> all;
  if (is_switched_off(options, "log-bin"))
    all.emplace_back(
        "log-bin is switched off in the server's configuration: replicas live on the binary log; remove skip-log-bin");
  if (is_switched_off(options, "innodb"))
    all.emplace_back(
        "innodb is switched off in the server's configuration: other engines cannot undo what no replica received; "
        "remove skip-innodb");
  if (is_switched_off(options, "server-id"))
    all.emplace_back(
        "server-id is 0 in the server's configuration: no replica can follow such a server; remove it or give a number "
        "from 1 on");
  return all;
}

bool is_safe_wrapper(std::string_view binary) {
  const std::size_t slash = binary.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? binary : binary.substr(slash + 1);
  return name == "mysqld_safe" || name == "safe_mysqld" || name == "mariadbd-safe";
}

}  // namespace systole::mysql
