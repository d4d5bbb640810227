// SPDX-License-Identifier: GPL-2.0-or-later
// The composed core as its shell sees it, on a cluster of one node: what the simulator does not look at.
#include "crmd/controller/core.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace systole::controller {
namespace {

/// A core with an obedient disk. Documents are opaque: `refusal` is what applying a request comes to.
class OneNode : public testing::Test {
 protected:
  static Config config() {
    Config made;
    made.membership.cluster = "shop";
    made.membership.self = NodeId{1};
    made.membership.nodes = {{NodeId{1}, "n1", 1}};
    return made;
  }

  DocumentRules rules() {
    DocumentRules made;
    made.parse = [](const std::string&) -> Result<cib::Configuration> {
      cib::Configuration configuration;
      configuration.nodes.push_back({"1", NodeName{"n1"}, "", {}});
      return configuration;
    };
    made.apply = [this](const std::string&, const cib::Header&, const cib::Status&, const cib::Request&,
                        std::int64_t) -> Result<cib::Changed> { return refusal_; };
    return made;
  }

  void feed(const Event& event) {
    std::deque<Event> inbox{event};
    for (; !inbox.empty(); inbox.pop_front())
      for (Effect& effect : core_.step(now_, inbox.front())) {
        if (const auto* vote = std::get_if<membership::StoreVote>(&effect))
          inbox.emplace_back(membership::VoteStored{vote->vote});
        if (const auto* store = std::get_if<StoreDocument>(&effect))
          inbox.emplace_back(DocumentStored{store->document.stamp});
        if (auto* reply = std::get_if<Reply>(&effect)) replies_.push_back(std::move(*reply));
      }
  }

  void pass(Duration time) {
    for (const Time end = now_.at + time; now_.at < end; now_.at += 50ms) feed(membership::Tick{});
  }

  Now now_;
  Error refusal_;
  std::vector<Reply> replies_;
  Core core_{config(), 7, {}, {}, "<cib/>", rules(), Dice(1), now_};
};

TEST_F(OneNode, what_the_leader_refuses_has_the_exit_code_of_cibadmin) {
  pass(15s);
  ASSERT_TRUE(core_.replica().ready());
  const std::pair<Errc, int> cases[] = {{Errc::refused, 1},  // a patch that does not fit
                                        {Errc::invalid, 65},    {Errc::too_big, 65},      {Errc::schema, 78},
                                        {Errc::not_found, 105}, {Errc::old_version, 103}, {Errc::exists, 108}};
  for (const auto& [kind, code] : cases) {
    refusal_ = {kind, "words"};
    replies_.clear();
    feed(ClientRequest{1, wire::ipc::ChangeCib{}, "root"});
    ASSERT_EQ(replies_.size(), 1U);
    EXPECT_EQ(replies_.front().reply.exit_code, code);
    EXPECT_EQ(replies_.front().reply.text, "words");
  }
}

}  // namespace
}  // namespace systole::controller
