// SPDX-License-Identifier: GPL-2.0-or-later
// See parameters.hpp.
#include "tools/endpoint/parameters.hpp"

#include <fmt/format.h>

#include <tuple>

#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/server_config.hpp"
#include "agents/sql/deadline.hpp"
#include "cib/xml/reader.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace systole::endpoint {
namespace {

constexpr Duration tool_patience = 3s;
constexpr Duration read_every = 60s;       // a parameter may change without the server's noticing
constexpr Duration read_again_after = 5s;  // while something is wrong
constexpr std::string_view agent_type = "mysql";

Result<std::string> ask_tool(const std::vector<std::string>& argv, const agents::Environment& env) {
  const auto ran = agents::run_program(argv, env, boot_time() + tool_patience);
  if (!ran) return ran.error();
  if (ran->code == 0) return ran->out;
  return Error{Errc::not_connected,
               fmt::format("'{}' left with {}: {}", agents::shown(argv), ran->code, trim(ran->err))};
}

bool is_database(const cib::Primitive& primitive) {
  return primitive.standard == "ocf" && primitive.provider == "systole" && primitive.type == agent_type;
}

const cib::Clone* clone_around(const cib::Configuration& configuration, const cib::Primitive& primitive) {
  const cib::Resource* const top = cib::find_top(configuration, primitive.id);
  return top == nullptr ? nullptr : std::get_if<cib::Clone>(top);
}

cib::Pairs values_for(const cib::Configuration& configuration, const cib::Primitive& primitive, std::string_view node) {
  cib::Pairs attributes;
  cib::RuleSubject subject{.uname = node, .id = {}, .attributes = &attributes};
  for (const cib::Node& each : configuration.nodes) {
    if (each.uname.value != node) continue;
    subject.id = each.id;
    attributes = cib::all_values(each.attributes);
  }
  cib::Pairs values = cib::all_values(primitive.instance, &subject);
  if (const cib::Clone* const clone = clone_around(configuration, primitive))
    values.merge(cib::all_values(clone->instance, &subject));
  return values;
}

/// As far as it makes a difference to who looks at the server.
auto essence_of(const Parameters& parameters) {
  const mysql::Settings& settings = parameters.settings;
  return std::tuple(parameters.node, parameters.resource, settings.socket, settings.control.user,
                    settings.control.password, settings.replication.user, settings.replication.password,
                    settings.credentials_fault, settings.max_slave_lag_s, settings.keeps_record());
}

agents::Environment call_environment(const Chosen& chosen) {
  agents::Environment call{{"OCF_RESOURCE_INSTANCE", chosen.resource}};
  for (const auto& [name, value] : chosen.values) call.emplace("OCF_RESKEY_" + name, value);
  return call;
}

}  // namespace

Result<Chosen> choose_database(const cib::Configuration& configuration, std::string_view wanted,
                               std::string_view node) {
  std::vector<const cib::Primitive*> found;
  std::vector<std::string> names;
  for (const cib::Primitive* const each : cib::primitives_of(configuration)) {
    if (!is_database(*each)) continue;
    const cib::Clone* const clone = clone_around(configuration, *each);
    if (!wanted.empty() && each->id.value != wanted && (clone == nullptr || clone->id.value != wanted)) continue;
    found.push_back(each);
    names.push_back(each->id.value);
  }
  if (found.empty())
    return Error{Errc::not_found, wanted.empty()
                                      ? "the cluster has no resource of ocf:systole:mysql"
                                      : fmt::format("the cluster has no resource '{}' of ocf:systole:mysql", wanted)};
  if (found.size() > 1)
    return Error{Errc::invalid,
                 fmt::format("the cluster has several databases; say which by --resource: {}", join(names, ", "))};
  const cib::Clone* const clone = clone_around(configuration, *found.front());
  return Chosen{.resource = found.front()->id.value,
                .values = values_for(configuration, *found.front(), node),
                .promotable = clone != nullptr && cib::is_promotable(*clone)};
}

Result<cib::Configuration> read_printed(std::string_view configuration) {
  // Without a schema's name: what a later manager allows beyond our schema is not for us to refuse.
  const auto tree = cib::xml::parse(
      fmt::format(R"(<cib validate-with="none" admin_epoch="0" epoch="0" num_updates="0">{}<status/></cib>)",
                  configuration),
      limits::document_bytes_max, "the cluster's configuration");
  if (!tree) return tree.error();
  return cib::xml::read_configuration(*tree);
}

Result<Parameters> read_parameters(const std::string& wanted, const agents::Environment& env) {
  const auto node = ask_tool({"crm_node", "-n"}, env);
  if (!node) return node.error();
  const auto printed = ask_tool({"cibadmin", "--query", "--scope", "configuration"}, env);
  if (!printed) return printed.error();
  const auto configuration = read_printed(*printed);
  if (!configuration) return configuration.error();
  Parameters parameters{.node = std::string(trim(*node)), .resource = {}, .settings = {}};
  const auto chosen = choose_database(*configuration, wanted, parameters.node);
  if (!chosen) return chosen.error();
  agents::Values values(mysql::about_mysql(), call_environment(*chosen));
  if (!values.given("socket")) {
    const auto asked = mysql::configured_options(mysql::settings_from(values), env, Deadline::in(tool_patience));
    if (!asked) return asked.error();
    values.fall_back(mysql::about_mysql(), mysql::fallbacks_from(*asked, values));
  }
  parameters.resource = chosen->resource;
  parameters.settings = mysql::settings_from(values);
  parameters.settings.promotable = chosen->promotable;
  return parameters;
}

ParameterKeeper::ParameterKeeper(std::string wanted)
    : wanted_(std::move(wanted)),
      env_(agents::process_environment()),
      known_(Error{Errc::not_connected, "the cluster is still being asked for the resource's parameters"}),
      thread_([this] { run(); }) {}

ParameterKeeper::~ParameterKeeper() {
  {
    const std::scoped_lock lock(guard_);
    over_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

ParameterKeeper::Known ParameterKeeper::known() const {
  const std::scoped_lock lock(guard_);
  return known_;
}

void ParameterKeeper::doubt() {
  {
    const std::scoped_lock lock(guard_);
    doubted_ = true;
  }
  wake_.notify_all();
}

void ParameterKeeper::read_again() {
  auto read = read_parameters(wanted_, env_);
  const std::scoped_lock lock(guard_);
  if (read && known_ && essence_of(*read) == essence_of(**known_)) return;  // who has a connection keeps it
  if (read)
    known_ = std::make_shared<const Parameters>(std::move(*read));
  else if (!known_)
    known_ = read.error();  // else what was true before is the best that we have
}

void ParameterKeeper::run() {
  for (;;) {
    read_again();
    std::unique_lock lock(guard_);
    doubted_ = doubted_ || !known_;
    if (wake_.wait_for(lock, read_again_after, [this] { return over_; })) return;
    if (wake_.wait_for(lock, doubted_ ? Duration::zero() : read_every, [this] { return over_ || doubted_; }) && over_)
      return;
    doubted_ = false;
  }
}

}  // namespace systole::endpoint
