// SPDX-License-Identifier: GPL-2.0-or-later
// From what was seen to what a health check hears: status code and a small JSON with the reason. Pure; each line of it
// has a test in tests/unit/endpoint.
//
// Two rules above all. A server is the primary only by its own word, and never against the record, which knows of a
// successor before the old primary does. And what is not known is no: a check that hears 200 sends clients here.
//
// Everybody who reaches the port reads these words, so they hold numbers of errors but never their texts, in which the
// server quotes rows, and neither accounts nor files.
#pragma once

#include <string>
#include <string_view>

#include "tools/endpoint/question.hpp"
#include "tools/endpoint/seen.hpp"

namespace systole::endpoint {

struct Answer {
  unsigned status = 503;  // of HTTP
  std::string body = {};  // JSON, ends in a line feed
  bool operator==(const Answer&) const = default;
};

Answer answer(const Question& question, const Seen& seen);

/// Of a request that asks nothing that we understand.
Answer refusal(unsigned status, std::string_view reason);

/// "primary", "replica", "alone" (read-only, and follows nobody), "unknown" (it does not answer).
std::string_view role_of(const Seen& seen);

}  // namespace systole::endpoint
