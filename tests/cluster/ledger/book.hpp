// SPDX-License-Identifier: GPL-2.0-or-later
// The ledger: what a client was told about each of its writes, kept outside the databases, in a file that survives us.
// One line per write, in the order in which the answers came:
//   A writer seq ns     acknowledged at ns of CLOCK_MONOTONIC
//   U writer seq ns     unknown: an error or a time-out; the row may be there or not, both are right
// A write that is in neither list and yet in the database is "extra".
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"

namespace systole::ledger {

/// (writer, sequence number); unique for all time: a key is never tried twice.
using Key = std::pair<std::int64_t, std::int64_t>;

enum class Outcome { acknowledged, unknown };

/// Appends lines; a thread of its own writes and syncs them in batches, so that no writer waits for the disk.
class Book {
 public:
  static Result<std::unique_ptr<Book>> open(const std::string& path);
  ~Book();
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;

  void enter(Outcome outcome, Key key);
  /// Everything entered so far is on disk. Any failed write or sync since the start is reported here.
  Result<void> close();
  std::uint64_t acknowledged() const;

 private:
  explicit Book(Fd file);
  void keep_writing();

  Fd file_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string waiting_;
  std::uint64_t acknowledged_ = 0;
  bool ending_ = false;
  Result<void> written_;
  std::thread thread_;
};

/// What a ledger file says.
struct Account {
  std::set<Key> acknowledged;
  std::set<Key> unknown;
};
Result<Account> read_account(const std::string& path);

/// One row of the table, as a database has it.
struct Row {
  Key key;
  std::uint64_t mark = 0;
};
/// The content that belongs to a key, so that a row with other content is noticed.
std::uint64_t mark_of(Key key);

/// One database held against the ledger.
struct Findings {
  std::uint64_t acknowledged = 0;   // lines A of the ledger
  std::uint64_t rows = 0;           // rows in the database
  std::uint64_t lost = 0;           // acknowledged, but not there
  std::uint64_t duplicated = 0;     // more rows than one of a key, each surplus row counted
  std::uint64_t extra = 0;          // there, but never tried
  std::uint64_t altered = 0;        // there, with content that is not the key's
  std::uint64_t unknown_there = 0;  // U lines whose row is there: allowed
  std::vector<Key> lost_keys;       // the first few, for the person who must find out why
  bool sound() const { return lost + duplicated + extra + altered == 0; }
};
Findings compare(const Account& account, const std::vector<Row>& rows);

}  // namespace systole::ledger
