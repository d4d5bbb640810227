// SPDX-License-Identifier: GPL-2.0-or-later
// See startup.hpp.
#include "crmd/main/startup.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "cib/xml/cib_xml.hpp"
#include "common/base/exit_codes.hpp"
#include "common/base/limits.hpp"
#include "common/config/local_addresses.hpp"
#include "common/log/sinks.hpp"

namespace systole {
namespace {

int code_of(const Error& error, int otherwise) {
  switch (error.code) {
    case Errc::not_found:
      return exit_code::no_input;
    case Errc::permission:
      return exit_code::permission;
    case Errc::io:
      return exit_code::io;
    case Errc::schema:
    case Errc::corrupt:
      return exit_code::data;
    case Errc::invalid:
    case Errc::exists:
    case Errc::refused:
    case Errc::old_version:
    case Errc::timeout:
    case Errc::not_connected:
    case Errc::too_big:
    case Errc::protocol:
      return otherwise;
  }
  return otherwise;
}

Failure failed(const Error& error, int otherwise) {
  return {code_of(error, otherwise), error.what};
}

/// The one that was named; else the one that 'systole init' and 'systole join' put beside cluster.conf, but not once a
/// CIB is stored: what is of no use any more must not be able to stop a start. "": none.
std::string first_cib_path(const Options& options) {
  if (!options.first_cib.empty()) return options.first_cib;
  const std::string beside = std::filesystem::path(options.config).parent_path() / "first-cib.xml";
  const bool needed = !std::filesystem::exists(options.state_directory + "/cib.xml");
  return needed && std::filesystem::exists(beside) ? beside : "";
}

Started<std::string> read_first_cib(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return failed(errno_error(fmt::format("cannot read the first CIB {}", path)), exit_code::no_input);
  std::ostringstream text;
  text << file.rdbuf();
  const auto parsed = cib::parse_configuration(text.str());
  if (!parsed) return Failure{exit_code::data, fmt::format("{}: {}", path, parsed.error().what)};
  return text.str();
}

}  // namespace

void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
  throw std::logic_error(failure.what);
}

Started<Setting> read_again(const Options& options) {
  Setting setting;
  auto conf = config::read_cluster_conf(options.config);
  if (!conf) return failed(conf.error(), exit_code::configuration);
  setting.conf = std::move(*conf);
  utsname machine{};
  ::uname(&machine);
  const auto self = config::find_self(setting.conf, options.node, machine.nodename, config::local_addresses());
  if (!self) return Failure{exit_code::configuration, fmt::format("{}: {}", options.config, self.error().what)};
  setting.self = *self;
  const config::NodeConf& node = setting.conf.nodes[*self];
  if (options.witness && !node.witness)
    return Failure{
        exit_code::configuration,
        fmt::format("{}: --witness is given, and node '{}' is none: write 'witness: yes' into its entry of the "
                    "nodelist, on every node, or start crmd without --witness",
                    options.config, node.name)};
  auto keys = config::read_key_file(setting.conf.key_file);
  if (!keys) return failed(keys.error(), exit_code::configuration);
  setting.keys = std::move(*keys);
  return setting;
}

Started<Setting> read_setting(const Options& options) {
  auto read = read_again(options);
  if (!read) return read;
  Setting setting = std::move(*read);
  setting.first_document = cib::empty_document(setting.conf.cluster_name);
  if (const std::string path = first_cib_path(options); !path.empty()) {
    auto first = read_first_cib(path);
    if (!first) return first.error();
    setting.first_document = std::move(*first);
  }
  return setting;
}

std::map<NodeId, std::vector<std::string>> peer_addresses(const Setting& setting) {
  std::map<NodeId, std::vector<std::string>> peers;
  for (std::size_t i = 0; i < setting.conf.nodes.size(); ++i)
    if (i != setting.self) peers[setting.conf.nodes[i].id] = setting.conf.nodes[i].addresses;
  return peers;
}

std::string describe(const Setting& setting) {
  const config::ClusterConf& conf = setting.conf;
  const config::NodeConf& self = conf.nodes[setting.self];
  std::string text = fmt::format("cluster '{}': this is node '{}' (nodeid {}) of {}, mode {}\n", conf.cluster_name,
                                 self.name, self.id.value, conf.nodes.size(), config::mode_of(conf));
  text += fmt::format("keepalive {}, deadtime {}, initdead {}\n", to_text(conf.keepalive), to_text(conf.deadtime),
                      to_text(conf.initdead));
  for (std::size_t i = 0; i < conf.links.size(); ++i)
    text += fmt::format("link {}: {} port {}/udp{}{}\n", i, self.addresses[i], conf.links[i].port,
                        conf.links[i].interface.empty() ? "" : " on interface " + conf.links[i].interface,
                        conf.links[i].group.empty() ? "" : ", to the group " + conf.links[i].group);
  text += fmt::format("key file {}: {} key(s)\n", conf.key_file, setting.keys.size());
  text += fmt::format("{}\n{}\n", config::guarantee_of(conf), config::inequality(conf, setting.timing));
  return text;
}

bool open_log(Log& log, const config::LoggingConf& logging) {
  if (logging.debug) log.limit(Level::debug);
  if (logging.to_syslog) {
    struct stat about {};
    if (::stat(std::string(journal_socket).c_str(), &about) == 0)
      log.add(make_journal_sink("crmd"));
    else
      log.add(make_syslog_sink("crmd", logging.facility));
  }
  if (logging.to_logfile) log.add(make_file_sink("crmd", logging.logfile));
  const bool on_stderr = logging.to_stderr || !log.has_sinks() || ::isatty(2) == 1;
  if (on_stderr) log.add(make_stderr_sink("crmd"));
  return on_stderr;
}

Started<Memory> open_memory(const std::string& directory) {
  if (const auto made = io::make_directory(directory, 0750); !made) return failed(made.error(), exit_code::io);
  auto disk = cib::PosixDisk::open(directory);
  if (!disk) return failed(disk.error(), exit_code::io);
  Memory memory;
  memory.disk = std::make_unique<cib::PosixDisk>(std::move(*disk));
  memory.store = std::make_unique<cib::Store>(*memory.disk);
  auto loaded = memory.store->load(file_stamp());
  if (!loaded) return failed(loaded.error(), exit_code::data);
  memory.notes = loaded->notes;
  memory.may_have_forgotten = loaded->may_have_forgotten;
  if (loaded->newest) memory.document = std::move(*loaded->newest);
  const auto vote = memory.store->load_vote();
  if (!vote) return failed(vote.error(), exit_code::data);
  memory.vote = *vote;
  return memory;
}

Started<std::string> accept_loss(const Memory& memory, const std::string& directory) {
  if (!memory.may_have_forgotten) return fmt::format("{} is sound: nothing was done\n", directory);
  if (memory.document.document.empty())
    return Failure{exit_code::no_input,
                   fmt::format("no sound configuration is left in {}: move its files cib-*.xml away; this node then "
                               "starts with none, or with that of --first-cib",
                               directory)};
  if (const auto saved = memory.store->save(memory.document); !saved) return failed(saved.error(), exit_code::io);
  const Stamp& stamp = memory.document.stamp;
  return fmt::format("{}/cib.xml is now the configuration of term {}, write {}; start crmd\n", directory,
                     stamp.term.number, stamp.index);
}

Started<io::PidFile> take_run_directory(const std::string& directory) {
  if (const auto made = io::make_directory(directory, 0755); !made) return failed(made.error(), exit_code::io);
  auto lock = io::PidFile::take(directory + "/crmd.pid");
  if (!lock) return failed(lock.error(), exit_code::exists);
  return std::move(*lock);
}

Started<config::Timing> timing_of(const Setting& setting, bool realtime) {
  const auto timing = config::timing_of(setting.conf, realtime);
  if (!timing) return Failure{exit_code::configuration, timing.error().what};
  return *timing;
}

namespace {

membership::Mode mode_of(config::QuorumMode mode) {
  switch (mode) {
    case config::QuorumMode::majority:
      return membership::Mode::majority;
    case config::QuorumMode::ping:
      return membership::Mode::ping;
    case config::QuorumMode::none:
      return membership::Mode::none;
  }
  return membership::Mode::majority;
}

}  // namespace

controller::Config core_config(const Setting& setting, const Options& options) {
  const config::ClusterConf& conf = setting.conf;
  controller::Config core;
  core.membership.cluster = conf.cluster_name;
  core.membership.self = conf.nodes[setting.self].id;
  for (const config::NodeConf& node : conf.nodes)
    core.membership.nodes.push_back({node.id, node.name, node.addresses.size(), node.witness});
  core.membership.mode = mode_of(conf.mode);
  core.membership.keepalive = conf.keepalive;
  core.membership.deadtime = conf.deadtime;
  core.membership.initdead = conf.initdead;
  core.membership.wait_for_all = conf.wait_for_all;
  core.membership.takeover_delay = setting.timing.takeover_delay;
  core.membership.lease = setting.timing.lease;
  core.run_directory = options.run_directory;
  if (conf.logging.to_syslog) core.agent_environment["HA_LOGFACILITY"] = conf.logging.facility;
  if (conf.logging.to_logfile) core.agent_environment["HA_LOGFILE"] = conf.logging.logfile;
  if (conf.logging.debug) core.agent_environment["HA_debug"] = "1";
  return core;
}

std::string file_stamp() {
  const time_t now = ::time(nullptr);
  tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  const std::size_t size = ::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts);
  return {text, size};
}

}  // namespace systole
