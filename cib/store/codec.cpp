// SPDX-License-Identifier: GPL-2.0-or-later
// Text and digest; total over any bytes.
#include "cib/store/codec.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <array>

#include "common/base/ensure.hpp"
#include "common/base/text.hpp"

namespace systole::cib {

namespace {

constexpr std::string_view stamp_opening = "<!-- systole ";
constexpr std::string_view stamp_closing = " -->\n";

std::string digest_of(std::string_view text, std::string_view facts) {
  ensure(sodium_init() >= 0);
  crypto_generichash_state state;
  std::array<unsigned char, 32> hash{};
  const auto feed = [&](std::string_view part) {
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
  };
  crypto_generichash_init(&state, nullptr, 0, hash.size());
  feed(text);
  feed(facts);
  crypto_generichash_final(&state, hash.data(), hash.size());
  std::string hex;
  for (const unsigned char byte : hash) hex += fmt::format("{:02x}", byte);
  return hex;
}

/// The value of "name=" if the word starts so and the rest is a number.
template <class N>
std::optional<N> number_of(std::string_view word, std::string_view name) {
  if (!word.starts_with(name)) return std::nullopt;
  return parse_int<N>(word.substr(name.size()));
}

std::string to_text(const std::vector<Stamp>& history) {
  std::string text;
  for (const Stamp& stamp : history)
    text += fmt::format("{}{}.{}.{}", text.empty() ? " history=" : ",", stamp.term.number, stamp.term.node.value,
                        stamp.index);
  return text;
}

std::optional<std::vector<Stamp>> history_of(std::string_view word) {
  constexpr std::string_view name = "history=";
  if (!word.starts_with(name)) return std::nullopt;
  std::vector<Stamp> history;
  for (const std::string_view one : split(word.substr(name.size()), ',')) {
    const auto parts = split(one, '.');
    if (parts.size() != 3) return std::nullopt;
    const auto term = parse_int<std::uint64_t>(parts[0]);
    const auto node = parse_int<std::uint32_t>(parts[1]);
    const auto index = parse_int<std::uint64_t>(parts[2]);
    if (!term || !node || !index) return std::nullopt;
    history.push_back({{*term, NodeId{*node}}, *index});
  }
  return history;
}

Error corrupt(std::string why) {
  return {Errc::corrupt, std::move(why)};
}

}  // namespace

std::string encode(const Stamped& stamped) {
  std::string text = stamped.document;
  if (!text.ends_with('\n')) text += '\n';
  const Stamp& stamp = stamped.stamp;
  const std::string facts = fmt::format("term={} node={} index={}{}", stamp.term.number, stamp.term.node.value,
                                        stamp.index, to_text(stamped.history));
  return fmt::format("{}{}{} digest={}{}", text, stamp_opening, facts, digest_of(text, facts), stamp_closing);
}

Result<Stamped> decode(std::string_view bytes) {
  const auto at = bytes.rfind(stamp_opening);
  if (bytes.empty()) return corrupt("the file is empty");
  if (at == std::string_view::npos || !bytes.ends_with(stamp_closing)) {
    return corrupt("it does not end in a stamp: it was cut short, or never written by this cluster");
  }
  const std::string_view text = bytes.substr(0, at);
  const std::string_view line = bytes.substr(at + stamp_opening.size());
  const auto facts_end = line.find(" digest=");
  if (facts_end == std::string_view::npos) return corrupt("its stamp has no digest");
  const std::string_view facts = line.substr(0, facts_end);
  const std::string_view digest = trim(line.substr(facts_end + 8, line.size() - facts_end - 8 - stamp_closing.size()));
  const auto parts = split(facts, ' ');
  if (parts.size() != 3 && parts.size() != 4) return corrupt("its stamp is not readable");
  const auto term = number_of<std::uint64_t>(parts[0], "term=");
  const auto node = number_of<std::uint32_t>(parts[1], "node=");
  const auto index = number_of<std::uint64_t>(parts[2], "index=");
  auto history = parts.size() == 4 ? history_of(parts[3]) : std::vector<Stamp>{};
  if (!term || !node || !index || !history) return corrupt("its stamp is not readable");
  if (digest_of(text, facts) != digest) return corrupt("its digest does not fit: damaged, or edited by hand");
  return Stamped{{{*term, NodeId{*node}}, *index}, std::string(text), std::move(*history)};
}

std::string encode(const Vote& vote) {
  const std::string facts = fmt::format("term={} voted_for={}", vote.number, vote.voted_for.value);
  return fmt::format("{} digest={}\n", facts, digest_of("vote", facts));
}

Result<Vote> decode_vote(std::string_view bytes) {
  const auto facts_end = bytes.find(" digest=");
  if (facts_end == std::string_view::npos || !bytes.ends_with('\n')) return corrupt("it is cut short");
  const std::string_view facts = bytes.substr(0, facts_end);
  const std::string_view digest = bytes.substr(facts_end + 8, bytes.size() - facts_end - 9);
  const auto parts = split(facts, ' ');
  if (parts.size() != 2) return corrupt("it is not readable");
  const auto number = number_of<std::uint64_t>(parts[0], "term=");
  const auto node = number_of<std::uint32_t>(parts[1], "voted_for=");
  if (!number || !node) return corrupt("it is not readable");
  if (digest_of("vote", facts) != digest) return corrupt("its digest does not fit");
  return Vote{*number, NodeId{*node}};
}

}  // namespace systole::cib
