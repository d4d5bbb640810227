// SPDX-License-Identifier: GPL-2.0-or-later
// The record is one nvpair, and a change of it is cibadmin's replacement of the element that has the old value: a
// comparison and a write in one, made where all writes are made. An id made of the resource's name keeps several
// databases apart.
#include "agents/ocf/mysql/shared_record.hpp"

#include <fmt/format.h>

#include <algorithm>

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

/// Pacemaker's tools would tell of the node that the environment names alone, whatever they are asked.
agents::Environment without_node(agents::Environment env) {
  env.erase("OCF_RESKEY_CRM_meta_on_node");
  return env;
}

/// The value of an attribute in a line of attrd_updater's, which escapes nothing.
std::optional<std::string> between(std::string_view line, std::string_view before, std::string_view after) {
  const std::size_t begin = line.find(before);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(begin + before.size());
  const std::size_t end = rest.find(after);
  return end == std::string_view::npos ? std::nullopt : std::optional<std::string>(rest.substr(0, end));
}

}  // namespace

std::map<std::string, std::string> values_by_host(std::string_view answer) {
  std::map<std::string, std::string> found;
  for (const std::string& line : split(answer, '\n')) {
    const auto host = between(line, " host=\"", "\""), value = between(line, " value=\"", "\"");
    if (host && value) found[*host] = *value;
  }
  return found;
}

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
  const auto ran =
      agents::run_program({"attrd_updater", "-Q", "-A", "-n", notice_name()}, without_node(env_), deadline);
  if (!ran || ran->code != 0) return all;
  for (const auto& [host, value] : values_by_host(ran->out))
    if (const auto notice = parse_notice(value)) all[host] = *notice;
  return all;
}

Result<void> SharedRecord::publish(const Notice& notice, Time deadline) const {
  return attributes_.set_private(notice_name(), to_string(notice), {}, deadline);
}

bool SharedRecord::majority(Time deadline) const {
  if (agents::value_or(env_, "SYSTOLE_RUNDIR", "").empty()) return false;  // not crmd
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
  if (const auto members = shared.members(deadline)) seen.members = *members;
  seen.notices = shared.notices(deadline);
  own.note_members(heard_members(seen));
  seen.seen = own.seen_members();
  seen.majority = shared.majority(deadline);
  return seen;
}

}  // namespace systole::mysql
