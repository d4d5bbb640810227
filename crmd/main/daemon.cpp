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

namespace systole {
namespace {

namespace asio = boost::asio;
namespace ipc = wire::ipc;

constexpr Duration vote_retry_interval = 1s;
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
      worker_(context_) {}

Started<void> Daemon::open() {
  const config::ClusterConf& conf = setting_.conf;
  std::vector<io::LinkSetup> setups;
  for (std::size_t i = 0; i < conf.links.size(); ++i)
    setups.push_back({conf.nodes[setting_.self].addresses[i], conf.links[i].port, conf.links[i].interface});
  std::map<NodeId, std::vector<std::string>> peers;
  for (std::size_t i = 0; i < conf.nodes.size(); ++i)
    if (i != setting_.self) peers[conf.nodes[i].id] = conf.nodes[i].addresses;
  auto links = io::Links::open(context_, setups, peers, io::Sealer(setting_.keys), log_,
                               [this](std::size_t link, wire::Packet packet) {
                                 put(membership::PacketIn{link, std::move(packet)});
                               });
  if (!links) {
    const bool wrong = links.error().code == Errc::not_found;
    const bool forbidden = links.error().code == Errc::permission;
    return Failure{wrong       ? exit_code::configuration
                   : forbidden ? exit_code::permission
                               : exit_code::unavailable,
                   links.error().what};
  }
  links_ = std::move(*links);
  auto tools = io::IpcServer::open(context_, options_.run_directory + "/crmd.sock", log_,
                                   [this](std::uint64_t client, ipc::Request request, std::string user) {
                                     put(controller::ClientRequest{client, std::move(request), std::move(user)});
                                   });
  if (!tools) return Failure{exit_code::io, tools.error().what};
  tools_ = std::move(*tools);
  const io::AgentSettings agents{options_.ocf_root, "/etc/init.d", options_.run_directory, find_tools()};
  if (agents.tools_folder.empty())
    log_.warning("crm_attribute and its like are not found beside this daemon; agents will find only those in PATH");
  agents_ = std::make_unique<io::Agents>(context_, agents, log_, [this](std::uint64_t call, executor::Outcome outcome) {
    put(controller::AgentDone{call, std::move(outcome)});
  });
  return {};
}

int Daemon::run() {
  const std::uint64_t boot = random_number();
  controller::Config config = core_config(setting_, options_);
  config.membership.may_have_forgotten = memory_.may_have_forgotten;
  core_ =
      std::make_unique<controller::Core>(std::move(config), boot, memory_.vote, std::move(memory_.document),
                                         setting_.first_document, rules_of_xml(), Dice(random_number()), io::present());
  wait_for_signal();
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

void Daemon::pump() {
  while (!inbox_.empty()) {
    const controller::Event event = std::move(inbox_.front());
    inbox_.pop_front();
    for (const controller::Effect& effect : core_->step(io::present(), event))
      std::visit([this](const auto& which) { perform(which); }, effect);
  }
  pump_is_due_ = false;
  alarm_.set(core_->next_deadline());
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
    log_.notice("SIGHUP: ignoring it; a changed cluster.conf is read at the next start");
    return;
  }
  if (leaving_) {
    log_.warning("second signal: ending at once; resources are left as they are");
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
  links_->transmit(effect.to, effect.link, effect.packet);
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
  agents_->run(effect);
}

void Daemon::perform(const executor::KillAgent& effect) {
  agents_->kill(effect.call);
}

void Daemon::perform(const controller::StoreDocument& effect) {
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

void Daemon::perform(const controller::Reply& effect) {
  if (!effect.reply.cluster) return tools_->reply(effect.client, effect.reply);
  ipc::Reply reply = effect.reply;
  const io::RefusedDatagrams& refused = links_->refused();
  auto& dropped = reply.cluster->dropped_packets;
  dropped.insert(dropped.end(), {{"truncated", refused.truncated},
                                 {"oversized", refused.oversized},
                                 {"foreign_key", refused.foreign},
                                 {"tampered", refused.tampered},
                                 {"unreadable", refused.unreadable}});
  reply.cluster->daemon_version = SYSTOLE_VERSION;
  tools_->reply(effect.client, reply);
}

void Daemon::perform(const controller::ReplyCib& effect) {
  worker_.run([this, effect]() -> io::Worker::AtHome {
    return [this, client = effect.client, reply = answer_query(effect)] { tools_->reply(client, reply); };
  });
}

void Daemon::perform(const controller::Ended& effect) {
  log_.notice("ended: {}", effect.reason);
  tools_->close();
  last_words_.expires_after(time_for_last_words);
  last_words_.async_wait([this](const boost::system::error_code&) { context_.stop(); });
}

}  // namespace systole
