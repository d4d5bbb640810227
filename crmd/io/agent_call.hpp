// SPDX-License-Identifier: GPL-2.0-or-later
// One agent call: a process in its own group, its output read and bounded, its time limited. The call is over when the
// direct child has ended and its pipes are empty for the moment: a server that the agent left behind may hold the pipes
// open for years. shared_ptr, because several pending operations share its life: two reads, the wait and the timer.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>

#include "crmd/io/agent_rules.hpp"

namespace systole::io {

class AgentCall : public std::enable_shared_from_this<AgentCall> {
 public:
  struct Ended {
    executor::Outcome outcome;
    std::string_view output, errors;  // valid during the call of OnEnd
    std::size_t dropped = 0;          // bytes of both that were not kept
    std::optional<int> wait_status;   // of waitpid(2); none: never begun, or killed by us
  };
  using OnEnd = std::function<void(const Ended&)>;

  AgentCall(boost::asio::io_context& context, executor::RunAgent run, OnEnd on_end);
  ~AgentCall();
  /// Starts the process. on_end comes exactly once, always from the io_context and never from within here.
  void begin(AgentCommand command);
  /// SIGKILL to the group; the call ends as cancelled.
  void kill();
  /// 0: not begun.
  pid_t pid() const { return pid_; }
  /// Lets the process live on when the daemon ends before it.
  void abandon();

 private:
  struct Pipe {
    boost::asio::posix::stream_descriptor end;
    std::array<char, 16 * 1024> buffer;
    BoundedOutput output;
  };
  enum class Forced { no, timed_out, cancelled };

  void read(Pipe& pipe);
  void drain(Pipe& pipe);
  void force(Forced why);
  void await_exit();
  void child_ended(int status);
  void finish(executor::Outcome outcome);
  void post_ending(executor::Outcome outcome);

  boost::asio::io_context& context_;
  executor::RunAgent run_;
  OnEnd on_end_;
  Duration timeout_;
  pid_t pid_ = 0;
  Pipe output_, errors_;
  boost::asio::posix::stream_descriptor exited_;  // pidfd: readable when the process has ended
  boost::asio::steady_timer timer_;
  Time started_{};
  Forced forced_ = Forced::no;
  bool reaped_ = false, finished_ = false;
  std::optional<int> wait_status_;
};

}  // namespace systole::io
