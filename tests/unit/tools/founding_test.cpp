// SPDX-License-Identifier: GPL-2.0-or-later
// init, invite and join where the other side, or the disk, goes away at the worst moment. The other side is played
// here, on the loopback interface. And keygen, whose file they hand on.
#include "tools/founding.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <sstream>

#include "common/config/key_file.hpp"
#include "common/invite/guest.hpp"
#include "common/invite/host.hpp"
#include "tools/clock.hpp"
#include "tools/commands.hpp"
#include "tools/staged_files.hpp"
#include "tools/tcp.hpp"

namespace systole::tools {
namespace {

namespace fs = std::filesystem;

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = "/tmp/systole-founding-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::size_t files() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), {})); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

mode_t mode_of(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 07777u : 0;
}

/// What a command says, also while it still runs.
class Ear {
 public:
  Voice voice() {
    return {[this](std::string_view text) { add(text); }, [this](std::string_view text) { add(text); }};
  }
  std::string all() const {
    const std::lock_guard lock(mutex_);
    return said_;
  }
  bool heard(std::string_view what) const { return all().find(what) != std::string::npos; }
  /// The words of the line that a person copies, once it is there.
  std::string token() const {
    for (int i = 0; i < 1'000; ++i, ::usleep(10'000))
      if (const std::string text = all(); heard("systole join ") && text.ends_with("\n\n"))
        return text.substr(text.find('\n', text.find("systole join ")) - 34, 34);
    return "";
  }

 private:
  void add(std::string_view text) {
    const std::lock_guard lock(mutex_);
    said_ += text;
  }
  mutable std::mutex mutex_;
  std::string said_;
};

InitOptions one_node(const Folder& folder) {
  InitOptions options;
  options.paths.config = folder / "cluster.conf";
  options.paths.state_directory = folder / "state";
  options.founding.cluster_name = "shop";
  options.founding.node_name = "n1";
  options.founding.addresses = {"127.0.0.1"};
  return options;
}

Endpoint free_endpoint() {
  for (std::uint16_t port = 20'000;; ++port)
    if (Listener::open({"127.0.0.1", port})) return {"127.0.0.1", port};
}

/// Speaks for one side up to the first event.
template <class Side>
auto next_event(Side& side, Connection& connection) {
  for (;;) {
    const auto bytes = connection.receive(clock_now() + 10s);
    decltype(side.hear("").event) none;
    if (!bytes) return none;
    const auto heard = side.hear(*bytes);
    (void)connection.send(heard.reply, clock_now() + 10s);
    if (heard.event) return heard.event;
  }
}

invite::Random random_of(unsigned char byte) {
  invite::Random random{};
  random.fill(byte);
  return random;
}

/// A founded cluster whose first node waits for a guest.
struct Waiting {
  Folder folder;
  Ear ear;
  Endpoint at = free_endpoint();
  std::future<int> code;
  std::string before;

  explicit Waiting(Duration patience = 60s) {
    Ear quiet;
    EXPECT_EQ(init(quiet.voice(), one_node(folder)), 0) << quiet.all();
    before = content(folder / "cluster.conf");
    InviteOptions options;
    options.paths = one_node(folder).paths;
    options.paths.run_directory = folder.path();
    options.node = "n1";
    options.port = at.port;
    options.patience = patience;
    code = std::async(std::launch::async, [this, options] { return invite(ear.voice(), options); });
  }
  invite::Guest guest() {
    return {invite::parse_token(ear.token()).value(), random_of(1), {SYSTOLE_VERSION, "n2", {"127.0.0.2"}}};
  }
  Connection connect() const { return Connection::open(at, clock_now() + 10s).value(); }
};

TEST(Init, makes_a_secret_key_and_files_that_all_may_read) {
  const Folder folder;
  Ear ear;
  EXPECT_EQ(init(ear.voice(), one_node(folder)), 0) << ear.all();
  EXPECT_EQ(mode_of(folder / "authkey"), 0400u);
  EXPECT_EQ(mode_of(folder / "cluster.conf"), 0644u);
  EXPECT_NE(content(folder / "first-cib.xml").find(R"(name="stonith-enabled" value="false")"), std::string::npos);
  EXPECT_EQ(folder.files(), 3u);
  EXPECT_EQ(init(ear.voice(), one_node(folder)), 108);
}

TEST(Init, what_cannot_be_leaves_nothing) {
  const Folder folder;
  Ear ear;
  InitOptions options = one_node(folder);
  options.founding.mode = "ping";
  EXPECT_NE(init(ear.voice(), options), 0);
  EXPECT_TRUE(ear.heard("mode ping needs a ping_target")) << ear.all();
  options = one_node(folder);
  options.founding.addresses.clear();
  EXPECT_NE(init(ear.voice(), options), 0);
  EXPECT_TRUE(ear.heard("there are: ")) << ear.all();
  EXPECT_EQ(folder.files(), 0u);
}

TEST(Invite, a_guest_that_goes_before_it_is_prepared_leaves_cluster_conf_as_it_was) {
  Waiting host(2s);
  {
    invite::Guest guest = host.guest();
    Connection connection = host.connect();
    ASSERT_TRUE(connection.send(guest.hello(), clock_now() + 10s));
    const auto event = next_event(guest, connection);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->what, invite::Guest::What::offered);
    EXPECT_NE(event->offer.cluster_conf.find("name: n2"), std::string::npos);
  }
  EXPECT_EQ(host.code.get(), 124) << "it goes on waiting";
  EXPECT_EQ(content(host.folder / "cluster.conf"), host.before);
  EXPECT_EQ(host.folder.files(), 3u);
}

TEST(Invite, a_guest_that_goes_before_it_says_that_it_arrived_is_listed_and_the_way_out_is_named) {
  Waiting host;
  {
    invite::Guest guest = host.guest();
    Connection connection = host.connect();
    ASSERT_TRUE(connection.send(guest.hello(), clock_now() + 10s));
    ASSERT_TRUE(next_event(guest, connection));
    ASSERT_TRUE(connection.send(guest.prepared(), clock_now() + 10s));
    EXPECT_EQ(next_event(guest, connection)->what, invite::Guest::What::committed);
  }
  EXPECT_EQ(host.code.get(), 0);
  EXPECT_TRUE(host.ear.heard("systole invite --again n2")) << host.ear.all();
  EXPECT_NE(content(host.folder / "cluster.conf").find("name: n2"), std::string::npos);
  EXPECT_EQ(mode_of(host.folder / "cluster.conf"), 0644u);
}

TEST(Invite, what_a_person_writes_into_cluster_conf_meanwhile_is_not_lost) {
  Waiting host(2s);
  {
    invite::Guest guest = host.guest();
    Connection connection = host.connect();
    ASSERT_TRUE(connection.send(guest.hello(), clock_now() + 10s));
    ASSERT_TRUE(next_event(guest, connection));
    std::ofstream(host.folder / "cluster.conf", std::ios::app) << "# mine\n";
    ASSERT_TRUE(connection.send(guest.prepared(), clock_now() + 10s));
    const auto event = next_event(guest, connection);
    ASSERT_TRUE(event);
    EXPECT_NE(event->why.find("somebody changed"), std::string::npos) << event->why;
  }
  EXPECT_EQ(host.code.get(), 124);
  EXPECT_EQ(content(host.folder / "cluster.conf"), host.before + "# mine\n");
}

TEST(Invite, another_version_of_the_programs_is_refused) {
  Waiting host(2s);
  invite::Guest guest(invite::parse_token(host.ear.token()).value(), random_of(1), {"0.0.9", "n2", {"127.0.0.2"}});
  Connection connection = host.connect();
  ASSERT_TRUE(connection.send(guest.hello(), clock_now() + 10s));
  const auto event = next_event(guest, connection);
  ASSERT_TRUE(event);
  EXPECT_NE(event->why.find("'n2' has Systole 0.0.9, and node 'n1' has"), std::string::npos) << event->why;
  EXPECT_EQ(host.code.get(), 124);
}

/// A machine that joins; the host is played by the test.
struct Joining {
  Folder folder;
  Ear ear;
  Endpoint at = free_endpoint();
  Listener listener = Listener::open(at).value();
  invite::Token token{7};
  std::future<int> code;

  Joining() {
    JoinOptions options;
    options.paths.config = folder / "cluster.conf";
    options.paths.state_directory = folder / "state";
    options.host = text_of(at);
    options.token = invite::to_text(token);
    options.name = "n2";
    code = std::async(std::launch::async, [this, options] { return join(ear.voice(), options); });
  }
  Connection accept() { return std::move(*listener.accept(clock_now() + 10s).value()); }
  std::string conf(const std::string& name) const {
    return "totem {\ncluster_name: shop\nkey_file: " + folder / "authkey" +
           "\n}\nnodelist {\nnode {\nnodeid: 1\nname: " + name + "\nring0_addr: 127.0.0.1\n}\n}\n";
  }
};

const std::string a_key = std::string(64, 'a') + "\n";

TEST(Join, a_host_that_goes_before_it_commits_leaves_this_machine_as_it_was) {
  Joining guest;
  {
    invite::Host host(guest.token, random_of(2));
    Connection connection = guest.accept();
    EXPECT_EQ(next_event(host, connection)->request.name, "n2");
    ASSERT_TRUE(connection.send(host.offer({"n1", guest.conf("n2"), a_key, "<cib/>"}), clock_now() + 10s));
    EXPECT_EQ(next_event(host, connection)->what, invite::Host::What::prepared);
  }
  EXPECT_EQ(guest.code.get(), 102) << guest.ear.all();
  EXPECT_TRUE(guest.ear.heard("run there: systole invite --again n2")) << guest.ear.all();
  EXPECT_EQ(guest.folder.files(), 0u);
}

TEST(Join, files_that_do_not_fit_are_refused_and_leave_nothing) {
  for (const bool bad_key : {false, true}) {
    Joining guest;
    invite::Host host(guest.token, random_of(2));
    Connection connection = guest.accept();
    ASSERT_TRUE(next_event(host, connection));
    const std::string conf = guest.conf(bad_key ? "n2" : "another");
    ASSERT_TRUE(connection.send(host.offer({"n1", conf, bad_key ? "none\n" : a_key, ""}), clock_now() + 10s));
    const auto event = next_event(host, connection);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->what, invite::Host::What::failed);
    EXPECT_EQ(event->why.rfind("'n2' cannot join: ", 0), 0u) << event->why;
    EXPECT_NE(guest.code.get(), 0);
    EXPECT_EQ(guest.folder.files(), 0u);
  }
}

TEST(Join, a_file_that_appears_at_the_last_moment_is_not_replaced_and_nothing_stays_beside_it) {
  Joining guest;
  invite::Host host(guest.token, random_of(2));
  Connection connection = guest.accept();
  ASSERT_TRUE(next_event(host, connection));
  ASSERT_TRUE(connection.send(host.offer({"n1", guest.conf("n2"), a_key, ""}), clock_now() + 10s));
  ASSERT_TRUE(next_event(host, connection));
  std::ofstream(guest.folder / "cluster.conf") << "mine";
  ASSERT_TRUE(connection.send(host.commit(), clock_now() + 10s));
  EXPECT_EQ(guest.code.get(), 108);
  EXPECT_TRUE(guest.ear.heard("'n1' counts this machine in already, but ")) << guest.ear.all();
  EXPECT_EQ(content(guest.folder / "cluster.conf"), "mine");
  EXPECT_EQ(guest.folder.files(), 1u);
}

TEST(Keygen, adds_a_key_below_the_old_one_and_leaves_the_mode_as_it_is) {
  const Folder folder;
  Surroundings here;
  const std::string path = folder / "authkey";
  EXPECT_NE(keygen(here, path, KeyStep::add), 0) << "there is nothing to add to";
  EXPECT_EQ(keygen(here, path, KeyStep::first), 0) << here.err;
  const auto one = config::read_key_file(path).value();
  EXPECT_EQ(keygen(here, path, KeyStep::add), 0) << here.err;
  const auto two = config::read_key_file(path).value();
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0], one[0]);
  EXPECT_NE(two[1], one[0]);
  EXPECT_EQ(mode_of(path), 0400u);
  EXPECT_EQ(folder.files(), 1u);
}

TEST(Endpoint, is_read_with_and_without_a_port) {
  EXPECT_EQ(parse_endpoint("192.0.2.1:99", 5).value(), (Endpoint{"192.0.2.1", 99}));
  EXPECT_EQ(parse_endpoint("192.0.2.1", 5).value(), (Endpoint{"192.0.2.1", 5}));
  EXPECT_EQ(parse_endpoint("2001:db8::1", 5).value(), (Endpoint{"2001:db8::1", 5}));
  EXPECT_EQ(parse_endpoint("[2001:db8::1]:99", 5).value(), (Endpoint{"2001:db8::1", 99}));
  EXPECT_EQ(text_of({"2001:db8::1", 99}), "[2001:db8::1]:99");
  for (const char* const wrong :
       {"", "n1", "n1:5", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "[::1", "[::1]x", ":5"})
    EXPECT_FALSE(parse_endpoint(wrong, 5)) << wrong;
}

}  // namespace
}  // namespace systole::tools
