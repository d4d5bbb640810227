// SPDX-License-Identifier: GPL-2.0-or-later
// What the simulated world knows of a node's program: a pure machine, fed with inputs, giving outputs. Two are built:
// the small one (membership and replica with a toy controller: thousands of clusters in seconds) and the whole core of
// crmd.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crmd/executor/executor.hpp"
#include "crmd/membership/membership.hpp"
#include "crmd/replica/replica.hpp"

namespace systole::sim {

// ---- inputs
struct DocumentStored {
  Stamp stamp;
};
struct DocumentFailed {
  Stamp stamp;
};
struct AgentDone {
  std::uint64_t call = 0;
  executor::Outcome outcome;
};
struct WatchEnded {
  std::uint64_t call = 0;
  bool offered = true;
};
struct Write {  // a client's change of the configuration; its number ends up in the document
  std::uint64_t id = 0;
};
struct Resign {};
struct Reexec {};   // the daemon is asked to begin again as its successor
struct Leave {};    // an orderly shutdown: resources leave first, then the daemon ends
struct AgentSays {  // crm_attribute, called by an agent on this node
  std::string attribute, value;
};
struct Inherited {  // what the guardian still guards, at the start of a daemon
  std::vector<executor::Held> held;
  Time until{};
};
struct Dropped {};  // the guardian has dropped all
struct Reload {     // cluster.conf lists these nodes now
  std::vector<membership::Member> nodes;
};
using Input = std::variant<membership::Tick, membership::PacketIn, membership::VoteStored, membership::PingAnswered,
                           DocumentStored, DocumentFailed, AgentDone, WatchEnded, Write, Resign, Reexec, Leave,
                           AgentSays, Inherited, Dropped, Reload>;

// ---- outputs
struct StoreDocument {
  replica::Stamped document;
};
struct Acknowledged {  // the client has heard ok
  std::uint64_t write = 0;
};
struct Left {  // the orderly shutdown is complete
  std::string reason;
};
struct BeginsAgain {};  // its successor takes over, and nothing comes from this one any more
struct Hold {           // for the guardian
  std::vector<executor::Held> held;
};
struct Feed {  // for the guardian
  Time until{};
};
struct Reloaded {
  std::vector<membership::Member> nodes;
  std::optional<std::string> refused;
};
struct Obeyed {  // an order of this term was carried out
  Term term;
};
struct Broken {  // the machine itself saw something that must not be
  std::string what;
};
struct Rare {  // a branch worth counting was taken
  std::string what;
};
using Output = std::variant<membership::Transmit, membership::StoreVote, membership::Note, StoreDocument, Acknowledged,
                            Left, BeginsAgain, Hold, Feed, Reloaded, Obeyed, executor::RunAgent, executor::KillAgent,
                            executor::BeginWatch, executor::EndWatch, Broken, Rare>;

class Machine {
 public:
  virtual ~Machine() = default;
  virtual std::vector<Output> step(Now now, const Input& input) = 0;
  virtual Time next_deadline() const = 0;
  virtual const membership::Membership& membership() const = 0;
  virtual const replica::Replica& replica() const = 0;
  /// Numbers of the client writes in this document.
  virtual std::vector<std::uint64_t> writes(const std::string& document) const = 0;
  /// Nothing left to do, as far as this node knows.
  virtual bool settled() const = 0;
  /// What this node and its leader know differently though both are settled; "": nothing.
  virtual std::string at_odds_with(const Machine& leader) const = 0;
  /// For a leader: whether that node has told it what runs there.
  virtual bool has_joined(NodeId node) const = 0;
};

struct Disk {  // what a crash leaves
  Vote vote;
  replica::Stamped document;
};

using Factory = std::function<std::unique_ptr<Machine>(membership::Config, std::uint64_t boot, const Disk&, Dice, Now)>;

/// A resource of the simulated cluster and where it must be once all is calm.
struct Expected {
  std::string instance;  // without a clone's number
  bool everywhere = false, promoted_once = false;
};

std::unique_ptr<Machine> core_machine(membership::Config config, std::uint64_t boot, const Disk& disk, Dice dice,
                                      Now now);
/// What core_machine's first document configures.
const std::vector<Expected>& core_resources();

std::unique_ptr<Machine> small_machine(membership::Config config, std::uint64_t boot, const Disk& disk, Dice dice,
                                       Now now);

}  // namespace systole::sim
