// SPDX-License-Identifier: GPL-2.0-or-later
// See events.hpp.
#include "tools/simulate/events.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace systole::tools {

Result<ImaginedResult> parse_imagined_result(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return Error{Errc::invalid, fmt::format("'{}': {}; RESOURCE_OPERATION_INTERVAL@NODE=CODE is meant, the interval in "
                                            "ms: db_monitor_10000@n1=7",
                                            text, what)};
  };
  const std::size_t at = text.find('@'), equals = text.rfind('=');
  if (at == std::string_view::npos) return wrong("no node");
  if (equals == std::string_view::npos || equals < at) return wrong("no result");
  const std::string_view key = text.substr(0, at);
  const std::size_t last = key.rfind('_');
  const std::size_t middle = last == std::string_view::npos || last == 0 ? last : key.rfind('_', last - 1);
  if (middle == std::string_view::npos || middle == 0 || middle + 1 >= last) return wrong("no operation");
  const auto interval = parse_int<std::int64_t>(key.substr(last + 1));
  if (!interval || *interval < 0) return wrong("the interval is no number of milliseconds");
  const auto rc = parse_int<int>(text.substr(equals + 1));
  if (!rc || *rc < 0 || *rc > 255) return wrong("the result is no exit code from 0 to 255");
  ImaginedResult result;
  result.text = text;
  result.resource = ResourceId{std::string(key.substr(0, middle))};
  result.operation = key.substr(middle + 1, last - middle - 1);
  result.interval = std::chrono::milliseconds(*interval);
  result.node = NodeName{std::string(text.substr(at + 1, equals - at - 1))};
  result.rc = *rc;
  if (result.node.value.empty()) return wrong("no node");
  return result;
}

}  // namespace systole::tools
