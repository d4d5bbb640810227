// SPDX-License-Identifier: GPL-2.0-or-later
// A directory that outlives power cuts, in our words: what the store of the configuration needs of a file system, and
// no more. Names are plain file names inside that directory. Calls block until done; the daemon makes them on its
// worker thread. The real one is cib/store/posix_disk, the treacherous one tests/fakes/fake_disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::ports {

class Disk {
 public:
  virtual ~Disk() = default;
  /// The whole file. Errc::not_found where there is none.
  virtual Result<std::string> read(const std::string& name) = 0;
  /// After success the new content survives a power cut; at every moment before, the file is the old one or the new
  /// one, whole. After an error it is either, and the caller must not promise anything.
  virtual Result<void> write_atomically(const std::string& name, std::string_view bytes) = 0;
  /// A second name for the same content; an existing file of that name is replaced. Durable with the next write.
  virtual Result<void> keep_as(const std::string& name, const std::string& other) = 0;
  /// Durable when it returns. An existing file of the new name is replaced.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Not there is well. Durable with the next write.
  virtual Result<void> remove(const std::string& name) = 0;
  /// Names of all plain files, in no order.
  virtual Result<std::vector<std::string>> list() = 0;
};

}  // namespace systole::ports
