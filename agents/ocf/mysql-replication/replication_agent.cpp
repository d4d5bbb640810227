// SPDX-License-Identifier: GPL-2.0-or-later
// Each look: gather, judge, at most one repair, tell the cluster what is new, remember. The resource runs as long as
// its state file is there, whatever becomes of the server: a restart of the watcher mends no server, and a manager that
// gave the watcher up would leave a server without one.
#include "agents/ocf/mysql-replication/replication_agent.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "agents/ocf/mysql-replication/acts.hpp"
#include "agents/ocf/mysql-replication/heartbeat.hpp"
#include "agents/ocf/mysql-replication/look.hpp"
#include "agents/ocf/mysql-replication/peer.hpp"
#include "agents/ocf/mysql-replication/tell.hpp"
#include "agents/ocf/mysql/process.hpp"
#include "common/base/text.hpp"

namespace systole::mysql_replication {

using agents::Call;
using agents::Ocf;

namespace {

bool is_running(const Settings& settings) {
  return ::access(settings.state.c_str(), F_OK) == 0;
}

/// "" where there is nobody to follow but who is followed.
std::string partner_elsewhere(Call& call, const Settings& settings, const Facts& facts, const Memory& memory) {
  if (settings.repair != RepairMode::setup || facts.contact != Contact::answers || !facts.read_only) return {};
  if (!facts.status_known || memory.next_try_ms > boot_ms()) return {};
  const bool followed = facts.channel && facts.channel->io == mysql::IoThread::running;
  if (followed && (!facts.peer || facts.peer->writable)) return {};
  const Deadline deadline = Deadline(call.deadline()).within(3s);
  std::string partner = find_partner(settings, call.environment(), deadline, call.log());
  if (partner.empty() || !facts.channel || followed || partner == facts.channel->host) {
    return partner == (facts.channel ? facts.channel->host : "") ? "" : partner;
  }
  // One server may have two names: whoever is followed and is a primary is followed further.
  const auto now = ask_primary(settings, facts, deadline);
  return now && now->writable ? "" : partner;
}

void keep(Call& call, const Settings& settings, const Memory& memory) {
  if (const auto written = agents::write_file(settings.state, to_text(memory)); !written)
    call.log().warning("{}; proceeding, the next monitor remembers less", written.error().what);
}

/// Each change once; the same again and again is for who looks at the state file.
void log_change(Call& call, const Memory& before, const Memory& now, bool good) {
  if (before.condition == now.condition && (before.reason.empty() == now.reason.empty())) return;
  if (good) return call.log().notice("{}{}{}", now.condition, now.reason.empty() ? "" : ": ", now.reason);
  call.log().warning("{}: {}", now.condition, now.reason);
}

void see_to_heartbeat(Call& call, const Settings& settings) {
  const bool lives = heartbeat_lives(settings);
  if (lives == settings.heartbeat) return;
  const auto done = settings.heartbeat ? launch_heartbeat(call, settings) : end_heartbeat(settings);
  if (!done) call.log().warning("the heartbeat's writer: {}", done.error().what);
}

void repair(Call& call, const Settings& settings, Seen& seen, const std::string& partner, Judgement& judged) {
  Verdict& verdict = judged.verdict;
  call.log().notice("repair: {} ({})", to_string(verdict.repair),
                    verdict.reason.empty() ? judged.memory.condition : verdict.reason);
  const Deadline deadline = Deadline(call.deadline()).within(call.left() * 3 / 4);
  const Channel* const channel = seen.facts.channel ? &*seen.facts.channel : nullptr;
  const auto done =
      act(verdict.repair, *seen.server, settings, channel, partner, mysql::receipt_place(call), deadline, call.log());
  if (done) return;
  call.log().warning("not repaired: {}", done.error().what);
  if (done.error().code != Errc::refused) return;
  verdict.code = settings.fault_code;
  verdict.reason = judged.memory.reason = done.error().what;
}

/// One look and what follows from it.
Ocf update(Call& call, const Settings& settings, Memory memory, bool insist) {
  const Memory before = memory;
  Seen seen = look(settings, memory, Deadline(call.deadline()));
  const std::string partner = partner_elsewhere(call, settings, seen.facts, memory);
  Judgement judged = judge(seen.facts, std::move(memory), settings, !partner.empty(), boot_ms());
  if (judged.verdict.repair != Repair::none) {
    keep(call, settings, judged.memory);  // that it was tried, should we not survive it
    repair(call, settings, seen, partner, judged);
  }
  Cluster(call, settings, judged.memory).tell(judged.verdict, insist);
  keep(call, settings, judged.memory);
  see_to_heartbeat(call, settings);
  const Verdict& verdict = judged.verdict;
  log_change(call, before, judged.memory, verdict.code == Ocf::ok);
  if (verdict.code == Ocf::ok) return Ocf::ok;
  return call.explain(verdict.code, fmt::format("{}: {}", to_string(verdict.condition), verdict.reason));
}

Memory remembered(const Settings& settings) {
  const auto text = agents::read_file(settings.state);
  return text ? parse_memory(*text, boot_ms()) : Memory{};
}

}  // namespace

Ocf ReplicationAgent::validate(Call& call) {
  const Settings settings = settings_of(call);
  if (const auto faults = value_faults(settings); !faults.empty())
    return call.explain(Ocf::configured, join(faults, "; "));
  if (call.action() == "monitor" || call.action() == "status" || !settings.server.credentials_fault) return Ocf::ok;
  const Error& fault = *settings.server.credentials_fault;
  if (::geteuid() != 0 && fault.code == Errc::permission) return Ocf::ok;  // somebody else may ask about the rest
  const Ocf code = fault.code == Errc::not_found    ? Ocf::installed
                   : fault.code == Errc::permission ? Ocf::permission
                                                    : Ocf::args;
  return call.explain(code, fault.what);
}

Ocf ReplicationAgent::start(Call& call) {
  const Settings settings = settings_of(call);
  Result<void> ready = call.params().given("state") ? Result<void>{} : agents::make_folder(call.paths().state);
  if (ready && !is_running(settings)) ready = agents::write_file(settings.state, "");
  if (!ready)
    return call.explain(ready.error().code == Errc::permission ? Ocf::permission : Ocf::generic, ready.error().what);
  // Whatever the server is like, it is watched from now on.
  update(call, settings, remembered(settings), true);
  return Ocf::ok;
}

Ocf ReplicationAgent::stop(Call& call) {
  const Settings settings = settings_of(call);
  if (const auto ended = end_heartbeat(settings); !ended) return call.explain(Ocf::generic, ended.error().what);
  Memory memory = remembered(settings);
  Cluster(call, settings, memory).withdraw();
  if (::unlink(settings.state.c_str()) != 0 && errno != ENOENT)
    return call.explain(Ocf::generic, errno_error(fmt::format("remove '{}'", settings.state)).what);
  return Ocf::ok;
}

Ocf ReplicationAgent::monitor(Call& call) {
  const Settings settings = settings_of(call);
  if (!is_running(settings)) return Ocf::not_running;
  if (!settings.server.tls.is_used()) sql::leave_tls_alone();
  return update(call, settings, remembered(settings), call.is_probe());
}

Ocf ReplicationAgent::reload(Call& call) {
  const Settings settings = settings_of(call);
  if (!is_running(settings)) return Ocf::ok;
  if (const auto ended = end_heartbeat(settings); !ended) return call.explain(Ocf::generic, ended.error().what);
  update(call, settings, remembered(settings), true);  // it launches the writer with the new values
  return Ocf::ok;
}

}  // namespace systole::mysql_replication
