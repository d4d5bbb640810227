// SPDX-License-Identifier: GPL-2.0-or-later
// Where a new copy of a database stands before it is used, and the database that it replaced: beside the datadir as
// DATADIR.systole-NAME, or, where something is mounted on the datadir, in it as DATADIR/.systole-NAME. Names:
//   incoming    being made; nobody relies on it
//   copy        whole and ready to be started
//   old, old-2…  replaced, the server has been started from a copy since
//   leaving     being removed
//   entering    where it is mounted: what of a copy is not in its place yet
// Of a name that is there the rest follows, so whoever dies in between goes on where he was.
#pragma once

#include <string>
#include <vector>

#include "agents/ocf/mysql/settings.hpp"
#include "common/base/result.hpp"

namespace systole::mysql {

class CopyPlaces {
 public:
  explicit CopyPlaces(const Settings& settings);

  /// Without symbolic links.
  const std::string& datadir() const { return datadir_; }
  std::string incoming() const { return named("incoming"); }
  std::string ready() const { return named("copy"); }
  /// The folder whose room a copy takes.
  std::string room() const;
  /// What the server must not take for databases.
  std::vector<std::string> hidden_folders() const;

  /// Removes what stands under an unfinished name, and makes the folder.
  Result<void> begin_incoming() const;
  /// The finished copy gets its name. Its files are on the disk before.
  Result<void> make_ready() const;
  /// A copy that is ready takes the datadir's place. Before the server is launched. True: it did.
  Result<bool> adopt() const;

  struct Replaced {
    std::string path;
    bool kept = false;  // all that the primary does not have of it is in receipts
  };
  std::vector<Replaced> replaced() const;
  /// The running server's database: all of it that the primary does not have is kept in `receipts`.
  Result<void> mark_as_kept(const std::string& receipts) const;
  Result<void> unmark_as_kept() const;
  /// There is a replaced one of which all is kept, or what is left of its removal.
  bool can_remove_replaced() const;
  /// Removes those. For when this server follows its primary. May take long, may be killed.
  Result<void> remove_replaced() const;

 private:
  std::string named(const std::string& name) const;
  std::string replaced_name(unsigned number) const;
  Result<std::string> free_name() const;
  Result<void> exchange_folders(const std::string& old) const;
  Result<void> exchange_contents() const;

  std::string datadir_;
  bool mounted_ = false;
};

}  // namespace systole::mysql
