// SPDX-License-Identifier: GPL-2.0-or-later
// Another list of nodes: all the machines take it over in one step, or none does.
#include "crmd/controller/core_impl.hpp"

namespace systole::controller {

/// What was committed by a majority of the list before the present one need not be with a majority of the next one: of
/// {1, 2, 3} nodes 1 and 2 have a change; node 4 comes, node 1 goes, and 3 and 4 are a majority that never heard of it.
/// So each node that takes a list over must have what its leader has: then all that was committed under any list but
/// the present one is with every node of the next.
std::optional<std::string> Core::Impl::lags() const {
  const Stamp stored = documents.stored_stamp();
  if (!members.leader())
    return "nobody leads whom this node knows, and a change of the list of nodes could lose what nodes that are away "
           "have "
           "stored: put cluster.conf back, and try again when there is a leader (a new node must not be started before "
           "all others know it)";
  if (stored != documents.head().stamp || stored.term != members.term())
    return "this node has not stored the leader's configuration yet: try again in a few seconds";
  return {};
}

void Core::Impl::reconfigure(Now now, const std::vector<membership::Member>& nodes) {
  std::set<NodeId> before, configured;
  for (const membership::Member& node : config.membership.nodes) before.insert(node.id);
  for (const membership::Member& node : nodes) configured.insert(node.id);
  auto refused = members.hinders(now, nodes);
  if (!refused && before != configured) refused = lags();
  out.push_back(Reconfigured{refused});
  if (refused) return;
  config.membership.nodes = nodes;
  take(now, members.step(now, membership::Reconfigure{nodes}));
  take(now, documents.reconfigure(configured));
  if (!leader || before == configured) return;
  std::map<NodeId, Time> released;
  for (const NodeId id : configured) released[id] = members.released_at(id);
  leader->reconfigured(now, released);
}

}  // namespace systole::controller
