// SPDX-License-Identifier: GPL-2.0-or-later
// See worker.hpp.
#include "crmd/io/worker.hpp"

#include <signal.h>

#include <boost/asio/post.hpp>
#include <utility>

namespace systole::io {

Worker::Worker(boost::asio::io_context& home) : home_(home) {
  // Signals belong to the main thread, whose signal set knows what they mean.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  more_.notify_one();
  thread_.join();
}

void Worker::run(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  more_.notify_one();
}

void Worker::work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    boost::asio::post(home_, job());
  }
}

}  // namespace systole::io
