// SPDX-License-Identifier: GPL-2.0-or-later
// See write_cluster_conf.hpp. A node is added by lines, at places that the reader's own tree names: so no rule about
// what a line means stands here a second time.
#include "common/config/write_cluster_conf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/conf_tree.hpp"

namespace systole::config {
namespace {

constexpr std::string_view what_modes_mean = R"(    # Who goes on when nodes do not see each other:
    #   none      two nodes: whoever is left goes on. A cut between them makes both go on, each with its own data
    #   ping      two nodes: whoever is left and reaches a ping_target goes on
    #   witness   a third machine votes and runs nothing: only one side can go on (systole invite --witness)
    #   majority  three or more nodes: whoever sees more than half of them goes on
)";

std::string node_lines(const NodeConf& node, std::string_view indent, std::string_view step) {
  std::string text =
      fmt::format("{0}node {{\n{0}{1}nodeid: {2}\n{0}{1}name: {3}\n", indent, step, node.id.value, node.name);
  for (std::size_t i = 0; i < node.addresses.size(); ++i)
    text += fmt::format("{}{}ring{}_addr: {}\n", indent, step, i, node.addresses[i]);
  if (node.witness) text += fmt::format("{}{}witness: yes\n", indent, step);
  return text + fmt::format("{}}}\n", indent);
}

std::string totem_lines(const Founding& founding) {
  std::string text = fmt::format("totem {{\n    version: 2\n    cluster_name: {}\n", founding.cluster_name);
  text += fmt::format(
      "    # ms: how often each node says that it lives (default: 200, or a fifth of deadtime), and after how much\n"
      "    # silence it is taken for dead\n    #keepalive: 200\n    deadtime: {}\n",
      to_ms(founding.deadtime));
  if (founding.port != default_port) text += fmt::format("    port: {}\n", founding.port);
  if (founding.key_file != default_key_file) text += fmt::format("    key_file: {}\n", founding.key_file);
  return text + "}\n";
}

std::string quorum_lines(const Founding& founding) {
  std::string text = fmt::format("quorum {{\n{}    mode: {}\n", what_modes_mean, founding.mode);
  if (!founding.ping_targets.empty()) text += fmt::format("    ping_target: {}\n", join(founding.ping_targets, ", "));
  text += "    # After a power cut of all nodes: start nothing before every node was seen once\n    #wait_for_all: 1\n";
  return text + "}\n";
}

// ---- lines of an existing text
// ---------------------------------------------------------------------------------------

const Section* find_section(const Section& in, std::string_view name) {
  const auto found = std::ranges::find(in.sections, name, &Section::name);
  return found == in.sections.end() ? nullptr : &*found;
}

const Word* find_word(const Section* in, std::string_view key) {
  if (in == nullptr) return nullptr;
  const auto found = std::ranges::find(in->words, key, &Word::key);
  return found == in->words.end() ? nullptr : &*found;
}

/// A text as its lines, each known by the number that the reader gave it. Nothing moves before done().
class Lines {
 public:
  explicit Lines(std::string_view text) : lines_(split(text, '\n')), after_(lines_.size()) {}

  std::string indent(int number) const {
    const std::string& line = at(number);
    return line.substr(0, line.find_first_not_of(" \t"));
  }
  void replace(int number, std::string_view key, std::string_view value) {
    lines_[index(number)] = fmt::format("{}{}: {}", indent(number), key, value);
  }
  void comment_out(int number, std::string_view why) {
    lines_[index(number)] = fmt::format("{}# {}: {}", indent(number), why, trim(at(number)));
  }
  /// lines ends with a newline.
  void insert_after(int number, std::string lines) { after_[index(number)] += std::move(lines); }

  std::string done() const {
    std::string text;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      text += lines_[i];
      if (i + 1 < lines_.size() || !after_[i].empty()) text += '\n';
      text += after_[i];
    }
    return text;
  }

 private:
  static std::size_t index(int number) { return static_cast<std::size_t>(number - 1); }
  const std::string& at(int number) const { return lines_[index(number)]; }

  std::vector<std::string> lines_, after_;
};

/// Indentation as the last node of the list has it.
void add_node(Lines& lines, const Section& nodelist, const NodeConf& node) {
  const Section& last = nodelist.sections.back();
  const std::string outer = lines.indent(last.line);
  std::string inner = last.words.empty() ? outer + "    " : lines.indent(last.words.front().line);
  inner = inner.starts_with(outer) ? inner.substr(outer.size()) : "    ";
  lines.insert_after(last.end_line, node_lines(node, outer, inner));
}

/// A witness ends the need for a tie-break, and the reader refuses both together.
std::string change_to_witness(Lines& lines, const Section* quorum) {
  const Word* const mode = find_word(quorum, "mode");
  const Word* const two_node = find_word(quorum, "two_node");
  const bool two = two_node != nullptr && two_node->value == "1";
  if (!two && (mode == nullptr || (mode->value != "none" && mode->value != "ping"))) return "";
  std::string before = mode == nullptr ? "none" : mode->value;
  if (mode != nullptr) lines.replace(mode->line, "mode", "witness");
  if (mode == nullptr)
    lines.replace(two_node->line, "mode", "witness");
  else if (two)
    lines.comment_out(two_node->line, "was, before there was a witness");
  if (const Word* const target = find_word(quorum, "ping_target"))
    lines.comment_out(target->line, "was, before there was a witness");
  return before;
}

void count_votes(Lines& lines, const Section* quorum, std::size_t nodes) {
  if (const Word* const votes = find_word(quorum, "expected_votes"))
    lines.replace(votes->line, "expected_votes", fmt::format("{}", nodes));
}

// ---- whether it may be
// -----------------------------------------------------------------------------------------------

const NodeConf* who_has(const ClusterConf& conf, const std::vector<std::string>& addresses) {
  for (const NodeConf& node : conf.nodes)
    for (const std::string& address : addresses)
      if (std::ranges::find(node.addresses, address) != node.addresses.end()) return &node;
  return nullptr;
}

/// The node that the newcomer is already, if the cluster knows it; the error says what of it another node has.
Result<const NodeConf*> find_known(const ClusterConf& conf, const Newcomer& newcomer, std::string_view path) {
  const auto named =
      std::ranges::find(conf.nodes, lower(newcomer.name), [](const NodeConf& node) { return lower(node.name); });
  if (named != conf.nodes.end()) {
    if (named->name == newcomer.name && named->addresses == newcomer.addresses && named->witness == newcomer.witness)
      return &*named;
    return Error{Errc::exists,
                 fmt::format("{} lists a node '{}' already, with {}{}; choose another name, or, if it is the same "
                             "machine, take that node out of the file first",
                             path, named->name, join(named->addresses, " and "),
                             named->witness == newcomer.witness ? ""
                             : named->witness                   ? " and as a witness"
                                                                : " and not as a witness")};
  }
  if (const NodeConf* const other = who_has(conf, newcomer.addresses))
    return Error{Errc::exists, fmt::format("an address of '{}' ({}) is that of node '{}' in {}", newcomer.name,
                                           join(newcomer.addresses, ", "), other->name, path)};
  return nullptr;
}

Result<void> check_fit(const ClusterConf& conf, const Newcomer& newcomer, const Section* quorum,
                       std::string_view path) {
  if (conf.nodes.size() >= limits::nodes_max)
    return Error{Errc::refused, fmt::format("the cluster has {} nodes; more than {} are not possible",
                                            conf.nodes.size(), limits::nodes_max)};
  if (newcomer.addresses.size() != conf.links.size())
    return Error{Errc::refused,
                 fmt::format("the cluster has {} link(s), so node '{}' needs {} address(es), and not {}: give one "
                             "--address for each, in the order of ring0_addr, ring1_addr …",
                             conf.links.size(), newcomer.name, conf.links.size(), newcomer.addresses.size())};
  const Word* const mode = find_word(quorum, "mode");
  if (!newcomer.witness && conf.nodes.size() == 1 && mode != nullptr && mode->value == "witness")
    return Error{
        Errc::refused,
        fmt::format("the mode of this cluster is witness: let the witness join before the second node (systole "
                    "invite --witness), or change 'mode' in {}",
                    path)};
  if (!newcomer.witness && conf.nodes.size() == 2 && conf.mode != QuorumMode::majority)
    return Error{Errc::refused,
                 fmt::format("mode {} is for two nodes, and '{}' would be the third: write 'mode: majority' into {} on "
                             "every node, restart crmd there, and invite again; or invite it as a witness (systole "
                             "invite --witness)",
                             name_of(conf.mode), newcomer.name, path)};
  return {};
}

/// Above all others, so that a number whose node was taken out is not given to another machine while somebody may still
/// remember it; the lowest free one only where there is nothing above.
NodeId unused_id(const ClusterConf& conf) {
  const NodeId highest = std::ranges::max(conf.nodes, {}, &NodeConf::id).id;
  if (highest.value != UINT32_MAX) return NodeId{highest.value + 1};
  for (std::uint32_t id = 1;; ++id)
    if (std::ranges::find(conf.nodes, NodeId{id}, &NodeConf::id) == conf.nodes.end()) return NodeId{id};
}

}  // namespace

Result<std::string> first_cluster_conf(const Founding& founding, std::string_view path) {
  const NodeConf node{.id = NodeId{1}, .name = founding.node_name, .addresses = founding.addresses};
  std::string text = fmt::format(
      "# The cluster '{}'. The same file on every node; crmd reads it when it starts and at 'systole reload'.\n"
      "# Syntax and words are corosync.conf's.\n# 'systole verify' checks it; 'systole invite' adds a node to it.\n",
      founding.cluster_name);
  text += totem_lines(founding);
  text += "nodelist {\n    # A second network between the nodes: give each of them a ring1_addr\n" +
          node_lines(node, "    ", "    ") + "}\n";
  text += quorum_lines(founding);
  text += "logging {\n    to_syslog: yes\n}\n";
  const auto conf = parse_cluster_conf(text, path);
  if (!conf) return conf.error();
  // A value with a line break would have become words of its own.
  if (conf->cluster_name != founding.cluster_name || conf->nodes.size() != 1 ||
      conf->nodes.front().name != founding.node_name || conf->nodes.front().addresses != founding.addresses)
    return Error{Errc::invalid, fmt::format("{}: a name or an address holds what cannot be written there", path)};
  return text;
}

Result<Grown> with_node(std::string_view text, const Newcomer& newcomer, std::string_view path) {
  const auto conf = parse_cluster_conf(text, path);
  if (!conf) return conf.error();
  const auto tree = read_tree(text, path);
  if (!tree) return tree.error();
  const auto known = find_known(*conf, newcomer, path);
  if (!known) return known.error();
  Grown grown;
  if (*known != nullptr) {
    grown.text = text;
    grown.id = (*known)->id;
    grown.was_listed = true;
    return grown;
  }
  const Section* const quorum = find_section(*tree, "quorum");
  if (const auto fits = check_fit(*conf, newcomer, quorum, path); !fits) return fits.error();
  NodeConf node{.id = unused_id(*conf), .name = newcomer.name, .addresses = newcomer.addresses};
  node.witness = newcomer.witness;
  Lines lines(text);
  add_node(lines, *find_section(*tree, "nodelist"), node);
  count_votes(lines, quorum, conf->nodes.size() + 1);
  if (node.witness) grown.mode_changed = change_to_witness(lines, quorum);
  grown.text = lines.done();
  grown.id = node.id;
  const auto read_back = parse_cluster_conf(grown.text, path);
  if (!read_back)
    return Error{Errc::refused,
                 fmt::format("{} cannot take node '{}': {}", path, newcomer.name, read_back.error().what)};
  const NodeConf& last = read_back->nodes.back();
  if (read_back->nodes.size() != conf->nodes.size() + 1 || last.name != node.name || last.addresses != node.addresses)
    return Error{Errc::refused, fmt::format("'{}' is no name of a node", newcomer.name)};
  return grown;
}

}  // namespace systole::config
