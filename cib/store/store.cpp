// SPDX-License-Identifier: GPL-2.0-or-later
// The order of steps is the whole matter here: the present document gets its second name (history) before the new one
// takes its place, so that no moment exists in which neither is there.
#include "cib/store/store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::cib {

namespace {

constexpr const char* document_name = "cib.xml";
constexpr const char* vote_name = "term";
constexpr const char* lost_prefix = "cib-lost-";

std::string history_name(std::uint64_t index) {
  return fmt::format("cib-{}.xml", index);
}

/// The index in "cib-<index>.xml".
std::optional<std::uint64_t> index_of(std::string_view name) {
  if (!name.starts_with("cib-") || !name.ends_with(".xml")) return std::nullopt;
  return parse_int<std::uint64_t>(name.substr(4, name.size() - 8));
}

std::string damaged_name(const std::string& when) {
  return fmt::format("cib-damaged-{}.xml", when);
}

bool is_damaged(std::string_view name) {
  return name.starts_with("cib-damaged-");
}

}  // namespace

Store::Store(ports::Disk& disk, std::size_t history_max) : disk_(disk), history_max_(history_max) {}

Result<std::vector<std::string>> Store::history() {
  auto names = disk_.list();
  if (!names) return names.error();
  std::erase_if(*names, [](const std::string& name) { return !index_of(name); });
  std::ranges::sort(*names, {}, [](const std::string& name) { return *index_of(name); });
  return names;
}

Result<Loaded> Store::load(const std::string& when) {
  Loaded loaded;
  const auto bytes = disk_.read(document_name);
  if (!bytes && bytes.error().code != Errc::not_found) return bytes.error();
  if (bytes) {
    auto stamped = decode(*bytes);
    if (stamped) {
      stored_index_ = stamped->stamp.index;
      loaded.newest = std::move(*stamped);
      return loaded;
    }
    const std::string aside = damaged_name(when);
    const auto renamed = disk_.rename(document_name, aside);
    loaded.may_have_forgotten = true;
    loaded.notes.push_back(
        fmt::format("{} is damaged ({}); {}", document_name, stamped.error().what,
                    renamed ? "it is kept as " + aside : "it could not be put aside: " + renamed.error().what));
  }
  if (const auto recovered = recover(loaded); !recovered) return recovered.error();
  return loaded;
}

/// Without a sound cib.xml: the highest stamp among the earlier ones.
Result<void> Store::recover(Loaded& loaded) {
  const auto files = disk_.list();
  if (!files) return files.error();
  const bool had_one =
      std::ranges::any_of(*files, [](const std::string& name) { return index_of(name) || is_damaged(name); });
  if (had_one && !loaded.may_have_forgotten) {
    loaded.may_have_forgotten = true;
    loaded.notes.push_back(fmt::format("{} is missing although there are earlier or damaged ones", document_name));
  }
  const auto names = history();
  if (!names) return names.error();
  std::string source;
  for (const std::string& name : *names) {
    const auto bytes = disk_.read(name);
    auto stamped = bytes ? decode(*bytes) : Result<Stamped>(bytes.error());
    if (!stamped) {
      loaded.notes.push_back(fmt::format("{} is unusable: {}", name, stamped.error().what));
    } else if (!loaded.newest || loaded.newest->stamp < stamped->stamp) {
      loaded.newest = std::move(*stamped);
      source = name;
    }
  }
  if (loaded.newest) {
    loaded.notes.push_back(fmt::format("using the earlier configuration in {}", source));
  } else if (loaded.may_have_forgotten) {
    loaded.notes.push_back("no sound configuration is left; this node needs one from the others");
  }
  return {};
}

Result<void> Store::save(const Stamped& stamped) {
  if (!stored_index_) {  // not loaded before: look, so that history has the right name
    const auto bytes = disk_.read(document_name);
    if (!bytes && bytes.error().code != Errc::not_found) return bytes.error();
    if (const auto old = bytes ? decode(*bytes) : Result<Stamped>(bytes.error()); old) {
      stored_index_ = old->stamp.index;
    }
  }
  if (stored_index_ && history_max_ > 0) {
    const auto kept = disk_.keep_as(document_name, history_name(*stored_index_));
    if (!kept && kept.error().code != Errc::not_found) return kept.error();
  }
  const auto written = disk_.write_atomically(document_name, encode(stamped));
  if (!written) {
    stored_index_.reset();  // either of the two may be there now
    return written.error();
  }
  stored_index_ = stamped.stamp.index;
  prune();
  return {};
}

/// A failure here costs space and nothing else; the next save tries again.
void Store::prune() {
  const auto names = history();
  if (!names || names->size() <= history_max_) return;
  const auto surplus = static_cast<std::ptrdiff_t>(names->size() - history_max_);
  for (auto it = names->begin(); it != names->begin() + surplus; ++it) {
    if (!disk_.remove(*it)) return;
  }
}

Result<Vote> Store::load_vote() {
  const auto bytes = disk_.read(vote_name);
  if (!bytes && bytes.error().code == Errc::not_found) return Vote{};
  if (!bytes) return bytes.error();
  auto vote = decode_vote(*bytes);
  if (!vote)
    return Error{vote.error().code, fmt::format("the vote in file '{}' is lost: {}", vote_name, vote.error().what)};
  return vote;
}

Result<void> Store::save_vote(const Vote& vote) {
  return disk_.write_atomically(vote_name, encode(vote));
}

Result<std::string> Store::keep_lost(const Stamped& stamped, const std::string& when) {
  std::string name = fmt::format("{}{}.xml", lost_prefix, when);
  const auto written = disk_.write_atomically(name, encode(stamped));
  if (!written) return written.error();
  return name;
}

std::vector<std::string> Store::lost() {
  auto names = disk_.list();
  if (!names) return {};
  std::erase_if(*names, [](const std::string& name) { return !name.starts_with(lost_prefix); });
  std::ranges::sort(*names);
  return std::move(*names);
}

}  // namespace systole::cib
