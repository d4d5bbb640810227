// SPDX-License-Identifier: GPL-2.0-or-later
// What if we are killed while a database is being made? A mark tells the next start, which then touches nothing: half a
// database would start as an empty one or not at all. Where we only fail, what was made is removed again, and nothing
// else: the next start tries anew.
#include "agents/ocf/mysql/prepare.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <set>

#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/mysql_agent.hpp"
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

/// By the name of the parameters user and group; nullopt: there is none (validate has said so).
struct Identity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;  // as the server will have them: those of the user
};

std::optional<Identity> identity_of(const Settings& settings) {
  const passwd* const user = ::getpwnam(settings.user.c_str());
  if (user == nullptr) return std::nullopt;
  Identity identity{.user = user->pw_uid, .group = user->pw_gid, .groups = std::vector<gid_t>(64)};
  const gid_t own = user->pw_gid;
  int count = static_cast<int>(identity.groups.size());
  if (::getgrouplist(settings.user.c_str(), own, identity.groups.data(), &count) < 0)
    count = 1, identity.groups = {own};
  identity.groups.resize(static_cast<std::size_t>(count));
  if (const group* const wanted = ::getgrnam(settings.group.c_str()); wanted != nullptr)
    identity.group = wanted->gr_gid;
  return identity;
}

/// To the server's user; only root can, and only root has to.
Result<void> give(const std::string& path, const Identity& to, const Settings& settings) {
  if (::geteuid() != 0 || ::chown(path.c_str(), to.user, to.group) == 0) return {};
  const int why = errno;
  return errno_error(fmt::format("giving '{}' to {}:{}", path, settings.user, settings.group), why);
}

Result<void> make_folder_for(const std::string& folder, const Identity& owner, const Settings& settings) {
  if (is_folder(folder)) return {};
  if (const auto made = agents::make_folder(folder); !made) return made.error();
  return give(folder, owner, settings);
}

/// Asked in a child that has become the user, so that the kernel answers: it knows of lists of rights and of file
/// systems that are read-only. -1: all of them may be written to, else the index of the first that may not.
int first_closed_to(const Identity& user, const std::vector<std::string>& folders) {
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

std::string mark_of(const Settings& settings) {
  return settings.datadir + "/systole_unfinished";
}

std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> names;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none))
    names.insert(entry.path().filename().string());
  return names;
}

/// The installer's words for what went wrong: of its many lines the last that says error.
std::string last_error(const std::string& output) {
  std::string last, error;
  for (const std::string& line : split(output, '\n')) {
    if (trim(line).empty()) continue;
    last = trim(line);
    if (lower(line).find("error") != std::string::npos) error = last;
  }
  return error.empty() ? last : error;
}

/// mariadb-install-db is a script: its server may outlive it by a moment.
void end_servers(const Settings& settings, Deadline deadline) {
  while (const auto left = ServerProcess::find(settings.place()))
    if (!left->signal(SIGKILL) || !left->ended_by(deadline)) return;
}

Result<void> run_installer(const Settings& settings, const Call& call, Deadline deadline) {
  std::vector<std::string> argv{"mariadb-install-db", "--defaults-file=" + settings.config, "--user=" + settings.user,
                                "--datadir=" + settings.datadir, "--skip-test-db"};
  argv.insert(argv.end(), settings.additional.begin(), settings.additional.end());
  auto ran = agents::run_program(argv, call.environment(), deadline.at());
  if (!ran && ran.error().code == Errc::not_found) {
    argv.front() = "mysql_install_db";
    ran = agents::run_program(argv, call.environment(), deadline.at());
  }
  if (!ran) return ran.error();
  if (ran->code != 0)
    return Error{Errc::io,
                 fmt::format("{} ended with {}: {}", argv.front(), ran->code, last_error(ran->out + ran->err))};
  if (!is_folder(settings.datadir + "/mysql"))
    return Error{Errc::io, fmt::format("{} succeeded, but there is no '{}/mysql'", argv.front(), settings.datadir)};
  return {};
}

Result<void> create_database(const Settings& settings, Call& call, Deadline deadline) {
  if (::access((settings.datadir + "/ibdata1").c_str(), F_OK) == 0)
    return Error{Errc::refused,
                 fmt::format("'{}' holds a part of a database (ibdata1) but not its folder mysql: no new "
                             "one is made over it; restore it, or empty the directory",
                             settings.datadir)};
  const std::set<std::string> before = names_in(settings.datadir);
  if (const auto marked = agents::write_file(mark_of(settings), "", true); !marked) return marked;
  call.log().notice("'{}' holds no database: making one, as enable_creation says", settings.datadir);
  const auto made = run_installer(settings, call, deadline.within(deadline.left() * 3 / 4));
  if (!made) {
    end_servers(settings, deadline);
    std::error_code none;
    for (const std::string& name : names_in(settings.datadir))
      if (!before.contains(name)) fs::remove_all(fs::path(settings.datadir) / name, none);
    return made;
  }
  if (::unlink(mark_of(settings).c_str()) != 0) {
    const int why = errno;
    return errno_error(fmt::format("removing '{}'", mark_of(settings)), why);
  }
  return {};
}

Ocf provide_database(const Settings& settings, Call& call, Cluster& cluster, Deadline deadline) {
  if (::access(mark_of(settings).c_str(), F_OK) == 0)
    return call.fail(Ocf::generic,
                     "'{}' holds a database that was not made to its end: empty the directory to have it made anew; if "
                     "you have put a whole one there since, remove '{}'",
                     settings.datadir, mark_of(settings));
  if (!settings.enable_creation || is_folder(settings.datadir + "/mysql")) return Ocf::ok;
  if (const auto made = create_database(settings, call, deadline); !made)
    return call.fail(Ocf::generic, "no database could be made in '{}': {}", settings.datadir, made.error().what);
  if (!call.meta().is_promotable() || cluster.published_primary().empty()) return Ocf::ok;
  call.log().warning(
      "the cluster had a primary before: this new, empty database must follow one before it is promoted");
  const auto marked = MustFollow(settings).set();
  return marked ? Ocf::ok : call.explain(Ocf::generic, marked.error().what);
}

}  // namespace

void give_log_to_user(const Settings& settings) {
  if (const auto user = identity_of(settings)) [[maybe_unused]]
    const auto given = give(settings.log, *user, settings);
}

Ocf prepare(const Settings& settings, Call& call, Cluster& cluster, Deadline deadline) {
  const auto user = identity_of(settings);
  if (!user) return call.fail(Ocf::installed, "there is no user '{}' (parameter user)", settings.user);
  if (settings.enable_creation)
    if (const auto made = make_folder_for(settings.datadir, *user, settings); !made)
      return call.explain(Ocf::permission, made.error().what);
  for (const std::string& file : {settings.log, settings.pid, settings.socket})
    if (const auto made = make_folder_for(agents::folder_of(file), *user, settings); !made)
      return call.explain(Ocf::permission, made.error().what);
  const std::vector<std::string> folders{settings.datadir, agents::folder_of(settings.pid),
                                         agents::folder_of(settings.socket)};
  constexpr std::array<std::string_view, 3> parameters{"datadir", "pid", "socket"};
  if (const int closed = first_closed_to(*user, folders); closed >= 0)
    return call.fail(Ocf::permission, "the user '{}' may not write to '{}' (parameter {}): give the directory to it",
                     settings.user, folders.at(static_cast<std::size_t>(closed)),
                     parameters.at(static_cast<std::size_t>(closed)));
  return provide_database(settings, call, cluster, deadline);
}

}  // namespace systole::mysql
