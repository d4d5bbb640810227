// SPDX-License-Identifier: GPL-2.0-or-later
// See codes.hpp.
#include "agents/lsb/codes.hpp"

#include <algorithm>
#include <array>

namespace systole::lsb {
namespace {

using agents::Ocf;

struct Row {
  Ocf code;
  std::string_view words;
  Lsb lsb;
  LsbStatus status;
};

constexpr std::array rows{
    Row{Ocf::ok, "ok", Lsb::ok, LsbStatus::running},
    Row{Ocf::generic, "error", Lsb::generic, LsbStatus::unknown},
    Row{Ocf::args, "wrong arguments for this machine", Lsb::args, LsbStatus::unknown},
    Row{Ocf::unimplemented, "action not implemented", Lsb::unimplemented, LsbStatus::unknown},
    Row{Ocf::permission, "insufficient privileges", Lsb::permission, LsbStatus::unknown},
    Row{Ocf::installed, "not installed", Lsb::installed, LsbStatus::stopped},
    Row{Ocf::configured, "not configured", Lsb::configured, LsbStatus::unknown},
    Row{Ocf::not_running, "not running", Lsb::not_running, LsbStatus::stopped},
    Row{Ocf::running_promoted, "running, promoted", Lsb::ok, LsbStatus::running},
    Row{Ocf::failed_promoted, "promoted, but failed", Lsb::generic, LsbStatus::unknown},
    Row{Ocf::degraded, "running, degraded", Lsb::ok, LsbStatus::running},
    Row{Ocf::degraded_promoted, "promoted, degraded", Lsb::ok, LsbStatus::running},
};

const Row* row_of(int code) {
  const auto found = std::ranges::find(rows, code, [](const Row& row) { return static_cast<int>(row.code); });
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

bool is_ocf_code(int code) {
  return row_of(code) != nullptr;
}

std::string in_words(int ocf_code) {
  const Row* const row = row_of(ocf_code);
  return std::string(row == nullptr ? "no OCF code" : row->words);
}

Lsb lsb_code(int ocf_code) {
  const Row* const row = row_of(ocf_code);
  return row == nullptr ? Lsb::generic : row->lsb;
}

LsbStatus lsb_status(int ocf_code) {
  const Row* const row = row_of(ocf_code);
  return row == nullptr ? LsbStatus::unknown : row->status;
}

std::string_view heartbeat_word(int ocf_code) {
  switch (lsb_status(ocf_code)) {
    case LsbStatus::running:
      return "running";
    case LsbStatus::stopped:
      return "stopped";
    case LsbStatus::unknown:
      break;
  }
  // It could not even be asked: Heartbeat then calls start, which says why.
  static constexpr std::array unasked{Ocf::args, Ocf::unimplemented, Ocf::permission, Ocf::configured};
  const bool asked = std::ranges::find(unasked, static_cast<Ocf>(ocf_code)) == unasked.end();
  return asked ? "running, with a fault" : "unknown";
}

}  // namespace systole::lsb
