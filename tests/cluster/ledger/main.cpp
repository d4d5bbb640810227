// SPDX-License-Identifier: GPL-2.0-or-later
// ledger write: clients that keep account of what they were told, until SIGTERM.
// ledger verify: holds each database against that account, row by row. Exit 0: sound; 1: something is lost, doubled,
// extra or altered; 2: could not be found out.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/cluster/ledger/write.hpp"

namespace {

using namespace systole;
using namespace systole::ledger;

std::atomic<bool> stop{false};

extern "C" void on_signal(int) {
  stop = true;
}

int fail(const Error& error) {
  fmt::print(stderr, "ledger: {}\n", error.what);
  return 2;
}

int run_write(const std::string& path, const Plan& plan) {
  std::signal(SIGTERM, on_signal);
  std::signal(SIGINT, on_signal);
  auto book = Book::open(path);
  if (!book) return fail(book.error());
  write_until(stop, plan, **book);
  if (const auto closed = (*book)->close(); !closed) return fail(closed.error());
  fmt::print("acknowledged={}\n", (*book)->acknowledged());
  return 0;
}

Result<std::vector<Row>> read_rows(const Target& target) {
  auto session = Session::open(target, Milliseconds(3000));
  if (!session) return session.error();
  std::vector<Row> rows;
  const auto read = session->query("SELECT writer, seq, mark FROM ledger", [&rows](char** f) {
    rows.push_back({{std::atoll(f[0]), std::atoll(f[1])}, std::strtoull(f[2], nullptr, 10)});
  });
  if (!read) return read.error();
  return rows;
}

/// A replica may lag: looks again until nothing is lost or the time is over. What is lost then is lost.
Result<Findings> examine(const Account& account, const Target& target, std::chrono::seconds settle) {
  const auto deadline = std::chrono::steady_clock::now() + settle;
  for (;;) {
    const auto rows = read_rows(target);
    const bool last = std::chrono::steady_clock::now() >= deadline;
    if (!rows && last) return rows.error();
    if (rows) {
      Findings found = compare(account, *rows);
      if (found.lost == 0 || last) return found;
    }
    std::this_thread::sleep_for(Milliseconds(300));
  }
}

void print(const std::string& node, const Findings& found) {
  fmt::print("node={} acknowledged={} rows={} lost={} duplicated={} extra={} altered={} unknown_there={}", node,
             found.acknowledged, found.rows, found.lost, found.duplicated, found.extra, found.altered,
             found.unknown_there);
  const char* before = " lost_keys=";
  for (const Key& key : found.lost_keys) fmt::print("{}{}/{}", std::exchange(before, ","), key.first, key.second);
  fmt::print("\n");
}

int run_verify(const std::string& path, const std::vector<std::string>& nodes, Target target, int settle) {
  const auto account = read_account(path);
  if (!account) return fail(account.error());
  int code = 0;
  for (const std::string& node : nodes) {
    const auto equals = node.find('=');
    target.host = node.substr(equals + 1);
    const auto found = examine(*account, target, std::chrono::seconds(settle));
    if (!found) {
      code = fail(found.error());
      continue;
    }
    print(node.substr(0, equals), *found);
    if (!found->sound() && code == 0) code = 1;
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Clients that keep account of their writes, and the audit of databases against that account"};
  app.require_subcommand(1);
  std::string path;
  Plan plan;
  int probe_ms = 20, limit_ms = 200, settle = 10;
  std::vector<std::string> nodes;

  CLI::App* write = app.add_subcommand("write", "write until SIGTERM");
  write->add_option("--ledger", path, "file to append to")->required();
  write->add_option("--host", plan.target.host, "address to write to")->required();
  write->add_option("--port", plan.target.port);
  write->add_option("--user", plan.target.user);
  write->add_option("--password", plan.target.password);
  write->add_option("--writers", plan.writers)->check(CLI::Range(0, 200));
  write->add_option("--rate", plan.commits_per_second, "commits per second of all writers")
      ->check(CLI::Range(1, 100'000));
  write->add_option("--probe-ms", probe_ms, "a new connection each so many ms; 0: none")->check(CLI::Range(0, 10'000));
  write->add_option("--limit-ms", limit_ms, "time-out of each connect and answer")->check(CLI::Range(1, 60'000));
  write->add_option("--first-writer", plan.first_writer, "number of the first writer");

  CLI::App* verify = app.add_subcommand("verify", "hold databases against the ledger");
  verify->add_option("--ledger", path, "file to read")->required();
  verify->add_option("--node", nodes, "NAME=ADDRESS")->required();
  verify->add_option("--user", plan.target.user);
  verify->add_option("--password", plan.target.password);
  verify->add_option("--settle", settle, "seconds a replica has to catch up");

  CLI11_PARSE(app, argc, argv);
  plan.probe_every = Milliseconds(probe_ms);
  plan.limit = Milliseconds(limit_ms);
  return write->parsed() ? run_write(path, plan) : run_verify(path, nodes, plan.target, settle);
}
