// SPDX-License-Identifier: GPL-2.0-or-later
// A database goes from one node to another, whole or not at all.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/copied_mark.hpp"
#include "agents/ocf/mysql/copy_places.hpp"
#include "agents/ocf/mysql/copy_stream.hpp"
#include "agents/ocf/mysql/reseed.hpp"
#include "tests/agents/mysql/rejoin_rig.hpp"

namespace systole::mysql {
namespace {

namespace fs = std::filesystem;

Settings settings_on(Rig& rig, const std::string& node) {
  const agents::Environment env = rig.environment(node, "start");
  const agents::Call call(about_mysql(), env, "start", agents::boot_now());
  return settings_of(call);
}

std::string fresh_folder(Rig& rig, const std::string& name) {
  const std::string path = rig.folder("n2") + "/" + name;
  fs::create_directories(path);
  return path;
}

/// In a process of its own, as it is in life: it may be killed.
pid_t give(Rig& rig, unsigned port, const CopyKey& key, const CopyHead& head, Writer* writer = nullptr) {
  const std::string scratch = fresh_folder(rig, "scratch");
  const auto held = writer != nullptr ? writer->hold() : std::unique_lock<std::mutex>{};
  const pid_t child = ::fork();
  if (child != 0) return child;
  auto channel = CopyChannel::connect(rig.address("n2"), port, key, Deadline::in(10s));
  if (!channel) ::_exit(2);
  const auto given = give_copy(*channel, settings_on(rig, "n1"), head, scratch);
  if (!given) fmt::print(stderr, "give: {}\n", given.error().what);
  ::_exit(given ? 0 : 1);
}

Result<std::uint64_t> take(
    CopyListener& listener, const CopyKey& key, const std::string& folder,
    const std::function<void(std::uint64_t)>& look = [](std::uint64_t) {}) {
  auto channel = CopyChannel::accept(listener, key, Deadline::in(10s));
  if (!channel) return channel.error();
  const auto begin = [&](const CopyHead&) -> Result<agents::Command> { return unpack_command(folder); };
  const auto taken = take_copy(*channel, {.begin = begin, .look = look});
  return taken ? Result<std::uint64_t>(taken->bytes) : taken.error();
}

TEST(MysqlCopy, is_the_givers_database_under_writes_and_knows_its_position) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  rig.kill_server("n2");
  Writer writer(rig, "n1", 10'000);
  auto listener = listen_for_copy(rig.address("n2"), 0);
  ASSERT_TRUE(listener);
  const CopyKey key = CopyKey::derive("secret", draw_nonce());
  const std::string folder = fresh_folder(rig, "copy");
  const pid_t giver = give(rig, listener->port, key, {.bytes = 1000, .series = "10.11"}, &writer);
  const auto taken = take(*listener, key, folder);
  int status = -1;
  ::waitpid(giver, &status, 0);
  ASSERT_TRUE(taken) << taken.error().what;
  EXPECT_EQ(status, 0);
  EXPECT_GT(*taken, 10U << 20);
  const auto position = prepare_copy(folder, {{"PATH", "/usr/bin:/bin"}}, boot_time() + 60s);
  ASSERT_TRUE(position) << position.error().what;

  fs::remove_all(rig.folder("n2") + "/data");
  fs::rename(folder, rig.folder("n2") + "/data");
  ASSERT_TRUE(mark_as_copied(rig.folder("n2") + "/data", *position));
  ASSERT_EQ(rig.call("n2", "start", joining("n1")).code, 0);
  EXPECT_TRUE(eventually([&] { return flows(rig, "n2"); }));
  writer.stop();
  EXPECT_TRUE(eventually([&] { return checksums(rig, "n1") == checksums(rig, "n2"); }));
  EXPECT_EQ(rig.call("n2", "monitor").code, 0);
}

TEST(MysqlCopy, turns_away_whoever_does_not_know_the_key) {
  Rig rig({"n1", "n2"});
  auto listener = listen_for_copy(rig.address("n2"), 0);
  ASSERT_TRUE(listener);
  std::thread stranger([&] {
    const auto channel = CopyChannel::connect(rig.address("n2"), listener->port,
                                              CopyKey::derive("secret", draw_nonce()), Deadline::in(3s));
    EXPECT_FALSE(channel);
  });
  const auto channel = CopyChannel::accept(*listener, CopyKey::derive("secret", draw_nonce()), Deadline::in(1s));
  stranger.join();
  EXPECT_FALSE(channel);
}

TEST(MysqlCopy, that_broke_off_is_no_copy) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  auto listener = listen_for_copy(rig.address("n2"), 0);
  ASSERT_TRUE(listener);
  const CopyKey key = CopyKey::derive("secret", draw_nonce());
  const pid_t giver = give(rig, listener->port, key, {.bytes = 1000, .series = "10.11"});
  const auto taken = take(*listener, key, fresh_folder(rig, "copy"), [&](std::uint64_t) { ::kill(giver, SIGKILL); });
  ::waitpid(giver, nullptr, 0);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::io) << taken.error().what;
}

TEST(MysqlCopy, whose_tool_fails_says_why) {
  Rig rig({"n1", "n2"});  // no server runs on n1
  auto listener = listen_for_copy(rig.address("n2"), 0);
  ASSERT_TRUE(listener);
  const CopyKey key = CopyKey::derive("secret", draw_nonce());
  const pid_t giver = give(rig, listener->port, key, {.bytes = 1000, .series = "10.11"});
  const auto taken = take(*listener, key, fresh_folder(rig, "copy"));
  int status = 0;
  ::waitpid(giver, &status, 0);
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().what.find("failed: 'mariadb-backup' ended with"), std::string::npos) << taken.error().what;
  EXPECT_NE(status, 0);
}

ReceiptPlace receipts_on(Rig& rig) {
  return {.folder = rig.folder("n2") + "/kept/rejoin",
          .resource = "db",
          .node = [] { return std::string("n2"); },
          .env = {{"PATH", "/usr/bin:/bin"}}};
}

/// n2 asks n1, as both would through the cluster. Returns the giver's process, 0 if it was not asked.
Result<void> reseed(
    Rig& rig, Log& log, std::vector<std::string>& told, const std::string& series = {}, bool dump_only = false,
    const std::function<void()>& at_step = [] {}, Writer* writer = nullptr) {
  pid_t giver = 0;
  const Settings here = settings_on(rig, "n2"), there = settings_on(rig, "n1");
  const std::string scratch = fresh_folder(rig, "scratch");
  const auto publish = [&](const std::string& text) -> Result<void> {
    at_step();
    auto request = parse_copy_request(text);
    if (!request) return {};
    request->dump_only = request->dump_only || dump_only;
    const auto held = writer != nullptr ? writer->hold() : std::unique_lock<std::mutex>{};
    giver = ::fork();
    if (giver != 0) return {};
    if (!series.empty()) {  // a giver of another kind
      auto channel = CopyChannel::connect(
          request->host, request->port, CopyKey::derive(there.replication.password, request->nonce), Deadline::in(5s));
      ::_exit(channel && give_copy(*channel, there, {.bytes = 1, .series = series}, scratch) ? 0 : 1);
    }
    ::_exit(answer_copy_request(there, *request, scratch) ? 0 : 1);
  };
  ReceiptPlace receipts = receipts_on(rig);
  receipts.between_steps = at_step;
  const auto done = Reseed(here,
                           {.giver = "n1",
                            .patience = 10s,
                            .primary = {.host = rig.address("n1"), .port = rig.port()},
                            .address = rig.address("n2"),
                            .scratch = rig.folder("n2") + "/beside",
                            .receipts = receipts,
                            .tell =
                                [&](const std::string& text) {
                                  at_step();
                                  told.push_back(text);
                                },
                            .publish = publish},
                           log)
                        .run(Deadline::in(60s));
  if (giver > 0) ::waitpid(giver, nullptr, 0);
  return done;
}

std::vector<std::string> beside_datadir(Rig& rig, const std::string& node) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(rig.folder(node)))
    if (entry.path().filename().string().starts_with("data.")) names.push_back(entry.path().filename());
  return names;
}

TEST(MysqlReseed, makes_a_copy_beside_the_running_server_which_the_next_start_takes) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  ASSERT_NO_FATAL_FAILURE(run_each(rig, "n2", {"STOP SLAVE", "CREATE TABLE d.mine (a INT)"}));
  Log log;
  std::vector<std::string> told;
  const auto done = reseed(rig, log, told);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_TRUE(rig.server("n2")) << "until the copy is ready, and then a start has the word";
  EXPECT_EQ(beside_datadir(rig, "n2"), std::vector<std::string>{"data.systole-copy"});
  EXPECT_TRUE(
      std::ranges::any_of(told, [](const std::string& text) { return text.find("MB/s") != std::string::npos; }));

  rig.kill_server("n2");
  ASSERT_EQ(rig.call("n2", "start", joining("n1")).code, 0);
  EXPECT_TRUE(eventually([&] { return flows(rig, "n2") && checksums(rig, "n1") == checksums(rig, "n2"); }));
  EXPECT_EQ(rig.sql("n2", "SHOW TABLES IN d LIKE 'mine'"), "");
  EXPECT_EQ(rig.sql("n2", "SELECT @@read_only"), "1");
  EXPECT_EQ(rig.sql("n2", "SELECT @@gtid_binlog_state"), rig.sql("n1", "SELECT @@gtid_binlog_state"))
      << "it knows by whom all of it was written";
  EXPECT_EQ(beside_datadir(rig, "n2"), std::vector<std::string>{"data.systole-old"});
  EXPECT_TRUE(eventually([&] { return rig.call("n2", "monitor").code == 0; }));
  EXPECT_TRUE(eventually([&] { return beside_datadir(rig, "n2").empty(); })) << "the copy follows";
  ASSERT_EQ(receipts(rig, "n2").size(), 1U);
  const std::string receipt = text_of(receipts(rig, "n2").front() / "receipt");
  for (const char* const part : {"given up with the database", "CREATE TABLE d.mine", "It could not be undone"})
    EXPECT_NE(receipt.find(part), std::string::npos) << part << " in\n" << receipt;
}

TEST(MysqlReseed, comes_as_a_dump_where_mariadb_backup_is_not_installed) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  ASSERT_NO_FATAL_FAILURE(run_each(rig, "n2", {"STOP SLAVE", "CREATE TABLE d.mine (a INT)"}));
  Writer writer(rig, "n1", 10'000);
  Log log;
  std::vector<std::string> told;
  const auto done = reseed(
      rig, log, told, {}, true, [] {}, &writer);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_TRUE(rig.server("n2"));
  EXPECT_FALSE(fs::exists(rig.folder("n2") + "/beside")) << "its server is gone";
  rig.kill_server("n2");
  ASSERT_EQ(rig.call("n2", "start", joining("n1")).code, 0);
  EXPECT_TRUE(eventually([&] { return flows(rig, "n2"); }));
  writer.stop();
  EXPECT_TRUE(eventually([&] { return checksums(rig, "n1") == checksums(rig, "n2"); }));
  EXPECT_EQ(rig.sql("n2", "SHOW TABLES IN d LIKE 'mine'"), "");
  EXPECT_TRUE(eventually([&] { return rig.call("n2", "monitor").code == 0 && beside_datadir(rig, "n2").empty(); }));
  EXPECT_EQ(receipts(rig, "n2").size(), 1U);
}

TEST(MysqlReseed, leaves_the_old_database_there_where_its_surplus_could_not_be_kept) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  ASSERT_NO_FATAL_FAILURE(run_each(rig, "n2", {"STOP SLAVE", "CREATE TABLE d.mine (a INT)", "FLUSH BINARY LOGS"}));
  const std::string newest = words(rig.sql("n2", "SHOW MASTER STATUS")).front();
  ASSERT_EQ(rig.sql("n2", "PURGE BINARY LOGS TO '" + newest + "'"), "");
  Log log;
  std::vector<std::string> told;
  ASSERT_TRUE(reseed(rig, log, told));
  rig.kill_server("n2");
  ASSERT_EQ(rig.call("n2", "start", joining("n1")).code, 0);
  ASSERT_TRUE(eventually([&] { return rig.call("n2", "monitor").code == 0; }));
  ASSERT_EQ(rig.call("n2", "monitor").code, 0);
  EXPECT_EQ(beside_datadir(rig, "n2"), std::vector<std::string>{"data.systole-old"}) << "it holds what nobody else has";
  EXPECT_TRUE(receipts(rig, "n2").empty());

  // A second copy is not in its way.
  ASSERT_NO_FATAL_FAILURE(run_each(rig, "n2", {"STOP SLAVE"}));
  ASSERT_TRUE(reseed(rig, log, told));
  rig.kill_server("n2");
  ASSERT_EQ(rig.call("n2", "start", joining("n1")).code, 0);
  EXPECT_TRUE(eventually([&] { return rig.call("n2", "monitor").code == 0; }));
  EXPECT_TRUE(eventually([&] { return beside_datadir(rig, "n2") == std::vector<std::string>{"data.systole-old"}; }));
  EXPECT_EQ(rig.sql("n2", "SELECT COUNT(*) FROM d.t"), "3");
}

/// Names in n2's datadir that are no database's.
std::vector<std::string> hidden_in_datadir(Rig& rig) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(rig.folder("n2") + "/data"))
    if (entry.path().filename().string().starts_with(".systole-")) names.push_back(entry.path().filename());
  return names;
}

/// Everything of this program and its children goes with it.
void mount_on_datadir(Rig& rig) {
  const std::string datadir = rig.folder("n2") + "/data", kept = rig.folder("n2") + "/elsewhere";
  ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  fs::rename(datadir, kept);
  fs::create_directory(datadir);
  ASSERT_EQ(::mount(kept.c_str(), datadir.c_str(), nullptr, MS_BIND, nullptr), 0);
}

TEST(MysqlReseed, of_a_mounted_datadir_moves_its_contents_and_goes_on_where_it_was_interrupted) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  ASSERT_EQ(rig.call("n2", "stop").code, 0);
  ASSERT_NO_FATAL_FAILURE(mount_on_datadir(rig));
  ASSERT_EQ(rig.call("n2", "start", joining("n1")).code, 0);
  ASSERT_NO_FATAL_FAILURE(run_each(rig, "n2", {"STOP SLAVE", "CREATE TABLE d.mine (a INT)"}));
  Log log;
  std::vector<std::string> told;
  const auto done = reseed(rig, log, told);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(hidden_in_datadir(rig), std::vector<std::string>{".systole-copy"});
  EXPECT_EQ(rig.sql("n2", "SHOW DATABASES LIKE '%systole-%'"), "") << "it is no database";
  rig.kill_server("n2");

  // As if we had died while the old database left, and again while the copy entered.
  const std::string datadir = rig.folder("n2") + "/data", old = datadir + "/.systole-old";
  fs::create_directory(old);
  ASSERT_TRUE(agents::write_file(datadir + "/systole_exchange", old + "\n", true));
  fs::rename(datadir + "/d", old + "/d");
  const Settings here = settings_on(rig, "n2");
  ASSERT_TRUE(CopyPlaces(here).adopt());
  fs::create_directory(datadir + "/.systole-entering");
  ASSERT_TRUE(agents::write_file(datadir + "/systole_exchange", old + "\n", true));
  fs::rename(datadir + "/d", datadir + "/.systole-entering/d");

  ASSERT_EQ(rig.call("n2", "start", joining("n1")).code, 0);
  EXPECT_TRUE(eventually([&] { return flows(rig, "n2") && checksums(rig, "n1") == checksums(rig, "n2"); }));
  EXPECT_EQ(rig.sql("n2", "SHOW TABLES IN d LIKE 'mine'"), "");
  EXPECT_TRUE(eventually([&] { return rig.call("n2", "monitor").code == 0; }));
  EXPECT_TRUE(eventually([&] { return hidden_in_datadir(rig).empty(); }));
  EXPECT_EQ(receipts(rig, "n2").size(), 1U);
  ASSERT_EQ(rig.call("n2", "stop").code, 0);
  ASSERT_EQ(::umount(datadir.c_str()), 0);
}

TEST(MysqlReseed, may_die_at_any_step_and_is_begun_again) {
  for (const bool dump : {false, true}) {
    Rig rig({"n1", "n2"});
    ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
    ASSERT_NO_FATAL_FAILURE(run_each(rig, "n2", {"STOP SLAVE", "CREATE TABLE d.mine (a INT)"}));
    int deaths = 0;
    for (bool died = true; died;) {
      const pid_t child = ::fork();
      if (child == 0) {
        Log log;
        std::vector<std::string> told;
        int step = 0;
        const auto done = reseed(rig, log, told, {}, dump, [&] {
          if (step++ == deaths) ::kill(::getpid(), SIGKILL);
        });
        if (!done) fmt::print(stderr, "reseed: {}\n", done.error().what);
        ::_exit(done ? 0 : 1);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      died = WIFSIGNALED(status);
      ASSERT_TRUE(died || status == 0) << "after " << deaths << " deaths";
      deaths += died ? 1 : 0;
      EXPECT_TRUE(rig.server("n2"));
    }
    EXPECT_GT(deaths, 5);
    rig.kill_server("n2");
    ASSERT_EQ(rig.call("n2", "start", joining("n1")).code, 0);
    EXPECT_TRUE(eventually([&] { return flows(rig, "n2") && checksums(rig, "n1") == checksums(rig, "n2"); }));
    EXPECT_TRUE(eventually([&] { return rig.call("n2", "monitor").code == 0 && beside_datadir(rig, "n2").empty(); }));
    EXPECT_EQ(receipts(rig, "n2").size(), 1U);
  }
}

TEST(MysqlReseed, takes_nothing_from_a_server_of_another_series) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  Log log;
  std::vector<std::string> told;
  const auto done = reseed(rig, log, told, "12.3");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::refused);
  EXPECT_NE(done.error().what.find("12.3"), std::string::npos) << done.error().what;
  EXPECT_TRUE(beside_datadir(rig, "n2").empty());
}

TEST(MysqlReseed, leaves_nothing_behind_when_nobody_gives) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  const Settings here = settings_on(rig, "n2");
  std::string published = "never";
  Log log;
  const auto done = Reseed(here,
                           {.giver = "n1",
                            .patience = 10s,
                            .primary = {.host = rig.address("n1"), .port = rig.port()},
                            .address = rig.address("n2"),
                            .scratch = rig.folder("n2") + "/beside",
                            .receipts = receipts_on(rig),
                            .tell = [](const std::string&) {},
                            .publish = [&](const std::string& text) -> Result<void> {
                              published = text;
                              return {};
                            }},
                           log)
                        .run(Deadline::in(3s));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::timeout);
  EXPECT_EQ(published, "") << "withdrawn";
  EXPECT_TRUE(beside_datadir(rig, "n2").empty());
}

TEST(MysqlReseed, request_is_read_as_it_was_written_or_not_at_all) {
  const CopyRequest request{.giver = "n1", .host = "192.0.2.1", .port = 4444, .nonce = "ab"};
  EXPECT_EQ(parse_copy_request(to_text(request)), request);
  CopyRequest dump = request;
  dump.dump_only = true;
  EXPECT_EQ(parse_copy_request(to_text(dump)), dump);
  for (const char* const text : {"", "n1 h 0 ab", "n1 h 70000 ab", "n1 h 1", "-n h 1 a", "n1 h 1 a b", "n1 h' 1 a"})
    EXPECT_FALSE(parse_copy_request(text)) << text;
}

TEST(MysqlCopy, position_is_the_third_word_and_what_follows_it) {
  EXPECT_EQ(position_in_backup("bin.000001\t8411\t0-1-12\n"), (GtidList{{0, 1, 12}}));
  EXPECT_EQ(position_in_backup("bin.000001 8411 0-1-12,\n1-2-3\n"), (GtidList{{0, 1, 12}, {1, 2, 3}}));
  for (const char* const text : {"", "bin.000001\t8411", "bin.000001\t8411\t\n", "a b c"})
    EXPECT_FALSE(position_in_backup(text)) << text;
}

TEST(MysqlCopy, head_is_understood_or_refused) {
  const CopyHead head{.bytes = 123'456, .series = "10.11"};
  EXPECT_EQ(parse_copy_head(std::string_view(to_text(head)).substr(0, to_text(head).size() - 1)), head);
  const CopyHead dump{.bytes = 1, .series = "10.11", .kind = CopyKind::dump};
  EXPECT_EQ(parse_copy_head(std::string_view(to_text(dump)).substr(0, to_text(dump).size() - 1)), dump);
  for (const char* const line : {"", "systole-copy 2 1 10.11 files", "systole-copy 1 -1 10.11 files",
                                 "systole-copy 1 1 files", "systole-copy 1 1 10.11 tape", "GET /"})
    EXPECT_FALSE(parse_copy_head(line)) << line;
}

TEST(MysqlCopy, key_is_another_one_for_each_copy_and_each_secret) {
  const auto first = [](const CopyKey& key) {
    return std::to_integer<int>(key.bytes()[0]) << 8 | std::to_integer<int>(key.bytes()[1]);
  };
  EXPECT_EQ(first(CopyKey::derive("a", "1")), first(CopyKey::derive("a", "1")));
  EXPECT_NE(first(CopyKey::derive("a", "1")), first(CopyKey::derive("a", "2")));
  EXPECT_NE(first(CopyKey::derive("a", "1")), first(CopyKey::derive("b", "1")));
  EXPECT_NE(draw_nonce(), draw_nonce());
}

}  // namespace
}  // namespace systole::mysql
