// SPDX-License-Identifier: GPL-2.0-or-later
// The record is one nvpair, and a change of it is cibadmin's replacement of the element that has the old value: a
// comparison and a write in one, made where all writes are made. An id made of the resource's name keeps several
// databases apart.
#include "agents/ocf/mysql/shared_record.hpp"

#include <fmt/format.h>

#include <set>

#include "agents/kit/manager.hpp"
#include "agents/kit/process.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::string_view property_set = "systole-lineage";
constexpr int no_such = 105, exists = 108;
constexpr Duration majority_again = 60s;

std::string element(const std::string& resource, const Record& record) {
  return fmt::format("<nvpair id=\"{}-{}\" name=\"{}\" value=\"{}\"/>", property_set, resource, resource,
                     to_string(record));
}

std::string path_of_set() {
  return fmt::format("//crm_config/cluster_property_set[@id='{}']", property_set);
}

}  // namespace

SharedRecord::SharedRecord(const agents::Environment& env, Log& log, std::string resource)
    : env_(env), log_(log), attributes_(env), resource_(std::move(resource)) {}

Result<Record> SharedRecord::read(Time deadline) const {
  const auto text = attributes_.property(resource_, std::string(property_set), deadline);
  if (!text) return text.error().code == Errc::not_found ? Result<Record>(Record{}) : text.error();
  const auto record = parse_record(*text);
  if (record) return *record;
  return Error{Errc::invalid, fmt::format("the property {} of {} is no record: '{}'", resource_, property_set, *text)};
}

Outcome SharedRecord::swap(const Record& from, const Record& wanted, Time deadline) const {
  if (!from.exists()) return create(wanted, deadline);
  const std::string old = fmt::format("{}/nvpair[@name='{}'][@value='{}']", path_of_set(), resource_, to_string(from));
  const auto ran = agents::run_program(
      {"cibadmin", "--replace", "--xpath", old, "--xml-text", element(resource_, wanted)}, env_, deadline);
  if (ran && ran->code == 0) return Outcome::done;
  if (ran && ran->code == no_such) return Outcome::refused;
  log_.warning("the record could not be written: {}", ran ? trim(ran->err) : ran.error().what);
  return Outcome::unknown;
}

/// There is none. The set as a whole is created, which fails where it exists; then somebody else's database may be in
/// it.
Outcome SharedRecord::create(const Record& wanted, Time deadline) const {
  const std::string whole = fmt::format("<cluster_property_set id=\"{}\">{}</cluster_property_set>", property_set,
                                        element(resource_, wanted));
  auto ran =
      agents::run_program({"cibadmin", "--create", "--scope", "crm_config", "--xml-text", whole}, env_, deadline);
  if (ran && ran->code == 0) return Outcome::done;
  if (ran && ran->code == exists) {
    if (const auto present = read(deadline); present && present->exists()) return Outcome::refused;
    ran = agents::run_program({"cibadmin", "--modify", "--allow-create", "--scope", "crm_config", "--xml-text", whole},
                              env_, deadline);
    if (ran && ran->code == 0) return Outcome::done;
  }
  log_.warning("the first record could not be written: {}", ran ? trim(ran->err) : ran.error().what);
  return Outcome::unknown;
}

Result<std::vector<std::string>> SharedRecord::members(Time deadline) const {
  const auto ran = agents::run_program({"crm_node", "-p"}, env_, deadline);
  if (!ran) return ran.error();
  if (ran->code != 0) return Error{Errc::not_connected, fmt::format("crm_node -p: {}", trim(ran->err))};
  return words(ran->out);
}

std::map<std::string, Notice> SharedRecord::notices(Time deadline) const {
  std::map<std::string, Notice> all;
  const auto told = attributes_.everywhere(notice_name(), deadline);
  if (!told) return all;
  for (const auto& [host, value] : *told)
    if (const auto notice = parse_notice(value)) all[host] = *notice;
  return all;
}

Result<void> SharedRecord::publish(const Notice& notice, Time deadline) const {
  return attributes_.set_private(notice_name(), to_string(notice), {}, deadline);
}

bool SharedRecord::fencing(Time deadline) const {
  if (agents::crmd_called(env_)) return false;  // it drives no devices
  const auto text = attributes_.property("stonith-enabled", {}, deadline);
  if (!text) return text.error().code == Errc::not_found;  // Pacemaker's default is true
  return parse_bool(*text).value_or(false);
}

bool SharedRecord::fenced(const std::string& node, std::int64_t last_seen_s, Time deadline) const {
  if (!fencing(deadline) || node.find('\'') != std::string::npos) return false;
  const auto state = agents::run_program(
      {"cibadmin", "--query", "--no-children", "--xpath", fmt::format("//node_state[@uname='{}']", node)}, env_,
      deadline);
  if (!state || state->code != 0 || !is_down(state->out)) return false;
  agents::Environment utc = env_;
  utc["TZ"] = "UTC0";
  // Without --verbose Pacemaker 2.1.5 shows the oldest of several successes as the last one.
  const auto history =
      agents::run_program({"stonith_admin", "--history", node, "--verbose", "--output-as=xml"}, utc, deadline);
  return history && history->code == 0 && was_fenced(history->out, last_seen_s);
}

bool SharedRecord::majority(Time deadline) const {
  if (!agents::crmd_called(env_)) return false;
  const Time now = boot_time();
  if (majority_ && now - majority_at_ < majority_again) return *majority_;
  const auto ran = agents::run_program({"systole", "status", "--json"}, env_, deadline);
  if (!ran) return false;
  const auto mode = between(ran->out, "\"mode\": \"", "\"");
  if (!mode) return false;
  majority_at_ = now;
  majority_ = mode == "majority" || mode == "witness";
  return *majority_;
}

namespace {

/// A member counts as seen only once it has said that it knows no newer record: after a split it may.
std::vector<std::string> heard_members(const SeenCluster& seen) {
  const Record& record = seen.shared ? newer(*seen.shared, seen.own) : seen.own;
  std::vector<std::string> heard;
  for (const std::string& node : seen.members)
    if (const auto told = seen.notices.find(node); told != seen.notices.end() && agrees_with(told->second, record))
      heard.push_back(node);
  return heard;
}

}  // namespace

SeenCluster look_at_cluster(const SharedRecord& shared, const OwnCopy& own, Time deadline) {
  SeenCluster seen;
  if (const auto copy = own.read()) seen.own = *copy;
  if (const auto record = shared.read(deadline)) seen.shared = *record;
  seen.notices = shared.notices(deadline);
  seen.majority = shared.majority(deadline);
  const auto members = shared.members(deadline);
  if (!members) return seen;  // a tool that fails must not look like a node's silence
  seen.members = *members;
  own.note_members(heard_members(seen), seen.members);
  const auto last_seen = own.seen_members();
  for (const auto& [node, time] : last_seen) seen.seen.push_back(node);
  // Of those whom either copy names; in the middle of a promotion they differ.
  const Record& shared_one = seen.shared ? *seen.shared : seen.own;
  for (const std::string& node : std::set{shared_one.primary, shared_one.in_sync, seen.own.primary, seen.own.in_sync})
    if (const auto found = last_seen.find(node); found != last_seen.end() && !has(seen.members, node))
      if (shared.fenced(node, found->second, deadline)) seen.fenced.push_back(node);
  return seen;
}

}  // namespace systole::mysql
