// SPDX-License-Identifier: GPL-2.0-or-later
// See successor.hpp. Every descriptor of this process is closed on exec; the successor opens its own.
#include "crmd/main/successor.hpp"

#include <fmt/format.h>
#include <linux/close_range.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <chrono>

#include "crmd/io/process_v2.hpp"
// After it, which mends what they need.
#include <boost/process/v2/stdio.hpp>

namespace systole {
namespace {

constexpr std::chrono::seconds patience{10};

}  // namespace

Result<void> try_successor(const std::vector<std::string>& command_line) {
  namespace asio = boost::asio;
  namespace process = boost::process::v2;
  std::vector<std::string> words(command_line.begin() + 1, command_line.end());
  words.emplace_back("--check");
  asio::io_context context;
  asio::readable_pipe output(context);
  boost::system::error_code code;
  process::process child(context.get_executor());
  try {
    child = process::process(context, command_line.front(), words, process::process_stdio{nullptr, nullptr, output});
  } catch (const boost::system::system_error& problem) {
    return Error{Errc::not_found, fmt::format("cannot run {}: {}", command_line.front(), problem.code().message())};
  }
  std::string said;
  bool ended = false;
  asio::async_read(output, asio::dynamic_buffer(said, 4096), [](const boost::system::error_code&, std::size_t) {});
  child.async_wait([&](const boost::system::error_code&, int) { ended = true; });
  context.run_for(patience);
  if (!ended) {
    child.terminate(code);
    return Error{Errc::timeout, fmt::format("{} --check does not end", command_line.front())};
  }
  while (!said.empty() && said.back() == '\n') said.pop_back();
  if (child.exit_code() != 0)
    return Error{Errc::invalid, fmt::format("{} --check ends with code {}: {}", command_line.front(), child.exit_code(),
                                            said.empty() ? "it says nothing" : said)};
  return {};
}

Error become_successor(const std::vector<std::string>& command_line) {
  std::vector<char*> words;
  for (const std::string& word : command_line) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  // Asio's sockets are not born so.
  if (::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    return errno_error("cannot have the descriptors of this process closed for its successor");
  ::execv(command_line.front().c_str(), words.data());
  return errno_error(fmt::format("cannot run {}", command_line.front()));
}

}  // namespace systole
