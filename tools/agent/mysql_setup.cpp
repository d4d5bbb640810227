// SPDX-License-Identifier: GPL-2.0-or-later
// What create and join have in common: the look at the cluster, the password, words.
#include "tools/agent/mysql_setup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "agents/kit/attributes.hpp"
#include "agents/kit/paths.hpp"
#include "agents/kit/process.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/exit_codes.hpp"
#include "common/base/text.hpp"
#include "common/config/cluster_conf.hpp"
#include "common/config/derived_secret.hpp"
#include "common/config/key_file.hpp"
#include "tools/agent/interrupt.hpp"
#include "tools/agent/manager.hpp"

namespace systole::tools {
namespace {

constexpr Duration patience = 10s;
constexpr const char* corosync_conf = "/etc/corosync/corosync.conf";
constexpr const char* corosync_key = "/etc/corosync/authkey";

void print(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

Error no_manager(const Error& why) {
  return {Errc::not_connected,
          fmt::format("no cluster manager answers here ({}). Start it first, on every node: /usr/lib/systole/crmd "
                      "('systole init', 'systole invite' and 'systole join' make its cluster), or Pacemaker. Its tools "
                      "must be in PATH; crmd's are in /usr/lib/systole/bin",
                      why.what)};
}

/// The attribute of this node, else what was said, else the address of its first link.
std::string address_of_self(const SetupOptions& options, const SetupNames& names, const ClusterSeen& seen,
                            const agents::Environment& env) {
  const auto set = agents::Attributes(env).permanent(names.address_attribute(), seen.self, boot_time() + patience);
  if (!options.address.empty()) return options.address;
  if (set && !set->empty()) return *set;
  const std::string path = seen.crmd ? std::string(config::default_cluster_conf) : corosync_conf;
  const auto text = agents::read_file(path);
  return text ? own_ring_address(*text, addresses_with_networks()) : std::string{};
}

std::string purpose_of(const SetupOptions& options) {
  return "systole mysql replication " + options.resource;
}

Result<std::vector<std::string>> password_in(const std::string& path) {
  const auto text = agents::read_file(path, 4096);
  if (!text) return Error{text.error().code, fmt::format("the password's file '{}': {}", path, text.error().what)};
  const std::string password(trim(text->substr(0, text->find('\n'))));
  const bool printable = std::ranges::all_of(password, [](char c) { return c > ' ' && c < 0x7f; });
  if (password.size() < 8 || password.size() > 256 || !printable)
    return Error{Errc::invalid,
                 fmt::format("the first line of '{}' is no password: 8 to 256 characters, without blanks", path)};
  return std::vector{password};
}

}  // namespace

void say(std::string_view text) {
  print(stdout, text);
}

void complain(std::string_view text) {
  print(stderr, text);
}

ClusterSeen look_at_cluster(const SetupOptions& options, const SetupNames& names, Log& log) {
  const agents::Environment env = agents::process_environment();
  ClusterSeen seen;
  const auto cib = run_tool({"cibadmin", "--query", "--scope", "configuration"});
  if (!cib) {
    seen.faults.push_back(no_manager(cib.error()).what);
    return seen;
  }
  seen.answers = true;
  seen.crmd = crmd_answers();
  seen.cib = read_cib(*cib, names);
  seen.view = look_at_database(options.resource, env, log);
  seen.self = seen.view.self;
  seen.address = address_of_self(options, names, seen, env);
  if (std::ranges::find(seen.cib.nodes, seen.self) == seen.cib.nodes.end())
    seen.faults.push_back(
        fmt::format("the cluster's configuration lists no node '{}' (it lists: {}); wait until this "
                    "node has joined",
                    seen.self, join(seen.cib.nodes, ", ")));
  if (seen.address.empty())
    seen.faults.emplace_back(
        "at which of this machine's addresses the others reach its database is not to be seen "
        "from the cluster's configuration: say it by --address");
  return seen;
}

unsigned server_id_of(const CibFacts& cib, const std::string& self) {
  const auto found = std::ranges::find(cib.nodes, self);
  const auto place = static_cast<std::size_t>(found - cib.nodes.begin());
  const auto id = place < cib.ids.size() ? parse_int<unsigned>(cib.ids[place]) : std::nullopt;
  return id && *id != 0 ? *id : static_cast<unsigned>(place) + 1;
}

Result<std::vector<std::string>> possible_passwords(const SetupOptions& options, bool crmd) {
  if (!options.password_file.empty()) return password_in(options.password_file);
  constexpr std::string_view otherwise =
      "; or give the same password on each node by --password-file FILE (chmod 600, one line)";
  std::vector<std::string> all;
  if (!crmd) {
    const auto key = config::read_foreign_key(corosync_key);
    if (!key)
      return Error{key.error().code, fmt::format("{}: make one (corosync-keygen){}", key.error().what, otherwise)};
    all.push_back(config::derived_secret(*key, purpose_of(options)));
    return all;
  }
  const auto conf = config::read_cluster_conf(std::string(config::default_cluster_conf));
  const auto keys = config::read_key_file(conf ? conf->key_file : std::string(config::default_key_file));
  if (!keys) return Error{keys.error().code, fmt::format("{}{}", keys.error().what, otherwise)};
  for (const config::Key& key : *keys)
    all.push_back(config::derived_secret({reinterpret_cast<const char*>(key.data()), key.size()}, purpose_of(options)));
  return all;
}

Result<Fd> lock_setup() {
  constexpr const char* path = "/run/lock/systole-mysql-setup";
  Fd fd(::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return errno_error(fmt::format("cannot open '{}'", path));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{Errc::refused, "another 'systole mysql create' or 'join' is at work on this machine"};
  return fd;
}

std::string numbered(const std::vector<std::string>& lines) {
  std::string text;
  int number = 0;
  for (const std::string& line : lines) text += fmt::format("  {}. {}\n", ++number, line);
  return text;
}

int refuse(std::string_view verb, const std::vector<std::string>& faults) {
  complain(fmt::format("systole mysql {}: nothing was touched; this stands in the way:\n", verb));
  for (const std::string& fault : faults) complain(fmt::format("  - {}\n", fault));
  return exit_code::error;
}

int take_back(std::string_view verb, const Error& why, Undo& undo) {
  complain(fmt::format("systole mysql {}: {}\n", verb, why.what));
  complain(undo.all() ? "Everything is as it was before.\n" : "What could not be undone is said above.\n");
  return InterruptMark::is_set() ? interrupted_exit_code : exit_code_of(why);
}

std::string time_for_names() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::array<char, 32> text{};
  ::localtime_r(&now, &parts);
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%d-%H%M%S", &parts)};
}

std::string bytes_in_words(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units{"bytes", "KB", "MB", "GB", "TB"};
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1000 && unit + 1 < units.size()) {
    size /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", size, units.at(unit));
}

}  // namespace systole::tools
