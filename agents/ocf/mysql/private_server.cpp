// SPDX-License-Identifier: GPL-2.0-or-later
// See private_server.hpp.
#include "agents/ocf/mysql/private_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "agents/kit/paths.hpp"
#include "agents/ocf/mysql/owner.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr Duration try_again = 100ms;

Result<void> make_private_folder(const std::string& folder, const Settings& settings) {
  if (const auto made = agents::make_folder(folder); !made) return made;
  if (::chmod(folder.c_str(), 0700) != 0) return errno_error(fmt::format("closing '{}'", folder));
  const auto owner = Owner::of(settings);
  if (!owner) return owner.error();
  if (const auto taken = owner->take(folder); !taken) return taken;
  const std::string log = folder + "/log";
  if (const auto made = agents::write_file(log, ""); !made) return made;
  return owner->take(log);
}

std::string last_line_of(const std::string& path) {
  const auto text = agents::read_file(path, 16 << 20);
  if (!text) return "it wrote no log";
  std::string error, last;
  for (const std::string& line : split(trim(*text), '\n')) {
    if (line.ends_with("Aborting")) continue;
    last = line;
    if (const std::size_t at = line.find("[ERROR]"); at != std::string::npos)
      error = trim(std::string_view(line).substr(at + 7));
  }
  return error.empty() ? last : error;
}

}  // namespace

Result<PrivateServer> PrivateServer::start(const Settings& settings, const Wish& wish) {
  if (const auto made = make_private_folder(wish.folder, settings); !made) return made.error();
  const std::string log = wish.folder + "/log";
  std::vector<std::string> argv{settings.binary,
                                "--defaults-file=" + settings.config,
                                "--datadir=" + (wish.datadir.empty() ? settings.datadir : wish.datadir),
                                "--socket=" + wish.folder + "/socket",
                                "--pid-file=" + wish.folder + "/pid",
                                "--log-error=" + log,
                                "--skip-networking=1",
                                "--skip-slave-start",
                                "--event-scheduler=OFF",
                                "--read-only=OFF"};
  argv.insert(argv.end(), wish.options.begin(), wish.options.end());
  auto user = agents::user_by_name(settings.user);
  if (!user) return user.error();
  if (user->user == 0) argv.emplace_back("--user=root");  // else it refuses to run as root
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC)), words(::open(log.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!null || !words) return errno_error(fmt::format("cannot open '{}'", log));
  PrivateServer made(wish.folder);
  const agents::Command command{.argv = std::move(argv), .as = std::move(*user)};
  if (const auto begun = made.process_.begin(command, {null.get(), words.get(), words.get()}); !begun)
    return begun.error();
  const Deadline deadline = Deadline::in(wish.patience);
  for (;;) {
    const auto answer = wish.answers(made.socket_);
    if (answer) return made;
    if (answer.error().code == Errc::permission) return answer.error();
    if (wish.interrupted()) return Error{Errc::refused, "interrupted"};
    if (made.process_.ended_by(deadline.within(try_again).at()))
      return Error{Errc::io, fmt::format("the server ended while it started: {}", last_line_of(log))};
    if (deadline.over())
      return Error{Errc::timeout, fmt::format("the server did not answer in time: {}", answer.error().what)};
  }
}

Result<void> PrivateServer::stop(Duration patience) {
  if (const auto told = process_.signal(SIGTERM); !told) return told;
  if (!process_.ended_by(Deadline::in(patience).at()))
    return Error{Errc::timeout, fmt::format("the server, pid {}, did not end in time", process_.pid())};
  if (const int code = process_.reap(); code != 0)
    return Error{Errc::io, fmt::format("the server ended with {}: {}", code, last_line_of(folder_ + "/log"))};
  std::error_code none;
  std::filesystem::remove_all(folder_, none);
  return {};
}

}  // namespace systole::mysql
