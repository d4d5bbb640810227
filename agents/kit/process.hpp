// SPDX-License-Identifier: GPL-2.0-or-later
// Running other programs, without a shell and never past a deadline; and background children that can be found again
// and killed without ever hitting a stranger that got their pid.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agents/kit/values.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::agents {

struct Ran {
  int code = 0;     // exit code; 128 + signal when a signal ended it
  std::string out;  // stdout, at most limits::agent_output_bytes_max
  std::string err;
};

/// A command line for people: its beginning, because whole programs and long values may be among the arguments.
std::string shown(const std::vector<std::string>& argv);

/// Whether a program gets the passwords among an agent's parameters (without_secrets). Only an agent has a use for
/// them.
enum class Secrets { kept_back, handed_on };

/// argv[0] is looked up in env's PATH (with /sbin:/bin:/usr/sbin:/usr/bin behind it). stdin is /dev/null.
/// not_found: no such program. timeout: it was killed at the deadline. A code other than 0 is no Error.
Result<Ran> run_program(const std::vector<std::string>& argv, const Environment& env, Time deadline,
                        Secrets secrets = Secrets::kept_back);

/// A process that cannot be mistaken: pid and the kernel's start time (field 22 of /proc/PID/stat).
struct ProcessId {
  pid_t pid = 0;
  unsigned long long start = 0;
  bool operator==(const ProcessId&) const = default;
};

/// Where the program is, in the environment's PATH; nullopt: nowhere.
std::optional<std::string> find_in_path(const std::string& name, const Environment& env);

/// nullopt: no such process (a zombie counts as none).
std::optional<ProcessId> identify(pid_t pid);
bool is_alive(const ProcessId& process);
/// Through a pidfd, after the start time was compared: never a stranger. Ok when it is gone already.
Result<void> kill_process(const ProcessId& process, int signal);

/// "PID START\n"; nullopt for anything else.
std::optional<ProcessId> parse_process_id(std::string_view text);
std::string to_text(const ProcessId& process);

/// Runs work in a detached child: own session, stdin/stdout/stderr on /dev/null (an open pipe would keep the manager
/// waiting), all other descriptors closed, known by pid_file, which is there before this returns. The child ends with
/// work's return value.
Result<ProcessId> run_in_background(const std::string& pid_file, const std::function<int()>& work);
/// What pid_file names, if it lives.
std::optional<ProcessId> find_background(const std::string& pid_file);
/// Ends what pid_file names (SIGKILL; the child holds nothing that wants cleaning) and removes the file. Ok when
/// nothing runs.
Result<void> end_background(const std::string& pid_file);

}  // namespace systole::agents
