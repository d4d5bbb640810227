// SPDX-License-Identifier: GPL-2.0-or-later
// The repairs. None skips a transaction, and none deletes a received one that exists nowhere else.
#pragma once

#include <string>

#include "agents/ocf/mysql-replication/judge.hpp"
#include "agents/ocf/mysql/receipt_folder.hpp"
#include "agents/ocf/mysql/server.hpp"

namespace systole::mysql_replication {

/// partner, receipts: for Repair::follow.
Result<void> act(Repair repair, mysql::Server& server, const Settings& settings, const Channel* channel,
                 const std::string& partner, const mysql::ReceiptPlace& receipts, Deadline deadline, Log& log);

}  // namespace systole::mysql_replication
