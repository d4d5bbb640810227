// SPDX-License-Identifier: GPL-2.0-or-later
// See agent_call.hpp. Boost.Process v2 forks, closes all other descriptors and tells a failed exec by its errno; what
// it does not do (process group, signal handling, scheduling, reaping a child whose exec failed) is in AtBirth.
#include "crmd/io/agent_call.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"
#include "crmd/io/cgroups.hpp"
#include "crmd/io/clock.hpp"
#include "crmd/io/privileges.hpp"

namespace systole::io {
namespace {

namespace asio = boost::asio;
namespace process_v2 = boost::process::v2;

constexpr Duration default_timeout = 20s;     // Pacemaker's, where the operation says none
constexpr Duration patience_after_kill = 1s;  // a process in D state does not die; the call must end all the same
constexpr int reads_of_last_words = 256;      // × 16 KiB: a grandchild that floods the pipe must not keep us here

/// An initializer of Boost.Process v2: its functions run before the fork, in the child, and in a child without exec.
struct AtBirth {
  int input, output, errors, cgroup;

  boost::system::error_code on_setup(process_v2::posix::default_launcher&, const std::filesystem::path&,
                                     const char* const*) {
    return {};
  }
  boost::system::error_code on_exec_setup(process_v2::posix::default_launcher&, const std::filesystem::path&,
                                          const char* const*) {
    ::setpgid(0, 0);  // a group of its own: a time-out ends the agent and all its children
    // First of all: what the lease ends must be in there, or nobody finds it.
    if (cgroup >= 0 && !Cgroups::enter(cgroup)) return {errno, boost::system::system_category()};
    // It dies with its daemon: else it might start what the daemon's successor has just found stopped.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(errors, 2) < 0)
      return {errno, boost::system::system_category()};
    // Boost's own closing of descriptors skips those below its pipe, and Asio's sockets are not born close-on-exec: a
    // database server started by an agent would hold our port long after us. The pipe itself must live until exec.
    ::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
    restore_defaults_for_child();
    return {};
  }
  template <class... Rest>
  void on_exec_error(Rest&&...) {
    ::_exit(127);  // no destructors of the daemon's in its child
  }
};

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
  process_v2::posix::default_launcher launcher;
  launcher.env = environment.data();
  boost::system::error_code error;
  const std::vector<std::string> arguments{command.action};
  auto process = launcher(context_.get_executor(), error, std::filesystem::path(command.program), arguments,
                          AtBirth{input.get(), output->write.get(), errors->write.get(), cgroup ? cgroup.get() : -1});
  if (error) {
    if (launcher.pid > 0) ::waitpid(launcher.pid, nullptr, 0);  // its exec failed; Boost leaves it a zombie
    return post_ending(cannot_run(command.program, error.value()));
  }
  output_.end.assign(output->read.release());
  errors_.end.assign(errors->read.release());
  read(output_);
  read(errors_);
  pid_ = process.id();
  process.detach();
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (handle < 0) {  // no descriptors left: nothing could tell us of its end
    const int reason = errno;
    ::kill(-pid_, SIGKILL);
    return post_ending(cannot_run(command.program, reason));
  }
  exited_.assign(handle);
  await_exit();
  timer_.expires_after(timeout_);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& stopped) {
    if (!stopped) self->force(Forced::timed_out);
  });
}

/// Boost's own async_wait ends in a waitpid that blocks when the descriptor was reported ready too early (seen after
/// forks): one agent would then stop the whole daemon. This one looks, and waits on.
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

void AgentCall::read(Pipe& pipe) {
  pipe.end.async_read_some(asio::buffer(pipe.buffer), [self = shared_from_this(), &pipe](
                                                          const boost::system::error_code& error, std::size_t size) {
    if (error || self->finished_) return;
    pipe.output.add({pipe.buffer.data(), size});
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
