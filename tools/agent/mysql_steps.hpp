// SPDX-License-Identifier: GPL-2.0-or-later
// The steps that create and join share. Each says what it did, hands its way back to Undo, and finds what an earlier
// run of ours had done already.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/agent/mysql_dropin.hpp"
#include "tools/agent/mysql_setup.hpp"

namespace systole::tools {

/// What an earlier run, killed meanwhile, has left of the drop-in, and what stands in our way there.
struct DropInSeen {
  std::string path;
  bool ours = false;
  std::vector<OwnService> services = {};  // ours: what started the server before that run
  std::string fault = {};
};
DropInSeen look_at_drop_in(const OwnServer& server, const std::string& resource);

/// The services as they were before any run of ours.
std::vector<OwnService> services_before(const DropInSeen& drop_in, const std::vector<OwnService>& now);

class SetupSteps {
 public:
  SetupSteps(const SetupNames& names, const OwnServer& server, Undo& undo)
      : names_(names), server_(server), undo_(undo) {}

  /// This node's address, as a node attribute: names may lead to 127.0.1.1, or nowhere.
  Result<void> publish_address(const std::string& node, const std::string& address);
  /// The agent's file, with this password of replication; what else stands in it stays.
  Result<void> write_credentials(const std::string& password);
  /// And checks that the server obeys it.
  Result<void> write_drop_in(const DropInSeen& seen, unsigned server_id, const std::vector<OwnService>& before);
  /// Stops and disables what starts the server, and sees to it that it is gone. `undo_to`: as it is to be again.
  Result<void> retire_services(const std::vector<OwnService>& now, const std::vector<OwnService>& undo_to);

 private:
  const SetupNames& names_;
  const OwnServer& server_;
  Undo& undo_;
};

/// Looks every moment until `reached`; failures that the agents report meanwhile are said once. Error: the last one
/// that cannot mend itself, or the time is over, or Ctrl-C.
Result<void> await_cluster(const SetupNames& names, Duration patience, const std::function<MysqlView()>& look,
                           const std::function<bool(const MysqlView&)>& reached);

/// Errc::refused when Ctrl-C was pressed.
Result<void> not_interrupted();

}  // namespace systole::tools
