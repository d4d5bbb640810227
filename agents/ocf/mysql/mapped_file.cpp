// SPDX-License-Identifier: GPL-2.0-or-later
// See mapped_file.hpp.
#include "agents/ocf/mysql/mapped_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <utility>

#include "agents/kit/paths.hpp"
#include "common/base/handles.hpp"

namespace systole::mysql {

Result<MappedFile> MappedFile::open(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) return errno_error(fmt::format("opening '{}'", path));
  MappedFile file;
  file.size_ = static_cast<std::size_t>(info.st_size);
  if (file.size_ == 0) return file;
  file.data_ = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (file.data_ == MAP_FAILED) {
    file.data_ = nullptr;
    return errno_error(fmt::format("mapping '{}'", path));
  }
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Result<MappedLogs> map_logs(const std::string& index_path, const std::string& datadir) {
  const auto index =
      agents::read_file(index_path.starts_with('/') ? index_path : fmt::format("{}/{}", datadir, index_path));
  if (!index) return index.error();
  MappedLogs logs;
  for (const std::string& path : log_files(*index, datadir)) {
    auto map = MappedFile::open(path);
    if (!map) return Error{Errc::io, map.error().what};
    logs.maps.push_back(std::move(*map));
    logs.files.push_back({.path = path, .bytes = logs.maps.back().bytes()});
  }
  return logs;
}

}  // namespace systole::mysql
