// SPDX-License-Identifier: GPL-2.0-or-later
// See one_call.hpp.
#include "tools/agent/one_call.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>

#include "agents/lsb/codes.hpp"
#include "crmd/io/agent_call.hpp"

namespace systole::tools {
namespace {

constexpr std::size_t calls_at_once = 4;
constexpr Duration reaping_interval = 20ms;

executor::Order order_for(const AgentRequest& request) {
  utsname machine{};
  ::uname(&machine);
  executor::Order order;
  order.id = 1;
  order.resource = ResourceId{request.instance};
  order.operation = request.action;
  order.interval = request.interval;
  order.standard = request.init_script ? "lsb" : "ocf";
  order.provider = request.agent.provider;
  order.type = request.agent.type;
  order.parameters = request.parameters;
  order.meta = request.meta;
  order.meta["timeout"] = std::to_string(to_ms(request.timeout));
  order.meta["name"] = request.action;
  order.meta["on_node"] = machine.nodename;
  if (request.interval > Duration{}) order.meta["interval"] = std::to_string(to_ms(request.interval));
  order.timeout = request.timeout;
  return order;
}

executor::RunAgent run_for(const AgentRequest& request) {
  executor::Executor one({});
  for (executor::Effect& effect : one.order({}, order_for(request)))
    if (auto* const run = std::get_if<executor::RunAgent>(&effect)) return std::move(*run);
  return {};
}

class Calls {
 public:
  explicit Calls(const std::vector<AgentRequest>& requests) : requests_(requests), answers_(requests.size()) {}

  std::vector<AgentAnswer> run() {
    for (std::size_t n = 0; n < calls_at_once; ++n) begin_next();
    if (std::ranges::any_of(requests_, &AgentRequest::adopted)) reap_orphans();
    context_.run();
    return std::move(answers_);
  }

 private:
  void begin_next() {
    if (next_ == requests_.size()) return;
    const std::size_t at = next_++;
    const AgentRequest& request = requests_[at];
    executor::RunAgent run = run_for(request);
    const io::AgentSettings settings{
        .ocf_root = request.agent.root, .init_folder = "", .run_directory = "", .tools_folder = request.tools_folder};
    io::AgentCommand command{.program = request.agent.program,
                             .action = run.action,
                             .environment = io::call_environment(settings, run, environ),
                             .cgroup = ""};
    auto call = std::make_shared<io::AgentCall>(context_, std::move(run),
                                                [this, at](const io::AgentCall::Ended& ended) { take(at, ended); });
    calls_[at] = call;
    call->begin(std::move(command));
  }

  void take(std::size_t at, const io::AgentCall::Ended& ended) {
    AgentAnswer& answer = answers_[at];
    answer.limit = requests_[at].timeout;
    answer.outcome = ended.outcome;
    answer.output = ended.output;
    answer.errors = ended.errors;
    if (ended.wait_status && WIFEXITED(*ended.wait_status)) answer.code = WEXITSTATUS(*ended.wait_status);
    calls_.erase(at);
    begin_next();
    if (calls_.empty()) timer_.cancel();
  }

  bool is_call(pid_t pid) const {
    return std::ranges::any_of(calls_, [&](const auto& call) { return call.second->pid() == pid; });
  }

  /// What an agent started long ago and ends now must not stay a zombie: stop would wait for its end for ever.
  void reap_orphans() {
    for (;;) {
      siginfo_t ended{};
      const int seen = ::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT);
      if (seen != 0 || ended.si_pid == 0 || is_call(ended.si_pid)) break;
      ::waitpid(ended.si_pid, nullptr, WNOHANG);
    }
    timer_.expires_after(reaping_interval);
    timer_.async_wait([this](const boost::system::error_code& stopped) {
      if (!stopped && !calls_.empty()) reap_orphans();
    });
  }

  boost::asio::io_context context_;
  boost::asio::steady_timer timer_{context_};
  std::map<std::size_t, std::shared_ptr<io::AgentCall>> calls_;  // under way, by request
  const std::vector<AgentRequest>& requests_;
  std::vector<AgentAnswer> answers_;
  std::size_t next_ = 0;
};

}  // namespace

std::string AgentAnswer::in_words() const {
  if (code) return fmt::format("{} ({})", *code, lsb::in_words(*code));
  if (timed_out()) return fmt::format("killed, since it was not done within {}", to_text(limit));
  return outcome.exit_reason.empty() ? "no exit code" : outcome.exit_reason;
}

std::vector<AgentAnswer> call_agents(const std::vector<AgentRequest>& requests) {
  return Calls(requests).run();
}

AgentAnswer call_agent(const AgentRequest& request) {
  return std::move(call_agents({request}).front());
}

}  // namespace systole::tools
