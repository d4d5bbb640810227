// SPDX-License-Identifier: GPL-2.0-or-later
// See commands.hpp: move, standby, cleanup, why, keygen, wait.
#include "tools/commands.hpp"

#include <fmt/format.h>

#include "cib/xml/cib_xml.hpp"
#include "common/config/key_change.hpp"
#include "common/config/key_file.hpp"
#include "tools/staged_files.hpp"
#include "tools/status.hpp"
#include "tools/stored_attribute.hpp"
#include "tools/xml_bits.hpp"

namespace systole::tools {
namespace {

namespace ipc = wire::ipc;

constexpr std::string_view tool = "systole";
constexpr Duration look_again = 200ms;
constexpr int quiet_looks = 3;

int answer(Surroundings& here, const Result<ipc::Reply>& reply) {
  if (!reply) return fail(here, tool, reply.error());
  if (reply->exit_code != 0) here.err += fmt::format("{}: {}\n", tool, reply->text);
  return reply->exit_code;
}

Result<ipc::Reply> change(DaemonLink& daemon, cib::Change kind, std::string xpath, std::string xml) {
  ipc::ChangeCib change;
  change.request.change = kind;
  change.request.scope = "constraints";
  change.request.xpath = std::move(xpath);
  change.request.xml = std::move(xml);
  change.request.allow_create = true;
  change.request.all_matches = true;
  change.request.client = tool;
  return daemon.ask(change);
}

/// The configured resource that a person means: a group or clone where a part of it was named.
struct Target {
  std::string id;
  bool promotable = false;
  std::string now_on;  // where it runs (is promoted); "": nowhere
};

bool is_promotable(const cib::Resource& resource) {
  const auto* const clone = std::get_if<cib::Clone>(&resource);
  return clone != nullptr && cib::is_promotable(*clone);
}

std::string home_of(const StatusView& status, const std::string& id, bool promotable) {
  for (const ResourceView& resource : status.resources) {
    if (resource.id != id && resource.parent != id) continue;
    for (const InstanceView& instance : resource.instances)
      if (instance.role == "Promoted" || (!promotable && instance.role == "Started")) return instance.node;
  }
  return "";
}

Result<Target> find_target(DaemonLink& daemon, const std::string& resource, const std::string& node) {
  const auto cib = daemon.ask(ipc::QueryCib{});
  if (!cib) return cib.error();
  if (cib->exit_code != 0) return refusal(*cib);
  const auto configuration = cib::parse_configuration(cib->text);
  if (!configuration) return configuration.error();
  const cib::Resource* const top = cib::find_top(*configuration, ResourceId{resource});
  if (top == nullptr) return Error{Errc::not_found, fmt::format("there is no resource '{}'", resource)};
  const auto status = gather_status(daemon);
  if (!status) return status.error();
  if (!node.empty() && std::ranges::none_of(status->nodes, [&](const NodeView& one) { return one.info.name == node; }))
    return Error{Errc::not_found, fmt::format("there is no node '{}'", node)};
  Target target{cib::id_of(*top).value, is_promotable(*top), ""};
  target.now_on = home_of(*status, target.id, target.promotable);
  return target;
}

/// crm_resource's constraints: both tools see and clear what the other wrote.
std::string own_constraints(const std::string& resource) {
  return fmt::format("//rsc_location[(@id='cli-prefer-{0}' or starts-with(@id,'cli-ban-{0}-on-')) and @rsc='{0}']",
                     resource);
}

int clear_moves(Surroundings& here, const std::string& resource) {
  const std::string xpath = resource.empty()
                                ? "//rsc_location[starts-with(@id,'cli-prefer-') or starts-with(@id,'cli-ban-')]"
                                : own_constraints(resource);
  const auto reply = change(*here.daemon, cib::Change::erase, xpath, "");
  if (const int code = answer(here, reply); code != 0 && code != exit_code::no_such) return code;
  here.out += fmt::format("Moves of {} are forgotten; the cluster places {} by its own rules again.\n",
                          resource.empty() ? "all resources" : resource, resource.empty() ? "them" : "it");
  return 0;
}

std::string constraint(const Target& target, const MoveOptions& options) {
  const bool prefer = !options.node.empty();
  const std::string id =
      prefer ? fmt::format("cli-prefer-{}", target.id) : fmt::format("cli-ban-{}-on-{}", target.id, target.now_on);
  return fmt::format(R"(<rsc_location id="{}" rsc="{}" role="{}" node="{}" score="{}"/>)", escape_xml(id),
                     escape_xml(target.id), target.promotable ? "Promoted" : "Started",
                     escape_xml(prefer ? options.node : target.now_on), prefer ? "INFINITY" : "-INFINITY");
}

}  // namespace

int move_resource(Surroundings& here, const MoveOptions& options, const Pause& pause) {
  if (options.clear && options.resource.empty()) return clear_moves(here, "");
  if (options.resource.empty()) return usage(here, tool, "move: which resource?");
  const auto target = find_target(*here.daemon, options.resource, options.node);
  if (!target) return fail(here, tool, target.error());
  if (options.clear) return clear_moves(here, target->id);
  if (options.node.empty() && target->now_on.empty()) {
    here.err += fmt::format("{}: {} runs nowhere, so it cannot be moved away; say --to NODE\n", tool, target->id);
    return exit_code::no_such;
  }
  // An older move of the same resource would contradict this one.
  const auto forgotten = change(*here.daemon, cib::Change::erase, own_constraints(target->id), "");
  if (!forgotten) return fail(here, tool, forgotten.error());
  const auto reply = change(*here.daemon, cib::Change::modify, "", constraint(*target, options));
  if (const int code = answer(here, reply); code != 0) return code;
  here.out += options.node.empty() ? fmt::format("{} moves away from {}.", target->id, target->now_on)
                                   : fmt::format("{} {} on {}.", target->id,
                                                 target->promotable ? "will be promoted" : "will run", options.node);
  here.out += fmt::format(" This stays so until: systole move {} --clear\n", target->id);
  if (!options.wait) return 0;
  if (const int code = wait_until_settled(here, options.patience, pause); code != 0) return code;
  const auto status = gather_status(*here.daemon);
  if (!status) return fail(here, tool, status.error());
  const std::string home = home_of(*status, target->id, target->promotable);
  const bool arrived = options.node.empty() ? !home.empty() && home != target->now_on : home == options.node;
  here.out += fmt::format("{} is {}{}.\n", target->id, home.empty() ? "nowhere" : "on ", home);
  if (arrived) return 0;
  here.err += fmt::format("{}: that is not what was asked for; 'systole why {}' says why\n", tool, target->id);
  return exit_code::error;
}

int standby(Surroundings& here, const StandbyOptions& options, const Pause& pause) {
  const auto cluster = here.daemon->ask(ipc::QueryCluster{});
  if (!cluster) return fail(here, tool, cluster.error());
  if (!cluster->cluster) return fail(here, tool, refusal(*cluster));
  StoredAttribute attribute;
  attribute.name = "standby";
  attribute.node = options.node.empty() ? cluster->cluster->self : options.node;
  const auto done = options.off ? erase(*here.daemon, attribute, std::string(tool))
                                : store(*here.daemon, attribute, "on", std::string(tool));
  if (!done) return fail(here, tool, done.error());
  if (done->exit_code != 0) {
    here.err += fmt::format("{}: {}\n", tool, done->text);
    return done->exit_code;
  }
  here.out += options.off
                  ? fmt::format("{} may run resources again.\n", attribute.node)
                  : fmt::format("{0} goes to standby: its resources move away. Undo: systole standby {0} --off\n",
                                attribute.node);
  return options.wait ? wait_until_settled(here, options.patience, pause) : 0;
}

int cleanup(Surroundings& here, const std::string& resource, const std::string& node) {
  ipc::Cleanup cleanup;
  cleanup.resource = resource;
  cleanup.node = node;
  const auto reply = here.daemon->ask(cleanup);
  const int code = answer(here, reply);
  if (code == 0) here.out += reply->text.empty() ? "Done.\n" : reply->text + "\n";
  return code;
}

int confirm_lost(Surroundings& here, const std::string& node) {
  const auto reply = here.daemon->ask(ipc::ConfirmLost{node});
  const int code = answer(here, reply);
  if (code == 0) here.out += reply->text + ".\n";
  return code;
}

int reexec(Surroundings& here, const Pause& pause) {
  const auto reply = here.daemon->ask(ipc::Reexec{});
  if (const int code = answer(here, reply); code != 0) return code;
  for (int n = 0; n < 50; ++n) {
    pause(200ms);
    const auto back = here.daemon->ask(ipc::QueryCluster{});
    if (!back || !back->cluster) continue;
    here.out += fmt::format("crmd {} runs on {}.\n", back->cluster->daemon_version, back->cluster->self);
    return 0;
  }
  here.err += "crmd began again, and has not answered for 10 seconds since: see its log\n";
  return exit_code::timeout;
}

int reload(Surroundings& here) {
  const auto reply = here.daemon->ask(ipc::Reload{});
  const int code = answer(here, reply);
  if (code == 0) here.out += reply->text + "\n";
  return code;
}

int why(Surroundings& here, const std::string& resource) {
  ipc::Why why;
  why.resource = resource;
  const auto reply = here.daemon->ask(why);
  const int code = answer(here, reply);
  if (code == 0) here.out += reply->text;
  return code;
}

namespace {

Result<std::string> next_text(KeyStep step, const std::string& content, const std::string& path) {
  switch (step) {
    case KeyStep::add: {
      const auto key = config::random_key();
      if (!key) return key.error();
      return config::with_added_key(content, *key, path);
    }
    case KeyStep::use_new:
      return config::with_last_key_first(content, path);
    case KeyStep::drop_old:
      return config::with_first_key_only(content, path);
    case KeyStep::first:
      break;
  }
  return Error{Errc::invalid, "this is no step of a change of keys"};
}

Result<void> change_keys(KeyStep step, const std::string& path) {
  const auto content = config::read_key_text(path);
  if (!content) return content.error();
  const auto text = next_text(step, *content, path);
  if (!text) return text.error();
  StagedFiles files;
  if (const auto done = files.replace(path, *text); !done) return done;
  return files.put();
}

/// What the file says now, and what is to be done before the next step.
std::string_view words_of(KeyStep step) {
  switch (step) {
    case KeyStep::add:
      return "{0} holds a new key below the old one: it opens, and the old one seals.\n"
             "Copy {0} to every node (mode 0400, owner root) and run 'systole reload' on each. Then: systole keygen "
             "--use-new\n";
    case KeyStep::use_new:
      return "The new key seals, and the old one still opens.\n"
             "Copy {0} to every node and run 'systole reload' on each. Then: systole keygen --drop-old\n";
    case KeyStep::drop_old:
      return "Only the key that seals is left.\n"
             "Copy {0} to every node and run 'systole reload' on each: the old key is of no use any more.\n";
    case KeyStep::first:
      return "{0} holds a new key. Copy it to every node of the cluster (mode 0400, owner root).\n";
  }
  return "";
}

}  // namespace

int keygen(Surroundings& here, const std::string& path, KeyStep step) {
  if (step != KeyStep::first) {
    if (const auto done = change_keys(step, path); !done) return fail(here, tool, done.error());
    here.out += fmt::format(fmt::runtime(words_of(step)), path);
    return 0;
  }
  if (const auto done = config::generate_key_file(path); !done) {
    here.err += fmt::format("{}: {}\n", tool, done.error().what);
    return done.error().code == Errc::exists ? exit_code::exists : exit_code::cannot_create;
  }
  here.out += fmt::format(fmt::runtime(words_of(step)), path);
  return 0;
}

int wait_until_settled(Surroundings& here, Duration patience, const Pause& pause) {
  int quiet = 0;
  std::string last = "the daemon was not reached";
  for (Duration waited{}; waited <= patience; waited += look_again) {
    const auto reply = here.daemon->ask(ipc::QueryCluster{});
    if (!reply) return fail(here, tool, reply.error());
    if (!reply->cluster) return fail(here, tool, refusal(*reply));
    const ipc::ClusterInfo& cluster = *reply->cluster;
    quiet = cluster.settled && !cluster.leader.empty() ? quiet + 1 : 0;
    if (quiet >= quiet_looks) return 0;
    last = cluster.leader.empty()      ? "no node leads"
           : cluster.under_way.empty() ? "nothing is under way"
                                       : cluster.under_way.front();
    pause(look_again);
  }
  here.err += fmt::format("{}: not settled within {}: {}\n", tool, to_text(patience), last);
  return exit_code::timeout;
}

}  // namespace systole::tools
