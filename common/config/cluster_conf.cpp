// SPDX-License-Identifier: GPL-2.0-or-later
// Two steps: lines become a tree of sections and words, each with its line (syntax); then each section's words are
// looked up in a table of what it may hold (meaning), and what belongs together is checked at the end (sense).
#include "common/config/cluster_conf.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace systole::config {
namespace {

// ---- syntax --------------------------------------------------------------------------------------------------------

struct Word {
  std::string key, value;
  int line = 0;
};

struct Section {
  std::string name;
  int line = 0;
  std::vector<Word> words;
  std::vector<Section> sections;
};

Error error_at(std::string_view file, int line, std::string_view what) {
  return {Errc::invalid, fmt::format("{}:{}: {}", file, line, what)};
}

constexpr std::size_t conf_bytes_max = 1 << 20;
constexpr std::size_t section_depth_max = 8;

Result<Section> read_tree(std::string_view text, std::string_view file) {
  if (text.size() > conf_bytes_max)
    return Error{Errc::too_big, fmt::format("{}: {} bytes; at most {} are read", file, text.size(), conf_bytes_max)};
  if (text.find('\0') != std::string_view::npos)
    return Error{Errc::invalid, fmt::format("{}: holds a zero byte: this is no text file", file)};
  std::vector<Section> open{Section{}};
  int number = 0;
  for (const std::string& raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#') continue;
    if (line == "}") {
      if (open.size() == 1) return error_at(file, number, "'}' closes nothing");
      Section done = std::move(open.back());
      open.pop_back();
      open.back().sections.push_back(std::move(done));
    } else if (line.back() == '{') {
      const std::string name(trim(line.substr(0, line.size() - 1)));
      if (open.size() > section_depth_max) return error_at(file, number, "sections are nested too deeply");
      open.push_back(Section{name, number, {}, {}});
    } else {
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos)
        return error_at(file, number, fmt::format("'{}' is neither 'word: value', 'section {{' nor '}}'", line));
      open.back().words.push_back(
          {std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))), number});
    }
  }
  if (open.size() > 1)
    return error_at(file, open.back().line, fmt::format("section '{}' is never closed by a '}}'", open.back().name));
  return std::move(open.front());
}

// ---- meaning -------------------------------------------------------------------------------------------------------

using Problem = std::optional<std::string>;  // nullopt: fine
using Setter = std::function<Problem(const std::string& value)>;
using Table = std::map<std::string, Setter>;

/// Words of corosync.conf that we refuse for a reason of their own.
const std::map<std::string, std::string>& reasons() {
  static const std::map<std::string, std::string> reasons{
      {"crypto_cipher", "packets are always sealed with XChaCha20-Poly1305; remove this line"},
      {"crypto_hash", "packets are always sealed with XChaCha20-Poly1305; remove this line"},
      {"secauth", "packets are always sealed; remove this line"},
      {"keyfile", "the word here is key_file"},
      {"bindnetaddr", "each node is bound to its own ringN_addr; remove this line, or name an 'interface'"},
      {"mcastaddr", "only unicast UDP is spoken; remove this line"},
      {"mcastport", "the word here is port"},
      {"wait_for_all", "not supported yet; remove this line"},
      {"hostname", "the word here is name"},
  };
  return reasons;
}

template <class Map>
std::string known(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, ignored] : map) names.push_back(name);
  return join(names, ", ");
}

Result<void> apply(const Section& section, const Table& table, std::string_view file) {
  std::map<std::string, int> seen;
  for (const Word& word : section.words) {
    const auto setter = table.find(word.key);
    if (setter == table.end()) {
      const auto reason = reasons().find(word.key);
      const std::string where = section.name.empty() ? "outside of a section" : fmt::format("in '{}'", section.name);
      if (reason != reasons().end())
        return error_at(file, word.line, fmt::format("'{}' {}: {}", word.key, where, reason->second));
      return error_at(file, word.line, fmt::format("unknown word '{}' {}; known: {}", word.key, where, known(table)));
    }
    if (const auto [at, fresh] = seen.emplace(word.key, word.line); !fresh)
      return error_at(file, word.line, fmt::format("'{}' was given before, in line {}", word.key, at->second));
    if (const Problem problem = setter->second(word.value))
      return error_at(file, word.line, fmt::format("{}: {}", word.key, *problem));
  }
  return {};
}

Setter into_text(std::string& target, std::size_t bytes_max) {
  return [&target, bytes_max](const std::string& value) -> Problem {
    if (value.empty()) return "a value is missing";
    if (value.size() > bytes_max) return fmt::format("{} bytes; at most {} are allowed", value.size(), bytes_max);
    target = value;
    return {};
  };
}

Setter into_path(std::string& target) {
  return [&target](const std::string& value) -> Problem {
    if (value.empty() || value.front() != '/') return fmt::format("'{}' is no absolute path", value);
    target = value;
    return {};
  };
}

Setter into_bool(bool& target) {
  return [&target](const std::string& value) -> Problem {
    const auto parsed = parse_bool(value);
    if (!parsed) return fmt::format("'{}' is neither yes nor no", value);
    target = *parsed;
    return {};
  };
}

/// Milliseconds, as corosync writes them; a unit may be said ("1s", "200ms").
Setter into_ms(std::optional<Duration>& target, Duration least, Duration most) {
  return [&target, least, most](const std::string& value) -> Problem {
    std::optional<Duration> parsed;
    if (const auto number = parse_int<std::uint32_t>(value))
      parsed = std::chrono::milliseconds(*number);
    else
      parsed = parse_duration(value);
    if (!parsed) return fmt::format("'{}' is no number of milliseconds", value);
    if (*parsed < least || *parsed > most)
      return fmt::format("{} is outside of {} … {}", to_text(*parsed), to_text(least), to_text(most));
    target = *parsed;
    return {};
  };
}

template <class N>
Setter into_number(std::optional<N>& target, N least, N most) {
  return [&target, least, most](const std::string& value) -> Problem {
    const auto number = parse_int<N>(value);
    if (!number || *number < least || *number > most)
      return fmt::format("'{}' is no number from {} to {}", value, least, most);
    target = *number;
    return {};
  };
}

Setter only(std::string expected, std::string why) {
  return [expected, why](const std::string& value) -> Problem {
    if (value == expected) return {};
    return fmt::format("'{}' is not supported, only '{}': {}", value, expected, why);
  };
}

/// What the parts say before they are put together.
struct Draft {
  ClusterConf conf;
  std::optional<Duration> keepalive, deadtime, token, initdead;
  std::optional<std::uint16_t> port;
  struct Link {
    std::string interface;
    std::optional<std::uint16_t> port;
    int line = 0;
  };
  std::map<std::size_t, Link> links;
  std::optional<QuorumMode> mode;
  std::optional<std::uint32_t> two_node, expected_votes;
  int quorum_line = 0, totem_line = 0;
};

Result<void> read_interface(const Section& section, std::string_view file, Draft& draft) {
  Draft::Link link;
  link.line = section.line;
  std::optional<std::uint32_t> number;
  const Table table{
      {"linknumber", into_number<std::uint32_t>(number, 0, limits::links_max - 1)},
      {"interface", into_text(link.interface, 15)},  // IFNAMSIZ - 1
      {"port", into_number<std::uint16_t>(link.port, 1, 65535)},
  };
  if (const auto done = apply(section, table, file); !done) return done.error();
  if (!number) return error_at(file, section.line, "section 'interface' lacks a linknumber (0 for ring0_addr)");
  if (!draft.links.emplace(*number, link).second)
    return error_at(file, section.line, fmt::format("link {} is described twice", *number));
  return {};
}

Result<void> read_totem(const Section& section, std::string_view file, Draft& draft) {
  draft.totem_line = section.line;
  const Table table{
      {"version", only("2", "the format of corosync 2 and 3")},
      {"cluster_name", into_text(draft.conf.cluster_name, limits::node_name_bytes_max)},
      {"keepalive", into_ms(draft.keepalive, 10ms, 60s)},
      {"deadtime", into_ms(draft.deadtime, 100ms, 600s)},
      {"token", into_ms(draft.token, 100ms, 600s)},
      {"initdead", into_ms(draft.initdead, 100ms, 3600s)},
      {"port", into_number<std::uint16_t>(draft.port, 1, 65535)},
      {"key_file", into_path(draft.conf.key_file)},
      {"transport", only("udpu", "unicast UDP is what is spoken")},
  };
  if (const auto done = apply(section, table, file); !done) return done.error();
  for (const Section& inner : section.sections) {
    if (inner.name != "interface")
      return error_at(file, inner.line, fmt::format("unknown section '{}' in 'totem'; known: interface", inner.name));
    if (const auto done = read_interface(inner, file, draft); !done) return done.error();
  }
  return {};
}

bool is_address(const std::string& text) {
  in6_addr space{};
  return inet_pton(AF_INET, text.c_str(), &space) == 1 || inet_pton(AF_INET6, text.c_str(), &space) == 1;
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
              {"name", into_text(node.name, limits::node_name_bytes_max)}};
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

Result<void> read_quorum(const Section& section, std::string_view file, Draft& draft) {
  draft.quorum_line = section.line;
  const Table table{
      {"mode",
       [&draft](const std::string& value) -> Problem {
         if (value != "majority" && value != "none") return fmt::format("'{}' is neither majority nor none", value);
         draft.mode = value == "none" ? QuorumMode::none : QuorumMode::majority;
         return {};
       }},
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

using SectionReader = Result<void> (*)(const Section&, std::string_view, Draft&);

Result<Draft> read_sections(const Section& root, std::string_view file) {
  static const std::map<std::string, SectionReader> readers{
      {"totem", read_totem}, {"nodelist", read_nodelist}, {"quorum", read_quorum}, {"logging", read_logging}};
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

// ---- sense ---------------------------------------------------------------------------------------------------------

Result<void> settle_times(Draft& draft, std::string_view file) {
  ClusterConf& conf = draft.conf;
  if (draft.deadtime && draft.token && *draft.deadtime != *draft.token)
    return error_at(file, draft.totem_line, "deadtime and token say the same thing with different values; keep one");
  conf.deadtime = draft.deadtime.value_or(draft.token.value_or(conf.deadtime));
  conf.keepalive = draft.keepalive.value_or(std::min<Duration>(200ms, conf.deadtime / 5));
  conf.initdead = draft.initdead.value_or(std::max<Duration>(10s, conf.deadtime));
  if (conf.deadtime < 3 * conf.keepalive)
    return error_at(file, draft.totem_line,
                    fmt::format("deadtime {} must be at least 3 × keepalive {}: one lost packet is no dead node",
                                to_text(conf.deadtime), to_text(conf.keepalive)));
  if (conf.initdead < conf.deadtime)
    return error_at(
        file, draft.totem_line,
        fmt::format("initdead {} is shorter than deadtime {}", to_text(conf.initdead), to_text(conf.deadtime)));
  return {};
}

Result<void> check_nodes(const ClusterConf& conf, std::string_view file) {
  if (conf.nodes.empty())
    return Error{Errc::invalid, fmt::format("{}: no node; 'nodelist {{ node {{ … }} }}' is missing", file)};
  if (conf.nodes.size() > limits::nodes_max)
    return error_at(file, conf.nodes.back().line, fmt::format("more than {} nodes", limits::nodes_max));
  std::map<std::string, const NodeConf*> names, addresses;
  std::map<NodeId, const NodeConf*> ids;
  for (const NodeConf& node : conf.nodes) {
    if (const auto [other, fresh] = names.emplace(lower(node.name), &node); !fresh)
      return error_at(
          file, node.line,
          fmt::format("two nodes have the name '{}' (the other one: line {})", node.name, other->second->line));
    if (const auto [other, fresh] = ids.emplace(node.id, &node); !fresh)
      return error_at(
          file, node.line,
          fmt::format("nodes '{}' and '{}' have the same nodeid {}", other->second->name, node.name, node.id.value));
    if (node.addresses.size() != conf.nodes.front().addresses.size())
      return error_at(file, node.line,
                      fmt::format("node '{}' has {} addresses, node '{}' has {}", node.name, node.addresses.size(),
                                  conf.nodes.front().name, conf.nodes.front().addresses.size()));
    for (const std::string& address : node.addresses)
      if (const auto [other, fresh] = addresses.emplace(address, &node); !fresh)
        return error_at(file, node.line,
                        fmt::format("address {} is used twice (the other: node '{}', line {})", address,
                                    other->second->name, other->second->line));
  }
  return {};
}

Result<void> settle_links(Draft& draft, std::string_view file) {
  const std::size_t count = draft.conf.nodes.front().addresses.size();
  for (const auto& [number, link] : draft.links)
    if (number >= count)
      return error_at(file, link.line, fmt::format("link {0} is described, but no node has a ring{0}_addr", number));
  for (std::size_t i = 0; i < count; ++i) {
    const auto described = draft.links.find(i);
    LinkConf link{.interface = "", .port = draft.port.value_or(default_port)};
    if (described != draft.links.end()) {
      link.interface = described->second.interface;
      link.port = described->second.port.value_or(link.port);
    }
    draft.conf.links.push_back(link);
  }
  return {};
}

Result<void> settle_quorum(Draft& draft, std::string_view file) {
  const std::size_t count = draft.conf.nodes.size();
  if (draft.expected_votes && *draft.expected_votes != count)
    return error_at(
        file, draft.quorum_line,
        fmt::format("expected_votes {} differs from the {} nodes of the nodelist", *draft.expected_votes, count));
  if (draft.two_node == 1u) {
    if (draft.mode == QuorumMode::majority)
      return error_at(file, draft.quorum_line, "two_node: 1 and mode: majority contradict each other");
    draft.mode = QuorumMode::none;
  }
  if (count != 2 && draft.mode == QuorumMode::none)
    return error_at(file, draft.quorum_line, fmt::format("mode none (two_node) is for two nodes; here are {}", count));
  if (count == 2 && !draft.mode)
    return Error{
        Errc::invalid,
        fmt::format("{}: two nodes have no majority when one is lost: say in 'quorum {{ }}' either 'mode: none' "
                    "(whoever is left goes on; a cut between the nodes makes both go on) or 'mode: majority' "
                    "(whoever is left stops; a third node is the better way)",
                    file)};
  draft.conf.mode = draft.mode.value_or(QuorumMode::majority);
  return {};
}

}  // namespace

Result<ClusterConf> parse_cluster_conf(std::string_view text, std::string_view file) {
  const auto tree = read_tree(text, file);
  if (!tree) return tree.error();
  auto draft = read_sections(*tree, file);
  if (!draft) return draft.error();
  if (draft->conf.cluster_name.empty())
    return Error{Errc::invalid, fmt::format("{}: 'totem {{ cluster_name: … }}' is missing", file)};
  if (const auto done = settle_times(*draft, file); !done) return done.error();
  if (const auto done = check_nodes(draft->conf, file); !done) return done.error();
  if (const auto done = settle_links(*draft, file); !done) return done.error();
  if (const auto done = settle_quorum(*draft, file); !done) return done.error();
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
