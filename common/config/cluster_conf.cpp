// SPDX-License-Identifier: GPL-2.0-or-later
// Three steps: lines become a tree of sections and words (conf_tree); then each section's words are looked up in a
// table of what it may hold (here); and what belongs together is checked at the end (conf_sense).
#include "common/config/cluster_conf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/conf_draft.hpp"
#include "common/config/conf_tree.hpp"
#include "common/config/conf_words.hpp"

namespace systole::config {
namespace {

Result<void> read_interface(const Section& section, std::string_view file, Draft& draft) {
  Draft::Link link;
  link.line = section.line;
  std::optional<std::uint32_t> number;
  const Table table{
      {"linknumber", into_number<std::uint32_t>(number, 0, limits::links_max - 1)},
      {"interface", into_text(link.interface, 15)},  // IFNAMSIZ - 1
      {"port", into_number<std::uint16_t>(link.port, 1, 65535)},
      {"mcastport", into_number<std::uint16_t>(link.port, 1, 65535)},
      {"mcastaddr", into_text(link.mcastaddr, 64)},
      {"broadcast", into_bool(link.broadcast)},
  };
  if (const auto done = apply(section, table, file); !done) return done.error();
  if (!number) return error_at(file, section.line, "section 'interface' lacks a linknumber (0 for ring0_addr)");
  if (!draft.links.emplace(*number, link).second)
    return error_at(file, section.line, fmt::format("link {} is described twice", *number));
  return {};
}

/// corosync's word for multicast is udp.
Setter into_transport(bool& to_groups) {
  return [&to_groups](const std::string& value) -> Problem {
    to_groups = value == "multicast" || value == "udp";
    if (to_groups || value == "udpu") return {};
    return fmt::format("'{}' is not known; known: udpu (to each node alone), multicast", value);
  };
}

Result<void> read_totem(const Section& section, std::string_view file, Draft& draft) {
  draft.totem_line = section.line;
  const Table table{
      {"version", only("2", "the format of corosync 2 and 3")},
      {"cluster_name", into_text(draft.conf.cluster_name, limits::node_name_bytes_max)},
      {"keepalive", into_ms(draft.keepalive, 10ms, 60s)},
      {"deadtime", into_ms(draft.deadtime, 50ms, 600s)},
      {"token", into_ms(draft.token, 50ms, 600s)},
      {"initdead", into_ms(draft.initdead, 100ms, 3600s)},
      {"port", into_number<std::uint16_t>(draft.port, 1, 65535)},
      {"key_file", into_path(draft.conf.key_file)},
      {"lease", into_ms(draft.conf.lease, 0ms, 600s)},
      {"guard", into_ms(draft.conf.guard, 0ms, 10s)},
      {"takeover_delay", into_ms(draft.conf.takeover_delay, 0ms, 600s)},
      {"transport", into_transport(draft.to_groups)},
  };
  if (const auto done = apply(section, table, file); !done) return done.error();
  for (const Section& inner : section.sections) {
    if (inner.name != "interface")
      return error_at(file, inner.line, fmt::format("unknown section '{}' in 'totem'; known: interface", inner.name));
    if (const auto done = read_interface(inner, file, draft); !done) return done.error();
  }
  return {};
}

bool is_node_name(std::string_view name) {
  return std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
}

Result<void> read_node(const Section& section, std::string_view file, Draft& draft) {
  NodeConf node;
  node.line = section.line;
  std::optional<std::uint32_t> id;
  std::map<std::size_t, std::string> addresses;
  Table table{{"nodeid", into_number<std::uint32_t>(id, 1, UINT32_MAX)},
              {"name", into_text(node.name, limits::node_name_bytes_max)},
              {"witness", into_bool(node.witness)}};
  for (std::size_t i = 0; i < limits::links_max; ++i)
    table[fmt::format("ring{}_addr", i)] = [&addresses, i](const std::string& value) -> Problem {
      if (!is_address(value))
        return fmt::format("'{}' is no IP address (names are not looked up: name service may be what is down)", value);
      addresses[i] = value;
      return {};
    };
  if (const auto done = apply(section, table, file); !done) return done.error();
  if (!section.sections.empty()) return error_at(file, section.sections.front().line, "'node' holds no sections");
  if (!id) return error_at(file, section.line, "this node lacks a nodeid (1, 2, …)");
  if (node.name.empty()) return error_at(file, section.line, "this node lacks a name (what uname -n says there)");
  if (!is_node_name(node.name))
    return error_at(file, section.line, fmt::format("name '{}': only letters, digits, '-', '_' and '.'", node.name));
  if (addresses.empty()) return error_at(file, section.line, fmt::format("node '{}' lacks a ring0_addr", node.name));
  for (const auto& [number, address] : addresses) {
    if (number != node.addresses.size())
      return error_at(file, section.line,
                      fmt::format("node '{}' lacks a ring{}_addr", node.name, node.addresses.size()));
    node.addresses.push_back(address);
  }
  node.id = NodeId{*id};
  draft.conf.nodes.push_back(std::move(node));
  return {};
}

Result<void> read_nodelist(const Section& section, std::string_view file, Draft& draft) {
  if (const auto done = apply(section, {}, file); !done) return done.error();
  for (const Section& inner : section.sections) {
    if (inner.name != "node")
      return error_at(file, inner.line, fmt::format("unknown section '{}' in 'nodelist'; known: node", inner.name));
    if (const auto done = read_node(inner, file, draft); !done) return done.error();
  }
  return {};
}

Setter into_mode(Draft& draft) {
  return [&draft](const std::string& value) -> Problem {
    static const std::map<std::string, QuorumMode> modes{{"majority", QuorumMode::majority},
                                                         {"witness", QuorumMode::majority},
                                                         {"ping", QuorumMode::ping},
                                                         {"none", QuorumMode::none}};
    const auto found = modes.find(value);
    if (found == modes.end()) return fmt::format("'{}' is none of majority, witness, ping, none", value);
    draft.mode = found->second;
    draft.witness_wanted = value == "witness";
    return {};
  };
}

Result<void> read_quorum(const Section& section, std::string_view file, Draft& draft) {
  draft.quorum_line = section.line;
  const Table table{
      {"mode", into_mode(draft)},
      {"ping_target", into_addresses(draft.conf.ping_targets)},
      {"wait_for_all", into_bool(draft.conf.wait_for_all)},
      {"provider", only("corosync_votequorum", "Systole counts votes itself; the line may stay or go")},
      {"two_node", into_number<std::uint32_t>(draft.two_node, 0, 1)},
      {"expected_votes", into_number<std::uint32_t>(draft.expected_votes, 1, limits::nodes_max)},
  };
  if (!section.sections.empty())
    return error_at(file, section.sections.front().line, "'quorum' holds no sections (no device is supported)");
  return apply(section, table, file);
}

Result<void> read_logging(const Section& section, std::string_view file, Draft& draft) {
  LoggingConf& logging = draft.conf.logging;
  const Table table{
      {"to_syslog", into_bool(logging.to_syslog)},   {"syslog_facility", into_text(logging.facility, 16)},
      {"to_logfile", into_bool(logging.to_logfile)}, {"logfile", into_path(logging.logfile)},
      {"to_stderr", into_bool(logging.to_stderr)},   {"debug", into_bool(logging.debug)},
  };
  if (!section.sections.empty())
    return error_at(file, section.sections.front().line, "'logging' holds no sections here");
  return apply(section, table, file);
}

Result<void> read_guardian(const Section& section, std::string_view file, Draft& draft) {
  draft.guardian_line = section.line;
  GuardianConf& guardian = draft.conf.guardian;
  const Table table{
      {"watchdog_device", into_path(guardian.watchdog_device)},
      {"watchdog_timeout", into_seconds(guardian.watchdog_timeout, 1s, 600s)},
  };
  if (!section.sections.empty()) return error_at(file, section.sections.front().line, "'guardian' holds no sections");
  return apply(section, table, file);
}

using SectionReader = Result<void> (*)(const Section&, std::string_view, Draft&);

Result<Draft> read_sections(const Section& root, std::string_view file) {
  static const std::map<std::string, SectionReader> readers{{"totem", read_totem},
                                                            {"nodelist", read_nodelist},
                                                            {"quorum", read_quorum},
                                                            {"guardian", read_guardian},
                                                            {"logging", read_logging}};
  if (const auto done = apply(root, {}, file); !done) return done.error();
  Draft draft;
  std::set<std::string> seen;
  for (const Section& section : root.sections) {
    const auto reader = readers.find(section.name);
    if (reader == readers.end())
      return error_at(file, section.line, fmt::format("unknown section '{}'; known: {}", section.name, known(readers)));
    if (!seen.insert(section.name).second)
      return error_at(file, section.line, fmt::format("section '{}' was there before", section.name));
    if (const auto done = reader->second(section, file, draft); !done) return done.error();
  }
  return draft;
}

}  // namespace

std::string_view name_of(QuorumMode mode) {
  switch (mode) {
    case QuorumMode::majority:
      return "majority";
    case QuorumMode::ping:
      return "ping";
    case QuorumMode::none:
      return "none";
  }
  std::abort();
}

bool ClusterConf::has_witness() const {
  return std::ranges::any_of(nodes, &NodeConf::witness);
}

Result<ClusterConf> parse_cluster_conf(std::string_view text, std::string_view file) {
  const auto tree = read_tree(text, file);
  if (!tree) return tree.error();
  auto draft = read_sections(*tree, file);
  if (!draft) return draft.error();
  if (draft->conf.cluster_name.empty())
    return Error{Errc::invalid, fmt::format("{}: 'totem {{ cluster_name: … }}' is missing", file)};
  if (const auto done = settle(*draft, file); !done) return done.error();
  return std::move(draft->conf);
}

Result<ClusterConf> read_cluster_conf(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int why = errno;
    Error error = errno_error(fmt::format("cannot read the cluster's configuration {}", path), why);
    if (why == ENOENT) error.code = Errc::not_found;
    return error;
  }
  std::string text(conf_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return errno_error(fmt::format("cannot read the cluster's configuration {}", path));
  return parse_cluster_conf(text, path);
}

Result<std::size_t> find_self(const ClusterConf& conf, std::string_view given, std::string_view host_name,
                              const std::vector<std::string>& local_addresses) {
  const auto by_name = [&](std::string_view name) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < conf.nodes.size(); ++i)
      if (lower(conf.nodes[i].name) == lower(name)) return i;
    return {};
  };
  std::vector<std::string> names;
  for (const NodeConf& node : conf.nodes) names.push_back(node.name);
  if (!given.empty()) {
    if (const auto index = by_name(given)) return *index;
    return Error{Errc::not_found,
                 fmt::format("--node '{}' is no node of the configuration; there are: {}", given, join(names, ", "))};
  }
  if (const auto index = by_name(host_name)) return *index;
  if (const auto index = by_name(host_name.substr(0, host_name.find('.')))) return *index;
  for (std::size_t i = 0; i < conf.nodes.size(); ++i)
    for (const std::string& address : conf.nodes[i].addresses)
      if (std::ranges::find(local_addresses, address) != local_addresses.end()) return i;
  return Error{Errc::not_found,
               fmt::format("this machine ('{}') is none of the configured nodes: neither a name nor an "
                           "address fits; there are: {}. Use --node NAME to say which it is",
                           host_name, join(names, ", "))};
}

}  // namespace systole::config
