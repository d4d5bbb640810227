// SPDX-License-Identifier: GPL-2.0-or-later
// A request to change the CIB, and what came of it, as plain values: cib/xml carries them out, the daemon's core and
// the tools pass them on.
#pragma once

#include <optional>
#include <string>

#include "cib/model/status.hpp"

namespace systole::cib {

/// What a whole CIB says beyond the replicated document.
struct Header {
  bool have_quorum = false;
  std::string dc_uuid;           // node id of the leader; "" = none
  std::int64_t num_updates = 0;  // status changes since the last configuration change
};
enum class Change { create, modify, replace, erase, patch, bump, upgrade };  // cibadmin -C -M -R -D -P -B --upgrade

struct Request {
  Change change = Change::modify;
  /// -o: "" or a section's name (configuration, resources, constraints, nodes, crm_config, status, …)
  std::string scope = {};
  std::string xpath = {};                           // -A/--xpath: the element that is meant
  std::string xml = {};                             // -X/-x/-p: the fragment or the patch
  bool allow_create = false;                        // -c
  bool force = false;                               // -f
  bool all_matches = false;                         // -d: every match of xpath, not only the first
  std::string origin = {}, client = {}, user = {};  // update-origin, update-client, update-user
  template <class Archive>
  void fields(Archive& a) {
    a(change)(scope)(xpath)(xml)(allow_create)(force)(all_matches)(origin)(client)(user);
  }
};

struct Changed {
  std::string document;          // the new document; equal to the old one where only status changed
  bool configuration = false;    // the configuration changed: epoch has risen, num_updates is 0
  std::optional<Status> status;  // the new status, where the change touched it
  std::string output;            // XML to print, if the request asks for some (<failed> on errors goes into Error)
};

}  // namespace systole::cib
