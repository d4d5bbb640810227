// SPDX-License-Identifier: GPL-2.0-or-later
// `systole join`: this machine becomes a node of the cluster whose node invited it. The files are on the disk before
// the other side counts us in, and in their places after; what goes wrong in between leaves this machine as it was.
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <iostream>

#include "common/base/exit_codes.hpp"
#include "common/config/key_file.hpp"
#include "common/invite/guest.hpp"
#include "tools/clock.hpp"
#include "tools/founding.hpp"
#include "tools/staged_files.hpp"
#include "tools/tcp.hpp"

namespace systole::tools {
namespace {

constexpr Duration patience = 30s;

class Joining {
 public:
  Joining(const Voice& voice, const JoinOptions& options) : voice_(voice), options_(options) {}
  int talk(Connection connection, const invite::Token& token);

 private:
  using What = invite::Guest::What;
  Result<void> prepare(const invite::Offer& offer);
  std::optional<int> step(invite::Guest& guest, const invite::Guest::Event& event, std::string& reply);
  int broken(const Error& error) const;
  void say_what_is_left() const;

  const Voice& voice_;
  const JoinOptions& options_;
  StagedFiles files_;
  config::ClusterConf conf_;
  std::string host_name_;
  bool prepared_ = false, placed_ = false;
};

Result<void> Joining::prepare(const invite::Offer& offer) {
  const FoundingPaths& paths = options_.paths;
  host_name_ = offer.host_name;
  auto conf = config::parse_cluster_conf(offer.cluster_conf, paths.config);
  if (!conf) return conf.error();
  const auto self = std::ranges::find(conf->nodes, options_.name, &config::NodeConf::name);
  if (self == conf->nodes.end() || self->addresses != options_.addresses)
    return Error{Errc::protocol, fmt::format("the configuration of '{}' does not list this machine", offer.host_name)};
  if (const auto keys = config::parse_keys(offer.keys, conf->key_file); !keys) return keys.error();
  conf_ = std::move(*conf);
  if (const auto done = files_.add_new(conf_.key_file, offer.keys, 0400); !done) return done;
  if (!offer.first_cib.empty())
    if (const auto done = files_.add_new(paths.first_cib(), offer.first_cib, 0644); !done) return done;
  return files_.add_new(paths.config, offer.cluster_conf, 0644);
}

/// What an event asks for; reply goes to the host. A code ends the program.
std::optional<int> Joining::step(invite::Guest& guest, const invite::Guest::Event& event, std::string& reply) {
  switch (event.what) {
    case What::offered: {
      const auto done = prepare(event.offer);
      prepared_ = static_cast<bool>(done);
      reply =
          done ? guest.prepared() : guest.refuse(fmt::format("'{}' cannot join: {}", options_.name, done.error().what));
      if (done) return {};
      return fail(voice_, done.error());
    }
    case What::committed: {
      const auto done = files_.put();
      placed_ = static_cast<bool>(done);
      if (done) {
        reply = guest.arrived();
        say_what_is_left();
        return exit_code::ok;
      }
      voice_.err(
          fmt::format("systole: '{}' counts this machine in already, but {}\nWhen that is put right, run there: "
                      "systole invite --again {}\n",
                      host_name_, done.error().what, options_.name));
      return exit_code_of(done.error());
    }
    case What::failed:
      return fail(voice_, {Errc::refused, fmt::format("not joined: {}. Nothing was changed here", event.why)});
  }
  return exit_code::error;
}

int Joining::broken(const Error& error) const {
  const std::string where =
      prepared_ ? fmt::format(". If '{}' counts this machine in already, run there: systole invite --again {}",
                              host_name_, options_.name)
                : ". Either that node ended the invitation, or the network was cut; run 'systole invite' there again";
  return fail(voice_, {error.code, fmt::format("not joined: {}. Nothing was changed here{}", error.what, where)});
}

int Joining::talk(Connection connection, const invite::Token& token) {
  invite::Random own{};
  if (::getrandom(own.data(), own.size(), 0) != static_cast<ssize_t>(own.size()))
    return fail(voice_, errno_error("cannot get random bytes from the kernel"));
  invite::Guest guest(token, own, {SYSTOLE_VERSION, options_.name, options_.addresses});
  if (const auto sent = connection.send(guest.hello(), clock_now() + patience); !sent) return broken(sent.error());
  for (;;) {
    const auto bytes = connection.receive(clock_now() + patience);
    if (!bytes) return broken(bytes.error());
    auto heard = guest.hear(*bytes);
    std::optional<int> code;
    if (heard.event) code = step(guest, *heard.event, heard.reply);
    const auto sent = connection.send(heard.reply, clock_now() + patience);
    if (code) return *code;
    if (!sent) return broken(sent.error());
  }
}

void Joining::say_what_is_left() const {
  const auto self = std::ranges::find(conf_.nodes, options_.name, &config::NodeConf::name);
  std::vector<std::string> others;
  for (const config::NodeConf& node : conf_.nodes)
    if (node.id != self->id) others.push_back(title_of(node));
  voice_.out(
      fmt::format("This machine is node '{}'{} of cluster '{}' now; {} and {} are in their places.\n\nNext:\n"
                  "  1. let UDP port {} pass to and from {}\n"
                  "  2. start crmd here:  /usr/lib/systole/crmd\n"
                  "  3. look at it:       systole status\n",
                  self->name, self->witness ? " (a witness: it votes and runs nothing)" : "", conf_.cluster_name,
                  options_.paths.config, conf_.key_file, conf_.links.front().port, fmt::join(others, ", ")));
}

Result<invite::Token> read_token(const Voice& voice, const JoinOptions& options) {
  std::string text = options.token;
  if (text.empty()) {
    voice.err("Token: ");
    std::getline(std::cin, text);
  }
  return invite::parse_token(text);
}

}  // namespace

int join(const Voice& voice, JoinOptions options) {
  const FoundingPaths& paths = options.paths;
  const auto host = parse_endpoint(options.host, port_above(config::default_port));
  if (!host) return fail(voice, host.error());
  // Before anything is sent: what is there would be found only when the other side is already waiting.
  if (const auto none = none_exists(
          {paths.config, paths.first_cib(), paths.state_directory + "/cib.xml", paths.state_directory + "/term"});
      !none)
    return fail(voice, none.error());
  if (const auto here = all_local(options.addresses); !here) return fail(voice, here.error());
  const auto token = read_token(voice, options);
  if (!token) return fail(voice, token.error());
  auto connection = Connection::open(*host, clock_now() + 10s);
  if (!connection) return fail(voice, connection.error());
  if (options.name.empty()) options.name = host_name();
  if (options.addresses.empty()) options.addresses.push_back(connection->own_address());
  return Joining(voice, options).talk(std::move(*connection), *token);
}

}  // namespace systole::tools
