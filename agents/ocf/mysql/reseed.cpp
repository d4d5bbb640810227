// SPDX-License-Identifier: GPL-2.0-or-later
// See reseed.hpp.
#include "agents/ocf/mysql/reseed.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>

#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/copied_mark.hpp"
#include "agents/ocf/mysql/mapped_file.hpp"
#include "agents/ocf/mysql/must_follow.hpp"
#include "agents/ocf/mysql/owner.hpp"
#include "agents/ocf/mysql/server.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

namespace fs = std::filesystem;

constexpr Duration giver_patience = 30s;
constexpr std::uint64_t room_to_spare = 64ULL << 20;

bool has_backup_tools(const agents::Environment& env) {
  return agents::find_in_path("mariadb-backup", env) && agents::find_in_path("mbstream", env);
}

/// As the server names folders: relative ones are below its datadir.
bool is_within(const std::string& folder, const std::string& datadir) {
  if (!folder.starts_with('/')) return !folder.starts_with("..");
  const std::string inside = fs::path(folder + "/").lexically_normal().string();
  return inside.starts_with(fs::path(datadir + "/").lexically_normal().string());
}

/// "10.11" of "10.11.19-MariaDB-log".
std::string in_gigabytes(std::uint64_t bytes) {
  return bytes < (1ULL << 30) ? fmt::format("{} MB", bytes >> 20)
                              : fmt::format("{:.1f} GB", static_cast<double>(bytes) / (1ULL << 30));
}

Result<void> give_whole(const std::string& folder, const Settings& settings, mode_t mode) {
  const auto owner = Owner::of(settings);
  if (!owner) return owner.error();
  std::error_code failed;
  for (fs::recursive_directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
    if (auto given = owner->take(it->path()); !given) return given;
  if (failed) return Error{Errc::io, fmt::format("reading '{}': {}", folder, failed.message())};
  if (::chmod(folder.c_str(), mode) != 0) return errno_error(fmt::format("opening '{}'", folder));
  return owner->take(folder);
}

}  // namespace

/// Called when the giver has said how much it is.
Result<void> Reseed::admits(const CopyHead& head) const {
  if (head.series != series_)
    return Error{Errc::refused, fmt::format("{} runs MariaDB {}, this node {}: install the same series", at_.giver,
                                            head.series, series_)};
  struct statvfs room {};
  const std::string place = places_.room();
  if (::statvfs(place.c_str(), &room) != 0) return errno_error(fmt::format("looking at '{}'", place));
  const std::uint64_t free = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
  const std::uint64_t wanted = head.bytes + head.bytes / 10 + room_to_spare;
  if (free >= wanted) return {};
  return Error{Errc::refused, fmt::format("a copy takes {} in '{}', and {} are free there (the old database is kept "
                                          "until the copy follows)",
                                          in_gigabytes(wanted), place, in_gigabytes(free))};
}

void Reseed::tell_progress(std::uint64_t bytes, std::uint64_t all, Time begin) const {
  const double seconds = std::chrono::duration<double>(boot_time() - begin).count();
  const double rate = seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
  const double left = rate > 0 && all > bytes ? static_cast<double>(all - bytes) / rate : 0;
  at_.tell(fmt::format("copying from {}: {} of about {}, {:.0f} MB/s, about {:.0f} s left", at_.giver,
                       in_gigabytes(bytes), in_gigabytes(std::max(all, bytes)), rate / (1 << 20), left));
}

/// What takes the stream.
Result<agents::Command> Reseed::prepare_for(const CopyHead& head) {
  if (auto good = admits(head); !good) return good.error();
  if (head.kind == CopyKind::files) return unpack_command(places_.incoming());
  log_.notice("{} or this node has no mariadb-backup: the copy comes as a dump, which takes longer", at_.giver);
  auto target = DumpTarget::make(settings_, places_.incoming(), at_.scratch, at_.receipts.env);
  if (!target) return target.error();
  dump_.emplace(std::move(*target));
  return dump_->load();
}

Result<Taken> Reseed::take(Deadline deadline) {
  auto listener = listen_for_copy(at_.address, settings_.copy_port);
  if (!listener) return listener.error();
  const std::string nonce = draw_nonce();
  const CopyKey key = CopyKey::derive(settings_.replication.password, nonce);
  at_.tell(fmt::format("asking {} for a copy", at_.giver));
  const CopyRequest request{.giver = at_.giver,
                            .host = at_.address,
                            .port = listener->port,
                            .nonce = nonce,
                            .dump_only = !has_backup_tools(at_.receipts.env)};
  if (const auto asked = at_.publish(to_text(request)); !asked) return asked.error();
  auto channel = CopyChannel::accept(*listener, key, deadline.within(at_.patience));
  if (!channel)
    return Error{channel.error().code, fmt::format("{} sends no copy: {}", at_.giver, channel.error().what)};
  std::uint64_t all = 0;
  const Time begin = boot_time();
  return take_copy(*channel, {.begin =
                                  [&](const CopyHead& head) {
                                    all = head.bytes;
                                    return prepare_for(head);
                                  },
                              .look = [&](std::uint64_t bytes) { tell_progress(bytes, all, begin); }});
}

/// A datadir that a server can be started in. Returns where the copy was made.
Result<GtidList> Reseed::finish(const Taken& taken, Deadline deadline) {
  at_.tell("making the copy ready");
  return taken.kind == CopyKind::files ? prepare_copy(places_.incoming(), at_.receipts.env, deadline.at())
                                       : dump_->finish(taken.tail);
}

/// What this database has and the primary does not, into receipts; then the mark, which says so.
Result<void> Reseed::keep_surplus(const PeerHistory& peer, Deadline deadline) const {
  auto server = Server::connect(settings_, deadline.within(settings_.sql_timeout));
  if (!server) return server.error();
  const auto index = server->ask("SELECT @@global.log_bin_index", deadline);
  if (!index) return index.error();
  const auto logs = map_logs(index->value(), settings_.datadir);
  if (!logs) return logs.error();
  const auto tail = scan_tail(logs->files, peer.state);
  if (!tail) return tail.error();
  std::string kept;
  if (tail->begin) {
    const auto folder = keep_tail_once(
        at_.receipts, {.tail = *tail, .files = logs->files, .primary = at_.primary.host, .fate = Fate::replaced},
        deadline);
    if (!folder) return folder.error();
    kept += *folder + "\n";
  }
  const auto received = keep_received(*server, settings_, peer, at_.primary.host, at_.receipts, deadline);
  if (!received) return received.error();
  if (*received) kept += **received + "\n";
  if (!kept.empty()) log_.notice("what the primary {} does not have is kept: {}", at_.primary.host, trim(kept));
  return places_.mark_as_kept(kept);
}

/// Owner, marks, then the name.
Result<void> Reseed::make_ready(const GtidList& position, Deadline deadline) const {
  const std::string folder = places_.incoming();
  struct stat present {};
  if (::stat(places_.datadir().c_str(), &present) != 0) return errno_error("looking at the datadir");
  const auto peer = ask_peer(settings_, at_.primary, deadline.within(settings_.sql_timeout));
  const Result<void> kept = peer ? keep_surplus(*peer, deadline) : peer.error();
  if (!kept)
    log_.warning("the old database stays beside the copy: what it has that the primary does not have is not kept: {}",
                 kept.error().what);
  // By whom the older transactions were written: without it others could not be compared with this server later.
  const GtidList state = peer ? state_up_to(position, peer->state) : position;
  if (auto marked = mark_as_copied(folder, state); !marked) return marked;
  if (auto marked = MustFollow(folder).set(); !marked) return marked;
  if (auto given = give_whole(folder, settings_, present.st_mode & 07777U); !given) return given;
  ::sync();  // thousands of files, once: they must be on the disk before the name says that they are
  return places_.make_ready();
}

/// Its series; and whether all of it is in the datadir, which is what a copy takes the place of.
Result<void> Reseed::look_at_server(Deadline deadline) {
  auto server = Server::connect(settings_, deadline.within(settings_.sql_timeout));
  if (!server) return server.error();
  const auto told = server->ask(
      "SELECT COALESCE(@@global.innodb_data_home_dir, '') AS innodb_data_home_dir, "
      "COALESCE(@@global.innodb_log_group_home_dir, '') AS innodb_log_group_home_dir, "
      "COALESCE(@@global.innodb_undo_directory, '') AS innodb_undo_directory",
      deadline.within(settings_.sql_timeout));
  if (!told) return told.error();
  series_ = series_of(server->dialect().version());
  for (const char* const name : {"innodb_data_home_dir", "innodb_log_group_home_dir", "innodb_undo_directory"}) {
    const std::string folder = told->text(0, name);
    if (!is_within(folder, settings_.datadir))
      return Error{
          Errc::refused,
          fmt::format("the server's {} is '{}', outside of its datadir: a copy cannot take its place", name, folder)};
  }
  return {};
}

Result<void> Reseed::run(Deadline deadline) {
  // Whoever reads the request could make the key, and hand us a database of his own.
  if (settings_.replication.password.empty())
    return Error{Errc::refused, "replication_user has no password, of which the copy's key is made"};
  if (auto good = look_at_server(deadline); !good) return good;
  const Time begin = boot_time();
  if (auto begun = places_.begin_incoming(); !begun) return begun;
  if (auto unmarked = places_.unmark_as_kept(); !unmarked) return unmarked;  // an attempt that did not come to its end
  const auto taken = take(deadline);
  if (const auto withdrawn = at_.publish(""); !withdrawn) log_.info("{}", withdrawn.error().what);
  const auto position = taken ? finish(*taken, deadline) : taken.error();
  dump_.reset();
  if (!position) {
    std::error_code failed;
    fs::remove_all(places_.incoming(), failed);
    if (failed) log_.warning("removing '{}': {}", places_.incoming(), failed.message());
    return position.error();
  }
  if (auto ready = make_ready(*position, deadline); !ready) return ready;
  log_.notice("a copy of {} is ready after {:.1f} s", in_gigabytes(taken->bytes),
              std::chrono::duration<double>(boot_time() - begin).count());
  return {};
}

Result<void> answer_copy_request(const Settings& settings, const CopyRequest& request, const std::string& scratch) {
  auto server = Server::connect(settings, Deadline::in(settings.sql_timeout));
  if (!server) return server.error();
  const CopyKey key = CopyKey::derive(settings.replication.password, request.nonce);
  auto channel = CopyChannel::connect(request.host, request.port, key, Deadline::in(giver_patience));
  if (!channel) return channel.error();
  const bool files = !request.dump_only && agents::find_in_path("mariadb-backup", agents::process_environment());
  const CopyHead head{.bytes = size_of_database(settings.datadir),
                      .series = series_of(server->dialect().version()),
                      .kind = files ? CopyKind::files : CopyKind::dump};
  return give_copy(*channel, settings, head, scratch);
}

}  // namespace systole::mysql
