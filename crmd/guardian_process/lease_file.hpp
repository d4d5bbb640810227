// SPDX-License-Identifier: GPL-2.0-or-later
// The guardian's end of the lease page: makes the file where there is none, and maps it. It outlives the guardian, so
// that a new one knows at once how long the lease lasts.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "crmd/guardian/lease_page.hpp"

namespace systole::guardian {

class LeaseFile {
 public:
  static Result<LeaseFile> open(const std::string& path);
  LeaseFile(LeaseFile&& other) noexcept : page_(std::exchange(other.page_, nullptr)), new_(other.new_) {}
  ~LeaseFile();

  /// No guardian of this boot has used it.
  bool is_new() const { return new_; }
  /// None: there is no lease.
  std::optional<Time> until() const;
  void stamp(Time now) { page_->guardian_seen_ns.store(now.time_since_epoch().count(), std::memory_order_release); }
  /// At an orderly end: whoever comes next begins without a lease.
  void clear() { page_->until_ns.store(0, std::memory_order_release); }

 private:
  LeaseFile(LeasePage* page, bool is_new) : page_(page), new_(is_new) {}
  LeasePage* page_;
  bool new_;
};

}  // namespace systole::guardian
