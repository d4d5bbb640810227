// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_receipts.hpp.
#include "tools/agent/mysql_receipts.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "agents/kit/paths.hpp"
#include "agents/ocf/mysql/receipt.hpp"

namespace systole::tools {

std::set<std::string> receipts_in(const std::string& folder, const std::string& resource) {
  std::set<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("unfinished-") && (resource.empty() || name.ends_with("-" + resource))) names.insert(name);
  }
  return names;
}

std::string receipts_text(const std::string& folder, const std::string& resource) {
  std::string text;
  for (const std::string& name : receipts_in(folder, resource)) {
    const auto receipt = agents::read_file(fmt::format("{}/{}/receipt", folder, name));
    const std::string headline = receipt ? mysql::receipt_headline(*receipt) : std::string{};
    text += fmt::format("{}\n  {}\n", name, headline.empty() ? "its receipt cannot be read" : headline);
  }
  if (text.empty()) return "Nothing was ever taken out of a database on this node.\n";
  return text + fmt::format("\nWhole receipts, the rows and the means to have them again: {}/\n", folder);
}

}  // namespace systole::tools
