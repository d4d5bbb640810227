// SPDX-License-Identifier: GPL-2.0-or-later
// See link_name.hpp.
#include "agents/lsb/link_name.hpp"

#include <cctype>

namespace systole::lsb {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// rc0.d … rc6.d and rcS.d
bool is_run_level(std::string_view folder) {
  return folder.size() == 5 && folder.starts_with("rc") && folder.ends_with(".d");
}

}  // namespace

std::string service_of_link(std::string_view argv0) {
  const std::size_t slash = argv0.rfind('/');
  std::string_view name = argv0.substr(slash + 1);
  if (slash == std::string_view::npos) return std::string(name);
  const std::string_view above = argv0.substr(0, slash);
  const bool ordered = name.size() > 3 && (name[0] == 'S' || name[0] == 'K') && is_digit(name[1]) && is_digit(name[2]);
  if (ordered && is_run_level(above.substr(above.rfind('/') + 1))) name.remove_prefix(3);
  return std::string(name);
}

}  // namespace systole::lsb
