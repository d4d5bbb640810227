// SPDX-License-Identifier: GPL-2.0-or-later
// How the simulated cluster runs: whose turn it is, what its outputs do, what the judge is told.
#include "tests/sim/world.hpp"
#include "common/base/overloaded.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace systole::sim {

namespace {

constexpr std::size_t overheard_max = 400;  // packets that the eavesdropper keeps
constexpr int wakes_in_a_row_max = 500;

}  // namespace

std::string kind_of(const std::string& line) {
  std::string kind;
  for (const char c : line)
    if ((c < '0' || c > '9') && c != '.') kind += c;
  return kind.substr(0, 80);
}

std::string Plan::text() const {
  const char* const name = mode == membership::Mode::none   ? "none"
                           : mode == membership::Mode::ping ? "ping"
                                                            : "majority";
  std::string rest;
  if (watchdog != WatchdogKind::none)
    rest = fmt::format(", {} watchdog {}", watchdog == WatchdogKind::soft ? "soft" : "hardware",
                       to_text(watchdog_timeout));
  if (changes_nodes) rest += ", a node comes and one goes";
  return fmt::format("seed {}: {} nodes{}, {} link{}, mode {}, keepalive {}, deadtime {}, lease {}{}", seed, nodes,
                     witness ? fmt::format(" (node {} is a witness)", witness->value) : "", links,
                     links == 1 ? "" : "s", name, to_text(keepalive), to_text(deadtime), to_text(lease), rest);
}

void draw_rest(Plan& plan) {
  Dice dice(plan.seed ^ 0x7a11'da7eULL);
  if (const auto kind = dice.below(3); kind > 0) {
    plan.watchdog = kind == 1 ? WatchdogKind::soft : WatchdogKind::hardware;
    plan.watchdog_timeout = plan.deadtime < 500ms ? 300ms : 1s;
    // Mode none waits for nobody's watchdog.
    if (plan.mode != membership::Mode::none) plan.takeover_delay += plan.watchdog_timeout;
    if (plan.mode != membership::Mode::none) plan.lease += plan.watchdog_timeout * 98 / 100 - plan.watchdog_timeout;
  }
  plan.changes_nodes = plan.mode == membership::Mode::majority && dice.chance(1, 4);
}

Plan draw_plan(std::uint64_t seed, std::optional<std::size_t> nodes, std::optional<membership::Mode> mode) {
  Dice dice(seed ^ 0x5197'01e5ULL);
  static constexpr std::size_t sizes[] = {2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5, 7};
  Plan plan;
  plan.seed = seed;
  plan.nodes = sizes[dice.below(std::size(sizes))];
  if (mode && *mode != membership::Mode::majority) plan.nodes = 2;
  plan.nodes = nodes.value_or(plan.nodes);
  if (plan.nodes == 2 && dice.chance(2, 3))
    plan.mode = dice.chance(1, 2) ? membership::Mode::none : membership::Mode::ping;
  plan.mode = mode.value_or(plan.mode);
  if (plan.nodes == 3 && dice.chance(1, 2)) plan.witness = NodeId{static_cast<std::uint32_t>(1 + dice.below(3))};
  plan.links = dice.chance(1, 3) ? 2 : 1;
  if (dice.chance(1, 3)) {
    plan.keepalive = 40ms;
    plan.deadtime = 200ms;
  }
  plan.initdead = plan.deadtime * 4;
  // Either the lease takes what the inequality leaves, or it is given and takeover_delay makes room for it.
  if (dice.chance(1, 4)) plan.takeover_delay = plan.deadtime / 4;
  plan.lease = plan.lost_after() * 98 / 100 - guard - ladder;
  if (plan.mode == membership::Mode::ping) plan.lease -= plan.keepalive;
  return plan;
}

World::World(Plan plan, Factory factory, std::function<void(const std::string&)> trace)
    : plan_(plan),
      factory_(std::move(factory)),
      trace_(std::move(trace)),
      dice_(plan.seed),
      judge_(plan.mode),
      nodes_(plan.nodes + (plan.changes_nodes ? 1 : 0)) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].id = NodeId{static_cast<std::uint32_t>(i + 1)};
    nodes_[i].in_service = i < plan.nodes;
    if (i < plan.nodes) target_.insert(nodes_[i].id);
  }
  for (Node& node : nodes_) node.listed = target_;
}

void World::tell(const std::string& line) {
  if (trace_) trace_(fmt::format("[{:9.4f}] {}", std::chrono::duration<double>(now_.time_since_epoch()).count(), line));
}

// ---- the course of things

void World::run_until(Time end) {
  while (!judge_.verdict()) {
    Node* first = nullptr;
    for (Node& node : nodes_)
      if (node.machine && !node.paused && (first == nullptr || node.wake < first->wake)) first = &node;
    const Time wake = first != nullptr ? first->wake : never;
    const Time happening = happenings_.empty() ? never : happenings_.top().at;
    const Time next = std::min(wake, happening);
    if (next > end) break;
    now_ = std::max(now_, next);
    if (wake < happening) {
      if (++first->wakes_in_a_row > wakes_in_a_row_max)
        judge_.broken(fmt::format("node {} asks to be woken again and again without doing anything", first->id.value));
      step(*first, membership::Tick{});
    } else {
      const auto what = std::move(const_cast<Happening&>(happenings_.top()).what);  // popped at once: its order stands
      happenings_.pop();
      what();
    }
  }
  if (!judge_.verdict()) now_ = end;
}

Report World::run() {
  tell(plan_.text());
  for (Node& node : nodes_) {
    node.store_time = some(50us, 8ms);
    at(now_ + some({}, plan_.deadtime), [this, &node] { start(node); });
  }
  const Time calm = now_ + plan_.deadtime * 18;
  at(now_ + plan_.deadtime * 3, [this, calm] { storm(calm); });
  client_writes();
  if (plan_.changes_nodes) {
    next_stage_ = now_ + some(plan_.deadtime * 3, plan_.deadtime * 10);
    administer();
  }
  if (plan_.mode == membership::Mode::ping)
    for (Node& node : nodes_) ping(node);
  run_until(calm);
  settle_down();
  report_.verdict = judge_.verdict();
  report_.at = now_;
  report_.writes = next_write_ - 1;
  report_.acknowledged = judge_.acknowledged_writes();
  for (const Node& node : nodes_) {
    if (!node.machine) continue;
    const membership::Counters& counters = node.machine->membership().counters();
    report_.rare["packet of an old session"] += counters.old_session;
    report_.rare["replayed packet"] += counters.replayed;
  }
  return report_;
}

/// A leader that was deserted leads on until its lease ends, and is followed again only after a while: a fault that had
/// passed may still cost it its term.
bool World::is_confirmed(const Node& leader) const {
  const Time confirmed = leader.machine->membership().confirmed_at();
  return confirmed == never || local(leader) - confirmed <= 3 * plan_.keepalive;
}

bool World::settled() const {
  const Node* leader = nullptr;
  for (const Node& node : nodes_)
    if (node.machine && node.machine->membership().leads()) leader = &node;
  if (leader == nullptr || !leader->machine->settled() || !is_confirmed(*leader)) return false;
  if (!resources_in_place() || !administered()) return false;
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    if (!node.in_service) return true;
    if (!node.machine || !node.stores.empty()) return false;
    const membership::Membership& members = node.machine->membership();
    return members.term() == leader->machine->membership().term() && members.up() == target_ && members.quorate() &&
           node.machine->replica().head() == leader->machine->replica().head() &&
           node.disk.document == leader->disk.document && node.machine->at_odds_with(*leader->machine).empty();
  });
}

/// For the reader of a verdict: what is not as it should be in the end.
std::string World::why_not_settled() const {
  if (!resources_in_place()) return where_resources_are();
  if (!administered()) return "the list of nodes is not what it should be";
  for (const Node& leader : nodes_) {
    if (!leader.machine || !leader.machine->membership().leads()) continue;
    for (const Node& node : nodes_) {
      const std::string difference = node.machine ? node.machine->at_odds_with(*leader.machine) : "";
      if (!difference.empty()) return difference;
    }
    if (!is_confirmed(leader)) return "its leader is not confirmed by a majority";
    return leader.machine->settled() ? "all resources are in place" : "its leader has not done yet";
  }
  return "nobody leads";
}

/// The faults end. Within a bound there is one leader, everybody agrees, a write goes through and nothing is lost.
void World::settle_down() {
  if (judge_.verdict()) return;
  tell("--- the faults end");
  storming_ = false;
  network_.heal();
  for (Node& node : nodes_) {
    node.store_time = some(50us, 8ms);
    node.full_until = {};
    if (!node.machine) start(node);
    node.target_cut = false;
    thaw(node);
    if (node.paused) resume(node);
  }
  const Time calm = now_;
  const Time bound = calm + plan_.deadtime * 8 + plan_.extra_time;
  while (!judge_.verdict() && !settled() && now_ < bound) run_until(now_ + plan_.keepalive / 4);
  report_.settled_after = now_ - calm;
  if (judge_.verdict()) return;
  if (!settled())
    return judge_.broken(fmt::format("{} after the faults ended the cluster has not settled: {}", to_text(now_ - calm),
                                     why_not_settled()));
  tell("--- settled");
  const std::uint64_t last = next_write_++;
  client_write(last);
  // A disk may still be at what it began in the storm.
  const Time patience = now_ + plan_.extra_time / 2;
  while (!judge_.verdict() && !judge_.was_acknowledged(last) && now_ < patience) run_until(now_ + plan_.keepalive);
  run_until(now_ + plan_.deadtime + plan_.extra_time / 10);
  if (judge_.verdict()) return;
  if (!judge_.was_acknowledged(last)) judge_.broken("a write to the settled cluster was not acknowledged in time");
  if (!settled()) judge_.broken("the cluster settled and then did not stay so: " + why_not_settled());
  if (judge_.verdict()) return;
  for (const Node& node : nodes_)
    if (node.in_service) judge_.finally(node.id, writes_of(node));
}

// ---- nodes

void World::step(Node& node, const Input& input) {
  if (!node.machine || judge_.verdict()) return;
  ++report_.steps;
  const std::uint64_t known = node.machine->membership().term().number;
  const Time its_time = local(node);
  const auto wall = std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count();
  auto outputs = node.machine->step(Now{its_time, 1'000'000 + wall + node.wall_step_s}, input);
  if (!outputs.empty()) node.wakes_in_a_row = 0;
  for (Output& output : outputs) carry_out(node, output, known);
  const Time wake = node.machine->next_deadline();
  // A nanosecond later than computed: rounding must not wake it before its time.
  node.wake = wake == never ? never : wake <= its_time ? now_ : std::max(now_, world(node, wake) + 1us);
  look(node);
}

void World::look(Node& node) {
  const membership::Membership& members = node.machine->membership();
  if (members.leads() && members.term() != node.was_leading) {
    node.was_leading = members.term();
    judge_.leads(node.id, members.term(), node.disk.vote);
    tell(fmt::format("node {} leads term {}", node.id.value, members.term().number));
    node.committed = node.machine->replica().committed();  // of its terms before, or of others
  }
  look_at_commits(node);
  const bool ready = node.machine->replica().ready();
  if (ready && !node.was_ready) {
    tell(fmt::format("node {} is ready", node.id.value));
    judge_.ready(node.id, members.term(), writes_of(node));
  }
  node.was_ready = ready;
  if (now_ < node.look_again) return;
  node.look_again = now_ + plan_.keepalive / 4;
  if (plan_.mode != membership::Mode::majority && !one_leads()) last_trouble_ = std::max(last_trouble_, now_);
  look_for_ghosts(node);
}

/// By its own list of nodes: that of the others, and its own a moment later, may be another one. Who begins to lead a
/// term stamps its document anew, and nothing of that term is committed yet.
void World::look_at_commits(Node& node) {
  const replica::Replica& replica = node.machine->replica();
  if (replica.head().stamp.term != node.was_leading || replica.committed() <= node.committed) return;
  node.committed = replica.committed();
  const Stamp document{node.was_leading, node.committed};
  const auto on_disk =
      std::ranges::count_if(node.list, [&](NodeId id) { return nodes_[id.value - 1].disk.document.stamp >= document; });
  judge_.committed(node.id, document, static_cast<std::size_t>(on_disk), node.list.size());
}

bool World::one_leads() const {
  const auto follows = [&](const Node& node) {
    return node.machine && node.machine->membership().leader() &&
           node.machine->membership().term() == nodes_.front().machine->membership().term();
  };
  return nodes_.front().machine && std::ranges::all_of(nodes_, follows);
}

/// Whom a node counts as up has been heard within deadtime, by packets of its own; and a leader has a majority of
/// those.
void World::look_for_ghosts(const Node& node) {
  const membership::Membership& members = node.machine->membership();
  const auto up = members.up();
  std::set<NodeId> held;
  for (const membership::PeerView& peer : members.peers(local(node)))
    if (peer.held) held.insert(peer.id);
  for (const NodeId peer : up) {
    if (held.contains(peer)) continue;
    const auto heard = node.heard.find(peer);
    if (peer == node.id || (heard != node.heard.end() && now_ <= heard->second + plan_.lost_after() * 102 / 100))
      continue;
    judge_.broken(fmt::format("node {} counts node {} as up, from which nothing has come for more than a deadtime",
                              node.id.value, peer.value));
  }
  if (plan_.mode == membership::Mode::majority && members.leads() && up.size() <= node.list.size() / 2)
    judge_.broken(
        fmt::format("node {} leads though it hears only {} of {} nodes", node.id.value, up.size(), node.list.size()));
}

std::set<std::uint64_t> World::writes_of(const Node& node) const {
  const auto writes = node.machine->writes(node.machine->replica().head().document);
  return {writes.begin(), writes.end()};
}

// ---- what a machine's outputs do

void World::carry_out(Node& node, Output& output, std::uint64_t known_term) {
  std::visit(Overloaded{
                 [&](const membership::Transmit& packet) { transmit(node, packet); },
                 [&](const membership::StoreVote& vote) { store(node, {vote.vote}); },
                 [&](const membership::Note& note) {
                   count(kind_of(note.text));
                   if (note.text.starts_with("start ")) look_for_second_owner(node, note.text);
                   if (tracing()) tell(fmt::format("node {}: {}", node.id.value, note.text));
                 },
                 [&](StoreDocument& document) { store(node, {std::move(document.document)}); },
                 [&](const Acknowledged& write) { acknowledged(node, write.write); },
                 [&](const Left& left) { this->left(node, left); },
                 [&](const BeginsAgain&) { begins_again(node); },
                 [&](const Hold& hold) { this->hold(node, hold.held); },
                 [&](const Feed& feed) { feed_guardian(node, feed.until); },
                 [&](const Obeyed& order) { judge_.obeyed(node.id, order.term, known_term); },
                 [&](const Reloaded& done) { reloaded(node, done); },
                 [&](const executor::RunAgent& run) { agent_wanted(node, run); },
                 [&](const executor::KillAgent& kill) { agent_unwanted(node, kill.call); },
                 [&](const executor::BeginWatch& watch) { begin_watch(node, watch.run); },
                 [&](const executor::EndWatch& end) { node.shell.watches.erase(end.call); },
                 [&](const Broken& broken) { judge_.broken(fmt::format("node {}: {}", node.id.value, broken.what)); },
                 [&](const Rare& rare) {
                   count(rare.what);
                   if (tracing()) tell(fmt::format("node {}: {}", node.id.value, rare.what));
                 },
             },
             output);
}

std::string describe(const wire::Packet& packet) {
  std::string text = packet.to_session == 0 ? "hello" : "heartbeat";
  text += fmt::format(" {} session {:03}→{:03} term {}", packet.seq, packet.session % 1000, packet.to_session % 1000,
                      packet.term.number);
  if (packet.role == wire::Role::leader) text += " LEADER";
  if (packet.ballot) {
    static constexpr const char* kinds[] = {"pre-vote?", "pre-vote:", "vote?", "vote:"};
    const wire::Ballot& ballot = *packet.ballot;
    text += fmt::format(" {} term {} for node {}, document ({}, {})", kinds[static_cast<std::size_t>(ballot.kind)],
                        ballot.number, ballot.candidate.value, ballot.document.term.number, ballot.document.index);
    const bool reply =
        ballot.kind == wire::Ballot::Kind::vote_reply || ballot.kind == wire::Ballot::Kind::pre_vote_reply;
    if (reply) text += ballot.granted ? " yes" : " no";
  }
  if (!packet.fragments.empty())
    text += fmt::format(" fragments {}..{}", packet.fragments.front().seq, packet.fragments.back().seq);
  return text;
}

void World::transmit(Node& node, const membership::Transmit& transmit) {
  judge_.sent(transmit, node.disk.vote, now_ - node.started < plan_.lost_after() * 98 / 100);
  const auto& ballot = transmit.packet.ballot;
  if (ballot && ballot->kind == wire::Ballot::Kind::vote_reply && !ballot->granted) count("vote refused");
  if (ballot && ballot->kind == wire::Ballot::Kind::pre_vote_reply && !ballot->granted) count("pre-vote refused");
  if (dice_.chance(1, 16)) {
    const auto again = wire::decode_packet(wire::encode_packet(transmit.packet));
    if (!again || *again != transmit.packet) judge_.broken("a packet does not survive its own encoding");
  }
  const bool news = transmit.packet.ballot || !transmit.packet.fragments.empty() || transmit.packet.to_session == 0;
  const auto arrivals = network_.arrivals(now_, {node.id, transmit.to, transmit.link}, dice_);
  if (tracing() && (news || arrivals.empty()))
    tell(fmt::format("node {} → node {} link {}: {}{}", node.id.value, transmit.to.value, transmit.link,
                     describe(transmit.packet), arrivals.empty() ? " (lost)" : ""));
  if (arrivals.empty() || arrivals.back() > now_ + 5ms) last_trouble_ = std::max(last_trouble_, now_);
  if (arrivals.empty()) return;
  const auto flying = std::make_shared<const membership::Transmit>(transmit);
  for (const Time when : arrivals) at(when, [this, flying] { arrive(*flying, true); });
}

void World::arrive(const membership::Transmit& transmit, bool genuine) {
  Node& node = nodes_[transmit.to.value - 1];
  if (genuine && node.machine && !node.paused) {
    node.heard[transmit.packet.from] = now_;
    // What never arrived is not overheard: played back, it would be a late packet like any other.
    if (dice_.chance(1, 32)) overheard_.push_back(transmit);
    if (overheard_.size() > overheard_max) overheard_.pop_front();
  } else if (genuine && node.machine) {
    node.heard.try_emplace(transmit.packet.from);  // it is taken in when the daemon goes on: see resume()
  }
  feed(node, membership::PacketIn{transmit.link, transmit.packet});
}

void World::store(Node& node, Store what) {
  node.stores.push_back(std::move(what));
  const Duration takes = some(node.store_time / 2, node.store_time);
  // No vote of this node and no change on its disk until then: two that met again cannot agree who leads.
  if (takes > plan_.keepalive) last_trouble_ = std::max(last_trouble_, now_ + takes);
  at(now_ + takes, [this, &node, life = node.life] {
    if (node.life != life || node.stores.empty()) return;
    // The thread that writes is stopped with the rest of a paused process.
    Store first = node.stores.front();
    const auto* document = std::get_if<replica::Stamped>(&first.what);
    if (document != nullptr && now_ < node.full_until) {
      count("document could not be stored");
      tell(fmt::format("node {} cannot store its document", node.id.value));
      node.stores.pop_front();
      return feed(node, DocumentFailed{document->stamp});
    }
    stored(node);
    if (document != nullptr)
      feed(node, DocumentStored{document->stamp});
    else
      feed(node, membership::VoteStored{std::get<Vote>(first.what)});
  });
}

void World::stored(Node& node) {
  std::visit(Overloaded{
                 [&](const Vote& vote) {
                   judge_.vote_written(node.id, node.disk.vote, vote);
                   node.disk.vote = vote;
                 },
                 [&](replica::Stamped& document) {
                   judge_.document_written(node.id, node.disk.document.stamp, document.stamp,
                                           node.machine->writes(document.document));
                   node.disk.document = std::move(document);
                 },
             },
             node.stores.front().what);
  node.stores.pop_front();
}

void World::acknowledged(Node& node, std::uint64_t write) {
  look_at_commits(node);  // in this very step, perhaps
  std::optional<Stamp> oldest;
  for (const Node& each : nodes_) {
    const auto writes = node.machine->writes(each.disk.document.document);
    if (std::find(writes.begin(), writes.end(), write) == writes.end()) continue;
    oldest = std::min(oldest.value_or(each.disk.document.stamp), each.disk.document.stamp);
  }
  if (tracing()) tell(fmt::format("node {} acknowledges write {}", node.id.value, write));
  judge_.acknowledged(node.id, write, oldest.value_or(Stamp{}));
}

}  // namespace systole::sim
