// SPDX-License-Identifier: GPL-2.0-or-later
// The endpoint's eye on this node's database: one connection that stays open, two or three statements a look, among
// them none that waits for a commit. Files that the agent's helper keeps tell the record; no program is run.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agents/ocf/mysql/server.hpp"
#include "tools/endpoint/lag.hpp"
#include "tools/endpoint/parameters.hpp"
#include "tools/endpoint/seen.hpp"

namespace systole::endpoint {

class NodeLook {
 public:
  /// keeper must outlive this. patience: of a look, at most.
  NodeLook(ParameterKeeper& keeper, Duration patience) : keeper_(keeper), patience_(patience) {}

  /// Never longer than patience; always from the same thread.
  Seen look();

 private:
  Result<void> ask(const mysql::Settings& settings, Seen& seen, Deadline deadline);
  Result<void> ask_stream(Seen& seen, Deadline deadline);
  void ask_beat(Stream& stream, Deadline deadline);
  void note_silence(Seen& seen, const Error& error);
  void note_role(Seen& seen);

  ParameterKeeper& keeper_;
  const Duration patience_;
  std::shared_ptr<const Parameters> parameters_;
  std::optional<mysql::Server> server_;
  std::string progress_;  // of the receiver
  Time progressed_{};
  BeatWatch beat_;
  Time no_beat_until_{};  // there was no such table
  std::string role_, since_;
};

}  // namespace systole::endpoint
