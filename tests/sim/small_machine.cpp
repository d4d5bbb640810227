// SPDX-License-Identifier: GPL-2.0-or-later
// Membership and replica under a toy controller. The document is a list of write numbers. The leader gives out orders
// that carry its term; the members obey those of their leader. All nodes chat in messages of very different sizes,
// numbered, so that the order and completeness of the streams are checked too.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>

#include "common/base/overloaded.hpp"
#include "common/base/text.hpp"
#include "common/wire/codec.hpp"
#include "tests/sim/machine.hpp"

namespace systole::sim {

namespace {

struct Chat {
  std::uint64_t number = 0;
  std::string words;
  template <class Archive>
  void fields(Archive& a) {
    a(number)(words);
  }
};
struct OrderTo {
  Term term;
  template <class Archive>
  void fields(Archive& a) {
    a(term);
  }
};
using Message = std::variant<replica::Message, Chat, OrderTo>;

class Small final : public Machine {
 public:
  Small(membership::Config config, std::uint64_t boot, const Disk& disk, Dice dice, Now now)
      : self_(config.self),
        chat_every_(config.keepalive * 3),
        dice_(dice),
        members_(config, boot, disk.vote, disk.document.stamp, Dice(dice_.next()), now),
        documents_(config.self, config.nodes.size(), config.mode, disk.document),
        chat_at_(now.at + chat_every_) {}

  std::vector<Output> step(Now now, const Input& input) override {
    std::visit(Overloaded{
                   [&](const membership::Tick& tick) { take(members_.step(now, tick)); },
                   [&](const membership::PacketIn& packet) { take(members_.step(now, packet)); },
                   [&](const membership::VoteStored& vote) { take(members_.step(now, vote)); },
                   [&](const membership::PingAnswered& answer) { take(members_.step(now, answer)); },
                   [&](const DocumentStored& stored) {
                     auto effects = documents_.stored(stored.stamp);
                     members_.set_document(documents_.stored_stamp());
                     take(std::move(effects));
                   },
                   [&](const DocumentFailed& failed) {
                     const bool led = members_.leads();
                     take(documents_.store_failed(failed.stamp));
                     if (led) resign();
                     retry_at_ = now.at + chat_every_;
                   },
                   [&](const Write& write) { propose(write.id); },
                   [&](const Resign&) { resign(); },
                   [&](const Leave&) {},
                   [&](const Reexec&) {},
                   [&](const AgentDone&) {},
                   [&](const WatchEnded&) {},
                   [&](const AgentSays&) {},
                   [&](const Inherited&) {},
                   [&](const Dropped&) {},
                   [&](const Reload&) {},
               },
               input);
    if (now.at >= retry_at_) {
      retry_at_ = never;
      take(documents_.retry());
    }
    if (now.at >= chat_at_) chat(now);
    if (std::exchange(flush_, false)) take(members_.step(now, membership::Tick{}));
    return std::exchange(out_, {});
  }

  Time next_deadline() const override { return std::min({members_.next_deadline(), chat_at_, retry_at_}); }
  const membership::Membership& membership() const override { return members_; }
  const replica::Replica& replica() const override { return documents_; }
  bool settled() const override { return documents_.ready() && waiting_.empty(); }
  std::string at_odds_with(const Machine&) const override { return {}; }
  bool has_joined(NodeId) const override { return false; }

  std::vector<std::uint64_t> writes(const std::string& document) const override {
    std::vector<std::uint64_t> numbers;
    for (const std::string& word : words(document)) numbers.push_back(parse_int<std::uint64_t>(word).value_or(0));
    return numbers;
  }

 private:
  void send(NodeId to, const Message& message) {
    members_.send(to, wire::encode(message));
    flush_ = true;
  }

  void resign() {
    members_.resign();
    flush_ = true;
  }

  void propose(std::uint64_t id) {
    if (!documents_.ready()) return;
    auto proposed = documents_.propose(documents_.head().document + fmt::format(" {}", id));
    waiting_[proposed.index] = id;
    take(std::move(proposed.effects));
  }

  void chat(Now now) {
    chat_at_ = now.at + chat_every_;
    for (const NodeId peer : members_.up()) {
      if (peer == self_) continue;
      const std::size_t size = dice_.chance(1, 20) ? dice_.below(40'000) : dice_.below(60);
      send(peer, Chat{++said_[peer], std::string(size, 'x')});
      if (documents_.ready()) send(peer, OrderTo{members_.term()});
    }
    if (documents_.ready()) out_.push_back(Obeyed{members_.term()});
  }

  void take(std::vector<membership::Effect> effects) {
    for (membership::Effect& effect : effects) {
      std::visit(Overloaded{
                     [&](membership::Transmit& transmit) { out_.push_back(std::move(transmit)); },
                     [&](membership::StoreVote& store) { out_.push_back(store); },
                     [&](membership::Note& note) { out_.push_back(std::move(note)); },
                     [&](const membership::LeaderChanged& changed) { leader_changed(changed); },
                     [&](const membership::QuorumChanged&) {},
                     [&](const membership::PeerUp& up) {
                       said_[up.peer] = heard_[up.peer] = 0;
                       present_.insert(up.peer);
                       take(documents_.members(with_self()));
                     },
                     [&](const membership::PeerLost& lost) {
                       out_.push_back(Rare{"peer lost: " + lost.reason});
                       present_.erase(lost.peer);
                       take(documents_.members(with_self()));
                     },
                     [&](const membership::Deliver& delivered) { handle(delivered); },
                 },
                 effect);
    }
  }

  std::set<NodeId> with_self() const {
    std::set<NodeId> nodes = present_;
    nodes.insert(self_);
    return nodes;
  }

  void leader_changed(const membership::LeaderChanged& changed) {
    if (changed.leader == self_)
      take(documents_.lead(changed.term, with_self()));
    else
      take(documents_.follow(changed.term, changed.leader));
  }

  void handle(const membership::Deliver& delivered) {
    const auto message = wire::decode<Message>(delivered.message);
    if (!message) return out_.push_back(Broken{"a message came out of the stream torn"});
    std::visit(Overloaded{
                   [&](const replica::Message& inner) { take(documents_.message(delivered.from, inner)); },
                   [&](const Chat& chat) {
                     if (chat.number != ++heard_[delivered.from])
                       out_.push_back(Broken{fmt::format("message {} of node {} came where {} was due", chat.number,
                                                         delivered.from.value, heard_[delivered.from])});
                   },
                   [&](const OrderTo& order) {
                     if (delivered.from == members_.leader() && order.term == members_.term())
                       out_.push_back(Obeyed{order.term});
                     else
                       out_.push_back(Rare{"order of another term refused"});
                   },
               },
               *message);
  }

  void take(std::vector<replica::Effect> effects) {
    for (replica::Effect& effect : effects) {
      std::visit(Overloaded{
                     [&](replica::Store& store) { out_.push_back(StoreDocument{std::move(store.document)}); },
                     [&](replica::Send& message) { send(message.to, message.message); },
                     [&](const replica::Ready&) { out_.push_back(Rare{"leader ready"}); },
                     [&](const replica::Committed& committed) {
                       while (!waiting_.empty() && waiting_.begin()->first <= committed.index) {
                         out_.push_back(Acknowledged{waiting_.begin()->second});
                         waiting_.erase(waiting_.begin());
                       }
                     },
                     [&](const replica::Adopted&) {},
                     [&](const replica::Aside&) { out_.push_back(Rare{"document kept aside"}); },
                     [&](const replica::Dropped&) {
                       if (!waiting_.empty()) out_.push_back(Rare{"proposal dropped with the leadership"});
                       waiting_.clear();
                     },
                 },
                 effect);
    }
  }

  NodeId self_;
  Duration chat_every_;
  Dice dice_;
  membership::Membership members_;
  replica::Replica documents_;
  Time chat_at_, retry_at_ = never;
  bool flush_ = false;
  std::set<NodeId> present_;
  std::map<NodeId, std::uint64_t> said_, heard_;
  std::map<std::uint64_t, std::uint64_t> waiting_;  // proposal's index → write
  std::vector<Output> out_;
};

}  // namespace

std::unique_ptr<Machine> small_machine(membership::Config config, std::uint64_t boot, const Disk& disk, Dice dice,
                                       Now now) {
  return std::make_unique<Small>(std::move(config), boot, disk, dice, now);
}

}  // namespace systole::sim
