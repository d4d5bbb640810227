// SPDX-License-Identifier: GPL-2.0-or-later
// See question.hpp.
#include "tools/endpoint/question.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace systole::endpoint {
namespace {

std::optional<Subject> subject_of(std::string_view path) {
  if (path == "/primary") return Subject::primary;
  if (path == "/replica") return Subject::replica;
  if (path == "/read-only") return Subject::read_only;
  if (path == "/health" || path == "/") return Subject::health;
  return std::nullopt;
}

bool has_a_lag(Subject subject) {
  return subject == Subject::replica || subject == Subject::read_only;
}

}  // namespace

Result<Question> parse_question(std::string_view target) {
  const std::size_t mark = target.find('?');
  const auto subject = subject_of(target.substr(0, mark));
  if (!subject)
    return Error{Errc::not_found, "no such path; there are /primary, /replica, /read-only and /health (or /)"};
  Question question{.subject = *subject};
  if (mark == std::string_view::npos || mark + 1 == target.size()) return question;
  if (!has_a_lag(*subject)) return Error{Errc::invalid, "this path takes no parameters"};
  constexpr std::string_view name = "lag_ms=";
  const std::string_view query = target.substr(mark + 1);
  if (!query.starts_with(name)) return Error{Errc::invalid, "the only parameter is lag_ms=MILLISECONDS, once"};
  const auto bound = parse_int<std::int64_t>(query.substr(name.size()));
  if (!bound || *bound < 0 || *bound > lag_bound_ms_max)
    return Error{Errc::invalid, fmt::format("lag_ms is a number of milliseconds from 0 to {}", lag_bound_ms_max)};
  question.lag_ms_max = bound;
  return question;
}

}  // namespace systole::endpoint
