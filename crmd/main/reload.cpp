// SPDX-License-Identifier: GPL-2.0-or-later
// cluster.conf and the keys are read again while the daemon runs, at SIGHUP or when `systole reload` asks. Reading is
// the worker's; then the core says whether the list of nodes may change; only then anything is taken over, and all of
// it.
#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/base/exit_codes.hpp"
#include "common/config/reload.hpp"
#include "crmd/main/daemon.hpp"

namespace systole {

namespace ipc = wire::ipc;

void Daemon::reload(std::optional<std::uint64_t> client) {
  worker_.run([this, client]() -> io::Worker::AtHome {
    return [this, client, read = read_again(options_)] {
      if (!read) return refuse_reload(client, read.error());
      propose(client, *read);
    };
  });
}

void Daemon::refuse_reload(std::optional<std::uint64_t> client, const Failure& why) {
  log_.warning("reload: {}; nothing was changed", why.what);
  if (client) tools_->reply(*client, ipc::Reply{why.exit_code, why.what + "; nothing was changed", {}, {}});
}

/// What needs a restart is refused as a whole: half of a configuration is one that nobody wrote.
void Daemon::propose(std::optional<std::uint64_t> client, const Setting& read) {
  const config::NodeConf& self = setting_.conf.nodes[setting_.self];
  const config::Differences differences = config::compare(setting_.conf, read.conf, self.id);
  if (!differences.need_restart.empty())
    return refuse_reload(
        client, {exit_code::configuration,
                 fmt::format("{} cannot be taken over by a daemon that runs: it changes {}. Restart crmd on one node "
                             "after the other",
                             options_.config, fmt::join(differences.need_restart, ", "))});
  // What may still fail comes before the core takes the list of nodes over.
  if (pinger_)
    if (const auto done = pinger_->set_targets(read.conf.ping_targets); !done)
      return refuse_reload(client, {exit_code::permission, done.error().what});
  Proposal proposal{client, read, differences.live};
  proposal.setting.timing = setting_.timing;
  if (read.keys != setting_.keys)
    proposal.news.push_back(read.keys.front() == setting_.keys.front()
                                ? fmt::format("{} key(s), the same one seals", read.keys.size())
                                : fmt::format("{} key(s), another one seals", read.keys.size()));
  controller::Config core = core_config(proposal.setting, options_);
  proposals_.push_back(std::move(proposal));
  put(controller::Reconfigure{std::move(core.membership.nodes)});
}

void Daemon::perform(const controller::Reconfigured& effect) {
  const Proposal proposal = std::move(proposals_.front());
  proposals_.pop_front();
  if (effect.refused) {
    if (pinger_) ensure(pinger_->set_targets(setting_.conf.ping_targets).has_value());
    return refuse_reload(proposal.client, {exit_code::error, *effect.refused});
  }
  take_over(proposal.setting);
  const std::string text = proposal.news.empty()
                               ? fmt::format("{} and its keys say what they said before", options_.config)
                               : fmt::format("{} is taken over: {}", options_.config, fmt::join(proposal.news, "; "));
  log_.notice("reload: {}", text);
  if (proposal.client) tools_->reply(*proposal.client, ipc::Reply{exit_code::ok, text, {}, {}});
}

void Daemon::take_over(const Setting& wanted) {
  // Whoever parsed cluster.conf has seen to it that its addresses are some.
  ensure(links_->reconfigure(peer_addresses(wanted), io::Sealer(wanted.keys)).has_value());
  if (!(wanted.conf.logging == setting_.conf.logging)) {
    Log fresh;
    open_log(fresh, wanted.conf.logging);
    log_ = std::move(fresh);
  }
  setting_ = wanted;
}

}  // namespace systole
