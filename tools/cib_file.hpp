// SPDX-License-Identifier: GPL-2.0-or-later
// CIB_file: the CIB in a file instead of the cluster's. Read once and in order, since it may be a FIFO or /dev/fd/63;
// written back as a whole, if it is a regular file.
#pragma once

#include <string>

#include "tools/daemon_link.hpp"

namespace systole::tools {

/// "-" reads standard input.
Result<std::string> read_whole(const std::string& path);

class CibFile final : public DaemonLink {
 public:
  explicit CibFile(std::string path) : path_(std::move(path)) {}
  /// QueryCib and ChangeCib; everything else has exit code 102: there is no cluster behind a file.
  Result<wire::ipc::Reply> ask(const wire::ipc::Request& request) override;

 private:
  std::string path_;
};

}  // namespace systole::tools
