// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_switch.hpp.
#include "tools/agent/mysql_switch.hpp"

#include <fmt/format.h>

#include "agents/kit/agent.hpp"
#include "agents/kit/process.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/text.hpp"
#include "tools/agent/interrupt.hpp"
#include "tools/agent/manager.hpp"
#include "tools/agent/one_call.hpp"
#include "tools/agent/verbs.hpp"
#include "tools/xml_bits.hpp"

namespace systole::tools {
namespace {

constexpr std::string_view tool = "systole mysql";
constexpr Duration patience = 60s, look_again = 100ms;

Error no_name(const std::string& resource) {
  return {Errc::invalid, fmt::format("'{}' is no name of a resource", resource)};
}

/// The manager's order to promote elsewhere, and its withdrawal.
class Move {
 public:
  static Result<Move> of(const std::string& resource) {
    Move move;
    const auto literal = xpath_literal(resource);
    if (!literal) return no_name(resource);
    const auto clone =
        run_tool({"cibadmin", "--query", "--xpath", fmt::format("//clone[descendant::primitive[@id={}]]", *literal)});
    if (!clone) return clone.error();
    const auto id = find_attribute(*clone, "clone", "id");
    if (!id) return Error{Errc::not_found, fmt::format("{} is not part of a clone", resource)};
    move.clone_ = *id;
    move.systole_ = crmd_answers();
    return move;
  }

  Result<void> to(const std::string& node) const {
    const auto told = systole_
                          ? run_tool({"systole", "move", clone_, node})
                          : run_tool({"crm_resource", "--move", "--promoted", "--resource", clone_, "--node", node});
    return told ? Result<void>() : told.error();
  }
  std::vector<std::string> command_to_take_back() const {
    if (systole_) return {"systole", "move", clone_, "--clear"};
    return {"crm_resource", "--clear", "--resource", clone_};
  }

 private:
  std::string clone_;
  bool systole_ = false;
};

/// What the agent on this node, the primary's, says of its server and of the replica there.
Result<void> ask_agent(const std::string& resource, const std::string& target) {
  const auto literal = xpath_literal(resource);
  if (!literal) return no_name(resource);
  const auto listed =
      run_tool({"cibadmin", "--query", "--xpath", fmt::format("//primitive[@id={}]/instance_attributes", *literal)});
  AgentRequest request;
  request.action = "preflight";
  request.instance = resource;
  request.meta["notify_active_uname"] = target;  // so that the agent asks it where it listens
  if (listed)
    for (const Nvpair& each : find_nvpairs(*listed)) request.parameters[each.name] = each.value;
  const auto found = find_named("ocf:systole:mysql");
  if (!found) return found.error();
  request.agent = *found;
  const AgentAnswer answer = call_agent(request);
  if (answer.code == 0) return {};
  const std::string_view said = trim(answer.errors);
  constexpr std::string_view prefix = "ocf-exit-reason:";
  const std::size_t at = said.find(prefix);
  return Error{Errc::refused, std::string(at == std::string_view::npos ? std::string_view(answer.in_words())
                                                                       : said.substr(at + prefix.size()))};
}

bool leads(const MysqlView& view, const std::string& node) {
  return view.record.primary == node && is_primary(view);
}

/// Until `reached`, an interruption, or the deadline.
bool await(const std::function<MysqlView()>& look, Time deadline,
           const std::function<bool(const MysqlView&)>& reached) {
  while (!InterruptMark::is_set()) {
    if (reached(look())) return true;
    if (!agents::pause_for(look_again, deadline)) return false;
  }
  return false;
}

}  // namespace

Result<std::string> switch_target(const MysqlView& view, const std::string& wanted) {
  const mysql::Record& record = view.record;
  if (!view.shared) return Error{Errc::not_connected, "the cluster's record cannot be read"};
  if (!record.exists()) return Error{Errc::not_found, "nobody has been promoted yet"};
  if (!is_primary(view))
    return Error{Errc::refused, fmt::format("{} should be the primary, and does not serve now", record.primary)};
  if (!wanted.empty() && wanted == record.primary) return wanted;
  if (record.in_sync.empty())
    return Error{Errc::refused,
                 fmt::format("no replica is in sync: only {} has every acknowledged write", record.primary)};
  if (!wanted.empty() && wanted != record.in_sync)
    return Error{Errc::refused, fmt::format("{} is not in sync, {} is", wanted, record.in_sync)};
  if (is_stalled(view))
    return Error{Errc::refused, fmt::format("writers wait for {}: repair it first", record.in_sync)};
  const auto replica = view.notices.find(record.in_sync);
  if (replica == view.notices.end() || replica->second.kind != mysql::Notice::Kind::replica || !replica->second.streams)
    return Error{Errc::refused, fmt::format("{} receives nothing, or cannot apply it", record.in_sync)};
  return record.in_sync;
}

bool is_switched(const MysqlView& view, const std::string& target) {
  return leads(view, target) && !view.record.in_sync.empty();
}

int switch_over(Surroundings& here, const MysqlOptions& options, const MysqlView& view,
                const std::function<MysqlView()>& look) {
  const auto refuse = [&](const Error& error) {
    here.err += fmt::format("{}: not switched, nothing was touched: {}\n", tool, error.what);
    return exit_code::error;
  };
  const auto target = switch_target(view, options.to);
  if (!target) return refuse(target.error());
  const std::string from = view.record.primary;
  if (*target == from) {
    here.out += fmt::format("{} is the primary already.\n", from);
    return exit_code::ok;
  }
  if (view.self != from && !options.yes)
    return refuse({Errc::refused, fmt::format("say it on {}, where the primary is: only there its transactions and the "
                                              "replica's delay can be looked at (--yes: without that look)",
                                              from)});
  if (!options.yes)
    if (const auto asked = ask_agent(view.resource, *target); !asked)
      return refuse({Errc::refused, asked.error().what + " (--yes: all the same)"});
  const auto move = Move::of(view.resource);
  if (!move) return refuse(move.error());
  const InterruptMark mark;
  const Time begin = boot_time(), deadline = begin + patience;
  const auto told = move->to(*target);
  const bool moved = told && await(look, deadline, [&](const MysqlView& now) { return leads(now, *target); });
  const Time arrived = boot_time();
  std::string in_sync;
  const bool whole = moved && await(look, deadline, [&](const MysqlView& now) {
                       in_sync = now.record.in_sync;
                       return is_switched(now, *target);
                     });
  // Also of an order that failed: it may have been heard all the same.
  const auto back = run_tool(move->command_to_take_back());
  if (!back)
    here.err += fmt::format("{}: the order to the manager stands, take it back with '{}': {}\n", tool,
                            join(move->command_to_take_back(), " "), back.error().what);
  if (!moved) {
    const MysqlView now = look();
    here.err += fmt::format(
        "{}: {} was not promoted{}{}.\n{}", tool, *target,
        told ? fmt::format(" within {} s", to_ms(boot_time() - begin) / 1000) : fmt::format(": {}", told.error().what),
        back ? "; the order was taken back" : "", mysql_status_text(now));
    return InterruptMark::is_set() ? interrupted_exit_code : exit_code::error;
  }
  here.out += fmt::format("{} is the primary, {} ms after the order.\n", *target, to_ms(arrived - begin));
  if (whole) {
    here.out += fmt::format("{} follows it and is in sync.\n", in_sync);
    return exit_code::ok;
  }
  here.err += fmt::format("{}: no replica is in sync with it yet: 'systole mysql status' says more\n", tool);
  return exit_code::error;
}

}  // namespace systole::tools
