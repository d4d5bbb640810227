// SPDX-License-Identifier: GPL-2.0-or-later
// A tool that fails is logged and tried again at the next monitor: telling the cluster less is better than failing an
// action of a healthy server.
#include "agents/ocf/mysql/cluster.hpp"

#include <fmt/format.h>

#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/own_copy.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::string_view property_set = "mysql_replication";  // where the shell agents keep their address too
constexpr std::int64_t memo_is_old_s = 300;

std::int64_t boot_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(boot_time().time_since_epoch()).count();
}

}  // namespace

std::string to_text(const Memo& memo) {
  return fmt::format("score={}\nreadable={}\npublished={}\ntakeover={}\nsent={}\nprimary_host={}\nprimary_port={}\n",
                     memo.score, memo.readable, memo.published, memo.takeover, memo.sent_s, memo.primary_host,
                     memo.primary_port);
}

Memo parse_memo(std::string_view text) {
  Memo memo;
  for (const std::string& line : split(text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals), value = line.substr(equals + 1);
    if (key == "score") memo.score = value;
    if (key == "readable") memo.readable = value;
    if (key == "published") memo.published = value;
    if (key == "takeover") memo.takeover = value;
    if (key == "sent") memo.sent_s = parse_int<std::int64_t>(value).value_or(0);
    if (key == "primary_host") memo.primary_host = value;
    if (key == "primary_port") memo.primary_port = parse_int<unsigned>(value).value_or(0);
  }
  return memo;
}

Cluster::Cluster(agents::Call& call, const Settings& settings)
    : call_(call),
      settings_(settings),
      attributes_(call.environment()),
      resource_(call.meta().resource()),
      memo_path_(fmt::format("{}/systole-mysql-{}.memo", call.paths().state, resource_)) {
  if (const auto text = agents::read_file(memo_path_)) memo_ = parse_memo(*text);
}

void Cluster::save() {
  const Result<void> folder = agents::make_folder(call_.paths().state);
  const Result<void> saved = folder ? agents::write_file(memo_path_, to_text(memo_)) : folder;
  if (!saved) call_.log().warning("the memo could not be kept: {}", saved.error().what);
}

Time Cluster::tool_deadline() const {
  return Deadline(call_.deadline()).within(5s).at();
}

void Cluster::publish_score(std::optional<int> score, bool insist) {
  const std::string wanted = score ? std::to_string(*score) : std::string{};
  if (wanted == memo_.score && !insist) return;
  const Result<void> sent =
      score ? attributes_.set_promotion(Score{*score}, tool_deadline()) : attributes_.delete_promotion(tool_deadline());
  if (sent) {
    memo_.score = wanted;
  } else {
    call_.log().warning("the promotion score could not be set: {}", sent.error().what);
  }
  save();
}

bool Cluster::is_time_to_repeat() const {
  return boot_seconds() - memo_.sent_s > memo_is_old_s;
}

void Cluster::publish(const Verdict& verdict, bool insist) {
  const bool again = insist || is_time_to_repeat();
  if (again) memo_.sent_s = boot_seconds();
  if (!settings_.keeps_record()) publish_score(verdict.score, again);
  publish_readable(verdict.readable, again);
}

void Cluster::publish_readable(bool may_read, bool insist) {
  const std::string readable = may_read ? "1" : "0";
  if (readable == memo_.readable && !insist) return;
  if (const auto sent = attributes_.set_transient(settings_.reader_attribute, readable, {}, tool_deadline()); sent) {
    memo_.readable = readable;
  } else {
    call_.log().warning("{} could not be set: {}", settings_.reader_attribute, sent.error().what);
  }
  save();
}

void Cluster::publish_primary() {
  if (!memo_.published.empty()) return;
  const std::string address = address_of(self());
  const std::string name = resource_ + "_REPL_INFO";
  std::string text = address;
  if (memo_.takeover.starts_with(address + "|")) text = memo_.takeover;
  // Ours, with more than we remember: that must not be lost.
  if (const std::string there = published_text(); there.starts_with(address + "|") && text == address) text = there;
  if (const auto sent = attributes_.set_property(name, text, std::string(property_set), tool_deadline()); sent) {
    memo_.published = address;
    save();
  } else {
    call_.log().warning("{} could not be set: {}", name, sent.error().what);
  }
}

void Cluster::publish_takeover(const Takeover& takeover) {
  memo_.takeover = to_text(takeover);
  memo_.published.clear();
  save();
  publish_primary();
}

void Cluster::withdraw() {
  if (!settings_.keeps_record()) {
    if (!memo_.score.empty()) publish_score(std::nullopt);
  } else if (own_copy().primary != self()) {
    // Whom the record names primary resumes when its server starts again: that commits what nobody had acknowledged,
    // and were another one promoted meanwhile, this database would have transactions that the other never had.
    publish_score(std::nullopt, true);
  }
  if (memo_.readable == "1") publish_readable(false);
  if (to_text(memo_) == to_text(Memo{})) return;
  memo_ = Memo{};
  save();
}

void Cluster::set_score_of(const std::string& node, int score) {
  const std::string name = fmt::format("master-{}", resource_);
  if (const auto sent = attributes_.set_transient(name, std::to_string(score), node, tool_deadline()); !sent)
    call_.log().warning("the promotion score of {} could not be set: {}", node, sent.error().what);
}

const std::string& Cluster::self() {
  if (self_.empty()) self_ = attributes_.local_node(tool_deadline());
  return self_;
}

Record Cluster::own_copy() const {
  const auto record = OwnCopy(call_.paths(), resource_).read();
  return record ? *record : Record{};
}

std::vector<std::string> Cluster::live_others() {
  std::vector<std::string> nodes;
  const agents::Meta& meta = call_.meta();
  for (const std::string_view what : {"active", "promoted", "unpromoted"})
    for (const std::string& node : meta.notify_nodes(what))
      if (!has(nodes, node)) nodes.push_back(node);
  if (nodes.empty()) return nodes;
  const std::vector<std::string> stopping = meta.notify_nodes("stop");
  std::erase_if(nodes, [&](const std::string& node) { return node == self() || has(stopping, node); });
  return nodes;
}

std::string Cluster::primary_elsewhere() {
  const std::vector<std::string> demoted = call_.meta().notify_nodes("demote");
  for (const std::string& node : call_.meta().notify_nodes("promoted"))
    if (node != self() && !has(demoted, node)) return node;
  for (const std::string& node : call_.meta().notify_nodes("promote"))
    if (node != self()) return node;
  return {};
}

std::string Cluster::address_of(const std::string& node) {
  const auto address = attributes_.permanent(resource_ + "_mysql_master_IP", node, tool_deadline());
  return address && !address->empty() ? *address : node;
}

std::string Cluster::published_primary() {
  const std::string value = published_text();
  return value.substr(0, value.find('|'));  // the shell agent appends |file|position, and so do we
}

std::string Cluster::published_text() {
  const auto value = attributes_.property(resource_ + "_REPL_INFO", std::string(property_set), tool_deadline());
  return value ? *value : std::string{};
}

Surroundings Cluster::surroundings() {
  return {.self = address_of(self()), .published = published_text()};
}

void Cluster::publish_progress(const std::string& text) {
  // Private: kept by the attribute daemon alone. A value in the CIB would make the manager think again, in the middle
  // of the very transition that we serve.
  const auto ran = agents::run_program({"attrd_updater", "-p", "-n", resource_ + "-history", "-U", text},
                                       call_.environment(), tool_deadline());
  if (!ran) {
    call_.log().warning("what was received could not be published: {}", ran.error().what);
  } else if (ran->code != 0) {
    call_.log().warning("what was received could not be published: attrd_updater: {}", trim(ran->err));
  }
}

std::optional<GtidList> Cluster::history_of(const std::string& node) {
  const auto text = progress_of(node);
  return text ? parse_gtids(*text) : std::nullopt;
}

std::optional<std::string> Cluster::progress_of(const std::string& node) {
  const auto ran = agents::run_program({"attrd_updater", "-Q", "-n", resource_ + "-history", "-N", node},
                                       call_.environment(), tool_deadline());
  if (!ran || ran->code != 0) return std::nullopt;
  static constexpr std::string_view before = "value=\"";
  const std::size_t begin = ran->out.find(before);
  if (begin == std::string::npos) return std::nullopt;
  const std::string rest = ran->out.substr(begin + before.size());
  return rest.substr(0, rest.find('"'));
}

}  // namespace systole::mysql
