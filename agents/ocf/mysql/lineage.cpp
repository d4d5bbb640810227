// SPDX-License-Identifier: GPL-2.0-or-later
// See lineage.hpp. Order within each function is order of danger: what could acknowledge too much comes first.
#include "agents/ocf/mysql/lineage.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr Duration complaint_every = 60s;

}  // namespace

std::string_view to_string(LineageState state) {
  switch (state) {
    case LineageState::replica:
      return "replica";
    case LineageState::in_sync:
      return "in sync";
    case LineageState::solo:
      return "solo";
    case LineageState::joining:
      return "joining";
    case LineageState::sync:
      return "sync";
    case LineageState::stalled:
      return "stalled";
    case LineageState::outdated:
      return "outdated";
  }
  return "";
}

Lineage::Lineage(LineageRules rules, Record own, Time begin)
    : rules_(std::move(rules)),
      own_(std::move(own)),
      next_read_(begin),
      since_(begin),
      next_attempt_(begin),
      next_ending_(begin),
      back_off_(rules_.back_off_first),
      next_complaint_(begin) {
  right_left_at_ = begin;  // a helper before this one may have invited somebody
}

std::vector<LineageEffect> Lineage::step(Time now, const LineageEvent& event) {
  Effects out;
  std::visit([&](const auto& each) { on(now, each, out); }, event);
  decide(now, out);
  if (std::holds_alternative<SeenServer>(event)) read(now, out);
  publish(out);
  note_state(now);
  return out;
}

const Record& Lineage::record() const {
  return cluster_.shared ? newer(*cluster_.shared, own_) : own_;
}

LineageState Lineage::state() const {
  const Record& now = record();
  if (!leads()) return now.in_sync == rules_.self ? LineageState::in_sync : LineageState::replica;
  if (now.exists() && now.primary != rules_.self) return LineageState::outdated;
  if (now.in_sync.empty()) return joining_ == Joining::no ? LineageState::solo : LineageState::joining;
  return stalled_since_ ? LineageState::stalled : LineageState::sync;
}

Standing Lineage::standing() const {
  Standing standing{.self = rules_.self,
                    .durability = rules_.durability,
                    .shared = cluster_.shared,
                    .own = own_,
                    .majority = cluster_.majority,
                    .wanted = rules_.instances};
  standing.other = what_is_known_of(other_node(standing));
  standing.operator_word = operator_word_ && *operator_word_ == record();
  for (const auto& [node, notice] : cluster_.notices)
    if (notice.kind != Notice::Kind::down && is_member(node)) standing.present += 1;
  return standing;
}

OtherNode Lineage::what_is_known_of(const std::string& node) const {
  const Notice* const told = notice_of(node);
  return {.member = is_member(node),
          .agrees = told != nullptr && agrees_with(*told, record()),
          .fenced = has(cluster_.fenced, node),
          .seen = has(cluster_.seen, node)};
}

// ---- Events ---------------------------------------------------------------------------------------------------------

void Lineage::on(Time now, const SeenServer& seen, Effects& out) {
  if (seen.answers && seen.source_on != server_.source_on) alone_before_.reset();
  if (seen.answers && !seen.acknowledges && server_.acknowledges) without_right_at_ = now;
  server_ = seen;
  confirm_due_ = true;
  if (seen.answers || !seen.alive) note_role(now, seen.alive && seen.writable);
  watch_for_lone_commits(out);
  const bool flows = seen.alive && seen.answers && seen.streams && !seen.applier_failed;
  if (flows) broken_since_.reset();
  if (!flows && !broken_since_) broken_since_ = now;
}

void Lineage::on(Time now, const SeenCluster& seen, Effects& out) {
  cluster_ = seen;
  own_ = newer(own_, seen.own);
  read_at_ = now;
  next_read_ = now + rules_.read_every;
  reading_ = false;
  note_release();
  agree_on_record(out);
  const Notice* const ours = notice_of(rules_.self);
  if (published_ && (ours == nullptr || *ours != *published_)) published_.reset();  // the cluster has forgotten it
}

void Lineage::on(Time now, const WriteEnded& ended, Effects& out) {
  if (!writing_ || writing_->wanted != ended.wanted) return;
  writing_.reset();
  next_read_ = now;                                             // done or not: what stands there now?
  if (ended.outcome != Outcome::done) return read_at_.reset();  // until we know, nothing is written on the old ground
  cluster_.shared = ended.wanted;
  if (ended.wanted.in_sync.empty()) left_at_ = now;
  note_release();
  if (leaving_.empty()) own_ = newer(own_, ended.wanted);
  out.push_back(Say{.text = fmt::format("the record says now: {}", to_string(ended.wanted))});
}

void Lineage::on(Time now, const BarrierEnded& ended, Effects& out) {
  if (joining_ != Joining::barrier) return;
  if (!ended.acknowledged) return give_up_joining(now, "it does not acknowledge", out);
  joining_ = Joining::confirm;
  confirming_ = confirm_due_ = false;
  barrier_at_ = now;
}

void Lineage::on(Time now, const Confirmed& confirmed, Effects& out) {
  if (joining_ != Joining::confirm) return;
  confirming_ = false;
  if (!confirmed.so) {
    if (now - barrier_at_ >= rules_.join_lag) give_up_joining(now, "it does not apply in time what it receives", out);
    return;  // else it is asked again
  }
  joining_ = Joining::no;
  back_off_ = rules_.back_off_first;
  const Record& before = record();
  if (before.primary != rules_.self || !before.in_sync.empty()) return;  // changed meanwhile
  write(with_in_sync(before, invited_), true, out);
}

void Lineage::on(Time now, const OperatorWord& word, Effects&) {
  operator_word_ = word.record;
  next_read_ = now;
}

// ---- What follows ---------------------------------------------------------------------------------------------------

void Lineage::decide(Time now, Effects& out) {
  if (leads()) {
    broken_since_.reset();
    if (server_.answers) lead(now, out);
  } else {
    joining_ = Joining::no;
    invited_.clear();
    stalled_since_.reset();
    follow(now, out);
  }
}

void Lineage::lead(Time now, Effects& out) {
  if (!read_at_ || *read_at_ < *led_since_) {
    next_read_ = now;  // whoever made it writable has written a record just before
    return;
  }
  const Record& now_true = record();
  if (now_true.exists() && now_true.primary != rules_.self) {
    // Not made read-only, which a waiting commit would hold up, nor ended politely, which would acknowledge it.
    out.push_back(KillServer{fmt::format("{} was promoted ({}): this server must not acknowledge anything any more",
                                         now_true.primary, to_string(now_true))});
    return;
  }
  if (!now_true.exists()) {
    // It was promoted before records were kept. In the cluster there is none either, or we wait for its word.
    if (cluster_.shared) write(after_promotion_of(rules_.self, Record{}), false, out);
    return;
  }
  if (now_true.in_sync.empty()) return lead_alone(now, out);
  lead_in_sync(now, out);
}

void Lineage::lead_alone(Time now, Effects& out) {
  stalled_since_.reset();
  if (joining_ == Joining::confirm && !writing_) return confirm(now, out);
  if (joining_ != Joining::no || writing_) return;
  if (!go_alone(now, out)) return;
  if (!invite(now, out)) return;
  // Exactly one may acknowledge: an acknowledgement does not say whose it is.
  if (now < next_attempt_ || server_.clients != 1) return;
  // The one that was invited before may not have heard yet.
  if (rules_.instances > 2 && now < right_left_at_ + 2 * rules_.right_valid) return;
  set_source(true, out);
  joining_ = Joining::barrier;
  out.push_back(CommitBarrier{});
}

/// The record names no replica any more. Where no majority has stored it, that may have taken long: whoever was out
/// when it was given up may have come back meanwhile, have acknowledged, and be gone again with the older record.
bool Lineage::go_alone(Time now, Effects& out) {
  if (!leaving_.empty() && server_.source_on && !is_out(leaving_)) {
    next_read_ = std::min(next_read_, now);
    return false;
  }
  if (!leaving_.empty()) {
    leaving_.clear();
    own_ = newer(own_, record());
    out.push_back(KeepOwn{own_});  // not before: a helper that begins anew must know that this is to be asked
  }
  if (server_.source_on) set_source(false, out);
  return true;
}

bool Lineage::is_out(const std::string& node) const {
  if (cluster_.majority) return true;
  if (reading_ || asked_at_ < left_at_) return false;
  const Notice* const told = notice_of(node);
  if (told != nullptr && is_member(node) &&
      std::tie(told->epoch, told->sequence) >= std::tie(record().epoch, record().sequence))
    return true;  // it goes by this record itself
  Record before = record();
  before.in_sync = node;
  const bool word = operator_word_ && operator_word_->epoch == before.epoch && operator_word_->in_sync == node;
  return may_release({.self = rules_.self,
                      .durability = rules_.durability,
                      .shared = before,
                      .own = before,
                      .other = what_is_known_of(node),
                      .operator_word = word}) != Evidence::none;
}

/// The cluster's record has lost the replica that ours still names.
void Lineage::note_release() {
  const auto& shared = cluster_.shared;
  const bool left = shared && own_.primary == rules_.self && !own_.in_sync.empty() && shared->epoch == own_.epoch &&
                    shared->primary == rules_.self && shared->in_sync.empty() && is_newer(*shared, own_);
  if (left) leaving_ = own_.in_sync;
}

/// Of several replicas the one that was given up would be counted beside the invited one. Nobody waits for any of them.
bool Lineage::invite(Time now, Effects& out) {
  const std::string chosen = candidate();
  const bool another = chosen != invited_;
  if (another) right_left_at_ = now;
  invited_ = chosen;
  if (invited_.empty()) return false;
  const bool too_many = server_.clients > (another ? 0U : 1U);
  if (rules_.instances < 3 || !too_many || now < next_ending_) return true;
  next_ending_ = now + 2 * rules_.right_valid;
  out.push_back(EndStreams{});
  return false;
}

/// The invited replica acknowledges already, so nobody is kept waiting while it applies what it has.
void Lineage::confirm(Time now, Effects& out) {
  if (server_.clients != 1 || server_.longest_wait >= rules_.ack_timeout)
    return give_up_joining(now, "it acknowledges nothing any more", out);
  if (confirming_ || !confirm_due_) return;
  confirming_ = true;
  confirm_due_ = false;
  out.push_back(Confirm{invited_});
}

void Lineage::lead_in_sync(Time now, Effects& out) {
  invited_ = record().in_sync;
  joining_ = Joining::no;
  if (!server_.source_on) set_source(true, out);
  const bool stalled = server_.clients == 0 || server_.longest_wait >= rules_.ack_timeout;
  if (!stalled) return stalled_since_.reset();
  if (!stalled_since_) {
    stalled_since_ = now;
    next_complaint_ = now + complaint_every;
    next_read_ = now;
  }
  if (server_.longest_wait < rules_.ack_timeout && now - *stalled_since_ < rules_.ack_timeout) return;
  release(now, out);
}

void Lineage::release(Time now, Effects& out) {
  const bool fresh = read_at_ && *read_at_ >= *stalled_since_;
  if (!fresh || writing_) return;
  const Evidence by = may_release(standing());
  if (by == Evidence::none) return complain(now, out);
  out.push_back(Say{.level = Say::Level::warning,
                    .text = fmt::format("the in-sync replica {} acknowledges nothing any more; going on without it: {}",
                                        record().in_sync, to_string(by))});
  next_attempt_ = now + back_off_;
  back_off_ = std::min(back_off_ * 2, rules_.back_off_last);
  write(with_in_sync(record(), ""), false, out);
}

void Lineage::complain(Time now, Effects& out) {
  if (now < next_complaint_) return;
  next_complaint_ = now + complaint_every;
  out.push_back(
      Say{.level = Say::Level::error,
          .text = fmt::format("writers wait: the in-sync replica {} does not acknowledge, and nothing proves that it "
                              "is out. Repair or switch it on, fence it, or 'systole mysql force' here if it is gone "
                              "for good. A restart of this server cures nothing",
                              record().in_sync)});
}

/// KILL QUERY of a session that waits lets its commit be acknowledged though no replica has it.
void Lineage::watch_for_lone_commits(Effects& out) {
  const bool counts = server_.answers && leads() && server_.source_on && !record().in_sync.empty();
  if (!counts) return alone_before_.reset();
  if (alone_before_ && server_.alone > *alone_before_)
    out.push_back(Say{.level = Say::Level::error,
                      .text = fmt::format("{} commits were acknowledged that no replica has: somebody killed the "
                                          "query of a waiting session, or switched semi-sync off",
                                          server_.alone - *alone_before_)});
  alone_before_ = server_.alone;
}

void Lineage::follow(Time now, Effects& out) {
  const Record& now_true = record();
  // Our own copy alone may be old, and whoever acknowledges though another is in sync lets writes get lost.
  // The right to acknowledge is of this connection: a replica that was cut off does not know whose it is afterwards.
  if (server_.answers && server_.will_acknowledge && (server_.acknowledges || !cluster_.shared))
    out.push_back(BindRight{});
  if (!now_true.exists() || now_true.primary == rules_.self || !cluster_.shared || !read_at_) return;
  const bool in_sync = now_true.in_sync == rules_.self;
  if (rules_.flushes && server_.answers && server_.flushes != in_sync) out.push_back(Flush{in_sync});
  const Notice* const primary = notice_of(now_true.primary);
  if (in_sync) return hold_place(now, primary, out);
  const bool wanted = primary != nullptr && primary->kind == Notice::Kind::primary &&
                      primary->epoch == now_true.epoch && primary->invites == rules_.self;
  acknowledge(now, wanted, out);
}

/// It begins to by what the cluster has said since it last did not.
void Lineage::acknowledge(Time now, bool wanted, Effects& out) {
  if (!server_.alive || !server_.answers || server_.acknowledges == wanted) return;
  if (!wanted) return out.push_back(Acknowledge{.on = false});
  // Of two instances nobody else can have been invited meanwhile; a slow machine needs its time to ask.
  const Time until = asked_at_ + (rules_.instances > 2 ? 1 : 10) * rules_.right_valid;
  if (!reading_ && asked_at_ > without_right_at_ && now <= until)
    return out.push_back(Acknowledge{.on = true, .until = until});
  next_read_ = std::min(next_read_, now);
}

void Lineage::hold_place(Time now, const Notice* primary, Effects& out) {
  if (server_.streams) acknowledge(now, true, out);
  const bool primary_lives =
      primary != nullptr && primary->kind == Notice::Kind::primary && is_member(record().primary);
  if (!primary_lives || !broken_since_) return restarted_at_.reset();
  // Whoever follows a primary that is gone is the one to be promoted, and keeps its place.
  if (!server_.alive) return give_up_place("its server has ended", out);
  if (server_.applier_failed) return give_up_place("its applier stopped with an error", out);
  const bool asked = primary->stalled && primary->epoch == record().epoch && primary->sequence == record().sequence;
  if (!asked || now - *broken_since_ < rules_.ack_timeout) return;
  if (!restarted_at_) {
    restarted_at_ = now;
    if (!server_.answers) return;
    out.push_back(Say{.text = "the primary waits for us: the receiver begins anew"});
    return out.push_back(Acknowledge{.on = true});
  }
  if (now - *restarted_at_ >= rules_.ack_timeout) give_up_place("it receives nothing", out);
}

void Lineage::give_up_place(std::string_view why, Effects& out) {
  if (writing_ || !cluster_.shared || !read_at_) return;
  out.push_back(
      Say{.level = Say::Level::warning, .text = fmt::format("this replica gives up its place in sync: {}", why)});
  write(with_in_sync(record(), ""), true, out);
}

void Lineage::give_up_joining(Time now, std::string_view why, Effects& out) {
  joining_ = Joining::no;
  next_attempt_ = now + back_off_;
  out.push_back(Say{.level = Say::Level::warning,
                    .text = fmt::format("{} is not brought in sync: {}; next attempt in {} s", invited_, why,
                                        to_ms(back_off_) / 1000)});
  back_off_ = std::min(back_off_ * 2, rules_.back_off_last);
}

// ---- Small acts -----------------------------------------------------------------------------------------------------

void Lineage::set_source(bool on, Effects& out) {
  server_.source_on = on;
  alone_before_.reset();
  if (on) return out.push_back(SetSource{.on = true});
  published_ = notice();
  out.push_back(SetSource{.on = false, .first = published_});
}

void Lineage::write(const Record& wanted, bool own_first, Effects& out) {
  if (writing_ || !cluster_.shared || !read_at_) return;
  writing_ = WriteRecord{.from = *cluster_.shared, .wanted = wanted, .own_first = own_first};
  if (own_first) own_ = newer(own_, wanted);  // from now on it counts as written, whatever becomes of the rest
  out.push_back(*writing_);
}

void Lineage::agree_on_record(Effects& out) {
  if (!cluster_.shared || *cluster_.shared == own_) return;
  // Only a promotion that has come to its end writes such a one on our disk, see other_node().
  const bool promotes_us = cluster_.shared->primary == rules_.self && cluster_.shared->epoch > own_.epoch;
  if (promotes_us && (own_.exists() || !leads())) return;
  if (!leaving_.empty() && is_newer(*cluster_.shared, own_)) return;  // see go_alone()
  // The next start removes what nobody acknowledged, because this copy says that we were the primary.
  if (tail_undecided_ && cluster_.shared->primary != rules_.self && is_newer(*cluster_.shared, own_)) return;
  if (is_newer(*cluster_.shared, own_)) {
    own_ = *cluster_.shared;
    out.push_back(KeepOwn{own_});
  } else {
    write(own_, true, out);  // ours is the true one: a write of which we never heard, or an older CIB was brought back
  }
}

/// Asked for at looks only, and counted from the answer: reading may take longer than its interval.
void Lineage::read(Time now, Effects& out) {
  const bool urgent = stalled_since_ || (broken_since_ && record().in_sync == rules_.self);
  if (urgent && read_at_) next_read_ = std::min(next_read_, *read_at_ + rules_.read_stalled);
  if (reading_ || writing_ || now < next_read_) return;
  reading_ = true;
  asked_at_ = now;
  out.push_back(ReadCluster{});
}

/// Doubled steps, and back only at half of the bound: each change is a message to all nodes.
unsigned Lineage::behind_in_steps() const {
  const Duration bound = rules_.apply_lag_max;
  const bool was = published_ && published_->behind_s > 0;
  if (bound <= 0ns || server_.behind <= (was ? bound / 2 : bound)) return 0;
  Duration step = bound;
  while (step * 2 <= server_.behind) step *= 2;
  return static_cast<unsigned>(std::max<std::int64_t>(1, to_ms(step) / 1000));
}

Notice Lineage::notice() const {
  const Record& now_true = record();
  Notice notice{.epoch = now_true.epoch, .sequence = now_true.sequence};
  if (!server_.alive) return notice;
  notice.kind = leads() ? Notice::Kind::primary : Notice::Kind::replica;
  notice.streams = !leads() && server_.answers && server_.streams && !server_.applier_failed;
  notice.behind_s = leads() ? 0 : behind_in_steps();
  notice.stalled = leads() && stalled_since_.has_value();
  notice.invites = leads() ? invited_ : std::string{};
  notice.wants_copy = !leads() && server_.wants_copy;
  return notice;
}

void Lineage::publish(Effects& out) {
  const Notice wanted = notice();
  if (published_ && *published_ == wanted) return;
  published_ = wanted;
  out.push_back(Publish{wanted});
}

void Lineage::note_role(Time now, bool writable) {
  tail_undecided_ = writable || (tail_undecided_ && !server_.answers);
  if (writable == leads()) return;
  led_since_ = writable ? std::optional(now) : std::nullopt;
}

void Lineage::note_state(Time now) {
  if (state() == last_state_) return;
  last_state_ = state();
  since_ = now;
}

const Notice* Lineage::notice_of(const std::string& node) const {
  const auto found = cluster_.notices.find(node);
  return found == cluster_.notices.end() ? nullptr : &found->second;
}

bool Lineage::is_member(const std::string& node) const {
  return has(cluster_.members, node);
}

/// The replica that we had invited, as long as it streams, else the first by name.
std::string Lineage::candidate() const {
  std::string first;
  for (const auto& [node, notice] : cluster_.notices) {
    const bool fit = notice.kind == Notice::Kind::replica && notice.streams && notice.behind_s == 0 &&
                     notice.epoch == record().epoch && node != rules_.self && is_member(node);
    if (!fit) continue;
    if (node == invited_) return node;
    if (first.empty()) first = node;
  }
  return first;
}

}  // namespace systole::mysql
