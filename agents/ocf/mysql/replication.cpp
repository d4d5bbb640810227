// SPDX-License-Identifier: GPL-2.0-or-later
// Waits here poll the server every few milliseconds: MASTER_GTID_WAIT would wait on after the applier has failed.
#include "agents/ocf/mysql/replication.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "agents/kit/paths.hpp"
#include "agents/ocf/mysql/must_follow.hpp"
#include "common/base/handles.hpp"

namespace systole::mysql {

namespace {

constexpr Duration poll_pause = 5ms;

/// A file mapped to read; empty for an empty file.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) return errno_error(fmt::format("opening '{}'", path));
    MappedFile file;
    file.size_ = static_cast<std::size_t>(info.st_size);
    if (file.size_ == 0) return file;
    file.data_ = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (file.data_ == MAP_FAILED) {
      file.data_ = nullptr;
      return errno_error(fmt::format("mapping '{}'", path));
    }
    return file;
  }
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }
  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(data_), data_ == nullptr ? 0 : size_};
  }

 private:
  MappedFile() = default;
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Until `wanted` is applied. The applier's end before that is an Error with its words.
Result<GtidList> wait_applied(Server& server, const GtidList& wanted, Deadline deadline) {
  for (;;) {
    const auto applied = server.applied(deadline);
    if (!applied) return applied.error();
    if (contains(*applied, wanted)) return *applied;
    const auto status = server.replication(deadline);
    if (!status) return status.error();
    if (!*status || !(*status)->sql_running) {
      const auto last = server.applied(deadline);  // it may have ended after its last transaction
      if (last && contains(*last, wanted)) return *last;
      return Error{Errc::refused,
                   fmt::format("{} received transactions cannot be applied: {}", missing(*applied, wanted),
                               *status && (*status)->sql_errno != 0
                                   ? fmt::format("error {}: {}", (*status)->sql_errno, (*status)->sql_error)
                                   : "the applier has stopped")};
    }
    if (!agents::pause_for(poll_pause, deadline.at()))
      return Error{Errc::timeout,
                   fmt::format("{} received transactions were not applied in time", missing(*applied, wanted))};
  }
}

/// Both threads stand still: begins at the first transaction that is not applied, found in the files by its GTID.
/// `known`: what the server itself remembers to have received (nothing after its restart); it must be in the files.
Result<GtidList> apply_from_files(Server& server, const Settings& settings, const GtidList& known, Deadline deadline) {
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  const auto scan = read_relay_log(*variables, settings.datadir);
  if (!scan && scan.error().code != Errc::not_found) return scan.error();
  if (!scan || !scan->resume) {
    if (contains(variables->applied(), known)) return variables->applied();
    return Error{Errc::refused,
                 fmt::format("{} received transactions are not applied, and the relay log holds none of them",
                             missing(variables->applied(), known))};
  }
  // MASTER_LOG_FILE means nothing here, but the parallel applier of 10.11 dies of an empty one: it compares the numbers
  // behind the names' dots.
  const std::string change = fmt::format(
      "CHANGE MASTER TO MASTER_USE_GTID=NO, MASTER_LOG_FILE='none.000001', MASTER_LOG_POS=4, "
      "RELAY_LOG_FILE={}, RELAY_LOG_POS={}",
      server.quoted(std::filesystem::path(scan->resume->path).filename().string()), scan->resume->offset);
  if (const auto changed = server.run(change, deadline); !changed) return changed.error();
  if (const auto started = server.run("START SLAVE SQL_THREAD", deadline); !started) return started.error();
  const auto applied = wait_applied(server, merged(scan->received, known), deadline);
  if (!applied) return applied;
  // Back to GTIDs, so that whoever starts the threads next does not fetch from an old file and position.
  if (const auto stopped = server.run("STOP SLAVE SQL_THREAD", deadline); !stopped) return stopped.error();
  if (const auto back = server.run("CHANGE MASTER TO MASTER_USE_GTID=slave_pos", deadline); !back) return back.error();
  return applied;
}

std::string change_master(Server& server, const Settings& settings, const PrimaryAddress& primary) {
  std::string text = fmt::format(
      "CHANGE MASTER TO MASTER_HOST={}, MASTER_PORT={}, MASTER_USER={}, MASTER_PASSWORD={}, MASTER_CONNECT_RETRY=1, "
      "MASTER_HEARTBEAT_PERIOD=1, MASTER_USE_GTID=slave_pos, MASTER_SSL={}",
      server.quoted(primary.host), primary.port, server.quoted(settings.replication.user),
      server.quoted(settings.replication.password), settings.tls.required || !settings.tls.ca.empty() ? 1 : 0);
  if (!settings.tls.ca.empty()) text += fmt::format(", MASTER_SSL_CA={}", server.quoted(settings.tls.ca));
  if (!settings.tls.cert.empty()) text += fmt::format(", MASTER_SSL_CERT={}", server.quoted(settings.tls.cert));
  if (!settings.tls.key.empty()) text += fmt::format(", MASTER_SSL_KEY={}", server.quoted(settings.tls.key));
  return text;
}

Error divergence(const Gtid& errant, const PrimaryAddress& primary) {
  return {Errc::refused,
          fmt::format("this database has transaction {} that the primary {} never had: it cannot follow. Save what is "
                      "needed, then give this node a new copy of the primary",
                      to_string(errant), primary.host)};
}

}  // namespace

Result<PeerHistory> ask_peer(const Settings& settings, const PrimaryAddress& peer, Deadline deadline) {
  const sql::Endpoint endpoint{.socket = {}, .host = peer.host, .port = peer.port, .tls = settings.tls};
  auto connection = sql::Connection::open(endpoint, settings.replication, deadline);
  if (!connection) return connection.error();
  const auto answer = connection->query(
      "SELECT @@global.gtid_binlog_state AS state, @@global.gtid_slave_pos AS slave_pos, @@global.gtid_binlog_pos AS "
      "pos, @@global.read_only AS read_only",
      deadline);
  if (!answer) return answer.error();
  const auto list = [&](std::string_view column) { return parse_gtids(answer->text(0, column)).value_or(GtidList{}); };
  PeerHistory history{.state = list("state"),
                      .position = merged(list("slave_pos"), list("pos")),
                      .writable = answer->text(0, "read_only") == "0"};
  for (const Gtid& gtid : list("slave_pos")) history.state.push_back(gtid);
  return history;
}

Result<RelayScan> read_relay_log(const Variables& variables, const std::string& datadir) {
  std::string index_path = variables.relay_log_index;
  if (index_path.empty()) {  // the server does not tell the name that it chose by itself
    const auto info = agents::read_file(datadir + "/relay-log.info");
    if (!info) return Error{Errc::not_found, "this server has no relay log"};
    index_path = relay_log_name(*info) + ".index";
  }
  if (!index_path.starts_with('/')) index_path = fmt::format("{}/{}", datadir, index_path);
  const auto index = agents::read_file(index_path);
  if (!index) return index.error();
  std::vector<MappedFile> maps;
  std::vector<RelayFile> files;
  for (const std::string& path : relay_files(*index, datadir)) {
    auto map = MappedFile::open(path);
    if (!map) return Error{Errc::io, map.error().what};
    maps.push_back(std::move(*map));
    files.push_back({.path = path, .bytes = maps.back().bytes()});
  }
  return scan_relay_log(files, variables.applied());
}

Result<GtidList> received_here(Server& server, const Settings& settings, Deadline deadline) {
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  const auto status = server.replication(deadline);
  if (!status) return status.error();
  GtidList received = variables->applied();
  if (!*status) return received;
  received = merged(received, (*status)->received);
  if ((*status)->io != IoThread::stopped || (*status)->sql_running) return received;
  const auto scan = read_relay_log(*variables, settings.datadir);
  if (!scan && scan.error().code != Errc::not_found) return scan.error();
  return scan ? merged(received, scan->received) : received;
}

Result<GtidList> history_here(Server& server, const Settings& settings, Deadline deadline) {
  const auto received = received_here(server, settings, deadline);
  if (!received) return received.error();
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  GtidList history = variables->history();
  history.insert(history.end(), received->begin(), received->end());
  std::ranges::sort(history);
  const auto doubled = std::ranges::unique(history);
  history.erase(doubled.begin(), doubled.end());
  return history;
}

Result<GtidList> drain_received(Server& server, const Settings& settings, Deadline deadline) {
  auto status = server.replication(deadline);
  if (!status) return status.error();
  if (!*status) return server.applied(deadline);
  if (const auto stopped = server.stop_receiver(deadline); !stopped) return stopped.error();
  if (!(*status)->sql_running) return apply_from_files(server, settings, (*status)->received, deadline);
  status = server.replication(deadline);  // what arrived while the receiver was being stopped
  if (!status) return status.error();
  if (!*status) return server.applied(deadline);
  return wait_applied(server, (*status)->received, deadline);
}

Result<GtidList> follow(Server& server, const Settings& settings, const PrimaryAddress& primary, Deadline deadline,
                        Log& log) {
  const auto peer = ask_peer(settings, primary, deadline.within(3s));
  // Clients may have taken all of its connections (1040): that is no refusal to be followed.
  if (!peer && peer.error().code == Errc::refused) return Error{Errc::not_connected, peer.error().what};
  if (!peer) return peer.error();
  if (!peer->writable)
    return Error{Errc::not_connected, fmt::format("{} is read-only: no primary (yet)", primary.host)};
  const auto variables = server.variables(deadline);
  if (!variables) return variables.error();
  if (const auto errant = diverged(variables->applied(), peer->state)) return divergence(*errant, primary);

  // What we received of the old primary and have not applied is applied first, if the new primary has it too: should it
  // die before we have fetched it again, ours may be the last copy.
  const auto received = received_here(server, settings, deadline);
  if (!received) return received.error();
  if (!contains(variables->applied(), *received)) {
    if (const auto foreign = diverged(*received, peer->state)) {
      log.warning("received and not applied, unknown to the primary {}, dropped: up to {}", primary.host,
                  to_string(*foreign));
    } else if (const auto drained = drain_received(server, settings, deadline.within(deadline.left() / 2)); !drained) {
      log.warning("{}; they will be fetched from the primary {} again", drained.error().what, primary.host);
      if (const auto marked = MustFollow(settings).set(); !marked) return marked.error();
    }
  }
  if (const auto gone = server.stop_receiver(deadline); !gone) return gone.error();
  if (const auto stopped = server.run("STOP SLAVE", deadline); !stopped) return stopped.error();
  const auto settled = server.variables(deadline);
  if (!settled) return settled.error();
  // What we wrote as a primary counts as replicated. MASTER_DEMOTE_TO_SLAVE would count only what bears our present
  // server_id, and that is a new one after each start.
  if (!contains(settled->replicated, settled->binlog_position)) {
    const std::string position = to_string(settled->applied());
    const auto set = server.run(fmt::format("SET GLOBAL gtid_slave_pos={}", server.quoted(position)), deadline);
    if (!set) return set.error();
  }
  if (const auto changed = server.run(change_master(server, settings, primary), deadline); !changed)
    return changed.error();
  if (const auto started = server.run("START SLAVE", deadline); !started) return started.error();
  log.info("following {}:{} from {}", primary.host, primary.port, to_string(settled->applied()));
  return peer->position;
}

bool caught_up(Server& server, const GtidList& position, Deadline deadline) {
  do {
    const auto status = server.replication(deadline);
    const auto applied = server.applied(deadline);
    if (status && *status && applied && (*status)->io == IoThread::running && contains(*applied, position)) return true;
    if (status && *status && says_diverged(**status)) return false;
  } while (agents::pause_for(poll_pause, deadline.at()));
  return false;
}

}  // namespace systole::mysql
