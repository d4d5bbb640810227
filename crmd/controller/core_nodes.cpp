// SPDX-License-Identifier: GPL-2.0-or-later
// Another list of nodes: all the machines take it over in one step, or none does.
#include "crmd/controller/core_impl.hpp"

namespace systole::controller {

void Core::Impl::reconfigure(Now now, const std::vector<membership::Member>& nodes) {
  auto refused = members.hinders(now, nodes);
  out.push_back(Reconfigured{refused});
  if (refused) return;
  std::set<NodeId> before, configured;
  for (const membership::Member& node : config.membership.nodes) before.insert(node.id);
  for (const membership::Member& node : nodes) configured.insert(node.id);
  config.membership.nodes = nodes;
  take(now, members.step(now, membership::Reconfigure{nodes}));
  take(now, documents.reconfigure(configured));
  if (!leader || before == configured) return;
  std::map<NodeId, Time> released;
  for (const NodeId id : configured) released[id] = members.released_at(id);
  leader->reconfigured(now, released);
}

}  // namespace systole::controller
