// SPDX-License-Identifier: GPL-2.0-or-later
// See rejoin_mark.hpp.
#include "agents/ocf/mysql/rejoin_mark.hpp"

namespace systole::mysql {

Result<std::string> RejoinMark::set_once(const std::string& receipt) const {
  if (auto present = text(); present && !present->empty()) return *present;
  if (const auto written = set(receipt + "\n"); !written) return written.error();
  return receipt;
}

}  // namespace systole::mysql
