// SPDX-License-Identifier: GPL-2.0-or-later
// A node that cannot follow as it is gets a new copy of the primary's database, beside its running server (where:
// copy_places.hpp). When it is whole the server ends, the manager starts it again, and start exchanges both before it
// launches it. Whatever the old database has that the primary does not have is kept in a receipt before; then it goes
// when the copy follows the primary, else it stays. Each step may be interrupted; what is not whole has not got its
// name.
#pragma once

#include <functional>
#include <string>

#include "agents/ocf/mysql/copy_dump.hpp"
#include "agents/ocf/mysql/copy_places.hpp"
#include "agents/ocf/mysql/copy_request.hpp"
#include "agents/ocf/mysql/copy_stream.hpp"
#include "agents/ocf/mysql/replication.hpp"

namespace systole::mysql {

class Reseed {
 public:
  struct Surroundings {
    std::string giver;       // the node that is asked: its name, or its server's address
    Duration patience;       // how long until it has read that
    PrimaryAddress primary;  // its server
    std::string address;     // of this node, where it waits for the copy
    std::string scratch;     // a folder that can be made, for the socket of a server beside the running one
    ReceiptPlace receipts;
    std::function<void(const std::string&)> tell;             // what it is at
    std::function<Result<void>(const std::string&)> publish;  // the request, "": withdrawn
  };
  Reseed(const Settings& settings, Surroundings surroundings, Log& log)
      : settings_(settings), places_(settings), at_(std::move(surroundings)), log_(log) {}

  /// Until the copy is ready. Errors: refused: it cannot be done as things are (room, another series); any other: try
  /// again.
  Result<void> run(Deadline deadline);

 private:
  Result<void> admits(const CopyHead& head) const;
  Result<void> look_at_server(Deadline deadline);
  Result<agents::Command> prepare_for(const CopyHead& head);
  Result<Taken> take(Deadline deadline);
  Result<GtidList> finish(const Taken& taken, Deadline deadline);
  void tell_progress(std::uint64_t bytes, std::uint64_t all, Time begin) const;
  Result<void> make_ready(const GtidList& position, Deadline deadline) const;
  Result<void> keep_surplus(const PeerHistory& peer, Deadline deadline) const;

  const Settings& settings_;
  CopyPlaces places_;
  Surroundings at_;
  Log& log_;
  std::string series_;
  std::optional<DumpTarget> dump_;
};

/// The giving side, for a node that has read the request.
Result<void> answer_copy_request(const Settings& settings, const CopyRequest& request, const std::string& scratch);

}  // namespace systole::mysql
