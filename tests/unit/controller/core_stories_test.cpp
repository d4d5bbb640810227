// SPDX-License-Identifier: GPL-2.0-or-later
// Stories of whole cores that a seed of the simulator told first.
#include <gtest/gtest.h>

#include "tests/unit/controller/cores.hpp"

namespace systole::controller {
namespace {

/// The leader's answer to the killed daemon's request must not reach the request that its successor passes on.
TEST(Core, an_answer_for_the_daemon_before_a_restart_answers_nobody_after_it) {
  Cores cluster(3);
  cluster.run(3s);
  ASSERT_NE(cluster.leader(), 0U);
  const std::uint32_t other = cluster.leader() % 3 + 1;
  cluster.hold_disks();
  cluster.change(other, 1, "first");
  cluster.run(50ms);
  cluster.kill(other);
  cluster.start(other);
  cluster.run(500ms);
  cluster.change(other, 2, "second");
  cluster.run(50ms);
  ASSERT_FALSE(cluster.replies.contains(2));
  cluster.store_oldest();
  cluster.run(50ms);
  EXPECT_FALSE(cluster.replies.contains(2)) << "only the first change is stored";
  cluster.release_disks();
  cluster.run(50ms);
  EXPECT_EQ(cluster.replies[2].exit_code, 0);
}

/// It was stopped for longer than a deadtime, and what it reads first is old or has nothing to do with its peers.
TEST(Core, that_did_not_run_for_long_gives_its_leadership_up_before_it_does_anything) {
  Cores cluster(3);
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader();
  ASSERT_TRUE(cluster.core(leader).membership().leads());
  cluster.now += 1500ms;
  cluster.step(leader, ClientRequest{1, wire::ipc::QueryAttribute{}, "root"});
  EXPECT_FALSE(cluster.core(leader).membership().leads());
}

}  // namespace
}  // namespace systole::controller
