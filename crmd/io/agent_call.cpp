// SPDX-License-Identifier: GPL-2.0-or-later
// See agent_call.hpp.
#include "crmd/io/agent_call.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"
#include "crmd/io/birth.hpp"
#include "crmd/io/cgroups.hpp"
#include "crmd/io/clock.hpp"

namespace systole::io {
namespace {

namespace asio = boost::asio;

constexpr Duration default_timeout = 20s;     // Pacemaker's, where the operation says none
constexpr Duration patience_after_kill = 1s;  // a process in D state does not die; the call must end all the same
constexpr int reads_of_last_words = 256;      // × 16 KiB: a grandchild that floods the pipe must not keep us here

struct PipeEnds {
  Fd read, write;
};

Result<PipeEnds> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("cannot make a pipe for an agent");
  PipeEnds pipe{Fd(ends[0]), Fd(ends[1])};
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return pipe;
}

}  // namespace

AgentCall::AgentCall(asio::io_context& context, executor::RunAgent run, OnEnd on_end)
    : context_(context),
      run_(std::move(run)),
      on_end_(std::move(on_end)),
      timeout_(run_.timeout > Duration{} ? run_.timeout : default_timeout),
      output_{asio::posix::stream_descriptor(context), {}, {}},
      errors_{asio::posix::stream_descriptor(context), {}, {}},
      exited_(context),
      timer_(context) {}

AgentCall::~AgentCall() = default;

void AgentCall::begin(AgentCommand command) {
  started_ = boot_time();
  auto output = make_pipe();
  auto errors = make_pipe();
  const Fd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Fd cgroup = command.cgroup.empty() ? Fd() : Cgroups::door_of(command.cgroup);
  if (!command.cgroup.empty() && !cgroup) return post_ending(cannot_run(command.program, errno));
  if (!output || !errors || !input) return post_ending(cannot_run(command.program, errno));
  std::vector<const char*> environment;
  for (const std::string& entry : command.environment) environment.push_back(entry.c_str());
  environment.push_back(nullptr);
  const char* const arguments[] = {command.program.c_str(), command.action.c_str(), nullptr};
  Born born = give_birth({.program = command.program.c_str(),
                          .arguments = arguments,
                          .environment = environment.data(),
                          .input = input.get(),
                          .output = output->write.get(),
                          .errors = errors->write.get(),
                          .cgroup = cgroup ? cgroup.get() : -1});
  if (born.error != 0) return post_ending(cannot_run(command.program, born.error));
  output_.end.assign(output->read.release());
  errors_.end.assign(errors->read.release());
  read(output_);
  read(errors_);
  pid_ = born.pid;
  exited_.assign(born.handle.release());
  await_exit();
  timer_.expires_after(timeout_);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& stopped) {
    if (!stopped) self->force(Forced::timed_out);
  });
}

/// The descriptor may be reported ready too early (seen after forks), and a waitpid that blocks would let one agent
/// stop the whole daemon. This one looks, and waits on.
void AgentCall::await_exit() {
  exited_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& failed) {
                       if (failed) return;
                       int status = 0;
                       const pid_t ended = ::waitpid(self->pid_, &status, WNOHANG);
                       if (ended == 0) return self->await_exit();
                       self->reaped_ = true;
                       // Reaped by somebody else: how it ended is unknown, and unknown is no success.
                       self->child_ended(ended > 0 ? status : SIGKILL);
                     });
}

/// Asio waits and does not read: what it had read already would stand in its queue behind the agent's end, and the last
/// words be lost.
void AgentCall::read(Pipe& pipe) {
  pipe.end.async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this(), &pipe](const boost::system::error_code& error) {
                        if (error || self->finished_) return;
                        const ssize_t got = ::read(pipe.end.native_handle(), pipe.buffer.data(), pipe.buffer.size());
                        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return;
                        if (got > 0) pipe.output.add({pipe.buffer.data(), static_cast<std::size_t>(got)});
                        self->read(pipe);
                      });
}

void AgentCall::drain(Pipe& pipe) {
  for (int n = 0; n < reads_of_last_words && pipe.end.is_open(); ++n) {
    const ssize_t got = ::read(pipe.end.native_handle(), pipe.buffer.data(), pipe.buffer.size());
    if (got <= 0) break;
    pipe.output.add({pipe.buffer.data(), static_cast<std::size_t>(got)});
  }
  boost::system::error_code ignored;
  pipe.end.close(ignored);
}

void AgentCall::kill() {
  force(Forced::cancelled);
}

void AgentCall::force(Forced why) {
  if (finished_ || reaped_ || pid_ <= 0 || forced_ != Forced::no) return;
  forced_ = why;
  ::kill(-pid_, SIGKILL);
  timer_.expires_after(patience_after_kill);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& stopped) {
    if (!stopped) self->child_ended(SIGKILL);  // as if it had died: it will, as soon as the kernel lets it
  });
}

void AgentCall::child_ended(int status) {
  if (finished_) return;
  drain(output_);
  drain(errors_);
  switch (forced_) {
    case Forced::no:
      wait_status_ = status;
      return finish(judge_ending(run_.standard, run_.action, status, errors_.output.text()));
    case Forced::timed_out:
      return finish(judge_timeout(timeout_));
    case Forced::cancelled: {
      executor::Outcome outcome;
      outcome.rc = static_cast<std::int32_t>(cib::Rc::error);
      outcome.status = cib::OpStatus::cancelled;
      return finish(std::move(outcome));
    }
  }
}

void AgentCall::finish(executor::Outcome outcome) {
  finished_ = true;
  timer_.cancel();
  outcome.ran = boot_time() - started_;
  on_end_({std::move(outcome), output_.output.text(), errors_.output.text(),
           output_.output.dropped() + errors_.output.dropped(), wait_status_});
}

void AgentCall::post_ending(executor::Outcome outcome) {
  asio::post(context_,
             [self = shared_from_this(), outcome = std::move(outcome)]() mutable { self->finish(std::move(outcome)); });
}

void AgentCall::abandon() {
  finished_ = true;
  timer_.cancel();
}

}  // namespace systole::io
