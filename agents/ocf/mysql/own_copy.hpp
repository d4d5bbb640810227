// SPDX-License-Identifier: GPL-2.0-or-later
// This node's copy of the record, on its disk: what a node knows that returns alone. And two small files beside it: the
// operator's word, and (on /run, so that a boot forgets them) the nodes that were members since the boot.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agents/kit/paths.hpp"
#include "agents/ocf/mysql/record.hpp"

namespace systole::mysql {

class OwnCopy {
 public:
  /// resource: without a clone's instance number.
  OwnCopy(const agents::Paths& paths, const std::string& resource);

  /// A record that does not exist when there is none. corrupt: the file is there and is no record; it is never taken
  /// for none, as that would forget who has the true database.
  Result<Record> read() const;
  /// Through a power cut: the old or the new one. An older one than the present is not written.
  Result<void> keep(const Record& record) const;

  /// The record for which the operator has said that the other node is out.
  std::optional<Record> operator_word() const;
  Result<void> give_operator_word(const Record& record) const;
  void forget_operator_word() const;

  /// node → when it was last a member, s since the epoch.
  std::map<std::string, std::int64_t> seen_members() const;
  /// `heard` count as seen from now on; who counts already and is a member now was seen last now.
  void note_members(const std::vector<std::string>& heard, const std::vector<std::string>& members) const;

 private:
  std::string path_, word_path_, seen_path_;
};

}  // namespace systole::mysql
