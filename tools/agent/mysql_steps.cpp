// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_steps.hpp.
#include "tools/agent/mysql_steps.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "agents/kit/agent.hpp"
#include "agents/kit/attributes.hpp"
#include "agents/kit/paths.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/credentials.hpp"
#include "agents/ocf/mysql/options.hpp"
#include "agents/ocf/mysql/server_config.hpp"
#include "common/base/text.hpp"
#include "tools/agent/interrupt.hpp"
#include "tools/agent/manager.hpp"
#include "tools/staged_files.hpp"

namespace systole::tools {
namespace {

constexpr Duration patience = 10s, end_patience = 10min, look_again = 250ms;
constexpr int secret_mode = 0600, public_mode = 0644;

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return errno_error(fmt::format("cannot remove '{}'", path));
}

/// Over what is there, whose content undo brings back.
Result<void> put_file(const std::string& path, std::string_view text, int mode, Undo& undo) {
  const auto before = agents::read_file(path);
  if (before && *before == text) return {};
  StagedFiles files;
  const auto staged = before ? files.replace(path, text) : files.add_new(path, text, static_cast<mode_t>(mode));
  if (!staged) return staged;
  if (const auto put = files.put(); !put) return put;
  if (before)
    undo.add(fmt::format("{} is as it was", path), [path, old = *before]() -> Result<void> {
      StagedFiles again;
      if (const auto back = again.replace(path, old); !back) return back;
      return again.put();
    });
  else
    undo.add(fmt::format("{} removed", path), [path] { return remove_file(path); });
  return {};
}

/// "[section]" to the next one, without the lines before and behind it.
std::string without_section(std::string_view text, std::string_view section) {
  std::string kept;
  bool inside = false;
  for (const std::string& line : split(text, '\n')) {
    if (trim(line).starts_with('[')) inside = trim(line).starts_with(fmt::format("[{}]", section));
    if (!inside) kept += line + "\n";
  }
  while (kept.ends_with("\n\n")) kept.pop_back();
  return kept;
}

Result<void> restore_services(const std::vector<OwnService>& wanted) {
  for (const OwnService& each : wanted) {
    if (each.enabled)
      if (const auto done = enable_service(each); !done) return done;
    if (each.active)
      if (const auto done = start_service(each); !done) return done;
  }
  return {};
}

std::string what_runs_again(const std::vector<OwnService>& wanted) {
  std::vector<std::string> names;
  for (const OwnService& each : wanted)
    if (each.active || each.enabled)
      names.push_back(fmt::format("{}{}{}", each.name, each.enabled ? " is enabled" : "",
                                  each.active ? (each.enabled ? " and runs" : " runs") : ""));
  return join(names, ", ") + " again";
}

/// Reports each failure once; the last fatal one is the answer.
class Failures {
 public:
  explicit Failures(const SetupNames& names) : names_(names) {}
  /// Those that stand there from before do not count.
  void forget_old() {
    for (const SetupFailure& each : now()) said_.insert(each.operation + each.reason);
  }
  std::optional<Error> look() {
    for (const SetupFailure& each : now()) {
      if (!said_.insert(each.operation + each.reason).second) continue;
      if (each.fatal) return Error{Errc::refused, fmt::format("{}: {}", each.operation, each.reason)};
      say(fmt::format("     {} failed: {}\n", each.operation, each.reason));
      last_ = fmt::format("; {} failed: {}", each.operation, each.reason);
    }
    return {};
  }
  const std::string& last() const { return last_; }

 private:
  std::vector<SetupFailure> now() const {
    const auto status = run_tool({"cibadmin", "--query", "--xpath", "//lrm_resource"});
    return status ? failures_of(*status, names_) : std::vector<SetupFailure>{};
  }
  const SetupNames& names_;
  std::set<std::string> said_;
  std::string last_;
};

}  // namespace

DropInSeen look_at_drop_in(const OwnServer& server, const std::string& resource) {
  std::vector<std::string> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(server.include_folder, none))
    files.push_back(entry.path().filename());
  DropInSeen seen{.path = fmt::format("{}/{}", server.include_folder, drop_in_name(files))};
  const auto text = agents::read_file(seen.path);
  if (!text) return seen;
  seen.ours = is_drop_in_of(*text, resource);
  if (!seen.ours) {
    seen.fault = fmt::format("'{}' is there already and was not written for the database '{}': move it away", seen.path,
                             resource);
    return seen;
  }
  for (const std::string& line : services_noted(*text))
    if (const auto service = parse_service(line)) seen.services.push_back(*service);
  return seen;
}

std::vector<OwnService> services_before(const DropInSeen& drop_in, const std::vector<OwnService>& now) {
  return drop_in.ours ? drop_in.services : now;
}

Result<void> SetupSteps::publish_address(const std::string& node, const std::string& address) {
  static const agents::Environment env = agents::process_environment();
  const agents::Attributes attributes(env);
  const std::string name = names_.address_attribute();
  const auto before = attributes.permanent(name, node, boot_time() + patience);
  if (before && *before == address) return {};
  if (const auto set = attributes.set_permanent(name, address, node, boot_time() + patience); !set) return set;
  undo_.add(fmt::format("node attribute {} of {} is as it was", name, node), [=]() -> Result<void> {
    const agents::Attributes again(env);
    if (before) return again.set_permanent(name, *before, node, boot_time() + patience);
    return again.delete_permanent(name, node, boot_time() + patience);
  });
  say(fmt::format("  - {}'s database is reached at {}\n", node, address));
  return {};
}

Result<void> SetupSteps::write_credentials(const std::string& password) {
  const std::string path = names_.credentials_file();
  const auto before = agents::read_file(path);
  constexpr std::string_view section = "systole-replication";
  std::string text = before ? without_section(*before, section)
                            : fmt::format(
                                  "# Accounts of the database '{}': parameter credentials of ocf:systole:mysql. "
                                  "Secret.\n",
                                  names_.resource);
  text += fmt::format("[{}]\nuser={}\npassword=\"{}\"\n", section, replication_user, password);
  if (const auto sound = mysql::parse_credentials(text); !sound) return sound.error();
  if (const auto done = put_file(path, text, secret_mode, undo_); !done) return done;
  say(fmt::format("  - {} holds the password of replication\n", path));
  return {};
}

Result<void> SetupSteps::write_drop_in(const DropInSeen& seen, unsigned server_id,
                                       const std::vector<OwnService>& before) {
  DropInFacts facts{.resource = names_.resource, .server_id = server_id};
  // Our own lines do not count as somebody's.
  facts.log_bin_set = !seen.ours && mysql::sets_option(server_.options, "log-bin");
  facts.relay_log_set = !seen.ours && mysql::sets_option(server_.options, "relay-log");
  for (const OwnService& each : before) facts.services.push_back(to_text(each));
  std::string text = drop_in_text(facts);
  if (seen.ours)
    if (const auto old = agents::read_file(seen.path)) text = *old;
  if (seen.ours) undo_.add(fmt::format("{} removed", seen.path), [path = seen.path] { return remove_file(path); });
  if (const auto done = put_file(seen.path, text, public_mode, undo_); !done) return done;
  const auto obeyed =
      mysql::configured_options(server_.settings, agents::process_environment(), Deadline::in(patience));
  if (!obeyed) return obeyed.error();
  for (const auto& [option, value] :
       {std::pair{"bind-address", std::string("*")}, std::pair{"server-id", std::to_string(server_id)}})
    if (const auto found = mysql::option_value(*obeyed, option); found != value)
      return Error{Errc::refused,
                   fmt::format("the server takes {}={} and not {}, which '{}' says: a file that it reads later says "
                               "otherwise; look for it in '{}'",
                               option, found.value_or(""), value, seen.path, server_.include_folder)};
  say(fmt::format("  - {}: bind-address, server-id, binary log\n", seen.path));
  return {};
}

Result<void> SetupSteps::retire_services(const std::vector<OwnService>& now, const std::vector<OwnService>& undo_to) {
  if (std::ranges::any_of(undo_to, [](const OwnService& each) { return each.active || each.enabled; }))
    undo_.add(what_runs_again(undo_to), [undo_to] { return restore_services(undo_to); });
  for (const OwnService& each : now) {
    if (each.enabled)
      if (const auto done = disable_service(each); !done) return done;
    if (each.active)
      if (const auto done = stop_service(each); !done) return done;
  }
  const Deadline deadline = Deadline::in(end_patience);
  while (const auto left = mysql::ServerProcess::find(server_.settings.place()))
    if (!left->ended_by(deadline.within(look_again)) && deadline.over())
      return Error{Errc::timeout,
                   fmt::format("the server, pid {}, still runs though its service was stopped", left->pid())};
  std::vector<std::string> names;
  for (const OwnService& each : now) names.push_back(each.name);
  say(fmt::format("  - {}\n",
                  names.empty() ? "no service starts the server here" : join(names, ", ") + ": stopped and disabled"));
  return {};
}

Result<void> await_cluster(const SetupNames& names, Duration limit, const std::function<MysqlView()>& look,
                           const std::function<bool(const MysqlView&)>& reached) {
  const Deadline deadline = Deadline::in(limit);
  Failures failures(names);
  failures.forget_old();
  MysqlView view = look();
  while (!reached(view)) {
    if (const auto interrupted = not_interrupted(); !interrupted) return interrupted;
    if (const auto fatal = failures.look()) return *fatal;
    if (!agents::pause_for(look_again, deadline.at()))
      return Error{Errc::timeout,
                   fmt::format("not within {} s{}\n{}", to_ms(limit) / 1000, failures.last(), mysql_status_text(view))};
    view = look();
  }
  return {};
}

Result<void> not_interrupted() {
  if (InterruptMark::is_set()) return Error{Errc::refused, "interrupted"};
  return {};
}

}  // namespace systole::tools
