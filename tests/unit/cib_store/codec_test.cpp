// SPDX-License-Identifier: GPL-2.0-or-later
// The durable records as bytes: what was encoded comes back; every flipped bit and every cut is noticed.
#include "cib/store/codec.hpp"

#include <gtest/gtest.h>

namespace systole::cib {
namespace {

const Stamped sample{
    {{7, NodeId{2}}, 42}, "<cib epoch=\"3\">\n  <status/>\n</cib>\n", {{{5, NodeId{2}}, 38}, {{6, NodeId{1}}, 40}}};

TEST(StoredDocument, comes_back_as_it_was_stored) {
  const auto back = decode(encode(sample));
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, sample);
}

TEST(StoredDocument, ends_in_an_xml_comment_that_names_term_node_index_and_history) {
  const std::string text = encode(sample);
  EXPECT_NE(text.find("</cib>\n<!-- systole term=7 node=2 index=42 history=5.2.38,6.1.40 digest="), std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with(" -->\n"));
}

TEST(StoredDocument, notices_every_flipped_bit) {
  const std::string good = encode(sample);
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[byte] = static_cast<char>(bad[byte] ^ (1 << bit));
      const auto back = decode(bad);
      ASSERT_FALSE(back) << "byte " << byte << ", bit " << bit;
      EXPECT_EQ(back.error().code, Errc::corrupt);
    }
  }
}

TEST(StoredDocument, notices_every_cut) {
  const std::string good = encode(sample);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(decode(std::string_view(good).substr(0, size))) << size;
  }
}

TEST(StoredDocument, is_not_fooled_by_a_document_that_holds_an_older_stamp) {
  Stamped nested{{{9, NodeId{1}}, 50}, encode(sample)};
  const auto back = decode(encode(nested));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, nested);
}

TEST(StoredDocument, of_a_release_that_kept_no_history_is_still_read) {
  const auto back = decode(
      "<cib/>\n<!-- systole term=7 node=2 index=42 "
      "digest=b086d3d8eec3d22ee10ccead6d81849418c3bb13160c0f4f4b5e12e9e226fd45 -->\n");
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, (Stamped{{{7, NodeId{2}}, 42}, "<cib/>\n"}));
}

TEST(StoredDocument, edited_by_hand_says_so) {
  std::string text = encode(sample);
  text.replace(text.find("epoch=\"3\""), 9, "epoch=\"4\"");
  EXPECT_EQ(decode(text).error().what, "its digest does not fit: damaged, or edited by hand");
}

TEST(StoredVote, comes_back_and_notices_every_flipped_bit) {
  const Vote vote{12, NodeId{3}};
  const std::string good = encode(vote);
  const auto back = decode_vote(good);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, vote);
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    std::string bad = good;
    bad[byte] = static_cast<char>(bad[byte] ^ 1);
    EXPECT_FALSE(decode_vote(bad)) << byte;
    EXPECT_FALSE(decode_vote(std::string_view(good).substr(0, byte))) << byte;
  }
}

}  // namespace
}  // namespace systole::cib
