// SPDX-License-Identifier: GPL-2.0-or-later
// Early returns, worst first.
#include "agents/ocf/mysql-replication/judge.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::mysql_replication {

namespace {

using agents::Ocf;
using mysql::IoThread;

constexpr std::int64_t hour_ms = 3'600'000, first_pause_ms = 1000, longest_pause_ms = 300'000;
constexpr std::int64_t flips_told = 4;
constexpr std::int64_t calm_ms = 60'000;  // of replication that flows: tries count anew

Score score(int points) {
  return {.kind = Score::Kind::value, .points = points};
}

std::string seconds(std::int64_t ms) {
  return ms % 1000 == 0 ? fmt::format("{} s", ms / 1000) : fmt::format("{}.{:03} s", ms / 1000, ms % 1000);
}

/// Nothing is known of the server but that.
Verdict judge_silence(const Facts& facts, Memory& memory, const Settings& settings, std::int64_t now_ms) {
  Verdict verdict{.condition = Condition::down, .code = settings.fault_code, .writable = false};
  if (facts.contact == Contact::down) {
    verdict.reason = fmt::format("the server is down: {}", facts.silence);
    return verdict;
  }
  if (facts.contact == Contact::hung) {
    verdict.condition = Condition::hung;
    verdict.reason = fmt::format("the server does not answer: {}", facts.silence);
    return verdict;
  }
  // It may well serve all its readers: we are the one who sees nothing.
  if (memory.blind_since_ms < 0) memory.blind_since_ms = now_ms;
  const bool for_long = now_ms - memory.blind_since_ms >= to_ms(settings.dwell);
  verdict.condition = Condition::blind;
  verdict.readers = for_long ? ReaderWish::late : ReaderWish::as_it_was;
  verdict.writable.reset();
  verdict.score = {.kind = Score::Kind::as_it_was};
  if (facts.contact == Contact::overloaded) {
    verdict.code = Ocf::ok;
    verdict.reason = fmt::format("the server has no connection left for its monitor: {}", facts.silence);
  } else {
    verdict.reason = fmt::format("the server refuses the account of parameter 'user': {}", facts.silence);
  }
  return verdict;
}

bool replicates(const Facts& facts) {
  return facts.channel && (facts.channel->io != IoThread::stopped || facts.channel->sql_running);
}

Verdict judge_primary(const Facts& facts, const Settings& settings) {
  Verdict verdict{
      .condition = Condition::primary, .readers = ReaderWish::read, .writable = true, .score = score(score_primary)};
  if (facts.waits_for_space) {
    verdict.condition = Condition::no_space;
    verdict.code = settings.fault_code;
    verdict.reason = "the server waits for space on its disk: no commit ends before there is some";
  }
  return verdict;
}

/// Its replication stands still, and whom it followed takes writes too.
Verdict judge_second_writer(const Channel& channel, const Settings& settings) {
  return {
      .condition = Condition::writable_replica,
      .reason = fmt::format("it is not read-only, its replication from {} stands still, and {} takes writes too: SET "
                            "GLOBAL read_only=ON and START SLAVE, or end its replication (RESET SLAVE ALL) if it is "
                            "to be the primary",
                            channel.host, channel.host),
      .code = settings.fault_code,
      .readers = ReaderWish::leave,
      .writable = false,
      .score = score(score_never)};
}

/// The one with bounds for going and coming, and with a pause between them.
void judge_lag(std::optional<std::int64_t> lag, Memory& memory, const Settings& settings, std::int64_t now_ms) {
  if (!lag) return;
  const bool wanted = memory.late ? *lag > to_ms(settings.return_lag) : *lag > to_ms(settings.max_lag);
  if (wanted == memory.late) return;
  if (memory.late_changed_ms >= 0 && now_ms - memory.late_changed_ms < to_ms(settings.dwell)) return;
  memory.late = wanted;
  memory.late_changed_ms = now_ms;
}

/// What stands still and may be started, before anybody asked whether it is time.
Repair start_of(const Channel& channel) {
  const bool receives = channel.io != IoThread::stopped;
  if (receives && channel.sql_running) return Repair::none;
  if (receives) return Repair::start_applier;
  return channel.sql_running ? Repair::start_receiver : Repair::start_both;
}

Repair repair_of(const Channel& channel, ErrorClass receiver, ErrorClass applier, const Settings& settings) {
  if (channel.drain_interrupted) return channel.sql_running && !channel.all_read ? Repair::none : Repair::start_both;
  // What the applier met decides: a receiver that is started beside it mends nothing, and may delete what it received.
  switch (reaction_to(Thread::applier, applier)) {
    case Reaction::fetch_again:
      return settings.has_account && channel.by_gtid ? Repair::fetch_again : Repair::none;
    case Reaction::quarantine:
    case Reaction::reseed:
      return Repair::none;
    case Reaction::none:
    case Reaction::wait:
    case Reaction::account:
    case Reaction::start_again:
      break;
  }
  switch (reaction_to(Thread::receiver, receiver)) {
    case Reaction::account:
      if (settings.has_account && channel.by_gtid) return Repair::account;
      break;
    case Reaction::quarantine:
    case Reaction::reseed:
      return Repair::none;
    case Reaction::none:
    case Reaction::wait:
    case Reaction::start_again:
    case Reaction::fetch_again:
      break;
  }
  return start_of(channel);
}

/// It counts as tried when it is ordered: a repair that kills its agent must not be tried at each monitor.
bool may_repair(Memory& memory, const Settings& settings, std::int64_t now_ms, std::string& reason) {
  if (memory.next_try_ms > now_ms) return false;
  if (memory.window_ms < 0 || now_ms - memory.window_ms >= hour_ms) {
    memory.window_ms = now_ms;
    memory.repairs = 0;
  }
  if (memory.repairs >= settings.repair_limit) {
    if (!reason.empty()) reason += "; ";
    reason += fmt::format("{} repairs within an hour (repair_limit): a person has to look", memory.repairs);
    return false;
  }
  ++memory.repairs;
  const std::int64_t doublings = std::min<std::int64_t>(memory.tries, 9);
  memory.next_try_ms = now_ms + std::min(first_pause_ms << doublings, longest_pause_ms);
  ++memory.tries;
  return true;
}

std::string words_of(Thread thread, ErrorClass found, unsigned number, const std::string& text) {
  return fmt::format("{} stopped with error {} ({}): {}; {}",
                     thread == Thread::applier ? "the applier" : "the receiver", number, to_string(found), text,
                     advice(found));
}

/// The data is in doubt, or can never become current: no reader, no promotion, no repair.
std::optional<Verdict> judge_doubt(const Channel& channel, ErrorClass receiver, ErrorClass applier, const Facts& facts,
                                   const Memory& memory, const Settings& settings) {
  Verdict verdict{.condition = Condition::quarantined,
                  .code = settings.fault_code,
                  .readers = ReaderWish::leave,
                  .writable = false,
                  .score = score(score_never)};
  const std::string position = facts.on_mysql ? to_string(facts.applied_set) : mysql::to_string(facts.applied);
  if (!data_is_right(Thread::applier, applier)) {
    verdict.reason =
        fmt::format("after {}: {}", position, words_of(Thread::applier, applier, channel.sql_errno, channel.sql_error));
    return verdict;
  }
  if (!data_is_right(Thread::receiver, receiver)) {
    if (receiver == ErrorClass::purged) verdict.condition = Condition::outdated;
    verdict.reason = words_of(Thread::receiver, receiver, channel.io_errno, channel.io_error);
    return verdict;
  }
  if (!memory.errant.empty()) {
    verdict.reason = fmt::format("this database has transaction {}, which the primary {} never had; {}", memory.errant,
                                 channel.host, advice(ErrorClass::diverged));
    return verdict;
  }
  return std::nullopt;
}

/// The data is right; how old it is, and whether it gets any newer, decides.
Verdict judge_age(const Channel& channel, ErrorClass receiver, ErrorClass applier, const Facts& facts, Memory& memory,
                  const Settings& settings) {
  Verdict verdict{.condition = Condition::replicating, .readers = ReaderWish::read, .writable = false};
  verdict.score = score(memory.late ? score_late : score_replica);
  const std::string age = memory.lag_ms < 0 ? "an unknown time" : seconds(memory.lag_ms);
  if (!channel.sql_running) {
    verdict.condition = Condition::standing;
    verdict.score = score(score_late);
    if (applier != ErrorClass::none) verdict.code = settings.fault_code;
    verdict.reason = applier == ErrorClass::none
                         ? "the applier stands still"
                         : words_of(Thread::applier, applier, channel.sql_errno, channel.sql_error);
  } else if (channel.io != IoThread::running) {
    verdict.condition = Condition::disconnected;
    verdict.reason = receiver == ErrorClass::none
                         ? fmt::format("no connection to the primary {}", channel.host)
                         : fmt::format("no connection to the primary {}: error {} ({}): {}; {}", channel.host,
                                       channel.io_errno, to_string(receiver), channel.io_error, advice(receiver));
  } else if (memory.late) {
    verdict.condition = Condition::lagging;
    verdict.reason = fmt::format("{} behind the primary, max_slave_lag is {}", age, systole::to_text(settings.max_lag));
  } else if (settings.semi_sync_expected && facts.acknowledges == false) {
    verdict.score = score(score_late);
    verdict.reason =
        "it does not acknowledge what it receives: semi-synchronous replication is off here or on the "
        "primary";
  }
  if (memory.lag_ms < 0) {
    verdict.readers = ReaderWish::leave;  // it may be a day or a year
    verdict.score = score(score_late);
    if (verdict.reason.empty()) verdict.reason = "how far it is behind the primary is not known";
  } else if (memory.late) {
    verdict.readers = ReaderWish::late;
  }
  if (channel.delay_s > 0) {
    if (verdict.condition == Condition::replicating) verdict.condition = Condition::delayed;
    if (!settings.read_delayed) verdict.readers = ReaderWish::leave;
    if (!settings.promote_delayed) verdict.score = score(score_never);
  }
  if (facts.waits_for_space) {
    verdict.condition = Condition::no_space;
    verdict.code = settings.fault_code;
    verdict.reason = "the server waits for space on its disk; " + std::string(advice(ErrorClass::disk_full));
  }
  return verdict;
}

/// Two replicas with one server_id take the connection from each other, and the server calls that no error.
void note_flips(const Facts& facts, Memory& memory, std::int64_t now_ms) {
  const Channel& channel = *facts.channel;
  if (channel.io == IoThread::stopped || channel.io_errno != 0) return;
  const std::string now = channel.io == IoThread::running ? "running" : "connecting";
  if (memory.flipped_ms >= 0 && now_ms - memory.flipped_ms > calm_ms) memory.flips = 0;
  if (!memory.receiver.empty() && memory.receiver != now) {
    ++memory.flips;
    memory.flipped_ms = now_ms;
  }
  memory.receiver = now;
}

/// The one doubt that the server's own evidence may remove.
bool may_be_same(const Facts& facts, ErrorClass receiver, const Memory& memory, const Settings& settings) {
  const Channel& channel = *facts.channel;
  if (facts.on_mysql) return false;  // its relay log is not read by us
  constexpr unsigned duplicate = 1062, missing = 1032;
  if (channel.sql_running || (channel.sql_errno != duplicate && channel.sql_errno != missing)) return false;
  if (settings.repair == RepairMode::none || !settings.compare_rows || !channel.name.empty()) return false;
  // A start of the applier alone keeps what was received, as long as the receiver has not stopped too.
  return channel.by_gtid && channel.io != IoThread::stopped && data_is_right(Thread::receiver, receiver) &&
         memory.errant.empty();
}

void note_flow(const Channel& channel, Memory& memory, std::int64_t now_ms) {
  const bool flows = channel.io == IoThread::running && channel.sql_running;
  if (!flows) memory.flows_since_ms = -1;
  if (flows && memory.flows_since_ms < 0) memory.flows_since_ms = now_ms;
  if (flows && now_ms - memory.flows_since_ms >= calm_ms) memory.tries = 0;
}

/// Somebody may have stopped it on purpose and for a moment: for a backup, or because this server is just being
/// promoted. After `dwell` that was no moment.
bool is_left_standing(const Channel& channel, ErrorClass receiver, ErrorClass applier, Memory& memory,
                      const Settings& settings, std::int64_t now_ms) {
  const bool stands = channel.io == IoThread::stopped || !channel.sql_running;
  const bool has_reason = receiver != ErrorClass::none || applier != ErrorClass::none || channel.drain_interrupted;
  if (!stands || has_reason) {
    memory.stands_since_ms = -1;
    return stands;
  }
  if (memory.stands_since_ms < 0) memory.stands_since_ms = now_ms;
  return now_ms - memory.stands_since_ms >= to_ms(settings.dwell);
}

Verdict judge_replica(const Facts& facts, Memory& memory, const Settings& settings, bool partner_elsewhere,
                      std::int64_t now_ms) {
  const Channel& channel = *facts.channel;
  // An error that is over stays in the table until the next one.
  const ErrorClass receiver = channel.io == IoThread::running
                                  ? ErrorClass::none
                                  : classify(Thread::receiver, channel.io_errno, channel.io_error);
  const ErrorClass applier =
      channel.sql_running ? ErrorClass::none : classify(Thread::applier, channel.sql_errno, channel.sql_error);
  note_flow(channel, memory, now_ms);
  note_flips(facts, memory, now_ms);
  auto lag = lag_of(facts, memory, settings.heartbeat, now_ms);
  if (lag) memory.fresh_ms = std::max<std::int64_t>(0, now_ms - *lag);
  if (lag) lag = std::max<std::int64_t>(0, *lag - channel.delay_s * 1000);
  memory.lag_ms = lag.value_or(-1);
  judge_lag(lag, memory, settings, now_ms);

  if (auto doubt = judge_doubt(channel, receiver, applier, facts, memory, settings)) {
    if (may_be_same(facts, receiver, memory, settings) && may_repair(memory, settings, now_ms, doubt->reason))
      doubt->repair = Repair::same_rows;
    return *doubt;
  }
  Verdict verdict = judge_age(channel, receiver, applier, facts, memory, settings);
  if (memory.flips >= flips_told)
    verdict.reason += fmt::format(
        "{}the receiver loses its connection again and again without an error: perhaps another "
        "replica has the server_id {}",
        verdict.reason.empty() ? "" : "; ", facts.server_id);
  const bool left = is_left_standing(channel, receiver, applier, memory, settings, now_ms);
  if (settings.repair == RepairMode::none || !channel.name.empty()) return verdict;
  Repair wanted = repair_of(channel, receiver, applier, settings);
  if (wanted == start_of(channel) && !left) wanted = Repair::none;
  if (settings.repair == RepairMode::setup && partner_elsewhere) wanted = Repair::follow;
  if (wanted != Repair::none && may_repair(memory, settings, now_ms, verdict.reason)) verdict.repair = wanted;
  return verdict;
}

/// The server answers, and says that it is read-only.
Verdict judge_read_only(const Facts& facts, Memory& memory, const Settings& settings, bool partner_elsewhere,
                        std::int64_t now_ms) {
  if (!facts.status_known) {
    // A full disk of the relay log makes that one statement hang. What is here is as right as before, and gets older.
    const bool full = facts.waits_for_space;
    if (memory.fresh_ms >= 0) memory.lag_ms = now_ms - memory.fresh_ms;
    judge_lag(memory.lag_ms < 0 ? std::nullopt : std::optional(memory.lag_ms), memory, settings, now_ms);
    return {.condition = full ? Condition::no_space : Condition::hung,
            .reason = full ? "the server waits for space on its disk, and does not tell how it replicates"
                           : fmt::format("cannot read the replication status: {}", facts.silence),
            .code = settings.fault_code,
            .readers = memory.lag_ms < 0 ? ReaderWish::leave
                       : memory.late     ? ReaderWish::late
                                         : ReaderWish::as_it_was,
            .writable = false,
            .score = score(score_late)};
  }
  if (facts.channel) return judge_replica(facts, memory, settings, partner_elsewhere, now_ms);
  Verdict verdict{.condition = Condition::unconfigured,
                  .reason = "the server is read-only and replicates from nobody",
                  .code = settings.fault_code,
                  .readers = ReaderWish::leave,
                  .writable = false,
                  .score = score(score_unrelated)};
  if (settings.repair == RepairMode::setup && partner_elsewhere && may_repair(memory, settings, now_ms, verdict.reason))
    verdict.repair = Repair::follow;
  return verdict;
}

Verdict judge_answer(const Facts& facts, Memory& memory, const Settings& settings, bool partner_elsewhere,
                     std::int64_t now_ms) {
  if (settings.type == ClusterType::galera) {
    Verdict verdict{.condition = facts.synced ? Condition::primary : Condition::quarantined,
                    .readers = facts.synced ? ReaderWish::read : ReaderWish::leave,
                    .writable = facts.synced && !facts.read_only,
                    .score = facts.synced ? score(score_primary) : Score{}};
    if (facts.synced) return verdict;
    verdict.reason = "its group does not count this node as synced (wsrep_local_state is not 4, or wsrep_ready off)";
    verdict.code = settings.fault_code;
    return verdict;
  }
  if (!facts.read_only && !replicates(facts)) {
    memory.errant.clear();  // what a primary writes nobody else has had
    // Of two that take writes, the one that was the primary so far goes on as such.
    const bool is_new = memory.told_writable != "1";
    if (settings.type != ClusterType::replication || !facts.channel || !memory.other_writes || !is_new)
      return judge_primary(facts, settings);
    return judge_second_writer(*facts.channel, settings);
  }
  if (settings.type == ClusterType::read_only)
    return {.condition = facts.read_only ? Condition::replicating : Condition::primary,
            .readers = ReaderWish::read,
            .writable = !facts.read_only,
            .score = {.kind = Score::Kind::as_it_was}};
  if (facts.read_only) return judge_read_only(facts, memory, settings, partner_elsewhere, now_ms);
  // It replicates and takes writes of its own: whoever sends a writer there makes two different databases.
  Verdict verdict = judge_replica(facts, memory, settings, false, now_ms);
  if (verdict.condition == Condition::quarantined || verdict.condition == Condition::outdated) return verdict;
  verdict.condition = Condition::writable_replica;
  verdict.code = settings.fault_code;
  verdict.reason = fmt::format(
      "it replicates from {} and is not read-only: SET GLOBAL read_only=ON, or end its "
      "replication (STOP SLAVE; RESET SLAVE ALL) if it is to be the primary{}{}",
      facts.channel->host, verdict.reason.empty() ? "" : "; ", verdict.reason);
  return verdict;
}

}  // namespace

std::optional<std::int64_t> lag_of(const Facts& facts, const Memory& memory, bool heartbeat, std::int64_t now_ms) {
  const Channel& channel = *facts.channel;
  const bool flows = channel.io == IoThread::running && channel.sql_running;
  const auto holds = [&](const Peer& peer) {
    if (facts.on_mysql) return !peer.executed.empty() && facts.applied_set.contains(peer.executed);
    return mysql::contains(mysql::merged(channel.received, facts.applied), peer.position);
  };
  const bool has_all = flows && facts.peer && channel.all_applied && holds(*facts.peer);
  if (heartbeat && facts.beat_us) {
    const std::int64_t age = (facts.wall_us + memory.offset_us - *facts.beat_us) / 1000;
    // A row that is old though we have all that the primary has: it is not written.
    return has_all ? 0 : std::max<std::int64_t>(0, age);
  }
  if (flows && channel.behind_s) return std::max<std::int64_t>(0, *channel.behind_s) * 1000;
  if (has_all) return 0;
  if (memory.fresh_ms >= 0) return std::max<std::int64_t>(0, now_ms - memory.fresh_ms);
  return std::nullopt;
}

Judgement judge(const Facts& facts, Memory memory, const Settings& settings, bool partner_elsewhere,
                std::int64_t now_ms) {
  const bool blind = facts.contact == Contact::overloaded || facts.contact == Contact::refused;
  if (!blind) memory.blind_since_ms = -1;
  if (facts.peer) {
    memory.offset_us = facts.peer->offset_us;
    memory.round_trip_us = facts.peer->round_trip_us;
    memory.errant = facts.peer->errant;
    memory.other_writes = facts.peer->writable;
  }
  // What we know of the primary of another time says nothing of this one.
  if (facts.contact == Contact::answers && facts.status_known && !facts.channel) memory.errant.clear();
  Verdict verdict = facts.contact == Contact::answers ? judge_answer(facts, memory, settings, partner_elsewhere, now_ms)
                                                      : judge_silence(facts, memory, settings, now_ms);
  memory.condition = to_string(verdict.condition);
  memory.reason = verdict.reason;
  if (verdict.condition == Condition::primary) memory.lag_ms = -1;
  return {.verdict = std::move(verdict), .memory = std::move(memory)};
}

std::string_view to_string(Condition condition) {
  switch (condition) {
    case Condition::primary:
      return "primary";
    case Condition::replicating:
      return "replicating";
    case Condition::lagging:
      return "lagging";
    case Condition::delayed:
      return "delayed";
    case Condition::disconnected:
      return "disconnected";
    case Condition::standing:
      return "standing";
    case Condition::quarantined:
      return "quarantined";
    case Condition::outdated:
      return "outdated";
    case Condition::unconfigured:
      return "unconfigured";
    case Condition::writable_replica:
      return "writable replica";
    case Condition::no_space:
      return "no space";
    case Condition::hung:
      return "hung";
    case Condition::down:
      return "down";
    case Condition::blind:
      return "blind";
  }
  return "";
}

std::string_view to_string(Repair repair) {
  switch (repair) {
    case Repair::none:
      return "none";
    case Repair::start_receiver:
      return "start the receiver";
    case Repair::start_applier:
      return "start the applier";
    case Repair::start_both:
      return "apply what was received, then start both threads";
    case Repair::account:
      return "follow with the account of replication_user";
    case Repair::fetch_again:
      return "fetch what the relay log held from the primary again";
    case Repair::same_rows:
      return "look whether the rows in question are the same";
    case Repair::follow:
      return "follow the partner";
  }
  return "";
}

}  // namespace systole::mysql_replication
