// SPDX-License-Identifier: GPL-2.0-or-later
// A pair with tables of several kinds, and changes of each kind for one of them to have too much.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/text.hpp"
#include "tests/agents/mysql/rig.hpp"

namespace systole::mysql {

inline const std::vector<std::string> tables{"d.t", "d.keyless", "d.wide"};

inline std::string checksums(Rig& rig, const std::string& node) {
  return rig.sql(node, "CHECKSUM TABLE " + join(tables, ", "));
}

inline void run_each(Rig& rig, const std::string& node, const std::vector<std::string>& statements) {
  for (const std::string& statement : statements) ASSERT_EQ(rig.sql(node, statement), "") << statement;
}

/// n1 the primary, n2 its replica, and tables of several kinds with something in them.
inline void make_pair_with_tables(Rig& rig) {
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_NO_FATAL_FAILURE(run_each(
      rig, "n1",
      {"CREATE TABLE d.keyless (a INT, j JSON) ENGINE=InnoDB",
       "CREATE TABLE d.wide (id INT PRIMARY KEY AUTO_INCREMENT, v INT, twice INT AS (v * 2) VIRTUAL, b MEDIUMBLOB, at "
       "TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6)) ENGINE=InnoDB",
       "INSERT INTO d.t VALUES (1), (2), (3)", "INSERT INTO d.keyless VALUES (1, '{}'), (1, '{}'), (2, '[1]')",
       "INSERT INTO d.wide (v, b) VALUES (1, REPEAT('x', 70000)), (2, NULL), (3, '')"}));
  ASSERT_TRUE(eventually([&] { return checksums(rig, "n1") == checksums(rig, "n2"); }));
}

/// Changes of each kind, and an end that undoes a part of the beginning.
inline const std::vector<std::string> changes{
    "INSERT INTO d.t VALUES (100), (101), (102)",
    "UPDATE d.t SET k = k + 1000 WHERE k >= 100",
    "DELETE FROM d.t WHERE k = 1",
    "UPDATE d.keyless SET a = 7 WHERE a = 1",
    "DELETE FROM d.keyless WHERE a = 2",
    "INSERT INTO d.keyless VALUES (NULL, NULL), (NULL, NULL)",
    "UPDATE d.wide SET b = REPEAT('y', 100000), v = v + 10",
    "DELETE FROM d.wide WHERE v = 12",
    "INSERT INTO d.wide (v) VALUES (77)",
};

/// The folders of receipts.
inline std::vector<std::filesystem::path> receipts(Rig& rig, const std::string& node) {
  std::vector<std::filesystem::path> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(rig.folder(node) + "/kept/rejoin", none))
    found.push_back(entry.path());
  return found;
}

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

inline bool flows(Rig& rig, const std::string& node) {
  return rig.slave(node, "Slave_IO_Running") == "Yes" && rig.slave(node, "Slave_SQL_Running") == "Yes";
}

inline Extra joining(const std::string& primary) {
  return {{"CRM_meta_notify_promoted_uname", primary}, {"CRM_meta_notify_active_uname", primary}};
}

}  // namespace systole::mysql
