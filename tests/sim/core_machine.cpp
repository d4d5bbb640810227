// SPDX-License-Identifier: GPL-2.0-or-later
// The whole core of crmd as a simulated node's program, with the CIB code that ships: two primitives that stay
// together, a group, and a promotable clone whose agents give themselves promotion scores. A client's write is a
// property named after its number.
#include <fmt/format.h>

#include <algorithm>

#include "cib/xml/cib_xml.hpp"
#include "common/base/overloaded.hpp"
#include "common/base/text.hpp"
#include "crmd/controller/core.hpp"
#include "tests/sim/machine.hpp"

namespace systole::sim {

namespace {

constexpr const char* first_document = R"(<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" admin_epoch="0"
 epoch="1" num_updates="0"><configuration>
<crm_config><cluster_property_set id="opts"><nvpair id="opts-stonith" name="stonith-enabled" value="false"/>
</cluster_property_set></crm_config>
<nodes/>
<resources>
<primitive id="vip" class="ocf" provider="sim" type="plain"><operations>
<op id="vip-mon" name="monitor" interval="1s" timeout="5s"/></operations></primitive>
<group id="grp">
<primitive id="one" class="ocf" provider="sim" type="plain"><operations>
<op id="one-mon" name="monitor" interval="1s" timeout="5s"/></operations></primitive>
<primitive id="two" class="ocf" provider="sim" type="plain"><operations>
<op id="two-mon" name="monitor" interval="1s" timeout="5s"/></operations></primitive>
</group>
<clone id="db-clone"><meta_attributes id="db-clone-meta"><nvpair id="db-clone-promotable" name="promotable" value="true"/>
<nvpair id="db-clone-notify" name="notify" value="true"/></meta_attributes>
<primitive id="db" class="ocf" provider="sim" type="stateful"><operations>
<op id="db-mon-p" name="monitor" interval="1s" timeout="5s" role="Promoted"/>
<op id="db-mon-u" name="monitor" interval="1100ms" timeout="5s" role="Unpromoted"/></operations></primitive></clone>
</resources>
<constraints>
<rsc_colocation id="vip-with-primary" score="INFINITY" rsc="vip" with-rsc="db-clone" with-rsc-role="Promoted"/>
<rsc_order id="promote-then-vip" kind="Mandatory" first="db-clone" first-action="promote" then="vip" then-action="start"/>
</constraints>
</configuration><status/></cib>)";

class WholeCore final : public Machine {
 public:
  WholeCore(membership::Config config, std::uint64_t boot, const Disk& disk, Dice dice, Now now)
      : self_(config.self), is_witness_(of(config).witness), core_(make(std::move(config), boot, disk, dice, now)) {}

  std::vector<Output> step(Now now, const Input& input) override {
    const auto before = core_.executor().in_flight();
    std::visit(
        Overloaded{
            [&](const membership::Tick& tick) { take(core_.step(now, tick)); },
            [&](const membership::PacketIn& packet) { take(core_.step(now, packet)); },
            [&](const membership::VoteStored& vote) { take(core_.step(now, vote)); },
            [&](const membership::PingAnswered& answer) { take(core_.step(now, answer)); },
            [&](const DocumentStored& stored) { take(core_.step(now, controller::DocumentStored{stored.stamp})); },
            [&](const DocumentFailed& failed) {
              take(core_.step(now, controller::DocumentStoreFailed{failed.stamp, "the disk is full"}));
            },
            [&](const AgentDone& done) {
              take(core_.step(now, controller::AgentDone{done.call, done.outcome}));
            },
            [&](const WatchEnded& watch) {
              take(core_.step(now, controller::WatchEnded{watch.call, watch.offered}));
            },
            [&](const Write& write) { this->write(now, write.id); },
            [&](const Resign&) {},  // the core resigns by itself, when its disk fails
            [&](const Reexec&) {
              take(core_.step(now, controller::ClientRequest{0, wire::ipc::Reexec{}, "root"}));
            },
            [&](const Leave&) { take(core_.step(now, controller::Shutdown{})); },
            [&](const AgentSays& says) { set_attribute(now, says); },
            [&](const Inherited& inherited) {
              take(core_.step(now, controller::Inherited{inherited.held, inherited.until}));
            },
            [&](const Dropped&) { take(core_.step(now, controller::Dropped{"the guardian has dropped all"})); },
            [&](const Reload& reload) {
              reloading_ = reload.nodes;
              take(core_.step(now, controller::Reconfigure{reload.nodes}));
            },
        },
        input);
    // Orders are numbered (term << 32 | count): what was accepted in this step must not be of a term older than ours.
    for (const std::uint64_t order : core_.executor().in_flight())
      if (order != 0 && std::find(before.begin(), before.end(), order) == before.end())
        out_.push_back(Obeyed{Term{order >> 32, {}}});
    return std::exchange(out_, {});
  }

  Time next_deadline() const override { return core_.next_deadline(); }
  const membership::Membership& membership() const override { return core_.membership(); }
  const replica::Replica& replica() const override { return core_.replica(); }
  bool settled() const override { return core_.settled(); }

  std::string at_odds_with(const Machine& leader) const override {
    const cib::Status& theirs = dynamic_cast<const WholeCore&>(leader).core_.status();
    const std::string name = name_of(self_);
    if (core_.status() != theirs) return name + " knows another status than its leader";
    const auto known = theirs.nodes.find(NodeName{name});
    if (known == theirs.nodes.end() && is_witness_) return {};
    if (known == theirs.nodes.end() || known->second.history != core_.executor().history())
      return name + " has another history than its leader believes";
    return {};
  }

  bool has_joined(NodeId node) const override {
    const auto known = core_.status().nodes.find(NodeName{name_of(node)});
    return known != core_.status().nodes.end() && known->second.online;
  }

  std::vector<std::uint64_t> writes(const std::string& document) const override {
    static constexpr std::string_view mark = "id=\"write-";
    std::vector<std::uint64_t> numbers;
    for (std::size_t at = document.find(mark); at != std::string::npos; at = document.find(mark, at + 1)) {
      const std::size_t begin = at + mark.size();
      const std::string_view digits = std::string_view(document).substr(begin, document.find('"', begin) - begin);
      numbers.push_back(parse_int<std::uint64_t>(digits).value_or(0));
    }
    return numbers;
  }

 private:
  static const membership::Member& of(const membership::Config& config) {
    return *std::ranges::find(config.nodes, config.self, &membership::Member::id);
  }
  static std::string name_of(NodeId node) { return fmt::format("node{}", node.value); }

  static controller::Core make(membership::Config&& config, std::uint64_t boot, const Disk& disk, Dice dice, Now now) {
    const controller::DocumentRules rules{
        .parse = [](const std::string& document) { return cib::parse_configuration(document); },
        .apply = [](const std::string& document, const cib::Header& header, const cib::Status& status,
                    const cib::Request& request,
                    std::int64_t epoch_s) { return cib::apply(document, header, status, request, epoch_s); }};
    controller::Config whole{.membership = std::move(config), .run_directory = "/run/sim", .agent_environment = {}};
    return {std::move(whole), boot, disk.vote, disk.document, first_document, rules, dice, now};
  }

  void request(Now now, std::uint64_t client, wire::ipc::Request request) {
    take(core_.step(now, controller::ClientRequest{client, std::move(request), "root"}));
  }

  void write(Now now, std::uint64_t id) {
    cib::Request change;
    change.change = cib::Change::modify;
    change.allow_create = true;
    change.scope = "crm_config";
    change.xml = fmt::format(
        R"(<crm_config><cluster_property_set id="writes"><nvpair id="write-{0}" name="write-{0}" value="1"/>)"
        R"(</cluster_property_set></crm_config>)",
        id);
    request(now, id, wire::ipc::ChangeCib{change});
  }

  void set_attribute(Now now, const AgentSays& says) {
    wire::ipc::SetAttribute set;
    set.name = says.attribute;
    set.value = says.value;
    request(now, 0, set);
  }

  void take(std::vector<controller::Effect> effects) {
    for (controller::Effect& effect : effects) {
      std::visit(
          Overloaded{
              [&](membership::Transmit& transmit) { out_.push_back(std::move(transmit)); },
              [&](const membership::StoreVote& vote) { out_.push_back(vote); },
              [&](membership::Note& note) { out_.push_back(std::move(note)); },
              [&](executor::RunAgent& run) { out_.push_back(std::move(run)); },
              [&](const executor::KillAgent& kill) { out_.push_back(kill); },
              [&](executor::BeginWatch& watch) { out_.push_back(std::move(watch)); },
              [&](const executor::EndWatch& end) { out_.push_back(end); },
              [&](controller::StoreDocument& store) { out_.push_back(StoreDocument{std::move(store.document)}); },
              [&](controller::Hold& hold) { out_.push_back(Hold{std::move(hold.held)}); },
              [&](const controller::Feed& feed) { out_.push_back(Feed{feed.until}); },
              [&](const controller::KeepAside&) { out_.push_back(Rare{"document kept aside"}); },
              [&](const controller::Reply& reply) { replied(reply); },
              [&](const controller::ReplyCib&) {},
              [&](const controller::StartAgain&) { out_.push_back(BeginsAgain{}); },
              [&](const controller::Reconfigured& done) {
                out_.push_back(Reloaded{reloading_, done.refused});
              },
              [&](const controller::Ended& ended) { out_.push_back(Left{ended.reason}); },
          },
          effect);
    }
  }

  void replied(const controller::Reply& reply) {
    if (reply.client == 0) return;  // an agent's attribute
    if (reply.reply.exit_code == 0)
      out_.push_back(Acknowledged{reply.client});
    else
      out_.push_back(Rare{fmt::format("write refused: {}", reply.reply.text)});
  }

  NodeId self_;
  bool is_witness_;
  std::vector<membership::Member> reloading_;
  controller::Core core_;
  std::vector<Output> out_;
};

}  // namespace

std::unique_ptr<Machine> core_machine(membership::Config config, std::uint64_t boot, const Disk& disk, Dice dice,
                                      Now now) {
  return std::make_unique<WholeCore>(std::move(config), boot, disk, dice, now);
}

const std::vector<Expected>& core_resources() {
  static const std::vector<Expected> resources{
      {"vip", false, false}, {"one", false, false}, {"two", false, false}, {"db", true, true}};
  return resources;
}

}  // namespace systole::sim
