// SPDX-License-Identifier: GPL-2.0-or-later
// See install.hpp.
#include "agents/lsb/install.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agents/kit/paths.hpp"
#include "agents/lsb/assignments.hpp"
#include "agents/lsb/header.hpp"
#include "agents/lsb/settings.hpp"

namespace systole::lsb {
namespace {

constexpr std::string_view mark = "# Written by systole-lsb --install; systole-lsb --remove takes it away.\n";

Result<bool> is_ours(const std::string& path) {
  const auto text = agents::read_file(path);
  if (!text && text.error().code == Errc::not_found) return text.error();
  return text && text->find(mark) != std::string::npos;
}

/// Nothing is written over, not even our own: somebody may have edited the settings.
Result<void> is_free(const std::string& script, const std::string& settings) {
  const auto ours = is_ours(script);
  if (ours && *ours)
    return Error{Errc::exists,
                 fmt::format("'{}' is installed already: edit '{}', or --remove it first", script, settings)};
  if (ours) return Error{Errc::exists, fmt::format("'{}' is there and not one of ours: choose another name", script)};
  if (::access(settings.c_str(), F_OK) != 0) return {};
  return Error{
      Errc::exists,
      fmt::format("'{}' is there and belongs to something else: choose another name, or move it away", settings)};
}

Error bad_name(const std::string& name) {
  return {Errc::invalid, fmt::format("'{}' is no name of an init script: letters, digits, '-' and '_' only", name)};
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return errno_error(fmt::format("cannot remove '{}'", path));
}

/// rename(2) keeps what write_file made under the process's umask: the mode is set on the file itself.
Result<void> write(const std::string& path, const std::string& text, unsigned mode) {
  if (auto done = agents::write_file(path, text, true, mode); !done) return done;
  if (::chmod(path.c_str(), mode) != 0) return errno_error(fmt::format("cannot set the mode of '{}'", path));
  return {};
}

}  // namespace

std::string script_path(const std::string& folder, const std::string& name) {
  return fmt::format("{}/init.d/{}", folder, name);
}

std::string settings_path(const std::string& folder, const std::string& name) {
  return fmt::format("{}/default/{}", folder, name);
}

std::string make_script(const Installation& wanted) {
  const std::string program = shell_quoted(wanted.program);
  return fmt::format(
      "#!/bin/sh\n{}{}"
      "if ! [ -x {} ]; then\n"
      "  echo \"{}: the program systole-lsb is not installed any more\" >&2\n"
      "  [ \"$1\" = status ] && exit 4\n"
      "  exit 5\n"
      "fi\n"
      "exec {} {} \"$@\"\n",
      make_header(wanted.name, wanted.agent + " as a service",
                  "Runs the OCF agent with the parameters in /etc/default/" + wanted.name + "."),
      mark, program, wanted.name, program, wanted.name);
}

Result<void> install(const Installation& wanted) {
  if (!is_script_name(wanted.name)) return bad_name(wanted.name);
  const std::string script = script_path(wanted.folder, wanted.name);
  const std::string settings = settings_path(wanted.folder, wanted.name);
  if (auto free = is_free(script, settings); !free) return free;
  for (const char* const part : {"/init.d", "/default"})
    if (auto made = agents::make_folder(wanted.folder + part); !made) return made;
  if (auto done = write(settings, make_settings(wanted.agent, wanted.parameters), 0600); !done) return done;
  return write(script, make_script(wanted), 0755);
}

Result<void> uninstall(const std::string& folder, const std::string& name) {
  if (!is_script_name(name)) return bad_name(name);
  const std::string script = script_path(folder, name);
  const auto ours = is_ours(script);
  if (!ours) return Error{Errc::not_found, fmt::format("there is no script '{}'", script)};
  if (!*ours)
    return Error{Errc::refused, fmt::format("'{}' was not written by systole-lsb --install: left as it is", script)};
  if (auto done = remove_file(script); !done) return done;
  return remove_file(settings_path(folder, name));
}

}  // namespace systole::lsb
