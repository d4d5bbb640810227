// SPDX-License-Identifier: GPL-2.0-or-later
// Digests of parameters: the expected ones are of Pacemaker's own making (cts/scheduler, 2.1.5) or of md5sum over the
// text that the header describes.
#include "cib/model/digest.hpp"

#include <gtest/gtest.h>

namespace systole::cib {
namespace {

using namespace std::chrono_literals;

TEST(Digest, no_parameters_give_the_digest_that_every_cib_of_pacemaker_has) {
  EXPECT_EQ(digest_of({}), "f2317cad3d54cec5d7d7aa7d0bf35cf8");
}

TEST(Digest, it_is_the_md5_of_the_sorted_attributes) {
  EXPECT_EQ(digest_of({{"ip", "10.0.0.1"}}), "ba6a72f3ccfb84f58fad1ff6a1d34598");
}

TEST(Digest, a_timeout_counts_and_stands_where_its_name_belongs) {
  EXPECT_EQ(digest_of({{"ip", "10.0.0.1"}}, 20s), "9d0e3d7dcf20dc743e906ea0e7813a27");
  EXPECT_EQ(digest_of({{"Name", "x"}}, 20s), "0067c490093524dd0c001c51c23296fd");
}

TEST(Digest, what_is_not_the_agents_and_what_is_empty_is_left_out) {
  EXPECT_EQ(digest_of({{"CRM_meta_timeout", "1"}, {"on_node", "n1"}, {"crm_feature_set", "3.16.1"}, {"nic", ""}}),
            digest_of({}));
}

TEST(Digest, characters_that_xml_reserves_are_escaped) {
  EXPECT_EQ(digest_of({{"v", "<a b=\"c\" & 'd'>\t\n"}}), "46c8c1e1b10ab8765897192d822df584");
}

TEST(Digest, from_a_character_beyond_ascii_on_nothing_is_escaped) {
  EXPECT_EQ(digest_of({{"v", "<\xc3\xa9<"}}), "6ff7a858d9cebb15eff8c68ec4a68b74");
}

}  // namespace
}  // namespace systole::cib
