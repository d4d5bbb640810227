// SPDX-License-Identifier: GPL-2.0-or-later
// What has to be ended at the end of the lease, written down beside the lease page for the next guardian: one that is
// killed together with crmd (by the OOM killer, by a hand that kills too much) leaves nobody else who knows. In the
// same tmpfs, for the same reason; in the words of the protocol.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "crmd/guardian/guardian.hpp"

namespace systole::guardian {

class HeldFile {
 public:
  explicit HeldFile(std::string path) : path_(std::move(path)) {}

  /// In one piece, or not at all.
  Result<void> save(const std::vector<Holding>& holdings) const;
  /// None: there is no such file. Errc::protocol: it is spoilt.
  Result<std::vector<Holding>> load() const;
  void remove() const;

 private:
  std::string path_;
};

}  // namespace systole::guardian
