// SPDX-License-Identifier: GPL-2.0-or-later
// A node n1 whose cluster is made of fake tools in PATH: they answer as told and write down how they were called.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql/shared_record.hpp"

namespace systole::mysql {

class InTheCluster : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "systole-record-" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
    env_ = {{"PATH", folder_ + ":/usr/bin:/bin"},
            {"OCF_RESKEY_CRM_meta_on_node", "n1"},
            {"HA_RSCTMP", folder_ + "/run"},
            {"SYSTOLE_STATEDIR", folder_ + "/kept"},
            {"LOG", folder_ + "/calls"}};
    for (const char* const tool : {"crm_attribute", "attrd_updater", "crm_node", "cibadmin"}) fake(tool, "");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void fake(const std::string& tool, const std::string& then) {
    const std::string path = folder_ + "/" + tool;
    ASSERT_TRUE(agents::write_file(path, "#!/bin/sh\necho " + tool + " \"$@\" >>$LOG\n" + then + "\n", false, 0755));
    ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  }
  std::string calls() const { return agents::read_file(folder_ + "/calls").value(); }
  SharedRecord shared() { return {env_, log_, "db"}; }
  static Time soon() { return agents::boot_now() + 10s; }

  std::string folder_;
  agents::Environment env_;
  Log log_;
};

}  // namespace systole::mysql
