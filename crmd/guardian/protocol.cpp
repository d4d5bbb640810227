// SPDX-License-Identifier: GPL-2.0-or-later
// See protocol.hpp. The reader is strict: exactly what encode() writes is accepted, so that there is one way to say
// a thing, and a message that was cut anywhere but at a line's end is refused.
#include "crmd/guardian/protocol.hpp"

#include <fmt/format.h>

#include "common/base/overloaded.hpp"
#include "common/base/text.hpp"

namespace systole::guardian {
namespace {

// ---- writing

bool stands_for_itself(char c) {
  return c >= ' ' && c < '\x7f' && c != '%';
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (stands_for_itself(c))
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

void line(std::string& out, std::string_view word, std::string_view value) {
  out += fmt::format("{} {}\n", word, escaped(value));
}

void write(std::string& out, const std::vector<Holding>& holdings) {
  for (const Holding& holding : holdings) {
    line(out, "resource", holding.resource);
    for (const std::string& address : holding.addresses) line(out, "address", address);
    if (!holding.cgroup.empty()) line(out, "cgroup", holding.cgroup);
    for (const pid_t group : holding.groups) line(out, "group", std::to_string(group));
    for (const std::string& file : holding.pid_files) line(out, "pidfile", file);
  }
}

std::string in_words(const Laddered& news) {
  return fmt::format("{} {} {}", news.at.time_since_epoch().count(), news.all_gone ? "yes" : "no", news.text);
}

Result<std::string> bounded(std::string text) {
  if (text.size() > message_bytes_max)
    return Error{Errc::too_big, fmt::format("a message of {} bytes between crmd and the guardian; at most {}: too many "
                                            "resources, addresses or pid files on this node",
                                            text.size(), message_bytes_max)};
  return text;
}

// ---- reading

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (stands_for_itself(text[i])) {
      out += text[i];
      continue;
    }
    if (text[i] != '%' || i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || stands_for_itself(static_cast<char>(high * 16 + low))) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

/// A number in the one form in which it is written: no leading zeros, no "-0".
template <class N>
std::optional<N> plain_number(std::string_view text) {
  const auto number = parse_int<N>(text);
  return number && std::to_string(*number) == text ? number : std::nullopt;
}

std::optional<Laddered> read_laddered(std::string_view value) {
  const std::size_t first = value.find(' '), second = first == value.npos ? first : value.find(' ', first + 1);
  if (second == value.npos) return std::nullopt;
  const auto at = plain_number<std::int64_t>(value.substr(0, first));
  const std::string_view gone = value.substr(first + 1, second - first - 1);
  if (!at || (gone != "yes" && gone != "no")) return std::nullopt;
  return Laddered{Time{Duration{*at}}, gone == "yes", std::string(value.substr(second + 1))};
}

struct Line {
  std::string_view word;
  std::string value;
};

/// The lines of a message, one after the other.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  /// nullopt: at the end, or spoilt.
  std::optional<Line> next() {
    if (spoilt_ || rest_.empty()) return std::nullopt;
    const std::size_t end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    if (end == rest_.npos) return spoil();
    rest_.remove_prefix(end + 1);
    const std::size_t blank = line_.find(' ');
    auto value = unescaped(blank == line_.npos ? "" : line_.substr(blank + 1));
    if (!value) return spoil();
    bare_ = blank == line_.npos;
    return Line{line_.substr(0, blank), std::move(*value)};
  }
  bool bare() const { return bare_; }  // the last line was a word alone
  std::nullopt_t spoil() {
    spoilt_ = true;
    return std::nullopt;
  }
  bool sound() const { return !spoilt_ && rest_.empty(); }
  Error error() const {
    return {Errc::protocol, fmt::format("not the language of crmd and guardian: '{}'", escaped(line_.substr(0, 60)))};
  }

 private:
  std::string_view rest_, line_;
  bool spoilt_ = false, bare_ = false;
};

/// True: the line is part of a holding, in the order in which they are written, and was taken.
bool take_line(std::vector<Holding>& holdings, Line& line) {
  if (line.word == "resource") {
    holdings.emplace_back().resource = std::move(line.value);
    return true;
  }
  if (holdings.empty()) return false;
  Holding& holding = holdings.back();
  const bool after_cgroup = !holding.groups.empty() || !holding.pid_files.empty();
  if (line.word == "address" && holding.cgroup.empty() && !after_cgroup) {
    holding.addresses.push_back(std::move(line.value));
  } else if (line.word == "cgroup" && holding.cgroup.empty() && !line.value.empty() && !after_cgroup) {
    holding.cgroup = std::move(line.value);
  } else if (line.word == "group" && holding.pid_files.empty()) {
    const auto group = plain_number<pid_t>(line.value);
    if (!group) return false;
    holding.groups.push_back(*group);
  } else if (line.word == "pidfile") {
    holding.pid_files.push_back(std::move(line.value));
  } else {
    return false;
  }
  return true;
}

Result<std::vector<Holding>> read_holdings(Reader& reader) {
  std::vector<Holding> holdings;
  while (auto line = reader.next())
    if (reader.bare() || !take_line(holdings, *line)) return reader.error();
  if (!reader.sound()) return reader.error();
  return holdings;
}

/// "pid", then what is there of "until", "watchdog", "laddered".
bool read_head_of_state(Reader& reader, State& state, std::optional<Line>& after) {
  auto line = reader.next();
  const auto pid = line && line->word == "pid" ? plain_number<pid_t>(line->value) : std::nullopt;
  if (!pid) return false;
  state.pid = *pid;
  line = reader.next();
  if (line && line->word == "until") {
    const auto until = plain_number<std::int64_t>(line->value);
    if (!until) return false;
    state.until = Time{Duration{*until}};
    line = reader.next();
  }
  if (!line || line->word != "watchdog" || reader.bare()) return false;
  state.watchdog = std::move(line->value);
  line = reader.next();
  if (line && line->word == "laddered") {
    state.laddered = read_laddered(line->value);
    if (!state.laddered) return false;
    line = reader.next();
  }
  after = std::move(line);
  return true;
}

Result<FromGuardian> read_state(Reader& reader, const std::string& version) {
  const auto number = plain_number<std::uint32_t>(version);
  if (!number) return reader.error();
  State state;
  state.version = *number;
  std::optional<Line> line;
  if (!read_head_of_state(reader, state, line)) return reader.error();
  for (; line; line = reader.next())
    if (reader.bare() || !take_line(state.holdings, *line)) return reader.error();
  if (!reader.sound()) return reader.error();
  return FromGuardian(std::move(state));
}

Error too_long(std::size_t size) {
  return {Errc::too_big, fmt::format("a message of {} bytes; at most {}", size, message_bytes_max)};
}

}  // namespace

Result<std::string> encode(const FromCrmd& message) {
  std::string out;
  std::visit(Overloaded{[&out](const Hello& hello) { out = fmt::format("hello {}\n", hello.version); },
                        [&out](const HoldList& list) {
                          out = fmt::format("hold {}\n", list.number);
                          write(out, list.holdings);
                        },
                        [&out](const HeardNews&) { out = "heard\n"; }, [&out](const CrmdDone&) { out = "done\n"; }},
             message);
  return bounded(std::move(out));
}

Result<std::string> encode(const FromGuardian& message) {
  std::string out;
  std::visit(Overloaded{[&out](const State& state) {
                          out = fmt::format("state {}\npid {}\n", state.version, state.pid);
                          if (state.until) out += fmt::format("until {}\n", state.until->time_since_epoch().count());
                          line(out, "watchdog", state.watchdog);
                          if (state.laddered) line(out, "laddered", in_words(*state.laddered));
                          write(out, state.holdings);
                        },
                        [&out](const Ack& ack) { out = fmt::format("ack {}\n", ack.number); },
                        [&out](const LadderedNews& news) { line(out, "laddered", in_words(news.news)); }},
             message);
  return bounded(std::move(out));
}

Result<FromCrmd> decode_from_crmd(std::string_view bytes) {
  if (bytes.size() > message_bytes_max) return too_long(bytes.size());
  Reader reader(bytes);
  const auto first = reader.next();
  if (!first) return reader.error();
  if (first->word == "hold") {
    const auto number = plain_number<std::uint64_t>(first->value);
    if (!number) return reader.error();
    auto holdings = read_holdings(reader);
    if (!holdings) return holdings.error();
    return FromCrmd(HoldList{*number, std::move(*holdings)});
  }
  if (!reader.sound()) return reader.error();
  const auto version = plain_number<std::uint32_t>(first->value);
  FromCrmd message;  // named: g++ 12 takes parts of a temporary for uninitialized under the sanitizers
  if (first->word == "hello" && version)
    message = Hello{*version};
  else if (first->word == "heard" && reader.bare())
    message = HeardNews{};
  else if (first->word == "done" && reader.bare())
    message = CrmdDone{};
  else
    return reader.error();
  return message;
}

Result<FromGuardian> decode_from_guardian(std::string_view bytes) {
  if (bytes.size() > message_bytes_max) return too_long(bytes.size());
  Reader reader(bytes);
  const auto first = reader.next();
  if (!first) return reader.error();
  if (first->word == "state") return read_state(reader, first->value);
  if (!reader.sound()) return reader.error();
  const auto number = plain_number<std::uint64_t>(first->value);
  const auto news = first->word == "laddered" ? read_laddered(first->value) : std::nullopt;
  FromGuardian message;
  if (first->word == "ack" && number)
    message = Ack{*number};
  else if (news)
    message = LadderedNews{*news};
  else
    return reader.error();
  return message;
}

}  // namespace systole::guardian
