// SPDX-License-Identifier: GPL-2.0-or-later
// The ledger file and the comparison of a database with it.
#include "tests/cluster/ledger/book.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "common/base/dice.hpp"

namespace systole::ledger {
namespace {

constexpr std::size_t lost_keys_shown = 10;

Result<void> write_and_sync(int fd, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0) return errno_error("write to the ledger");
    done += static_cast<std::size_t>(n);
  }
  if (::fdatasync(fd) != 0) return errno_error("sync the ledger");
  return {};
}

}  // namespace

Result<std::unique_ptr<Book>> Book::open(const std::string& path) {
  Fd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (!file) return errno_error(fmt::format("open the ledger '{}'", path));
  return std::unique_ptr<Book>{new Book{std::move(file)}};
}

Book::Book(Fd file) : file_(std::move(file)), thread_([this] { keep_writing(); }) {}

Book::~Book() {
  (void)close();
}

void Book::enter(Outcome outcome, Key key) {
  const std::lock_guard lock{mutex_};
  // Stamped under the lock: the file's order is the order of its times.
  const auto at = std::chrono::steady_clock::now().time_since_epoch();
  const char letter = outcome == Outcome::acknowledged ? 'A' : 'U';
  waiting_ += fmt::format("{} {} {} {}\n", letter, key.first, key.second, std::chrono::nanoseconds(at).count());
  if (outcome == Outcome::acknowledged) ++acknowledged_;
  wake_.notify_one();
}

void Book::keep_writing() {
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::string batch = std::exchange(waiting_, {});
    lock.unlock();
    Result<void> result = write_and_sync(file_.get(), batch);
    lock.lock();
    if (!result && written_) written_ = result;
  }
}

Result<void> Book::close() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  return written_;
}

std::uint64_t Book::acknowledged() const {
  const std::lock_guard lock{mutex_};
  return acknowledged_;
}

Result<Account> read_account(const std::string& path) {
  std::ifstream file{path};
  if (!file) return errno_error(fmt::format("open the ledger '{}'", path));
  Account account;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    std::istringstream words{line};
    char letter = 0;
    Key key;
    std::int64_t at = 0;
    if (!(words >> letter >> key.first >> key.second >> at) || (letter != 'A' && letter != 'U')) {
      return Error{Errc::corrupt, fmt::format("'{}' line {}: no ledger entry: '{}'", path, number, line)};
    }
    (letter == 'A' ? account.acknowledged : account.unknown).insert(key);
  }
  return account;
}

std::uint64_t mark_of(Key key) {
  Dice dice{static_cast<std::uint64_t>(key.first) * 1'000'003 + static_cast<std::uint64_t>(key.second)};
  return dice.next() >> 1;  // fits a signed BIGINT
}

Findings compare(const Account& account, const std::vector<Row>& rows) {
  Findings found;
  found.acknowledged = account.acknowledged.size();
  found.rows = rows.size();
  std::set<Key> seen;
  for (const Row& row : rows) {
    if (!seen.insert(row.key).second) {
      ++found.duplicated;
      continue;
    }
    if (row.mark != mark_of(row.key)) ++found.altered;
    if (account.acknowledged.contains(row.key)) continue;
    ++(account.unknown.contains(row.key) ? found.unknown_there : found.extra);
  }
  for (const Key& key : account.acknowledged) {
    if (seen.contains(key)) continue;
    ++found.lost;
    if (found.lost_keys.size() < lost_keys_shown) found.lost_keys.push_back(key);
  }
  return found;
}

}  // namespace systole::ledger
