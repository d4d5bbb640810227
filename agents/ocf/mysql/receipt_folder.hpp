// SPDX-License-Identifier: GPL-2.0-or-later
// Writes what a database loses – transactions that its primary does not have – into a folder of its own (receipt.hpp),
// which gets its name when it is whole and on the disk.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql/receipt.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/result.hpp"

namespace systole::mysql {

struct ReceiptPlace {
  std::string folder;  // of all receipts
  std::string resource;
  std::function<std::string()> node;            // asked for when something is written: it may cost a program
  agents::Environment env;                      // for mariadb-binlog's PATH
  std::function<void()> between_steps = [] {};  // a test dies there
};

/// Of the resource that the call is about, which must outlive this.
ReceiptPlace receipt_place(const agents::Call& call);

struct TailToKeep {
  const Tail& tail;  // it has a begin
  std::span<const LogFile> files;
  std::string primary;
  Fate fate = Fate::undone;
};

/// Returns the folder's path. undo.sql is made for what is to be undone; only then is it an Error when mariadb-binlog
/// cannot be run.
Result<std::string> keep_tail(const ReceiptPlace& at, const std::string& name, const TailToKeep& what,
                              Deadline deadline);

/// Always the same for the same tail, so that it is kept once: 2026-11-29T14:05:59Z-0-1041-7[-received]-db.
std::string name_of_kept(const ReceiptPlace& at, const TailToKeep& what);
/// keep_tail() by that name, unless it is there already.
Result<std::string> keep_tail_once(const ReceiptPlace& at, const TailToKeep& what, Deadline deadline);

}  // namespace systole::mysql
