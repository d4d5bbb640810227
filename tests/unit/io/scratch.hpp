// SPDX-License-Identifier: GPL-2.0-or-later
// A folder that is gone after the test, and a loop that runs until something has happened.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace systole::test {

struct Scratch : testing::Test {
  Scratch() {
    std::string pattern = testing::TempDir() + "systole-io-XXXXXX";
    folder = ::mkdtemp(pattern.data());
  }
  ~Scratch() override { std::filesystem::remove_all(folder); }

  void write(const std::string& name, const std::string& text, int mode = 0755) const {
    const std::filesystem::path path = folder + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
  }

  std::string folder;
};

/// False: it had not happened within the time.
template <class Condition>
bool run_until(boost::asio::io_context& context, Condition happened,
               std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!happened()) {
    if (std::chrono::steady_clock::now() > end) return false;
    context.restart();
    context.run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace systole::test
