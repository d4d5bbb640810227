// SPDX-License-Identifier: GPL-2.0-or-later
// A database server as MariaDB 10.11 was seen to behave: what ends the wait for an acknowledgement and with what
// answer, what a crash leaves, what becomes of the relay log, and what each end of a connection knows of the other.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/sim/lineage/world.hpp"

namespace systole::sim_lineage {

namespace {

constexpr Duration net_timeout = 4s;

bool same_gtid(const Trx& one, const Trx& other) {
  return one.server == other.server && one.seq == other.seq;
}

}  // namespace

void World::launch(int n, bool as_replica) {
  Server& server = node(n).server;
  const std::size_t waiting = server.log.size() - server.committed;
  if (as_replica) {
    const std::size_t cut = std::min(server.loose, server.committed);
    if (waiting > 0) count("truncation: of a tail that nobody acknowledged");
    if (cut > 0) count("truncation: of acknowledged transactions");
    server.log.resize(server.committed - cut);
  }
  say(fmt::format("{}: server starts as {}, {} waiting{}", node(n).name, as_replica ? "replica" : "primary", waiting,
                  as_replica ? fmt::format(", cut off with {} more", server.loose) : ""));
  server.committed = server.log.size();
  server.loose = 0;
  server.waiters.clear();
  server.alive = true;
  server.frozen = false;
  server.life += 1;
  server.read_only = true;
  server.source_on = server.slave_enabled = false;
  server.alone = 0;
  server.id = ++last_server_id_;
  server.receiver = {};
  server.applier = server.applier_failed = server.applying = false;
}

void World::kill_server(int n) {
  Server& server = node(n).server;
  if (!server.alive) return;
  say(fmt::format("{}: server killed, {} waiting, {} in its relay log", node(n).name, server.waiters.size(),
                  server.relay.size()));
  const bool busy = now_ - server.last_commit < 100ms;
  server.loose = busy ? dice_.below(3) : 0;
  server.alive = server.frozen = false;
  server.life += 1;
  server.died = now_;
  server.waiters.clear();
  close_by_replica(n);
  for (auto& [id, conn] : conns_)
    if (conn.source == n) conn.source_open = false;
}

/// SIGTERM: what waits is committed, its clients get an error.
void World::end_server(int n) {
  Server& server = node(n).server;
  if (!server.alive) return;
  if (!server.waiters.empty()) count("commits that waited at SIGTERM");
  server.committed = server.log.size();
  kill_server(n);
  server.loose = 0;
}

void World::thaw_server(int n) {
  Server& server = node(n).server;
  if (!server.alive || !server.frozen) return;
  say(fmt::format("{}: server thawed", node(n).name));
  server.frozen = false;
  apply_some(n);
}

std::uint64_t World::append(int n, bool client) {
  Server& server = node(n).server;
  const std::uint64_t seq = server.log.empty() ? 1 : server.log.back().seq + 1;
  const Trx trx{.server = server.id, .seq = seq, .id = ++last_trx_};
  if (!gtids_.emplace(std::pair(trx.server, trx.seq), trx.id).second)
    fail(fmt::format("{}: GTID {}-{} is used a second time", node(n).name, trx.server, trx.seq), false);
  is_client_[trx.id] = client;
  server.log.push_back(trx);
  server.waiters.push_back({now_, client});
  for (auto& [id, conn] : conns_)
    if (conn.source == n && conn.source_open && conn.replica_open) pump(id);
  if (!server.source_on) commit_up_to(n, server.log.size());
  return trx.id;
}

void World::commit_up_to(int n, std::size_t count) {
  Server& server = node(n).server;
  while (server.committed < std::min(count, server.log.size())) {
    const bool client = !server.waiters.empty() && server.waiters.front().client;
    if (!server.waiters.empty()) server.waiters.pop_front();
    server.committed += 1;
    server.last_commit = now_;
    if (client) acknowledged(n, server.log[server.committed - 1]);
  }
}

/// Off is the one release valve: whoever waits is told OK.
void World::set_source(int n, bool on) {
  Server& server = node(n).server;
  if (!server.alive || server.frozen) return;
  if (server.source_on != on)
    say(fmt::format("{}: source {} ({} wait)", node(n).name, on ? "on" : "off", server.waiters.size()));
  server.source_on = on;
  if (!on) commit_up_to(n, server.log.size());
}

/// Somebody kills the query of the session that waits: its client is told OK.
void World::kill_query(int n) {
  Server& server = node(n).server;
  if (!server.alive || server.waiters.empty()) return;
  count("acknowledged alone by KILL QUERY");
  excused_.insert(server.log[server.committed].id);
  server.alone += 1;
  commit_up_to(n, server.committed + 1);
}

/// START SLAVE of both threads. From a standstill it throws away what was received and not applied.
void World::start_replication(int n, int source) {
  Server& server = node(n).server;
  const bool standstill = !server.receiver.running && !server.applier;
  if ((standstill || source != server.receiver.source) && !server.relay.empty()) {
    count("relay log wiped by START SLAVE");
    say(fmt::format("{}: START SLAVE wipes {} received transactions", node(n).name, server.relay.size()));
    server.relay.clear();
    node(n).must_follow = true;
    node(n).follow_aim = 0;
  }
  if (source != server.receiver.source) close_by_replica(n);
  server.receiver.running = true;
  server.receiver.diverged = false;
  server.receiver.source = source;
  server.receiver.next_try = now_;
  server.receiver.heard = now_;
  server.applier = !server.applier_failed;
  apply_some(n);
}

void World::stop_receiver(int n) {
  close_by_replica(n);
  node(n).server.receiver.running = node(n).server.receiver.acks = false;
}

/// The right goes with the connection that is made now, if one is.
void World::acknowledge_anew(int n, bool on) {
  Server& server = node(n).server;
  server.slave_enabled = on;
  if (server.receiver.running && server.receiver.source >= 0 && !server.receiver.diverged && (!on || server.applier)) {
    stop_receiver(n);
    if (server.applier) {
      count("receiver begun anew");
      start_replication(n, server.receiver.source);
      connect(n);
    }
  }
  server.slave_enabled = false;
}

void World::close_by_replica(int n) {
  Receiver& receiver = node(n).server.receiver;
  for (auto& [id, conn] : conns_)
    if (conn.replica == n) conn.replica_open = false;
  receiver.conn = 0;
}

void World::connect(int n) {
  Server& server = node(n).server;
  Receiver& receiver = server.receiver;
  const int source = receiver.source;
  const Server& other = node(source).server;
  receiver.next_try = now_ + ms(50, 1000);
  if (!replicates(n, source) || !replicates(source, n) || !other.alive || other.frozen) return;
  std::size_t next = 0;
  const Trx* const last = !server.relay.empty() ? &server.relay.back()
                          : server.log.empty()  ? nullptr
                                                : &server.log.back();
  if (last != nullptr) {
    const auto found =
        std::find_if(other.log.rbegin(), other.log.rend(), [&](const Trx& t) { return same_gtid(t, *last); });
    if (found == other.log.rend()) {
      receiver.diverged = true;
      receiver.running = false;
      say(fmt::format("{}: {} does not have its {}-{}: diverged", node(n).name, node(source).name, last->server,
                      last->seq));
      return;
    }
    next = other.log.size() - static_cast<std::size_t>(found - other.log.rbegin());
  }
  for (auto& [id, conn] : conns_)
    if (conn.replica == n && conn.source == source) conn.source_open = false;
  receiver.acks = server.slave_enabled;
  receiver.heard = now_;
  receiver.conn = ++last_conn_;
  conns_[last_conn_] = Conn{.replica = n,
                            .source = source,
                            .replica_life = server.life,
                            .source_life = other.life,
                            .replica_power = node(n).power,
                            .acks = receiver.acks,
                            .next = next};
  say(fmt::format("{}: receives from {}{}", node(n).name, node(source).name, receiver.acks ? ", acknowledges" : ""));
  if (node(n).must_follow && node(n).follow_aim == 0) node(n).follow_aim = other.log.empty() ? 1 : other.log.back().id;
  if (receiver.acks)  // where it begins, it has all before
    after(us(100, 1500), [this, id = last_conn_, next] { on_ack(id, next); });
  pump(last_conn_);
}

void World::pump(std::uint64_t id) {
  const auto found = conns_.find(id);
  if (found == conns_.end() || found->second.pumping) return;
  found->second.pumping = true;
  after(us(200, 2000), [this, id] { deliver(id); });
}

void World::deliver(std::uint64_t id) {
  const auto found = conns_.find(id);
  if (found == conns_.end()) return;
  Conn& conn = found->second;
  conn.pumping = false;
  const Server& source = node(conn.source).server;
  Server& replica = node(conn.replica).server;
  const bool flows = conn.source_open && conn.replica_open && source.life == conn.source_life && !source.frozen &&
                     !replica.frozen && replicates(conn.source, conn.replica);
  if (!flows || conn.next >= source.log.size()) return;
  for (int i = 0; i < 4 && conn.next < source.log.size(); ++i) replica.relay.push_back(source.log[conn.next++]);
  replica.receiver.heard = now_;
  if (conn.acks) after(us(100, 1500), [this, id, upto = conn.next] { on_ack(id, upto); });
  apply_some(conn.replica);
  if (conn.next < source.log.size()) pump(id);
}

void World::on_ack(std::uint64_t id, std::size_t upto) {
  const auto found = conns_.find(id);
  if (found == conns_.end()) return;
  Conn& conn = found->second;
  const Server& source = node(conn.source).server;
  if (!conn.source_open || source.life != conn.source_life || node(conn.replica).power != conn.replica_power) return;
  if (source.frozen || !replicates(conn.replica, conn.source)) {
    conn.pending = std::max(conn.pending, upto);
    return;
  }
  if (source.source_on) commit_up_to(conn.source, upto);
}

void World::apply_some(int n) {
  Server& server = node(n).server;
  if (!server.alive || server.frozen || !server.applier || server.applying || server.relay.empty()) return;
  server.applying = true;
  after(server.apply_time, [this, n, life = server.life] {
    Server& later = node(n).server;
    if (!later.alive || later.life != life) return;
    later.applying = false;
    if (later.frozen || !later.applier || later.relay.empty()) return;
    later.log.push_back(later.relay.front());
    later.relay.pop_front();
    later.committed = later.log.size();
    later.last_commit = now_;
    apply_some(n);
  });
}

void World::apply_all(int n) {
  Server& server = node(n).server;
  server.log.insert(server.log.end(), server.relay.begin(), server.relay.end());
  server.relay.clear();
  server.committed = server.log.size();
  server.last_commit = now_;
}

/// Both ends notice what they can: a reset when the link carries it, a silence after its timeout.
void World::tick_conn(std::uint64_t id, Conn& conn) {
  const Server& source = node(conn.source).server;
  Server& replica = node(conn.replica).server;
  const bool source_here = source.alive && source.life == conn.source_life && conn.source_open;
  const bool replica_here = replica.alive && replica.life == conn.replica_life && conn.replica_open;
  const bool both_ways = replicates(conn.source, conn.replica) && replicates(conn.replica, conn.source);
  if (replica_here && !replica.frozen) {
    if (source_here && !source.frozen && replicates(conn.source, conn.replica)) replica.receiver.heard = now_;
    const bool reset = !source_here && both_ways && node(conn.source).up;
    if (reset || now_ - replica.receiver.heard > net_timeout) close_by_replica(conn.replica);
  }
  if (!source_here) return;
  if (conn.pending > 0 && !source.frozen && replicates(conn.replica, conn.source)) {
    count("acknowledgement that came after a cut");
    on_ack(id, std::exchange(conn.pending, 0));
  }
  if (!replica_here && both_ways && node(conn.replica).up && !source.frozen) {
    if (!conn.close_at) conn.close_at = now_ + (dice_.chance(1, 2) ? 1ms : ms(1, 2000));
    if (now_ >= *conn.close_at) conn.source_open = false;
  }
}

void World::replication_tick() {
  for (auto& [id, conn] : conns_) {
    tick_conn(id, conn);
    if (conn.source_open && conn.replica_open) pump(id);
  }
  std::erase_if(conns_, [&](const auto& each) {
    const Conn& conn = each.second;
    const bool source_here = conn.source_open && node(conn.source).server.life == conn.source_life;
    return !source_here && !conn.replica_open && !conn.pumping;
  });
  for (int n = 0; n < databases_; ++n) {
    Server& server = node(n).server;
    if (!server.alive || server.frozen) continue;
    apply_some(n);
    if (server.receiver.running && server.receiver.conn == 0 && now_ >= server.receiver.next_try) connect(n);
  }
}

unsigned World::clients_of(int n) const {
  const Server& server = node(n).server;
  return static_cast<unsigned>(std::ranges::count_if(conns_, [&](const auto& each) {
    const Conn& conn = each.second;
    return conn.source == n && conn.source_open && conn.source_life == server.life && conn.acks;
  }));
}

bool World::has_trx(int n, std::uint64_t id, bool received) const {
  const Server& server = node(n).server;
  const auto is = [id](const Trx& trx) { return trx.id == id; };
  if (std::any_of(server.log.rbegin(), server.log.rend(), is)) return true;
  return received && std::any_of(server.relay.rbegin(), server.relay.rend(), is);
}

bool World::streams(int n) const {
  const Receiver& receiver = node(n).server.receiver;
  return receiver.running && receiver.conn != 0 && now_ - receiver.heard < 2s;
}

}  // namespace systole::sim_lineage
