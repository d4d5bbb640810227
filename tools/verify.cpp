// SPDX-License-Identifier: GPL-2.0-or-later
// `systole verify`: everything that can be known to be wrong before it matters: cluster.conf, key file, CIB; what the
// CIB asks for and is not acted upon; what the scheduler would complain about.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <map>

#include "cib/xml/cib_xml.hpp"
#include "common/base/text.hpp"
#include "common/config/cluster_conf.hpp"
#include "common/config/key_file.hpp"
#include "common/config/timing.hpp"
#include "crmd/scheduler/scheduler.hpp"
#include "tools/cib_file.hpp"
#include "tools/commands.hpp"

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

class Report {
 public:
  explicit Report(Surroundings& here) : here_(here) {}
  void fine(std::string_view text) { here_.out += fmt::format("ok       {}\n", text); }
  void warning(std::string_view text) { here_.out += fmt::format("warning  {}\n", text); }
  void error(std::string_view text) {
    here_.out += fmt::format("ERROR    {}\n", text);
    ++errors_;
  }
  int errors() const { return errors_; }

 private:
  Surroundings& here_;
  int errors_ = 0;
};

void verify_timing(const config::ClusterConf& conf, Report& report) {
  const std::string promise = fmt::format("mode {}: {}", config::mode_of(conf), config::guarantee_of(conf));
  if (conf.mode == config::QuorumMode::majority && conf.nodes.size() > 2)
    report.fine(promise);
  else
    report.warning(promise);
  const auto timing = config::timing_of(conf, true);
  if (!timing) return report.error(timing.error().what);
  if (conf.mode == config::QuorumMode::none)
    return report.fine(
        fmt::format("a silent node is taken for dead after {}; a daemon that hangs for {} loses what it runs",
                    to_text(timing->lost_after), to_text(timing->lease)));
  report.fine(config::inequality(conf, *timing));
  if (const auto slower = config::timing_of(conf, false); slower)
    report.fine(fmt::format("where crmd gets no real-time priority: {}", config::inequality(conf, *slower)));
  else
    report.warning("where crmd gets no real-time priority it refuses to start: " + slower.error().what);
}

void verify_cluster_conf(const VerifyOptions& options, Report& report) {
  const auto conf = config::read_cluster_conf(options.config);
  if (!conf) return report.error(conf.error().what);
  report.fine(fmt::format("{}: cluster '{}', {} nodes, {} link(s), keepalive {}, deadtime {}, mode {}", options.config,
                          conf->cluster_name, conf->nodes.size(), conf->links.size(), to_text(conf->keepalive),
                          to_text(conf->deadtime), name_of(conf->mode)));
  verify_timing(*conf, report);
  if (conf->links.size() == 1 && conf->nodes.size() > 1)
    report.warning("one link only: a broken cable or switch looks like a dead node; add a ring1_addr to each node");
  utsname machine{};
  ::uname(&machine);
  if (const auto self = config::find_self(*conf, options.node, machine.nodename, {}); self)
    report.fine(fmt::format("this machine is node '{}'", conf->nodes[*self].name));
  else
    report.warning(
        "this machine is found among the nodes by its address only, if at all: its host name is no node's name");
  const auto keys = config::read_key_file(conf->key_file);
  if (!keys) return report.error(keys.error().what);
  report.fine(fmt::format("{}: {} key(s)", conf->key_file, keys->size()));
}

/// A file may also hold only the <configuration>, as `cibadmin --replace --scope configuration` takes it.
Result<std::string> cib_in_file(const std::string& path) {
  auto text = read_whole(path);
  if (!text || text->find("<cib") != std::string::npos || text->find("<configuration") == std::string::npos)
    return text;
  cib::Request replace{.change = cib::Change::replace, .scope = "configuration", .xml = std::move(*text)};
  auto whole = cib::apply(cib::empty_document(""), {}, {}, replace, 0);
  if (!whole) return Error{whole.error().code, fmt::format("{}: {}", path, whole.error().what)};
  return std::move(whole->document);
}

Result<std::string> get_cib(Surroundings& here, const VerifyOptions& options) {
  if (!options.cib_file.empty()) return cib_in_file(options.cib_file);
  auto reply = here.daemon->ask(ipc::QueryCib{});
  if (!reply) return reply.error();
  if (reply->exit_code != 0) return refusal(*reply);
  return std::move(reply->text);
}

bool is_recurring_monitor(const cib::Operation& operation) {
  const auto enabled = operation.attributes.find("enabled");
  const bool off = enabled != operation.attributes.end() && parse_bool(enabled->second) == false;
  return operation.name == "monitor" && operation.interval > Duration{} && !off;
}

bool watches_promoted(const cib::Operation& operation) {
  const auto role = operation.attributes.find("role");
  return is_recurring_monitor(operation) && role != operation.attributes.end() &&
         cib::modern_role(role->second) == "Promoted";
}

void verify_monitors(const cib::Configuration& configuration, const std::string& name, Report& report) {
  for (const cib::Primitive* primitive : cib::primitives_of(configuration)) {
    const auto* const clone = std::get_if<cib::Clone>(cib::find_top(configuration, primitive->id));
    if (clone == nullptr || !cib::is_promotable(*clone)) continue;
    if (std::ranges::any_of(primitive->operations, watches_promoted)) continue;
    report.warning(
        fmt::format("{}: {}: no recurring monitor with role=\"Promoted\": a promoted instance is not watched, "
                    "since a monitor without a role does not run on it",
                    name, primitive->id.value));
  }
}

void verify_cib(const std::string& cib, const std::string& name, Report& report) {
  const auto configuration = cib::parse_configuration(cib);
  if (!configuration) return report.error(fmt::format("{}: {}", name, configuration.error().what));
  const auto status = cib::parse_status(cib);
  if (!status) return report.error(fmt::format("{}: {}", name, status.error().what));
  report.fine(fmt::format("{}: {} resource(s), {} node(s), version {}.{}", name,
                          cib::primitives_of(*configuration).size(), configuration->nodes.size(),
                          configuration->version.admin_epoch, configuration->version.epoch));
  for (const std::string& part : configuration->unsupported)
    report.warning(fmt::format("{}: '{}' is kept, but not acted upon by this version", name, part));
  verify_monitors(*configuration, name, report);
  scheduler::View view;
  view.configuration = &*configuration;
  view.status = &*status;
  view.quorate = true;
  for (const std::string& problem : scheduler::schedule(view).problems)
    report.warning(fmt::format("{}: {}", name, problem));
}

}  // namespace

int verify(Surroundings& here, const VerifyOptions& options) {
  Report report(here);
  verify_cluster_conf(options, report);
  const auto cib = get_cib(here, options);
  if (cib)
    verify_cib(*cib, options.cib_file.empty() ? "the cluster's CIB" : options.cib_file, report);
  else if (!options.cib_file.empty())
    report.error(cib.error().what);
  else
    report.warning(fmt::format("the CIB was not checked: {}", cib.error().what));
  if (report.errors() == 0) return 0;
  here.err += fmt::format("systole: {} error(s) found\n", report.errors());
  return exit_code::configuration;
}

}  // namespace systole::tools
