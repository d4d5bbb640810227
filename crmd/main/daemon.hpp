// SPDX-License-Identifier: GPL-2.0-or-later
// The drive: one inbox, one alarm, the pure core between them. Every callback of the shell puts an event into the
// inbox; pump() hands them to the core one by one and begins its effects; nothing here waits for an effect and nothing
// here decides.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <string>

#include "common/log/log.hpp"
#include "crmd/controller/core.hpp"
#include "crmd/io/agents.hpp"
#include "crmd/io/clock.hpp"
#include "crmd/io/guardian_client.hpp"
#include "crmd/io/ipc_server.hpp"
#include "crmd/io/links.hpp"
#include "crmd/io/pinger.hpp"
#include "crmd/io/worker.hpp"
#include "crmd/main/options.hpp"
#include "crmd/main/startup.hpp"

namespace systole {

class Daemon {
 public:
  Daemon(const Options& options, Setting setting, Memory memory, Log& log);

  /// Opens links and socket. Nothing has been sent before.
  Started<void> open();
  /// Until the end; the exit code.
  int run();

 private:
  void put(controller::Event event);
  void pump();
  void step(Now now, const controller::Event& event);
  void wait_for_signal();
  void signalled(int number);

  void perform(const membership::Transmit& effect);
  void perform(const membership::StoreVote& effect);
  void perform(const membership::Note& effect);
  void perform(const executor::RunAgent& effect);
  void perform(const executor::KillAgent& effect);
  void perform(const executor::BeginWatch& effect);
  void perform(const executor::EndWatch& effect);
  void perform(const controller::StoreDocument& effect);
  void perform(const controller::KeepAside& effect);
  void perform(const controller::Hold& effect);
  void perform(const controller::Feed& effect);
  void perform(const controller::Reply& effect);
  void perform(const controller::ReplyCib& effect);
  void perform(const controller::StartAgain& effect);
  void perform(const controller::Reconfigured& effect);
  void perform(const controller::Ended& effect);
  void asked(std::uint64_t client, wire::ipc::Request request, std::string user);
  void store_vote(Vote vote);
  Started<void> open_links();
  Started<void> open_pinger();
  void open_agents();
  void find_guardian();
  void ping();
  void learn_addresses(const std::string& document);
  void look_for_lost_configurations();

  // ---- reload.cpp
  struct Proposal {
    std::optional<std::uint64_t> client;  // none: a signal asked
    Setting setting;
    std::vector<std::string> news;
  };
  void reload(std::optional<std::uint64_t> client);
  void refuse_reload(std::optional<std::uint64_t> client, const Failure& why);
  void propose(std::optional<std::uint64_t> client, const Setting& read);
  void take_over(const Setting& wanted);

  Options options_;
  Setting setting_;
  Memory memory_;
  Log& log_;
  boost::asio::io_context context_{1};  // one thread runs it
  io::Alarm alarm_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer last_words_, vote_retry_, ping_timer_;
  std::unique_ptr<io::Links> links_;
  std::unique_ptr<io::IpcServer> tools_;
  std::unique_ptr<io::Agents> agents_;
  std::unique_ptr<io::GuardianClient> guardian_;
  std::unique_ptr<io::Pinger> pinger_;  // mode ping only
  std::unique_ptr<controller::Core> core_;
  std::deque<controller::Event> inbox_;
  std::deque<Proposal> proposals_;               // one for each Reconfigure in the inbox
  std::deque<executor::RunAgent> not_yet_held_;  // the guardian must know first what they will start
  std::vector<executor::Held> held_;
  std::vector<std::string> lost_configurations_;  // kept aside, for somebody to look at
  std::vector<std::string> service_addresses_;    // of the configuration: who answers there is alive
  Time last_step_{};                              // the core's time never goes back
  bool pump_is_due_ = false, leaving_ = false;
  bool starting_again_ = false;    // the core is not stepped any more
  std::uint64_t newest_vote_ = 0;  // counts StoreVote effects
  int exit_code_ = 0;
  io::Worker worker_;  // last: its thread ends before what it uses goes
};

}  // namespace systole
