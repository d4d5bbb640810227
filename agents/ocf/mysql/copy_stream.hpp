// SPDX-License-Identifier: GPL-2.0-or-later
// A whole database from one node to another through a CopyChannel: mariadb-backup --stream here, mbstream there (or
// mariadb-dump and a client), nothing in between on a disk. The giver says first how much it will be, and at the end
// whether its backup was whole: a connection that broke off is never taken for the end of a small database.
//
//   "systole-copy 1 BYTES SERIES KIND\n"  BYTES: an estimate; SERIES: of the server, as 10.11; KIND: files or dump
//   {length 4, big-endian; that many bytes} …
//   {0} and "ok\n", or "failed: why\n"
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "agents/kit/child.hpp"
#include "agents/kit/values.hpp"
#include "agents/ocf/mysql/copy_channel.hpp"
#include "agents/ocf/mysql/gtid.hpp"
#include "agents/ocf/mysql/settings.hpp"

namespace systole::mysql {

enum class CopyKind { files, dump };

struct CopyHead {
  std::uint64_t bytes = 0;
  std::string series = {};
  CopyKind kind = CopyKind::files;
  bool operator==(const CopyHead&) const = default;
};
std::string to_text(const CopyHead& head);
/// nullopt: the other side speaks of something else, or of a later version.
std::optional<CopyHead> parse_copy_head(std::string_view line);

/// Gives our own server's database, as it is at the end of the copying. `scratch`: a folder for the tool's little
/// files.
Result<void> give_copy(CopyChannel& channel, const Settings& settings, const CopyHead& head,
                       const std::string& scratch);

struct CopyWatch {
  /// Once, before anything is written: what is to take the stream on its standard input. An Error refuses the copy.
  std::function<Result<agents::Command>(const CopyHead&)> begin;
  /// Every second or so.
  std::function<void(std::uint64_t bytes)> look;
};
struct Taken {
  CopyKind kind = CopyKind::files;
  std::uint64_t bytes = 0;
  std::string tail = {};  // the last KiB that came (dump_tail_bytes)
};
/// What came is not ready to be started yet.
Result<Taken> take_copy(CopyChannel& channel, const CopyWatch& watch);
/// For files: into the folder, which is there and empty.
agents::Command unpack_command(const std::string& folder);

/// Makes files that came a datadir that a server can be started in, and returns the position at which it was made.
Result<GtidList> prepare_copy(const std::string& folder, const agents::Environment& env, Time deadline);
/// Of the text of the tool's file about the binary log: its third word. nullopt: there is none.
std::optional<GtidList> position_in_backup(std::string_view text);

/// All files of a datadir but its logs of transactions, which are not copied.
std::uint64_t size_of_database(const std::string& datadir);

}  // namespace systole::mysql
