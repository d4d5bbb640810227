// SPDX-License-Identifier: GPL-2.0-or-later
// The core of crmd: membership, the replicated configuration, attributes, the executor and the controller, composed
// into one pure machine. The daemon's shell and the simulator feed it events and carry out its effects; neither
// decides.
//
//   packet ─▶ membership ─▶ (ordered message) ─▶ controller ─▶ replica / executor / attributes ─▶ effects
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "cib/model/change.hpp"
#include "cib/model/configuration.hpp"
#include "cib/model/status.hpp"
#include "common/base/result.hpp"
#include "common/wire/ipc.hpp"
#include "crmd/executor/executor.hpp"
#include "crmd/membership/membership.hpp"
#include "crmd/replica/replica.hpp"

namespace systole::controller {

/// What the core needs of libxml2, handed in so that it stays free of it: functions of their arguments only.
struct DocumentRules {
  std::function<Result<cib::Configuration>(const std::string& document)> parse;
  std::function<Result<cib::Changed>(const std::string& document, const cib::Header&, const cib::Status&,
                                     const cib::Request&, std::int64_t epoch_s)>
      apply;
};

struct Config {
  membership::Config membership;
  std::string run_directory;  // for agents: SYSTOLE_RUNDIR
  executor::AgentEnvironment agent_environment;
  Duration recheck_interval = 15min;  // cluster-recheck-interval: schedule again at least this often
};

// ---- events: Tick, PacketIn and VoteStored of membership, and
struct DocumentStored {
  Stamp stamp;
};
struct DocumentStoreFailed {
  Stamp stamp;
  std::string reason;
};
struct AgentDone {
  std::uint64_t call = 0;
  executor::Outcome outcome;
};
struct ClientRequest {
  std::uint64_t client = 0;  // the shell's number for this request; each gets exactly one Reply or ReplyCib
  wire::ipc::Request request;
  std::string user;
};
struct Inherited {  // the guardian still guards this: an earlier life of the daemon held it
  std::vector<executor::Held> held;
  Time until{};  // the lease of that life: it goes on until then, and by then this one must have its own
};
struct Dropped {  // the lease was over, and the guardian has dropped and killed all that was held
  std::string what;
};
struct Reconfigure {  // this list of nodes shall hold from now on; answered by one Reconfigured in the same step
  std::vector<membership::Member> nodes;
};
struct Shutdown {};  // leave in order: resources move away or stop, then Ended
struct WatchEnded {  // by itself; offered: the agent has the action watch
  std::uint64_t call = 0;
  bool offered = true;
};
using Event = std::variant<membership::Tick, membership::PacketIn, membership::VoteStored, membership::PingAnswered,
                           DocumentStored, DocumentStoreFailed, AgentDone, WatchEnded, ClientRequest, Inherited,
                           Dropped, Reconfigure, Shutdown>;

// ---- effects: Transmit, StoreVote and Note of membership, those of the executor but Report, and
struct StoreDocument {  // durably; then DocumentStored or DocumentStoreFailed
  Stamped document;
};
struct KeepAside {  // as cib-lost-*.xml
  Stamped document;
  std::string reason;
};
struct Reply {
  std::uint64_t client = 0;
  wire::ipc::Reply reply;
};
struct ReplyCib {  // the shell renders it and runs the query
  std::uint64_t client = 0;
  wire::ipc::QueryCib query;
  std::string document;
  cib::Header header;
  cib::Status status;
};
struct Hold {  // the guardian must know all of this before any agent of this step's effects runs
  std::vector<executor::Held> held;
};
struct Feed {  // the guardian lets all be as it is until then
  Time until{};
};
struct StartAgain {  // no agent runs and nobody is led: the process may become its successor. Nothing comes after it
  std::uint64_t client = 0;
};
struct Reconfigured {
  std::optional<std::string> refused;  // why the list cannot hold; nothing was changed then
};
struct Ended {  // the orderly shutdown is complete; the process may go
  std::string reason;
};
using Effect = std::variant<membership::Transmit, membership::StoreVote, membership::Note, executor::RunAgent,
                            executor::KillAgent, executor::BeginWatch, executor::EndWatch, StoreDocument, KeepAside,
                            Hold, Feed, Reply, ReplyCib, Reconfigured, StartAgain, Ended>;

class Core {
 public:
  /// stored: the newest sound document on disk; an empty text where there is none yet (first_document then becomes the
  /// first).
  Core(Config config, std::uint64_t boot_id, Vote vote, Stamped stored, std::string first_document, DocumentRules rules,
       Dice dice, Now now);
  ~Core();
  Core(Core&&) noexcept;

  std::vector<Effect> step(Now now, const Event& event);
  Time next_deadline() const;

  // ---- for the simulator's invariants and for tests
  const membership::Membership& membership() const;
  const replica::Replica& replica() const;
  const executor::Executor& executor() const;
  const cib::Status& status() const;
  bool settled() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace systole::controller
