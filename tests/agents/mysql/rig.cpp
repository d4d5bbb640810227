// SPDX-License-Identifier: GPL-2.0-or-later
// The nodes' folders are copies of one new datadir, made once per program.
#include "tests/agents/mysql/rig.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "agents/kit/agent.hpp"
#include "agents/kit/process.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

namespace fs = std::filesystem;

std::string user_name() {
  return ::getpwuid(::geteuid())->pw_name;
}

std::string whole_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

void write_text(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// Each server has a tmpdir of its own: when it starts it deletes the temporary tables that it finds there, also those
/// of another server.
agents::Environment plain_environment(const std::string& temporary) {
  return {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LC_ALL", "C"}, {"TMPDIR", temporary}};
}

std::string fresh_folder() {
  std::string pattern = "/tmp/systole-mysql-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp";
  return pattern;
}

struct Template {
  Template() : folder(fresh_folder()) {
    const auto made =
        agents::run_program({"mariadb-install-db", "--no-defaults", "--user=" + user_name(),
                             "--datadir=" + folder + "/data", "--auth-root-authentication-method=socket",
                             "--auth-root-socket-user=" + user_name(), "--skip-test-db", "--innodb-log-file-size=16M"},
                            plain_environment(folder), agents::boot_now() + 60s);
    if (!made || made->code != 0)
      ADD_FAILURE() << "mariadb-install-db (package mariadb-server-core): "
                    << (made ? made->err + made->out : made.error().what);
    // What every copy of a database would hold; not in the binary log, as no server has written it.
    const std::string setup =
        "FLUSH PRIVILEGES;\nCREATE USER repl@'127.%' IDENTIFIED BY 'se''cret';\n"
        "GRANT REPLICATION SLAVE ON *.* TO repl@'127.%';\nCREATE DATABASE d;\n"
        "CREATE TABLE d.t(k INT PRIMARY KEY) ENGINE=InnoDB;\nCREATE USER app@localhost;\nGRANT ALL ON d.* TO "
        "app@localhost;\n";
    write_text(folder + "/setup.sql", setup);
    const auto filled = agents::run_program(
        {"sh", "-c",
         fmt::format(
             "mariadbd --no-defaults --user={} --datadir={}/data --innodb-log-file-size=16M --bootstrap < {}/setup.sql",
             user_name(), folder, folder)},
        plain_environment(folder), agents::boot_now() + 60s);
    if (!filled || filled->code != 0) ADD_FAILURE() << "bootstrap: " << (filled ? filled->err : filled.error().what);
  }
  ~Template() { fs::remove_all(folder); }
  Template(const Template&) = delete;
  Template& operator=(const Template&) = delete;
  std::string folder;
};

const Template& fresh_database() {
  static const Template made;
  return made;
}

}  // namespace

Rig::Rig(const std::vector<std::string>& nodes)
    : root_(fresh_folder()), nodes_(nodes), port_(20'000 + static_cast<unsigned>(::getpid()) % 10'000) {
  for (const std::string& node : nodes_) make_node(node);
}

Rig::~Rig() {
  for (const std::string& node : nodes_) kill_server(node);
  if (::testing::Test::HasFailure())
    for (const std::string& node : nodes_)
      fmt::print(stderr, "--- {}: agent\n{}--- {}: server\n{}\n", node, log(node), node,
                 whole_file(folder(node) + "/error.log"));
  // A process of the agent's may still remove what a copy replaced.
  std::error_code failed;
  for (int tries = 0; tries < 100; ++tries) {
    fs::remove_all(root_, failed);
    if (!failed) return;
    std::this_thread::sleep_for(50ms);
  }
}

std::string Rig::address(const std::string& node) const {
  const auto at = std::ranges::find(nodes_, node) - nodes_.begin();
  return fmt::format("127.0.{}.{}", 1 + port_ % 200, at + 1);
}

void Rig::make_node(const std::string& node) {
  fs::create_directories(folder(node) + "/tmp");
  fs::copy(fresh_database().folder + "/data", folder(node) + "/data", fs::copy_options::recursive);
  write_text(folder(node) + "/my.cnf",
             fmt::format("[mariadbd]\nport={}\nbind-address={}\nskip-name-resolve\ninnodb-buffer-pool-size=32M\n"
                         "innodb-log-file-size=16M\ntmpdir={}/tmp\n",
                         port_, address(node), folder(node)));
  set_attribute(node, "db_mysql_master_IP", address(node));
}

agents::Environment Rig::environment(const std::string& node, const std::string& action) const {
  const std::string home = folder(node);
  agents::Environment env{
      {"PATH", std::string(SYSTOLE_SOURCE_DIR) + "/tests/agents/mysql/tools:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"FAKE_CLUSTER", root_ + "/cluster"},
      {"FAKE_NODE", node},
      {"HA_RSCTMP", home + "/tmp"},
      {"HA_LOGFILE", home + "/agent.log"},
      {"SYSTOLE_STATEDIR", home + "/kept"},
      {"OCF_ROOT", "/usr/lib/ocf"},
      {"OCF_RESOURCE_INSTANCE", "db"},
      {"OCF_RESKEY_crm_feature_set", "3.16.1"},
      {"OCF_RESKEY_CRM_meta_on_node", node},
      {"OCF_RESKEY_CRM_meta_timeout", "30000"},
      {"OCF_RESKEY_CRM_meta_promoted_max", "1"},
      {"OCF_RESKEY_CRM_meta_clone_max", std::to_string(nodes_.size())},
      {"OCF_RESKEY_CRM_meta_notify", "true"},
      {"OCF_RESKEY_datadir", home + "/data"},
      {"OCF_RESKEY_config", home + "/my.cnf"},
      {"OCF_RESKEY_user", user_name()},
      {"OCF_RESKEY_test_user", user_name()},
      {"OCF_RESKEY_group", user_name()},
      {"OCF_RESKEY_log", home + "/error.log"},
      {"OCF_RESKEY_pid", home + "/run/pid"},
      {"OCF_RESKEY_socket", home + "/run/socket"},
      {"OCF_RESKEY_durability", "available"},  // there is no cluster that could keep a record
      {"OCF_RESKEY_replication_user", "repl"},
      {"OCF_RESKEY_replication_passwd", "se'cret"},
      {"OCF_RESKEY_replication_port", std::to_string(port_)},
  };
  if (action == "monitor") env["OCF_RESKEY_CRM_meta_interval"] = "10000";
  return env;
}

Answer Rig::call(const std::string& node, const std::string& action, const Extra& extra) {
  return call_program(MYSQL_AGENT, node, action, extra);
}

Answer Rig::call_program(const std::string& program, const std::string& node, const std::string& action,
                         const Extra& extra) {
  agents::Environment env = environment(node, action);
  for (const auto& [name, value] : extra) {
    const bool parameter = name.starts_with("CRM_") || (!name.empty() && name.front() >= 'a' && name.front() <= 'z');
    env[parameter ? "OCF_RESKEY_" + name : name] = value;
  }
  const Time begin = agents::boot_now();
  const auto ran = agents::run_program({program, action}, env, begin + 60s, agents::Secrets::handed_on);
  if (!ran) return {.code = -1, .out = {}, .err = ran.error().what};
  return {.code = ran->code, .out = ran->out, .err = ran->err, .took = agents::boot_now() - begin};
}

std::string Rig::sql(const std::string& node, const std::string& statement) {
  const Deadline deadline = Deadline::in(10s);
  auto connection = sql::Connection::open({.socket = folder(node) + "/run/socket", .host = {}, .port = 0, .tls = {}},
                                          {.user = user_name(), .password = {}}, deadline);
  if (!connection) return "error: " + connection.error().what;
  const auto answer = connection->query(statement, deadline);
  if (!answer) return "error: " + answer.error().what;
  std::vector<std::string> cells;
  for (const auto& row : answer->rows)
    for (const auto& cell : row) cells.push_back(cell.value_or("NULL"));
  return join(cells, " ");
}

std::string Rig::slave(const std::string& node, const std::string& column) {
  const Deadline deadline = Deadline::in(10s);
  auto connection = sql::Connection::open({.socket = folder(node) + "/run/socket", .host = {}, .port = 0, .tls = {}},
                                          {.user = user_name(), .password = {}}, deadline);
  if (!connection) return "error: " + connection.error().what;
  const auto answer = connection->query("SHOW SLAVE STATUS", deadline);
  return answer ? answer->text(0, column) : "error: " + answer.error().what;
}

std::optional<ServerProcess> Rig::server(const std::string& node) const {
  return ServerProcess::find(
      {.binary = "/usr/sbin/mariadbd", .datadir = folder(node) + "/data", .pid_file = folder(node) + "/run/pid"});
}

void Rig::kill_server(const std::string& node) {
  while (const auto process = server(node)) {
    ASSERT_TRUE(process->signal(SIGKILL));
    ASSERT_TRUE(process->ended_by(Deadline::in(10s)));
  }
}

std::string Rig::attribute(const std::string& node, const std::string& name) const {
  return whole_file(fmt::format("{}/cluster/{}/{}", root_, node, name));
}

void Rig::set_attribute(const std::string& node, const std::string& name, const std::string& value) const {
  write_text(fmt::format("{}/cluster/{}/{}", root_, node, name), value);
}

std::size_t Rig::tool_calls() const {
  return split(whole_file(root_ + "/cluster/calls"), '\n').size() - 1;
}

std::string Rig::log(const std::string& node) const {
  return whole_file(folder(node) + "/agent.log");
}

Extra Rig::promotion(const std::string& node, const std::string& live) {
  return {{"CRM_meta_notify_promote_uname", node},
          {"CRM_meta_notify_active_uname", live},
          {"CRM_meta_notify_unpromoted_uname", live},
          {"CRM_meta_notify_promoted_uname", " "}};
}

Extra Rig::after_promotion(const std::string& node, const std::string& live) {
  Extra extra = promotion(node, live);
  extra["CRM_meta_notify_type"] = "post";
  extra["CRM_meta_notify_operation"] = "promote";
  return extra;
}

void Rig::make_pair_of(const std::string& primary, const std::string& replica) {
  const std::string both = primary + " " + replica;
  ASSERT_EQ(call(primary, "start").code, 0);
  ASSERT_EQ(call(replica, "start").code, 0);
  ASSERT_EQ(call(primary, "promote", promotion(primary, both)).code, 0);
  ASSERT_EQ(call(replica, "notify", after_promotion(primary, both)).code, 0);
  ASSERT_EQ(call(primary, "monitor").code, 8);
  ASSERT_EQ(call(replica, "monitor").code, 0);
}

Writer::Writer(Rig& rig, const std::string& node, int first)
    : thread_([this, socket = rig.folder(node) + "/run/socket", first] { work(socket, first); }) {}

void Writer::stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

std::unique_lock<std::mutex> Writer::hold() {
  wanted_ = true;
  std::unique_lock lock(at_work_);
  wanted_ = false;
  return lock;
}

void Writer::work(const std::string& socket, int first) {
  std::unique_lock working(at_work_);
  auto connection = sql::Connection::open({.socket = socket, .host = {}, .port = 0, .tls = {}},
                                          {.user = "app", .password = {}}, Deadline::in(5s));
  for (int key = first; connection && !stop_; ++key) {
    if (wanted_) {
      working.unlock();
      while (wanted_) std::this_thread::sleep_for(1ms);
      working.lock();
    }
    if (!connection->query(fmt::format("INSERT INTO d.t VALUES ({})", key), Deadline::in(5s))) return;
    acknowledged_.insert(key);
    ++count_;
  }
}

bool eventually(const std::function<bool()>& question) {
  const Time end = agents::boot_now() + 10s;
  do {
    if (question()) return true;
  } while (agents::pause_for(10ms, end));
  return question();
}

}  // namespace systole::mysql
