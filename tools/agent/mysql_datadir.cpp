// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_datadir.hpp.
#include "tools/agent/mysql_datadir.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "agents/kit/paths.hpp"
#include "common/base/text.hpp"

namespace systole::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view unfinished = "systole_unfinished", seeded = "systole_seeded";
// What mariadb-install-db and mkfs make, and what the server makes beside the databases.
constexpr std::array<std::string_view, 4> system_folders{"mysql", "performance_schema", "sys", "lost+found"};

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Error failed(std::string_view what, const std::string& path, const std::error_code& why) {
  return {Errc::io, fmt::format("cannot {} '{}': {}", what, path, why.message())};
}

}  // namespace

std::vector<std::string> databases_in(const std::vector<std::string>& folders) {
  std::vector<std::string> found;
  for (const std::string& name : folders)
    if (std::ranges::find(system_folders, name) == system_folders.end() && !name.starts_with('#') &&
        !name.starts_with('.'))
      found.push_back(name);
  return found;
}

DataDir::State state_of(const std::vector<std::string>& folders, const std::vector<std::string>& files) {
  if (has(files, unfinished)) return DataDir::State::unfinished;
  if (has(files, seeded) && has(folders, "mysql")) return DataDir::State::seeded;
  if (!databases_in(folders).empty()) return DataDir::State::in_use;
  if (has(folders, "mysql")) return DataDir::State::fresh;
  return files.empty() ? DataDir::State::missing : DataDir::State::strange;
}

DataDir look_at_datadir(const std::string& path) {
  std::vector<std::string> folders, files;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, none)) {
    const std::string name = entry.path().filename();
    if (!entry.is_directory(none))
      files.push_back(name);
    else if (name != "test" || !fs::is_empty(entry.path(), none))  // older packages make an empty one
      folders.push_back(name);
  }
  std::ranges::sort(folders);
  DataDir found{.state = state_of(folders, files), .databases = databases_in(folders)};
  struct stat own {
  }, parent{};
  found.own_mount =
      ::stat(path.c_str(), &own) == 0 && ::stat((path + "/..").c_str(), &parent) == 0 && own.st_dev != parent.st_dev;
  // The agent makes an empty mark; where databases are beside that one, a person has put them there.
  const auto mark = agents::read_file(unfinished_mark(path));
  if (mark && trim(*mark).empty() && !found.databases.empty()) found.state = DataDir::State::in_use;
  if (const auto note = agents::read_file(seeded_mark(path))) found.note = trim(*note);
  return found;
}

std::string unfinished_mark(const std::string& datadir) {
  return fmt::format("{}/{}", datadir, unfinished);
}

std::string seeded_mark(const std::string& datadir) {
  return fmt::format("{}/{}", datadir, seeded);
}

bool has_old_logs(const std::string& log) {
  const fs::path base = fs::path(log).replace_extension();
  const std::string prefix = base.filename().string() + ".";
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(base.parent_path(), none))
    if (entry.path().filename().string().starts_with(prefix)) return true;
  return false;
}

std::string real_datadir(const std::string& path) {
  std::error_code none;
  const fs::path real = fs::canonical(path, none);
  return real.empty() ? path : real.string();
}

Result<std::string> move_aside(const std::string& datadir, std::string_view time) {
  struct stat about {};
  if (::stat(datadir.c_str(), &about) != 0) {
    if (errno != ENOENT) return errno_error(fmt::format("cannot look at '{}'", datadir));
    return std::string();
  }
  const std::string aside = fmt::format("{}.before-systole-{}", datadir, time);
  std::error_code problem;
  fs::rename(datadir, aside, problem);
  if (problem) return failed("move aside", datadir, problem);
  if (::mkdir(datadir.c_str(), about.st_mode & 07777U) != 0 ||
      ::chown(datadir.c_str(), about.st_uid, about.st_gid) != 0)
    return errno_error(fmt::format("cannot make '{}' anew (what was there is '{}')", datadir, aside));
  return aside;
}

Result<void> move_back(const std::string& datadir, const std::string& aside) {
  std::error_code problem;
  fs::remove_all(datadir, problem);
  if (problem) return failed("remove the copy in", datadir, problem);
  fs::rename(aside, datadir, problem);
  if (problem) return failed("move back", aside, problem);
  return {};
}

Result<void> empty_datadir(const std::string& datadir) {
  std::error_code problem;
  std::vector<fs::path> all;
  for (const fs::directory_entry& entry : fs::directory_iterator(datadir, problem)) all.push_back(entry.path());
  if (problem) return failed("read", datadir, problem);
  for (const fs::path& path : all) {
    if (path.filename() == unfinished || path.filename() == "lost+found") continue;
    fs::remove_all(path, problem);
    if (problem) return failed("remove", path, problem);
  }
  return {};
}

}  // namespace systole::tools
