// SPDX-License-Identifier: GPL-2.0-or-later
// What a node must still know after a power cut: the newest configuration it stored, and its vote. Over a Disk port, so
// that tests can fail it at each step.
//
// Files: cib.xml (the document and its stamp), cib-<index>.xml (earlier ones, the newest history_max of them), term
// (the vote), cib-damaged-<when>.xml (what was found broken, kept for people), cib-lost-<when>.xml (what lost to
// another side's configuration).
//
// Damage is not like absence. Who reads an older configuration because the newest is damaged may have forgotten a write
// that it acknowledged; such a node must take the leader's document before it votes or leads
// (Loaded::may_have_forgotten). It stays so over restarts: no cib.xml beside other cib-*.xml is the mark, and the first
// save takes it away.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cib/store/codec.hpp"
#include "common/ports/disk.hpp"

namespace systole::cib {

struct Loaded {
  std::optional<Stamped> newest;    // nothing: this node never stored a configuration
  bool may_have_forgotten = false;  // newest (or nothing) stands in for a damaged or missing newer one
  std::vector<std::string> notes;   // what a person should hear: file, why, what was done
};

class Store {
 public:
  static constexpr std::size_t history_default = 20;
  explicit Store(ports::Disk& disk, std::size_t history_max = history_default);

  /// The newest sound document. when names a damaged file that is put aside, such as "20260102-030405". An Error means
  /// that the directory cannot be read: then nothing is known, which is not the same as nothing stored.
  Result<Loaded> load(const std::string& when);
  /// Durable when it returns. After an Error the old or the new document is stored, never neither.
  Result<void> save(const Stamped& stamped);

  /// No file: a vote of term 0. Errc::corrupt: the node may have voted and must not vote before its term has risen.
  Result<Vote> load_vote();
  Result<void> save_vote(const Vote& vote);

  /// Keeps a configuration that was overruled. The name of its file.
  Result<std::string> keep_lost(const Stamped& stamped, const std::string& when);
  /// Names of all configurations that were overruled and still are there.
  std::vector<std::string> lost();

 private:
  /// History files, newest last.
  Result<std::vector<std::string>> history();
  Result<void> recover(Loaded& loaded);
  void prune();

  ports::Disk& disk_;
  std::size_t history_max_;
  std::optional<std::uint64_t> stored_index_;  // of cib.xml, once known
};

}  // namespace systole::cib
