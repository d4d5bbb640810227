// SPDX-License-Identifier: GPL-2.0-or-later
// See daemon.hpp.
#include "crmd/main/daemon.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <filesystem>

#include "cib/xml/cib_xml.hpp"
#include "common/base/exit_codes.hpp"
#include "crmd/io/service_manager.hpp"
#include "crmd/main/successor.hpp"

namespace systole {
namespace {

namespace asio = boost::asio;
namespace ipc = wire::ipc;

constexpr Duration vote_retry_interval = 1s;
constexpr Duration time_for_reply = 5ms;
constexpr Duration time_for_last_words = 100ms;  // answers to tools, and the news of our going, are still on their way

std::uint64_t random_number() {
  std::uint64_t number = 0;
  while (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
  }
  return number;
}

controller::DocumentRules rules_of_xml() {
  return {
      .parse = [](const std::string& document) { return cib::parse_configuration(document); },
      .apply = [](const std::string& document, const cib::Header& header, const cib::Status& status,
                  const cib::Request& request,
                  std::int64_t epoch_s) { return cib::apply(document, header, status, request, epoch_s); },
  };
}

/// crm_attribute and its like: beside the daemon, in its bin folder, or where the build tree has them.
std::string find_tools() {
  if (const char* const said = std::getenv("SYSTOLE_TOOLS")) return said;
  std::error_code code;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) return "";
  for (const char* const relative : {".", "bin", "../../tools"}) {
    const auto folder = (program.parent_path() / relative).lexically_normal();
    if (std::filesystem::exists(folder / "crm_attribute", code)) {
      std::string text = folder.string();
      while (text.size() > 1 && text.back() == '/') text.pop_back();
      return text;
    }
  }
  return "";
}

/// The addresses that the configuration's address resources put on interfaces.
std::vector<std::string> addresses_in(const std::string& document) {
  std::vector<std::string> found;
  const auto configuration = cib::parse_configuration(document);
  if (!configuration) return found;
  for (const cib::Primitive* primitive : cib::primitives_of(*configuration)) {
    if (!primitive->type.starts_with("IPaddr")) continue;
    if (const auto ip = cib::value_of(primitive->instance, "ip")) found.push_back(*ip);
  }
  return found;
}

ipc::Reply answer_query(const controller::ReplyCib& asked) {
  ipc::Reply reply;
  const auto whole = cib::render(asked.document, asked.header, asked.status);
  const auto part = whole ? cib::query(*whole, asked.query.scope, asked.query.xpath, asked.query.no_children) : whole;
  if (part) {
    reply.text = *part;
  } else {
    reply.exit_code = exit_code_of(part.error());
    reply.text = part.error().what;
  }
  return reply;
}

Level level_of(membership::Note::Level level) {
  switch (level) {
    case membership::Note::Level::info:
      return Level::info;
    case membership::Note::Level::notice:
      return Level::notice;
    case membership::Note::Level::warning:
      return Level::warning;
  }
  return Level::info;
}

}  // namespace

Daemon::Daemon(const Options& options, Setting setting, Memory memory, Log& log)
    : options_(options),
      setting_(std::move(setting)),
      memory_(std::move(memory)),
      log_(log),
      alarm_(context_, [this] { put(membership::Tick{}); }),
      signals_(context_, SIGTERM, SIGINT, SIGHUP),
      last_words_(context_),
      vote_retry_(context_),
      ping_timer_(context_),
      worker_(context_) {}

Started<void> Daemon::open() {
  if (const auto opened = open_links(); !opened) return opened.error();
  auto tools = io::IpcServer::open(context_, options_.run_directory + "/crmd.sock", log_,
                                   [this](std::uint64_t client, ipc::Request request, std::string user) {
                                     asked(client, std::move(request), std::move(user));
                                   });
  if (!tools) return Failure{exit_code::io, tools.error().what};
  tools_ = std::move(*tools);
  if (const auto opened = open_pinger(); !opened) return opened.error();
  open_agents();
  find_guardian();
  return {};
}

Started<void> Daemon::open_links() {
  const config::ClusterConf& conf = setting_.conf;
  std::vector<io::LinkSetup> setups;
  for (std::size_t i = 0; i < conf.links.size(); ++i)
    setups.push_back(
        {conf.nodes[setting_.self].addresses[i], conf.links[i].port, conf.links[i].interface, conf.links[i].group});
  // With followers that answer their leader at once, an echo is known two keepalives after the packet at the latest.
  const bool patient = setting_.timing.lease >= conf.keepalive * 5 / 2;
  const io::BeatTimes times{conf.keepalive, setting_.timing.lost_after, conf.deadtime / 2, patient};
  auto links =
      io::Links::open(conf.nodes[setting_.self].id, setups, peer_addresses(setting_), io::Sealer(setting_.keys), times,
                      log_, [this] { asio::post(context_, [this] { pump(); }); });
  if (!links) {
    const bool wrong = links.error().code == Errc::not_found;
    const bool forbidden = links.error().code == Errc::permission;
    return Failure{wrong       ? exit_code::configuration
                   : forbidden ? exit_code::permission
                               : exit_code::unavailable,
                   links.error().what};
  }
  links_ = std::move(*links);
  return {};
}

void Daemon::open_agents() {
  const io::AgentSettings agents{options_.ocf_root, "/etc/init.d", options_.run_directory, find_tools()};
  if (agents.tools_folder.empty())
    log_.warning("crm_attribute and its like are not found beside this daemon; agents will find only those in PATH");
  const std::string instance =
      fmt::format("{}-{}", setting_.conf.cluster_name, setting_.conf.nodes[setting_.self].name);
  std::optional<io::Cgroups> cgroups;
  if (auto opened = io::Cgroups::open(instance); opened)
    cgroups = std::move(*opened);
  else
    log_.warning("no cgroup for each resource: {}; when the lease ends only process groups and addresses are ended",
                 opened.error().what);
  agents_ = std::make_unique<io::Agents>(
      context_, agents, std::move(cgroups), log_,
      [this](std::uint64_t call, executor::Outcome outcome) {
        put(controller::AgentDone{call, std::move(outcome)});
      },
      [this](std::uint64_t call, bool offered) {
        put(controller::WatchEnded{call, offered});
      });
}

// ---- the guardian

void Daemon::find_guardian() {
  io::GuardianSettings settings;
  settings.run_directory = options_.run_directory;
  settings.watchdog = setting_.conf.guardian.watchdog_device;
  settings.watchdog_timeout = std::chrono::ceil<std::chrono::seconds>(config::watchdog_timeout(setting_.conf));
  io::GuardianClient::Callbacks callbacks;
  callbacks.on_state = [this](const guardian::State& state, bool first) {
    // What it guards was started by an earlier life of this daemon; later it is what we told it ourselves.
    if (first) {
      controller::Inherited inherited;
      inherited.until = state.until.value_or(Time{});
      for (const guardian::Holding& held : state.holdings)
        inherited.held.push_back({ResourceId{held.resource}, held.addresses});
      put(std::move(inherited));
    }
    if (state.laddered && state.laddered->all_gone) put(controller::Dropped{state.laddered->text});
  };
  callbacks.on_laddered = [this](const guardian::Laddered& news) {
    if (news.all_gone) return put(controller::Dropped{news.text});
    log_.error("{}", news.text);
  };
  callbacks.on_held = [this](std::uint64_t) {
    if (!guardian_->all_accepted()) return;
    for (const executor::RunAgent& run : std::exchange(not_yet_held_, {})) agents_->run(run);
  };
  guardian_ = std::make_unique<io::GuardianClient>(context_, settings, log_, std::move(callbacks));
}

void Daemon::perform(const controller::Hold& effect) {
  held_ = effect.held;
  std::vector<guardian::Holding> holdings;
  for (const executor::Held& held : effect.held) {
    guardian::Holding one;
    one.resource = held.resource.value;
    one.addresses = held.addresses;
    one.cgroup = agents_->cgroup_of(held.resource.value);
    holdings.push_back(std::move(one));
  }
  guardian_->hold(std::move(holdings));
}

void Daemon::perform(const controller::Feed& effect) {
  guardian_->feed(effect.until);
}

// ---- mode ping

Started<void> Daemon::open_pinger() {
  if (setting_.conf.mode != config::QuorumMode::ping) return {};
  auto pinger =
      io::Pinger::open(context_, setting_.conf.ping_targets, random_number(), log_, [this](Time sent, bool of_peer) {
        put(membership::PingAnswered{sent, of_peer});
      });
  if (!pinger) return Failure{exit_code::permission, pinger.error().what};
  pinger_ = std::move(*pinger);
  learn_addresses(memory_.document.document);
  ping();
  return {};
}

void Daemon::ping() {
  pinger_->ask_targets();
  // While the peer is heard its addresses are nobody's business.
  if (core_ && core_->membership().missed(io::present().at)) {
    std::vector<std::string> elsewhere;
    for (const std::string& address : service_addresses_)
      if (std::ranges::none_of(held_, [&](const executor::Held& held) {
            return std::ranges::find(held.addresses, address) != held.addresses.end();
          }))
        elsewhere.push_back(address);
    pinger_->ask_peer_at(elsewhere);
  }
  ping_timer_.expires_after(setting_.conf.keepalive);
  ping_timer_.async_wait([this](const boost::system::error_code& stopped) {
    if (!stopped) ping();
  });
}

void Daemon::learn_addresses(const std::string& document) {
  if (document.empty()) return;
  worker_.run([this, document]() -> io::Worker::AtHome {
    return [this, addresses = addresses_in(document)] { service_addresses_ = addresses; };
  });
}

int Daemon::run() {
  const std::uint64_t boot = random_number();
  controller::Config config = core_config(setting_, options_);
  config.membership.may_have_forgotten = memory_.may_have_forgotten;
  core_ =
      std::make_unique<controller::Core>(std::move(config), boot, memory_.vote, std::move(memory_.document),
                                         setting_.first_document, rules_of_xml(), Dice(random_number()), io::present());
  wait_for_signal();
  look_for_lost_configurations();
  put(membership::Tick{});
  io::tell_service_manager("READY=1");
  context_.run();
  return exit_code_;
}

void Daemon::put(controller::Event event) {
  inbox_.push_back(std::move(event));
  if (pump_is_due_) return;
  pump_is_due_ = true;
  asio::post(context_, [this] { pump(); });
}

/// The core lives in the order of what happened: what the pulse had stamped before an event's moment comes before it.
void Daemon::pump() {
  if (!core_ || starting_again_) return;
  Now now;
  do {
    now = io::present();
    for (io::Received& received : links_->take())
      step({std::max(received.at, last_step_), now.epoch_s},
           membership::PacketIn{received.link, std::move(received.packet)});
    if (inbox_.empty()) break;
    const controller::Event event = std::move(inbox_.front());
    inbox_.pop_front();
    step({std::max(now.at, last_step_), now.epoch_s}, event);
  } while (!inbox_.empty() && !starting_again_);
  pump_is_due_ = false;
  links_->fed(now.at);
  alarm_.set(core_->next_deadline());
}

void Daemon::step(Now now, const controller::Event& event) {
  last_step_ = now.at;
  for (const controller::Effect& effect : core_->step(now, event))
    std::visit([this](const auto& which) { perform(which); }, effect);
}

void Daemon::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    signalled(number);
    wait_for_signal();
  });
}

void Daemon::signalled(int number) {
  if (number == SIGHUP) {
    log_.notice("SIGHUP: reading {} and the keys again", options_.config);
    reload({});
    return;
  }
  if (leaving_) {
    log_.warning("second signal: ending at once; what runs here is dropped when the lease ends");
    exit_code_ = exit_code::error;
    context_.stop();
    return;
  }
  leaving_ = true;
  log_.notice("{}: leaving the cluster in order; a second signal ends at once",
              number == SIGINT ? "SIGINT" : "SIGTERM");
  io::tell_service_manager("STOPPING=1");
  put(controller::Shutdown{});
}

// ---- effects

void Daemon::perform(const membership::Transmit& effect) {
  links_->transmit(effect.to, effect.link, effect.packet, effect.good_until);
}

void Daemon::perform(const membership::StoreVote& effect) {
  ++newest_vote_;
  store_vote(effect.vote);
}

void Daemon::store_vote(Vote vote) {
  worker_.run([this, vote, order = newest_vote_]() -> io::Worker::AtHome {
    const auto saved = memory_.store->save_vote(vote);
    if (saved) return [this, vote] { put(membership::VoteStored{vote}); };
    return [this, vote, order, what = saved.error().what] {
      // The vote that could not be stored was not given: nobody counts on it. Without it no election can be won.
      log_.error("cannot store a vote of term {}: {}; trying again", vote.number, what);
      vote_retry_.expires_after(vote_retry_interval);
      vote_retry_.async_wait([this, vote, order](const boost::system::error_code& stopped) {
        if (!stopped && order == newest_vote_) store_vote(vote);
      });
    };
  });
}

void Daemon::perform(const membership::Note& effect) {
  log_.line(level_of(effect.level), effect.text);
}

void Daemon::perform(const executor::RunAgent& effect) {
  if (guardian_->all_accepted())
    agents_->run(effect);
  else
    not_yet_held_.push_back(effect);
}

void Daemon::perform(const executor::KillAgent& effect) {
  const auto waits = std::ranges::find(not_yet_held_, effect.call, &executor::RunAgent::call);
  if (waits == not_yet_held_.end()) return agents_->kill(effect.call);
  not_yet_held_.erase(waits);
  executor::Outcome never_begun;
  never_begun.rc = static_cast<std::int32_t>(cib::Rc::error);
  never_begun.status = cib::OpStatus::cancelled;
  put(controller::AgentDone{effect.call, never_begun});
}

void Daemon::perform(const executor::BeginWatch& effect) {
  agents_->watch(effect.run);
}

void Daemon::perform(const executor::EndWatch& effect) {
  agents_->end_watch(effect.call);
}

void Daemon::perform(const controller::StoreDocument& effect) {
  if (pinger_) learn_addresses(effect.document.document);
  worker_.run([this, document = effect.document]() -> io::Worker::AtHome {
    const auto saved = memory_.store->save(document);
    if (saved) return [this, stamp = document.stamp] { put(controller::DocumentStored{stamp}); };
    return [this, stamp = document.stamp, what = saved.error().what] {
      log_.error("cannot store the configuration: {}", what);
      put(controller::DocumentStoreFailed{stamp, what});
    };
  });
}

void Daemon::perform(const controller::KeepAside& effect) {
  worker_.run([this, document = effect.document, reason = effect.reason]() -> io::Worker::AtHome {
    const auto kept = memory_.store->keep_lost(document, file_stamp());
    if (kept)
      return [this, name = *kept, reason] {
        log_.warning("this node's own configuration was overruled ({}); it is kept in {}/{}", reason,
                     options_.state_directory, name);
      };
    return [this, what = kept.error().what, reason] {
      log_.error("this node's own configuration was overruled ({}) and could not be kept: {}", reason, what);
    };
  });
}

/// In the worker, because the disk may hang: who asks next sees what there was.
void Daemon::look_for_lost_configurations() {
  worker_.run([this]() -> io::Worker::AtHome {
    return [this, found = memory_.store->lost()] { lost_configurations_ = found; };
  });
}

void Daemon::perform(const controller::Reply& effect) {
  if (!effect.reply.cluster) return tools_->reply(effect.client, effect.reply);
  ipc::Reply reply = effect.reply;
  const io::RefusedDatagrams refused = links_->refused();
  auto& dropped = reply.cluster->dropped_packets;
  dropped.insert(dropped.end(), {{"truncated", refused.truncated},
                                 {"oversized", refused.oversized},
                                 {"foreign_key", refused.foreign},
                                 {"tampered", refused.tampered},
                                 {"unreadable", refused.unreadable},
                                 {"dropped_by_kernel", refused.by_kernel}});
  for (auto& [kind, count] : dropped)
    if (kind == "replayed") count += refused.replayed;
  for (ipc::NodeInfo& node : reply.cluster->nodes) {
    const auto conf = std::ranges::find(setting_.conf.nodes, NodeId{node.id}, &config::NodeConf::id);
    for (std::size_t i = 0; conf != setting_.conf.nodes.end() && i < node.links.size(); ++i)
      node.links[i].address = conf->addresses.at(i);
  }
  for (const std::string& name : lost_configurations_)
    reply.cluster->problems.push_back(
        fmt::format("a configuration of this node was overruled and is kept in {}/{}: take over what you miss, then "
                    "remove it",
                    options_.state_directory, name));
  look_for_lost_configurations();
  reply.cluster->guarantee = config::guarantee_of(setting_.conf);
  reply.cluster->daemon_version = SYSTOLE_VERSION;
  tools_->reply(effect.client, reply);
}

void Daemon::perform(const controller::ReplyCib& effect) {
  worker_.run([this, effect]() -> io::Worker::AtHome {
    return [this, client = effect.client, reply = answer_query(effect)] { tools_->reply(client, reply); };
  });
}

// ---- a successor in the same process

void Daemon::asked(std::uint64_t client, ipc::Request request, std::string user) {
  if (std::holds_alternative<ipc::Reload>(request)) return reload(client);
  controller::ClientRequest asks{client, std::move(request), std::move(user)};
  if (!std::holds_alternative<ipc::Reexec>(asks.request)) return put(std::move(asks));
  // What cannot start must not be begun: nobody would be left here to say why.
  worker_.run([this, asks]() -> io::Worker::AtHome {
    const auto fit = try_successor(options_.command_line);
    if (fit) return [this, asks] { put(asks); };
    return [this, asks, what = fit.error().what] {
      log_.error("not beginning again: {}", what);
      tools_->reply(asks.client, ipc::Reply{exit_code::configuration, "nothing was changed: " + what, {}, {}});
    };
  });
}

void Daemon::perform(const controller::StartAgain& effect) {
  starting_again_ = true;
  tools_->reply(effect.client, ipc::Reply{0, "it begins again now", {}, {}});
  last_words_.expires_after(time_for_reply);
  last_words_.async_wait([this](const boost::system::error_code&) {
    log_.notice("beginning again as {}", options_.command_line.front());
    const Error problem = become_successor(options_.command_line);
    log_.error("cannot begin again, going on: {}", problem.what);
    starting_again_ = false;
    put(membership::Tick{});
  });
}

void Daemon::perform(const controller::Ended& effect) {
  log_.notice("ended: {}", effect.reason);
  if (held_.empty()) guardian_->done();
  agents_->tidy_cgroups();
  tools_->close();
  last_words_.expires_after(time_for_last_words);
  last_words_.async_wait([this](const boost::system::error_code&) { context_.stop(); });
}

}  // namespace systole
