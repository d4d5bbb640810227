// SPDX-License-Identifier: GPL-2.0-or-later
// What if we are killed while a database is being made? A mark tells the next start, which then touches nothing: half a
// database would start as an empty one or not at all. Where we only fail, what was made is removed again, and nothing
// else: the next start tries anew.
#include "agents/ocf/mysql/prepare.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <set>

#include "agents/kit/child.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/datadir_mark.hpp"
#include "agents/ocf/mysql/install.hpp"
#include "agents/ocf/mysql/mysql_agent.hpp"
#include "agents/ocf/mysql/owner.hpp"
#include "agents/ocf/mysql/rejoin_mark.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

namespace fs = std::filesystem;
using agents::Call;
using agents::Ocf;

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<void> make_folder_for(const std::string& folder, const Owner& owner) {
  if (is_folder(folder)) return {};
  if (const auto made = agents::make_folder(folder); !made) return made.error();
  return owner.take(folder);
}

/// Asked in a child that has become the user, so that the kernel answers: it knows of lists of rights and of file
/// systems that are read-only. -1: all of them may be written to, else the index of the first that may not.
int first_closed_to(const agents::ChildUser& user, const std::vector<std::string>& folders) {
  const bool root = ::geteuid() == 0;
  const pid_t child = ::fork();
  if (child < 0) return -1;  // not known: then the server tells
  if (child == 0) {          // system calls only, as other threads may have held locks
    if (root) {
      ::syscall(SYS_setgroups, user.groups.size(), user.groups.data());
      ::syscall(SYS_setresgid, user.groups.front(), user.groups.front(), user.groups.front());
      if (::syscall(SYS_setresuid, user.user, user.user, user.user) != 0) ::_exit(255);
    }
    for (std::size_t i = 0; i < folders.size(); ++i)
      if (::access(folders[i].c_str(), W_OK | X_OK) != 0) ::_exit(static_cast<int>(i));
    ::_exit(255);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const int answer = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
  return answer == 255 ? -1 : answer;
}

// --- a database where there is none ---

DatadirMark mark_of(const Settings& settings) {
  return {settings.datadir, "unfinished"};
}

std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> names;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none))
    names.insert(entry.path().filename().string());
  return names;
}

/// mariadb-install-db is a script: its server may outlive it by a moment.
void end_servers(const Settings& settings, Deadline deadline) {
  while (const auto left = ServerProcess::find(settings.place()))
    if (!left->signal(SIGKILL) || !left->ended_by(deadline)) return;
}

/// Before it counts as made: one that is new must not be promoted where there was a primary, and one whose primary can
/// give a copy shall have that.
Result<void> mark_as_new(const Settings& settings, Call& call, Cluster& cluster, const Record& record) {
  const bool recorded = settings.keeps_record() && record.exists();
  if (!call.meta().is_promotable() || (!recorded && cluster.published_primary().empty())) return {};
  call.log().warning(
      "the cluster had a primary before: this new, empty database must follow one before it is promoted");
  auto marked = MustFollow(settings).set();
  return marked && recorded ? EmptyMark(settings).set() : marked;
}

Result<void> create_database(const Settings& settings, Call& call, Cluster& cluster, const Record& record,
                             Deadline deadline) {
  if (::access((settings.datadir + "/ibdata1").c_str(), F_OK) == 0)
    return Error{Errc::refused,
                 fmt::format("'{}' holds a part of a database (ibdata1) but not its folder mysql: no new "
                             "one is made over it; restore it, or empty the directory",
                             settings.datadir)};
  const std::set<std::string> before = names_in(settings.datadir);
  if (const auto marked = mark_of(settings).set(); !marked) return marked;
  call.log().notice("'{}' holds no database: making one, as enable_creation says", settings.datadir);
  auto made = install_database(settings, settings.datadir, settings.additional, call.environment(),
                               deadline.within(deadline.left() * 3 / 4));
  if (made) made = mark_as_new(settings, call, cluster, record);
  if (!made) {
    end_servers(settings, deadline);
    std::error_code none;
    for (const std::string& name : names_in(settings.datadir))
      if (!before.contains(name)) fs::remove_all(fs::path(settings.datadir) / name, none);
    return made;
  }
  return mark_of(settings).remove();
}

Ocf provide_database(const Settings& settings, Call& call, Cluster& cluster, const Record& record, Deadline deadline) {
  if (mark_of(settings).is_set())
    return call.fail(Ocf::generic,
                     "'{}' holds a database that was not made to its end: empty the directory to have it made anew; if "
                     "you have put a whole one there since, remove '{}'",
                     settings.datadir, mark_of(settings).path());
  if (!settings.enable_creation || is_folder(settings.datadir + "/mysql")) return Ocf::ok;
  const auto made = create_database(settings, call, cluster, record, deadline);
  return made ? Ocf::ok
              : call.fail(Ocf::generic, "no database could be made in '{}': {}", settings.datadir, made.error().what);
}

}  // namespace

void give_log_to_user(const Settings& settings) {
  if (const auto owner = Owner::of(settings)) [[maybe_unused]]
    const auto given = owner->take(settings.log);
}

Ocf prepare(const Settings& settings, Call& call, Cluster& cluster, const Record& record, Deadline deadline) {
  const auto user = agents::user_by_name(settings.user);
  const auto owner = Owner::of(settings);
  if (!user || !owner) return call.fail(Ocf::installed, "there is no user '{}' (parameter user)", settings.user);
  if (settings.enable_creation)
    if (const auto made = make_folder_for(settings.datadir, *owner); !made)
      return call.explain(Ocf::permission, made.error().what);
  for (const std::string& file : {settings.log, settings.pid, settings.socket})
    if (const auto made = make_folder_for(agents::folder_of(file), *owner); !made)
      return call.explain(Ocf::permission, made.error().what);
  const std::vector<std::string> folders{settings.datadir, agents::folder_of(settings.pid),
                                         agents::folder_of(settings.socket)};
  constexpr std::array<std::string_view, 3> parameters{"datadir", "pid", "socket"};
  if (const int closed = first_closed_to(*user, folders); closed >= 0)
    return call.fail(Ocf::permission, "the user '{}' may not write to '{}' (parameter {}): give the directory to it",
                     settings.user, folders.at(static_cast<std::size_t>(closed)),
                     parameters.at(static_cast<std::size_t>(closed)));
  return provide_database(settings, call, cluster, record, deadline);
}

}  // namespace systole::mysql
