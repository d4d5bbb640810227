// SPDX-License-Identifier: GPL-2.0-or-later
// Requests of health checks, spoilt in every way: through the parser of HTTP with the limits that a session sets, then
// our own reading of the target, then the answer. What is taken for a question must be one that can be said again, and
// every answer is one line of JSON.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "common/base/ensure.hpp"
#include "tests/fuzz/hammer.hpp"
#include "tests/unit/endpoint/seen_samples.hpp"
#include "tools/endpoint/decision.hpp"

namespace {

using namespace systole;
using namespace systole::endpoint;

const std::vector<std::string>& samples() {
  static const std::vector<std::string> all{
      "GET /primary HTTP/1.1\r\nHost: n1:9200\r\nUser-Agent: check\r\nAccept: */*\r\n\r\n",
      "OPTIONS / HTTP/1.0\r\n\r\n", "HEAD /replica?lag_ms=1500 HTTP/1.1\r\nConnection: keep-alive\r\n\r\n",
      "GET /read-only?lag_ms=0 HTTP/1.1\r\nX: a\r\n b\r\n\r\nGET /health HTTP/1.1\r\n\r\n",
      "POST /health?x=%20&y HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"};
  return all;
}

std::string said_again(const Question& question) {
  const std::string bound = question.lag_ms_max ? "?lag_ms=" + std::to_string(*question.lag_ms_max) : "";
  switch (question.subject) {
    case Subject::primary:
      return "/primary" + bound;
    case Subject::replica:
      return "/replica" + bound;
    case Subject::read_only:
      return "/read-only" + bound;
    case Subject::health:
      return "/health" + bound;
  }
  return {};
}

void check_answer(const Answer& said) {
  ensure(said.status == 200 || said.status == 503);
  ensure(said.body.starts_with("{\"status\": ") && said.body.ends_with("}\n"));
  ensure(std::ranges::count_if(said.body, [](char c) { return static_cast<unsigned char>(c) < 0x20; }) == 1);
}

void check_target(std::string_view target, Dice& dice) {
  const auto question = parse_question(target);
  if (!question) {
    ensure(question.error().code == Errc::not_found || question.error().code == Errc::invalid);
    return;
  }
  ensure(*parse_question(said_again(*question)) == *question);
  if (question->lag_ms_max) ensure(*question->lag_ms_max >= 0 && *question->lag_ms_max <= lag_bound_ms_max);
  Seen seen = dice.chance(1, 2) ? sound_replica() : sound_primary();
  seen.node = target;
  if (dice.chance(1, 4)) seen.silence = target;
  if (seen.stream && dice.chance(1, 2)) seen.stream->status.host = target;
  check_answer(answer(*question, seen));
}

void one_round(Dice& dice) {
  static const fuzz::Mutator mutator(
      samples(), {"?", "&", "lag_ms=", "/primary", "/replica", "99999999999999999999", "-", "%", " ", "\r\n",
                  "\r\n\r\n", "HTTP/1.1", std::string(1, '\0'), "\xff", ":", std::string(3000, 'a')});
  const std::string text = mutator.make(dice);
  namespace http = boost::beast::http;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(8192);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(text), error);
  if (parser.is_header_done()) check_target(parser.get().target(), dice);
  const std::size_t begin = std::min(text.find('/'), text.size());
  check_target(std::string_view(text).substr(begin, text.find(' ', begin) - begin), dice);
  check_target(text, dice);
}

}  // namespace

int main(int argc, char** argv) {
  return fuzz::hammer(argc, argv, one_round);
}
