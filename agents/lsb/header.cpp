// SPDX-License-Identifier: GPL-2.0-or-later
// See header.hpp.
#include "agents/lsb/header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.hpp"

namespace systole::lsb {
namespace {

constexpr std::string_view begin_mark = "### BEGIN INIT INFO", end_mark = "### END INIT INFO";
constexpr std::array<std::string_view, 9> keywords{"Provides",     "Required-Start",    "Required-Stop",
                                                   "Should-Start", "Should-Stop",       "Default-Start",
                                                   "Default-Stop", "Short-Description", "Description"};
constexpr std::array<std::string_view, 6> needed{"Provides",      "Required-Start", "Required-Stop",
                                                 "Default-Start", "Default-Stop",   "Short-Description"};

class Reader {
 public:
  ReadHeader read(std::string_view script) {
    std::size_t number = 0;
    while (!script.empty() && !over_) {
      const std::size_t end = std::min(script.find('\n'), script.size());
      std::string_view line = script.substr(0, end);
      script.remove_prefix(std::min(end + 1, script.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      take(line, ++number);
    }
    if (!inside_) return {{}, {"there is no '### BEGIN INIT INFO' block: insserv and systemd cannot order the script"}};
    if (!over_) return {{}, {fmt::format("line {}: the block never ends with '{}'", read_.header->begin, end_mark)}};
    judge();
    return std::move(read_);
  }

 private:
  void take(std::string_view line, std::size_t number) {
    if (!inside_) {
      if (line != begin_mark) return;
      inside_ = true;
      read_.header.emplace().begin = number;
    } else if (line == end_mark) {
      read_.header->end = number;
      over_ = true;
    } else if (line == begin_mark) {
      fault(number, "the block begins a second time");
    } else {
      take_field(line, number);
    }
  }

  void take_field(std::string_view line, std::size_t number) {
    if (!line.starts_with('#')) return fault(number, "a line of the block does not begin with '#'");
    const std::string_view rest = line.substr(1);
    if (last_ == "Description" && (rest.starts_with("\t") || rest.starts_with("  "))) {
      read_.header->fields[last_] += fmt::format(" {}", trim(rest));
      return;
    }
    const std::size_t colon = rest.find(':');
    if (!rest.starts_with(' ') || colon == std::string_view::npos)
      return fault(number, "this is no '# Keyword: value'");
    const std::string name = canonical(trim(rest.substr(0, colon)), number);
    if (name.empty()) return;
    if (read_.header->fields.contains(name)) fault(number, fmt::format("'{}' is there twice", name));
    read_.header->fields[name] = std::string(trim(rest.substr(colon + 1)));
    last_ = name;
  }

  /// The keyword in the standard's spelling; "": unknown, which was said.
  std::string canonical(std::string_view word, std::size_t number) {
    if (starts_with_ignoring_case(word, "X-")) return std::string(word);
    for (const std::string_view keyword : keywords) {
      if (lower(word) != lower(keyword)) continue;
      if (word != keyword) fault(number, fmt::format("'{}' is spelt '{}'", word, keyword));
      return std::string(keyword);
    }
    fault(number, fmt::format("unknown keyword '{}'", word));
    return "";
  }

  void judge() {
    const auto& fields = read_.header->fields;
    for (const std::string_view keyword : needed)
      if (!fields.contains(keyword)) fault(read_.header->begin, fmt::format("'{}' is missing", keyword));
    if (const auto provides = fields.find("Provides"); provides != fields.end()) {
      if (words(provides->second).empty()) fault(read_.header->begin, "'Provides' names nothing");
      for (const std::string& name : words(provides->second))
        if (name.starts_with('$')) fault(read_.header->begin, fmt::format("'Provides' names the system's {}", name));
    }
    for (const std::string_view keyword : {"Default-Start", "Default-Stop"}) {
      const auto levels = fields.find(keyword);
      if (levels == fields.end()) continue;
      for (const std::string& level : words(levels->second))
        if (level.size() != 1 || std::string_view("0123456S").find(level[0]) == std::string_view::npos)
          fault(read_.header->begin, fmt::format("'{}' names '{}', which is no run level", keyword, level));
    }
  }

  void fault(std::size_t number, std::string_view what) {
    read_.faults.push_back(fmt::format("line {}: {}", number, what));
  }

  ReadHeader read_;
  std::string last_;
  bool inside_ = false, over_ = false;
};

}  // namespace

ReadHeader read_header(std::string_view script) {
  return Reader().read(script);
}

std::vector<std::string> facilities(const Header& header, std::string_view keyword) {
  const auto found = header.fields.find(keyword);
  if (found == header.fields.end() || lower(found->second) == "none") return {};
  return words(found->second);
}

bool is_script_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 64 && name[0] != '-' && std::ranges::all_of(name, fits);
}

std::string make_header(std::string_view name, std::string_view brief, std::string_view description) {
  return fmt::format(
      "{}\n"
      "# Provides:          {}\n"
      "# Required-Start:    $remote_fs $network $syslog\n"
      "# Required-Stop:     $remote_fs $network $syslog\n"
      "# Default-Start:     2 3 4 5\n"
      "# Default-Stop:      0 1 6\n"
      "# Short-Description: {}\n"
      "# Description:       {}\n"
      "{}\n",
      begin_mark, name, brief, description, end_mark);
}

}  // namespace systole::lsb
