// SPDX-License-Identifier: GPL-2.0-or-later
// A cluster on half a page: the language in which scheduler cases are written. One statement per line; a line that
// begins with blanks goes on with the one before; one that begins with # is a comment.
//
//   property stonith-enabled=true            cluster options (stonith-enabled is false unless said here)
//   rsc-default resource-stickiness=100      op-default timeout=30s
//   node n1 [standby=on …]                   online, id by position; attributes are permanent
//   node n2 offline                          known, down (expected=down);  lost: vanished;  new: never seen
//   attribute n1 master-db=100               a transient attribute
//   primitive db ocf:systole:mysql [params k=v …] [meta k=v …] [op monitor interval=10s role=Promoted …] …
//   group g a b [meta …]                     of primitives above;  clone c g|a [meta …]
//   location ID RSC NODE SCORE               or: location ID RSC [role=Promoted] rule SCORE ATTRIBUTE OP VALUE
//   colocation ID SCORE RSC[:ROLE] WITH[:ROLE]
//   order ID [KIND] FIRST[:ACTION] THEN[:ACTION] [symmetrical=false]
//   order-sets ID [KIND] set a b [sequential=false] [require-all=false] set c …        colocation-sets ID SCORE set …
//   whole                                    as for crm_simulate: fencing, shutdowns, histories to be cleared
//   history n1 db probe=7 start=0 monitor/10000=0 …   results in this order;
//   OP[/ms][@epoch][!expected]=RC|pending|timeout[~PARAMETERS]; PARAMETERS, with which it ran: NAME=VALUE,… (a monitor
//                                            also with a timeout of 20 s), and ^NAME,…: only those need a restart
//   no-quorum          time 1000          dc n1
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "crmd/scheduler/scheduler.hpp"

namespace systole::scheduler::testing {

struct Story {
  cib::Configuration configuration;
  cib::Status status;
  bool quorate = true;
  NodeName dc;
  std::int64_t epoch_s = 1'000'000;
  bool whole = false;

  View view() const { return {&configuration, &status, quorate, dc, epoch_s, whole}; }
};

Result<Story> parse_story(std::string_view text);

/// Actions with what they wait for, decisions, problems: as the cases show them.
std::string print(const Transition& transition, const Story& story);

/// Short name of an action: "start vip n1", "probe db:0 n2", "db-clone_start_0".
std::string label(const Action& action);

/// Lets every action succeed, as a perfect cluster would: results go into the status, in an order that the transition
/// allows. False: some actions wait for each other and can never begin.
bool play(const Transition& transition, Story& story);

/// The same cluster as a Pacemaker CIB, to ask crm_simulate about it.
std::string to_xml(const Story& story);

}  // namespace systole::scheduler::testing
