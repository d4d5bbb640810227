// SPDX-License-Identifier: GPL-2.0-or-later
// `systole invite`: waits for one machine that has the token, and takes it into cluster.conf. One conversation at a
// time, each with deadlines: who only holds the line holds it for seconds.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/exit_codes.hpp"
#include "common/base/text.hpp"
#include "common/config/key_file.hpp"
#include "common/config/local_addresses.hpp"
#include "common/invite/host.hpp"
#include "tools/cib_file.hpp"
#include "tools/clock.hpp"
#include "tools/daemon_link.hpp"
#include "tools/founding.hpp"
#include "tools/staged_files.hpp"
#include "tools/tcp.hpp"

namespace systole::tools {
namespace {

constexpr int tries_max = 3;
constexpr std::size_t first_cib_bytes_max = 2 << 20;  // with the other files in one frame
constexpr Duration proof_patience = 3s;               // until somebody has shown the token
constexpr Duration talk_patience = 30s;               // for each step after that

/// What this node can give.
struct Cluster {
  std::string conf_text;
  config::ClusterConf conf;
  std::size_t self = 0;
  std::string keys, first_cib;

  const config::NodeConf& here() const { return conf.nodes[self]; }
};

Result<Cluster> read_cluster(const InviteOptions& options) {
  const std::string& path = options.paths.config;
  Cluster cluster;
  auto parsed = config::read_cluster_conf(path);
  if (!parsed && parsed.error().code == Errc::not_found)
    return Error{Errc::not_found, parsed.error().what + "; 'systole init' founds a cluster"};
  if (!parsed) return parsed.error();
  auto text = read_whole(path);
  if (!text) return text.error();
  auto keys = config::read_key_text(parsed->key_file);
  if (!keys) return keys.error();
  const auto self = config::find_self(*parsed, options.node, host_name(), config::local_addresses());
  if (!self) return Error{self.error().code, fmt::format("{}: {}", path, self.error().what)};
  cluster.conf_text = std::move(*text);
  cluster.conf = std::move(*parsed);
  cluster.self = *self;
  cluster.keys = std::move(*keys);
  if (::access(options.paths.first_cib().c_str(), F_OK) != 0) return cluster;
  auto first = read_whole(options.paths.first_cib());
  if (!first) return first.error();
  cluster.first_cib = std::move(*first);
  if (cluster.first_cib.size() > first_cib_bytes_max)
    return Error{Errc::too_big, fmt::format("{}: {} bytes; at most {} can be sent", options.paths.first_cib(),
                                            cluster.first_cib.size(), first_cib_bytes_max)};
  return cluster;
}

/// Before anybody is invited: would a machine of that kind fit at all?
Result<void> check_room(const Cluster& cluster, const InviteOptions& options) {
  if (!options.again.empty()) {
    const bool listed =
        std::ranges::find(cluster.conf.nodes, options.again, &config::NodeConf::name) != cluster.conf.nodes.end();
    if (listed && options.again != cluster.here().name) return {};
    return Error{Errc::not_found,
                 fmt::format("{} lists no other node '{}' that could join again", options.paths.config, options.again)};
  }
  config::Newcomer anybody{.name = "a-new-node", .addresses = {}, .witness = options.witness};
  for (std::size_t i = 0; i < cluster.conf.links.size(); ++i)
    anybody.addresses.push_back(fmt::format("240.0.0.{}", i + 1));  // reserved: nobody has it
  const auto grown = config::with_node(cluster.conf_text, anybody, options.paths.config);
  if (!grown) return grown.error();
  return {};
}

/// A node that joins again is a witness if it was one.
bool joins_as_witness(const Cluster& cluster, const InviteOptions& options) {
  const auto known = std::ranges::find(cluster.conf.nodes, options.again, &config::NodeConf::name);
  return known == cluster.conf.nodes.end() ? options.witness : known->witness;
}

Result<void> draw(unsigned char* bytes, std::size_t size) {
  if (::getrandom(bytes, size, 0) != static_cast<ssize_t>(size))
    return errno_error("cannot get random bytes from the kernel");
  return {};
}

/// Of the daemon that has locked this run directory now.
std::optional<pid_t> running_daemon(const std::string& run_directory) {
  const Fd fd(::open((run_directory + "/crmd.pid").c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return {};
  char text[32] = {};
  const ssize_t got = ::pread(fd.get(), text, sizeof text - 1, 0);
  return parse_int<pid_t>(trim(std::string_view(text, got > 0 ? static_cast<std::size_t>(got) : 0)));
}

/// The daemon of this node takes cluster.conf over as it is now, or says why it cannot.
Result<void> tell_daemon(const std::string& run_directory) {
  SocketLink daemon(run_directory);
  const auto reply = daemon.ask(wire::ipc::Reload{});
  if (!reply) return reply.error();
  if (reply->exit_code != exit_code::ok) return Error{Errc::refused, reply->text};
  return {};
}

/// One conversation after the other.
class Invitation {
 public:
  Invitation(const Voice& voice, const InviteOptions& options, Cluster cluster, const invite::Token& token)
      : voice_(voice), options_(options), cluster_(std::move(cluster)), token_(token) {}

  enum class End { nobody, wrong_token, joined };
  Result<End> talk_to(Connection connection);
  const config::Newcomer& newcomer() const { return newcomer_; }
  void say_what_is_left() const;

 private:
  using What = invite::Host::What;
  Result<std::string> judge(const invite::Request& request);
  Result<void> write();
  /// An end ends the conversation.
  std::optional<End> step(invite::Host& host, const invite::Host::Event& event, std::string& reply);
  void note(std::string_view who, std::string_view what) const { voice_.err(fmt::format("{}: {}\n", who, what)); }

  const Voice& voice_;
  const InviteOptions& options_;
  Cluster cluster_;
  invite::Token token_;
  config::Newcomer newcomer_;
  config::Grown grown_;
  std::string peer_;
  bool committed_ = false;
};

/// The new cluster.conf.
Result<std::string> Invitation::judge(const invite::Request& request) {
  if (request.program != SYSTOLE_VERSION)
    return Error{Errc::refused,
                 fmt::format("'{}' has Systole {}, and node '{}' has {}: install the same version on both",
                             request.name, request.program, cluster_.here().name, SYSTOLE_VERSION)};
  if (!options_.again.empty() && request.name != options_.again)
    return Error{Errc::refused,
                 fmt::format("this invitation is for node '{}' alone, and not for '{}'", options_.again, request.name)};
  newcomer_ = {request.name, request.addresses, joins_as_witness(cluster_, options_)};
  auto grown = config::with_node(cluster_.conf_text, newcomer_, options_.paths.config);
  if (!grown) return grown.error();
  grown_ = std::move(*grown);
  return grown_.text;
}

Result<void> Invitation::write() {
  const auto now = read_whole(options_.paths.config);
  if (!now) return now.error();
  if (*now != cluster_.conf_text)
    return Error{Errc::refused, fmt::format("somebody changed {} on '{}' meanwhile; run 'systole invite' there again",
                                            options_.paths.config, cluster_.here().name)};
  if (grown_.was_listed) return {};
  StagedFiles files;
  if (const auto done = files.replace(options_.paths.config, grown_.text); !done) return done;
  return files.put();
}

/// What an event asks for; reply goes to the guest. An end ends the conversation.
std::optional<Invitation::End> Invitation::step(invite::Host& host, const invite::Host::Event& event,
                                                std::string& reply) {
  switch (event.what) {
    case What::asked: {
      const auto conf = judge(event.request);
      if (!conf) {
        note(peer_, conf.error().what);
        reply = host.refuse(conf.error().what);
        return End::nobody;
      }
      reply = host.offer({cluster_.here().name, *conf, cluster_.keys, cluster_.first_cib});
      return {};
    }
    case What::prepared: {
      const auto written = write();
      committed_ = static_cast<bool>(written);
      if (!written) note(peer_, written.error().what);
      reply = written ? host.commit() : host.refuse(written.error().what);
      return written ? std::optional<End>() : End::nobody;
    }
    case What::arrived:
      return End::joined;
    case What::wrong_token:
      note(peer_, "came with another token and got nothing");
      return End::wrong_token;
    case What::failed:
      note(peer_, event.why);
      return End::nobody;
  }
  return End::nobody;
}

Result<Invitation::End> Invitation::talk_to(Connection connection) {
  invite::Random own{};
  if (const auto drawn = draw(own.data(), own.size()); !drawn) return drawn.error();
  invite::Host host(token_, own);
  peer_ = connection.peer();
  committed_ = false;
  Time until = clock_now() + proof_patience;
  for (;;) {
    const auto bytes = connection.receive(until);
    if (!bytes) {
      note(peer_, bytes.error().what);
      break;
    }
    auto heard = host.hear(*bytes);
    std::optional<End> end;
    if (heard.event) {
      until = clock_now() + talk_patience;
      end = step(host, *heard.event, heard.reply);
    }
    if (const auto sent = connection.send(heard.reply, clock_now() + talk_patience); !sent) break;
    if (end && (*end != End::nobody || !committed_)) return *end;
    if (end) break;
  }
  if (!committed_) return End::nobody;
  // Its files wait beside their places, and it did not say that they are in them.
  note(peer_, fmt::format("'{0}' is in {1} now, but did not say that it has its files. If 'systole join' there did not "
                          "report success, run: systole invite --again {0}",
                          newcomer_.name, options_.paths.config));
  return End::joined;
}

/// To err: on out stands only what may be piped to a shell on the other machine.
void Invitation::say_what_is_left() const {
  voice_.err(fmt::format("'{}' ({}) is node {} of cluster '{}'{}.\n", newcomer_.name,
                         fmt::join(newcomer_.addresses, ", "), grown_.id.value, cluster_.conf.cluster_name,
                         newcomer_.witness ? ", as a witness" : ""));
  if (!grown_.mode_changed.empty())
    voice_.err(fmt::format("{}: mode {} is mode witness now: only a majority of nodes and witness goes on.\n",
                           options_.paths.config, grown_.mode_changed));
  if (grown_.was_listed) {
    voice_.err(
        "It has forgotten every change that it had on its disk: start crmd there only while another node "
        "runs.\n");
    return;
  }
  std::vector<std::string> others;
  for (const config::NodeConf& node : cluster_.conf.nodes)
    if (node.id != cluster_.here().id) others.push_back(title_of(node));
  const bool runs = running_daemon(options_.paths.run_directory).has_value();
  const auto told = runs ? tell_daemon(options_.paths.run_directory) : Result<void>();
  if (!told)
    voice_.err(fmt::format("crmd here did not take it over: {}.\n", told.error().what));
  else if (runs)
    voice_.err("crmd here knows it already.\n");
  if (!others.empty())
    voice_.err(fmt::format("These nodes do not know it yet; copy {} to each of them: {}\n", options_.paths.config,
                           systole::join(others, ", ")));
  if (!told)
    voice_.err(fmt::format("Then restart crmd here{}.\n", others.empty() ? "" : " and on them, one after the other"));
  else if (!others.empty())
    voice_.err("Then run 'systole reload' there.\n");
}

Result<int> wait_for_guest(const Voice& voice, const InviteOptions& options, Invitation& invitation,
                           Listener& listener) {
  const Time end = clock_now() + options.patience;
  for (int tries = tries_max; tries > 0;) {
    auto connection = listener.accept(end);
    if (!connection) return connection.error();
    if (!*connection)
      return Error{Errc::timeout,
                   fmt::format("nobody came within {}; the token is void. Run 'systole invite' again for "
                               "a new one",
                               to_text(options.patience))};
    const auto ended = invitation.talk_to(std::move(**connection));
    if (!ended) return ended.error();
    if (*ended == Invitation::End::joined) {
      invitation.say_what_is_left();
      return exit_code::ok;
    }
    if (*ended == Invitation::End::wrong_token && --tries > 0) voice.err(fmt::format("{} more tries\n", tries));
  }
  return Error{Errc::permission, fmt::format("somebody tried {} wrong tokens; the invitation has ended. Run 'systole "
                                             "invite' again for a new one",
                                             tries_max)};
}

}  // namespace

int invite(const Voice& voice, const InviteOptions& options) {
  auto cluster = read_cluster(options);
  if (!cluster) return fail(voice, cluster.error());
  if (const auto room = check_room(*cluster, options); !room) return fail(voice, room.error());
  Endpoint at;
  at.address = options.address.empty() ? cluster->here().addresses.front() : options.address;
  at.port = options.port != 0 ? options.port : port_above(cluster->conf.links.front().port);
  invite::Token token{};
  if (const auto drawn = draw(token.data(), token.size()); !drawn) return fail(voice, drawn.error());
  auto listener = Listener::open(at);
  if (!listener) {
    voice.err(fmt::format("systole: {}\n", listener.error().what));
    return exit_code::unavailable;
  }
  voice.err(fmt::format("Run this on the machine that is to be the new {}, within {} (it comes in by TCP port {}):\n\n",
                        options.witness ? "witness" : "node", to_text(options.patience), at.port));
  voice.out(fmt::format("systole join {} {}\n", text_of(at), invite::to_text(token)));
  voice.err("\n");
  Invitation invitation(voice, options, std::move(*cluster), token);
  const auto code = wait_for_guest(voice, options, invitation, *listener);
  return code ? *code : fail(voice, code.error());
}

}  // namespace systole::tools
