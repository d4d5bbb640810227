// SPDX-License-Identifier: GPL-2.0-or-later
// Who is at the other end: real processes of other users connect, and only root may make those; the account files are
// the test's own.
#include "crmd/io/peer_identity.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "common/base/handles.hpp"
#include "tests/unit/io/scratch.hpp"

namespace systole::io {
namespace {

constexpr gid_t haclient = 4711, others = 4712;

struct PeerIdentityTest : test::Scratch {
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
    write("passwd", "# people\nroot:x:0:0::/:/bin/sh\nhacluster:x:4701:4712::/:/bin/sh\nann:x:4702:4712::/:/bin/sh\n",
          0644);
    write("group", "root:x:0:\n\nhaclient:x:4711:somebody,else\nothers:x:4712:\n", 0644);
    files = {folder + "/passwd", folder + "/group"};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, (folder + "/socket").c_str());
    listener.reset(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::chmod(address.sun_path, 0666) | ::chmod(folder.c_str(), 0755) | ::listen(listener.get(), 1), 0);
  }

  /// A process with these numbers connects and ends.
  PeerIdentity peer(uid_t user, gid_t group, std::vector<gid_t> more = {}) {
    const pid_t child = ::fork();
    if (child == 0) {
      const Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
      const bool done = ::setgroups(more.size(), more.data()) == 0 && ::setgid(group) == 0 && ::setuid(user) == 0 &&
                        ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
      ::_exit(done ? 0 : 1);
    }
    int state = 0;
    EXPECT_EQ(::waitpid(child, &state, 0), child);
    EXPECT_EQ(state, 0) << "the other process could not connect";
    const Fd socket(::accept(listener.get(), nullptr, nullptr));
    return identify_peer(socket.get(), files);
  }

  AccountFiles files;
  sockaddr_un address{};
  Fd listener;
};

TEST_F(PeerIdentityTest, root_and_the_user_hacluster_may_ask) {
  EXPECT_TRUE(peer(0, 0).allowed);
  EXPECT_EQ(peer(0, 0).user, "root");
  EXPECT_TRUE(peer(4701, others).allowed);
  EXPECT_EQ(peer(4701, others).user, "hacluster");
}

TEST_F(PeerIdentityTest, the_group_counts_as_the_first_and_as_a_further_one) {
  EXPECT_TRUE(peer(4702, haclient).allowed);
  EXPECT_TRUE(peer(4702, others, {1, haclient, 2}).allowed);
  EXPECT_TRUE(peer(4799, haclient).allowed);
  EXPECT_EQ(peer(4799, haclient).user, "4799") << "who has no name here has a number";
}

TEST_F(PeerIdentityTest, nobody_else_may_and_is_told_what_to_do) {
  const PeerIdentity ann = peer(4702, others, {1, 2});
  EXPECT_FALSE(ann.allowed);
  const std::string words = refusal_for(ann, files);
  EXPECT_NE(words.find("user 'ann' may not talk to the cluster"), std::string::npos) << words;
  EXPECT_NE(words.find("usermod --append --groups haclient ann"), std::string::npos) << words;
  EXPECT_EQ(words.find("groupadd"), std::string::npos) << words;
}

TEST_F(PeerIdentityTest, where_there_is_no_such_group_only_root_may_and_the_advice_makes_it) {
  write("group", "root:x:0:\n", 0644);
  EXPECT_FALSE(peer(4702, haclient).allowed);
  EXPECT_TRUE(peer(0, 0).allowed);
  const std::string words = refusal_for(peer(4702, others), files);
  EXPECT_NE(words.find("groupadd --system haclient"), std::string::npos) << words;
}

TEST_F(PeerIdentityTest, account_files_that_are_not_there_let_nobody_in) {
  files = {folder + "/none", folder + "/none"};
  EXPECT_FALSE(peer(4701, haclient).allowed);
  EXPECT_TRUE(peer(0, 0).allowed);
}

}  // namespace
}  // namespace systole::io
