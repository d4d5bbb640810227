// SPDX-License-Identifier: GPL-2.0-or-later
// When readers come and go, so that they neither flap nor are all turned away for lag at once. Pure.
//
// An error takes readers away at once. Lag does it in two steps. A late node first *marks* itself: it publishes that it
// wants to leave, with its lag of that moment, which the mark keeps. After `settle` it reads what all nodes have
// published, and leaves only if somebody stays: a reader without a mark, or one whose mark ranks behind its own
// (greatest lag leaves first, then by name). Why n nodes cannot all leave, each relying on another, with views that are
// up to settle/n old:
//
//   Were they all gone, each had relied on one that was still there in its view. Follow that from node to node: at each
//   step the one that is relied on ranks behind (by marks that never change), or its mark was not seen. Ranks cannot
//   fall for ever, so somewhere z relied on an x whose mark it did not see, and that chain leads from x back to z. So
//   x's mark was younger than a view when z decided, and z, and each that followed, was gone for less than a view when
//   the next one decided: x decided less than n views after its own mark. But it waits for `settle`.
//
// A mark stays until its node wants to read again, because what tells that a node has left and what withdraws its mark
// may be seen in either order. Who stays may still fail by an error: then those who left for lag alone come back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.hpp"

namespace systole::mysql_replication {

/// What another node has published.
struct ReaderView {
  std::string node;
  bool reads = false;
  std::optional<std::int64_t> mark_ms = {};  // the lag in its mark
};

/// May the node named `self`, whose mark says `mark_ms`, leave?
bool may_leave(const std::string& self, std::int64_t mark_ms, const std::vector<ReaderView>& others);
bool anybody_reads(const std::vector<ReaderView>& others);

struct ReaderState {
  int value = -1;  // published: 0 none, up to reader_failcount; -1 nothing yet
  std::int64_t changed_ms = -1;
  std::int64_t marked_ms = -1;  // -1: not marked
  std::int64_t mark_lag_ms = 0;
  std::int64_t asked_ms = -1;  // whether anybody reads at all
};

enum class ReaderWish {
  read,       // good
  as_it_was,  // nothing is known that speaks for a change
  leave,      // an error
  late,       // only for lag, or because we see nothing: if somebody else stays
};

enum class ReaderStep {
  keep,
  come,
  go,
  mark,           // publish the wish to leave
  unmark,         // withdraw it
  ask_to_leave,   // read the views; go if may_leave
  ask_to_return,  // read the views; come if nobody reads
};

struct ReaderLimits {
  int full = 1;  // reader_failcount
  Duration dwell = 10s;
  Duration settle = 2s;
  Duration ask_again = 3s;
};

ReaderStep next_step(const ReaderState& state, ReaderWish wish, const ReaderLimits& limits, std::int64_t now_ms);
/// A step done (come, go, mark, unmark) becomes the new state; the others change nothing but asked_ms.
ReaderState after(ReaderState state, ReaderStep step, const ReaderLimits& limits, std::int64_t now_ms,
                  std::int64_t lag_ms);

}  // namespace systole::mysql_replication
