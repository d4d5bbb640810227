// SPDX-License-Identifier: GPL-2.0-or-later
// See lease_file.hpp.
#include "crmd/guardian_process/lease_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "common/base/handles.hpp"
#include "common/base/text.hpp"

namespace systole::guardian {
namespace {

std::string boot_id() {
  const Fd file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  char text[64] = {};
  const ssize_t got = file ? ::read(file.get(), text, sizeof text - 1) : 0;
  return std::string(trim(std::string_view(text, got > 0 ? static_cast<std::size_t>(got) : 0)));
}

}  // namespace

Result<LeaseFile> LeaseFile::open(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0) return errno_error(fmt::format("cannot open {}", path));
  if (about.st_size != static_cast<off_t>(lease_page_bytes)) {
    // Written, not only made longer: a page without room on a full file system would kill us at the first store.
    const std::string zeros(lease_page_bytes, '\0');
    if (::ftruncate(file.get(), 0) != 0 ||
        ::pwrite(file.get(), zeros.data(), zeros.size(), 0) != static_cast<ssize_t>(zeros.size()))
      return errno_error(fmt::format("cannot write {}", path));
  }
  void* const memory = ::mmap(nullptr, lease_page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return errno_error(fmt::format("cannot map {}", path));
  auto* page = static_cast<LeasePage*>(memory);
  const std::string boot = boot_id();
  const bool is_new = !belongs_to(*page, boot);
  if (is_new) {
    page = new (memory) LeasePage{};
    boot.copy(page->boot, sizeof page->boot - 1);
    page->version = lease_version;
    page->magic = lease_magic;
  }
  return LeaseFile(page, is_new);
}

LeaseFile::~LeaseFile() {
  if (page_ != nullptr) ::munmap(page_, lease_page_bytes);
}

std::optional<Time> LeaseFile::until() const {
  const std::int64_t until = page_->until_ns.load(std::memory_order_acquire);
  if (until <= 0) return std::nullopt;
  return Time{Duration{until}};
}

}  // namespace systole::guardian
