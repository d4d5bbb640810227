// SPDX-License-Identifier: GPL-2.0-or-later
// One thread for what may block: fsync and large XML. A job runs there and returns what is then to be done on the
// io_context's thread. Jobs run in the order in which they were given, so that an older document never overwrites a
// newer one.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace systole::io {

class Worker {
 public:
  using AtHome = std::function<void()>;
  using Job = std::function<AtHome()>;

  explicit Worker(boost::asio::io_context& home);
  /// Finishes the jobs that were given; their AtHome parts run only if the io_context still does.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void run(Job job);

 private:
  void work();

  boost::asio::io_context& home_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Job> jobs_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace systole::io
