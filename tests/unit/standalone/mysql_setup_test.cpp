// SPDX-License-Identifier: GPL-2.0-or-later
// What `systole mysql create` and `join` write and how they read what is there: the pure parts.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agents/ocf/mysql/dump.hpp"
#include "cib/xml/cib_xml.hpp"
#include "tools/agent/local_network.hpp"
#include "tools/agent/mysql_client.hpp"
#include "tools/agent/mysql_datadir.hpp"
#include "tools/agent/mysql_dropin.hpp"
#include "tools/agent/mysql_setup_cib.hpp"
#include "tools/agent/own_service.hpp"
#include "tools/agent/undo.hpp"

namespace systole::tools {
namespace {

using State = DataDir::State;
using Kind = OwnService::Kind;

const SetupNames names{"db"};
const WantedAddress address{.ip = "192.0.2.100", .prefix = 24};

/// A CIB with that configuration's sections.
std::string cib_with(std::string configuration, const std::string& properties = "") {
  const std::string_view begin = "<configuration>";
  configuration.insert(begin.size(), "<crm_config><cluster_property_set id=\"p\">" + properties +
                                         "</cluster_property_set></crm_config><nodes><node id=\"1\" uname=\"n1\"/>"
                                         "<node id=\"2\" uname=\"n2\"/></nodes>");
  return R"(<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">)" + configuration +
         "<status/></cib>";
}

TEST(MysqlSetupCib, what_is_written_is_a_valid_configuration_with_and_without_an_address) {
  for (const auto& wanted : {std::optional<WantedAddress>(), std::optional(address)}) {
    const auto parsed = cib::parse_configuration(cib_with(setup_xml(names, "n1", wanted, 3307)));
    ASSERT_TRUE(parsed) << parsed.error().what;
    EXPECT_EQ(parsed->locations.at(0).discovery, "never");
  }
}

TEST(MysqlSetupCib, what_was_written_is_known_again_and_nothing_of_it_counts_as_taken) {
  const CibFacts facts = read_cib(cib_with(setup_xml(names, "n1", address, 0)), names);
  EXPECT_TRUE(facts.resource);
  EXPECT_EQ(facts.databases, std::vector<std::string>{"n1"});
  EXPECT_EQ(facts.taken, std::vector<std::string>{});
  EXPECT_EQ(facts.nodes, (std::vector<std::string>{"n1", "n2"}));
  EXPECT_EQ(facts.ids, (std::vector<std::string>{"1", "2"}));
}

TEST(MysqlSetupCib, a_resource_of_that_name_by_somebody_else_is_not_ours) {
  const CibFacts facts =
      read_cib(cib_with(R"(<configuration><resources><primitive class="ocf" id="db" provider="systole" )"
                        R"(type="mysql"/></resources><constraints/></configuration>)"),
               names);
  EXPECT_FALSE(facts.resource);
  EXPECT_EQ(facts.taken, std::vector<std::string>{"db"});
}

TEST(MysqlSetupCib, fencing_is_expected_unless_the_property_says_no) {
  const std::string none = "<configuration><resources/><constraints/></configuration>";
  EXPECT_TRUE(read_cib(cib_with(none), names).fencing_expected);
  const std::string off = R"(<nvpair id="s" name="stonith-enabled" value="false"/>)";
  EXPECT_FALSE(read_cib(cib_with(none, off), names).fencing_expected);
  EXPECT_FALSE(read_cib(cib_with(none), names).fencing);
  EXPECT_TRUE(read_cib(cib_with(R"(<configuration><resources><primitive id="f" class="stonith" type="fence_ipmilan"/>)"
                                R"(</resources><constraints/></configuration>)"),
                       names)
                  .fencing);
}

TEST(MysqlSetupCib, a_node_that_joins_is_one_change_of_rule_and_number) {
  const std::string xml = joined_xml(names, "n2", 2);
  EXPECT_NE(xml.find(R"(name="clone-max" value="2")"), std::string::npos);
  EXPECT_NE(xml.find(R"(<expression id="db-databases-n2" attribute="#uname" operation="ne" value="n2"/>)"),
            std::string::npos);
}

TEST(MysqlSetupCib, everything_that_was_made_is_named_where_it_is_taken_back) {
  const std::string path = setup_xpath(names, true);
  for (const char* const id : {"db-clone", "db-vip", "db-databases", "db-before-db-vip", "db-vip-with-db"})
    EXPECT_NE(path.find("@id='" + std::string(id) + "'"), std::string::npos) << id;
  EXPECT_EQ(setup_xpath(names, false), "//*[@id='db-databases' or @id='db-clone']");
}

TEST(MysqlSetupCib, a_failure_is_what_has_a_reason_and_a_code_that_is_no_state) {
  const std::string status =
      R"(<lrm_resource id="db" class="ocf"><lrm_rsc_op id="a" operation="monitor" rc-code="7" exit-reason="no"/>)"
      R"(<lrm_rsc_op id="b" operation="start" rc-code="5" exit-reason="no &quot;user&quot;"/></lrm_resource>)"
      R"(<lrm_resource id="other" class="ocf"><lrm_rsc_op id="c" operation="start" rc-code="1" exit-reason="x"/>)"
      R"(</lrm_resource>)";
  EXPECT_EQ(failures_of(status, names), std::vector({SetupFailure{"start", "no \"user\"", true}}));
}

TEST(MysqlSetupCib, names_and_addresses_are_taken_only_as_they_can_be_written_everywhere) {
  for (const char* const good : {"db", "a", "shop-1.db_x"}) EXPECT_TRUE(is_database_name(good)) << good;
  for (const char* const bad : {"", "1db", "a b", "a'b", "../x", "ä", "a\"", "a:0"})
    EXPECT_FALSE(is_database_name(bad)) << bad;
  EXPECT_FALSE(is_database_name(std::string(41, 'a')));
  EXPECT_EQ(parse_wanted_address("192.0.2.100/24"), address);
  EXPECT_EQ(parse_wanted_address("2001:db8::1/64")->prefix, 64U);
  EXPECT_EQ(parse_wanted_address("192.0.2.1")->prefix, std::nullopt);
  for (const char* const bad : {"", "n1", "192.0.2.1/33", "192.0.2.1/0", "192.0.2.1/", "192.0.2.1/x", "192.0.2/24"})
    EXPECT_FALSE(parse_wanted_address(bad)) << bad;
}

TEST(MysqlDropIn, is_this_text) {
  const DropInFacts facts{.resource = "db", .server_id = 2, .services = {"unit mariadb.service active enabled"}};
  EXPECT_EQ(drop_in_text(facts), R"(# Written by 'systole mysql' for the database 'db' of the cluster.
# The cluster starts and stops this server; do not enable its service again. What started it before:
# before: unit mariadb.service active enabled
[mysqld]
# The other node and the clients come over the network.
bind-address = *
skip-networking = 0
# Its own on each node. The agent takes a fresh one at each start.
server-id = 2
log-bin = mysql-bin
relay-log = relay-bin
# Whole rows: from them what no replica received can be undone.
binlog-format = ROW
binlog-row-image = FULL
# A server that somebody starts by hand beside the cluster takes no writes and follows nobody.
read-only = ON
skip-slave-start
)");
}

TEST(MysqlDropIn, leaves_the_names_of_logs_that_are_set_elsewhere) {
  const std::string text = drop_in_text({.resource = "db", .log_bin_set = true, .relay_log_set = true});
  EXPECT_EQ(text.find("log-bin"), std::string::npos);
  EXPECT_EQ(text.find("relay-log"), std::string::npos);
}

TEST(MysqlDropIn, is_known_again_with_what_started_the_server_before) {
  const std::string text = drop_in_text({.resource = "db", .services = {"script mariadb active enabled", "x"}});
  EXPECT_TRUE(is_drop_in_of(text, "db"));
  EXPECT_FALSE(is_drop_in_of(text, "d"));
  EXPECT_FALSE(is_drop_in_of("[mysqld]\n" + text, "db"));
  EXPECT_EQ(services_noted(text), (std::vector<std::string>{"script mariadb active enabled", "x"}));
}

TEST(MysqlDropIn, sorts_behind_the_files_of_either_distribution_and_keeps_its_name) {
  EXPECT_EQ(drop_in_name({"50-server.cnf", "60-galera.cnf", "README"}), "90-systole.cnf");
  EXPECT_EQ(drop_in_name({"client.cnf", "mariadb-server.cnf"}), "zz-systole.cnf");
  EXPECT_EQ(drop_in_name({"90-systole.cnf", "mariadb-server.cnf"}), "90-systole.cnf");
  EXPECT_EQ(drop_in_name({}), "90-systole.cnf");
}

TEST(MysqlDropIn, files_outside_of_the_datadir_are_named) {
  EXPECT_EQ(files_elsewhere({"--innodb_log_group_home_dir=/fast", "--innodb-data-home-dir=./"}),
            std::vector<std::string>{"--innodb-log-group-home-dir=/fast"});
}

TEST(MysqlDataDir, logs_of_an_earlier_life_are_seen_beside_it) {
  const std::string folder = testing::TempDir() + "/old-logs";
  std::filesystem::create_directories(folder);
  EXPECT_FALSE(has_old_logs(folder + "/mysql-bin.log"));
  std::ofstream(folder + "/mysql-bin.index") << "x";
  EXPECT_TRUE(has_old_logs(folder + "/mysql-bin.log"));
  EXPECT_TRUE(has_old_logs(folder + "/mysql-bin"));
  EXPECT_FALSE(has_old_logs(folder + "/mysql"));
  std::filesystem::remove_all(folder);
}

TEST(MysqlDataDir, what_is_moved_aside_comes_back_as_it_was) {
  const std::string folder = testing::TempDir() + "/aside";
  std::filesystem::create_directories(folder + "/data/shop");
  const auto aside = move_aside(folder + "/data", "T");
  ASSERT_TRUE(aside) << aside.error().what;
  EXPECT_EQ(*aside, folder + "/data.before-systole-T");
  EXPECT_EQ(look_at_datadir(folder + "/data").state, State::missing);
  std::ofstream(folder + "/data/half") << "x";
  ASSERT_TRUE(move_back(folder + "/data", *aside));
  EXPECT_EQ(look_at_datadir(folder + "/data").databases, std::vector<std::string>{"shop"});
  EXPECT_FALSE(std::filesystem::exists(*aside));
  std::filesystem::remove_all(folder);
}

TEST(MysqlDataDir, the_agents_mark_beside_databases_does_not_make_them_ours) {
  const std::string folder = testing::TempDir() + "/marked";
  std::filesystem::create_directories(folder + "/shop");
  std::ofstream(unfinished_mark(folder)).flush();
  EXPECT_EQ(look_at_datadir(folder).state, State::in_use);
  std::ofstream(unfinished_mark(folder)) << "a copy that 'systole mysql join' began\n";
  EXPECT_EQ(look_at_datadir(folder).state, State::unfinished);
  std::filesystem::remove_all(folder);
}

TEST(MysqlDropIn, goes_where_the_server_reads_last) {
  EXPECT_EQ(last_included_folder("[client-server]\nsocket=/x\n!includedir /etc/mysql/conf.d/\n"
                                 "  !includedir /etc/mysql/mariadb.conf.d/\n"),
            "/etc/mysql/mariadb.conf.d");
  EXPECT_EQ(last_included_folder("#!includedir /etc/my.cnf.d\n[mysqld]\n"), "");
}

TEST(OwnService, a_unit_under_two_names_is_one_and_what_is_not_installed_is_none) {
  const auto units = parse_units(
      "Id=mariadb.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\n"
      "Id=mariadb.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\n"
      "Id=mysqld.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n\n"
      "Id=mariadb.socket\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n");
  ASSERT_EQ(units.size(), 2U);
  EXPECT_EQ(units[0], (OwnService{Kind::unit, "mariadb.service", true, true}));
  EXPECT_EQ(units[1], (OwnService{Kind::unit, "mariadb.socket", false, false}));
}

TEST(OwnService, a_unit_that_is_starting_counts_as_active) {
  EXPECT_TRUE(parse_units("Id=a\nLoadState=loaded\nActiveState=activating\n").at(0).active);
  EXPECT_FALSE(parse_units("Id=a\nLoadState=loaded\nActiveState=failed\n").at(0).active);
}

TEST(OwnService, a_line_of_text_gives_the_same_again) {
  for (const OwnService& each :
       {OwnService{Kind::unit, "mysql.service", true, false}, OwnService{Kind::script, "mariadb", false, true}})
    EXPECT_EQ(parse_service(to_text(each)), each);
  EXPECT_FALSE(parse_service("unit a"));
  EXPECT_FALSE(parse_service(""));
}

TEST(MysqlDataDir, is_fresh_only_with_the_folders_of_packages_in_it) {
  EXPECT_EQ(state_of({}, {}), State::missing);
  EXPECT_EQ(state_of({"lost+found"}, {}), State::missing);
  EXPECT_EQ(state_of({"mysql", "performance_schema", "sys"}, {"ibdata1"}), State::fresh);
  EXPECT_EQ(state_of({"mysql", "shop"}, {"ibdata1"}), State::in_use);
  EXPECT_EQ(state_of({"shop"}, {}), State::in_use);
  EXPECT_EQ(state_of({}, {"ibdata1"}), State::strange);
}

TEST(MysqlDataDir, a_copy_that_is_not_whole_is_never_taken_for_anything_else) {
  EXPECT_EQ(state_of({"mysql", "shop"}, {"systole_unfinished"}), State::unfinished);
  EXPECT_EQ(state_of({"mysql", "shop"}, {"systole_unfinished", "systole_seeded"}), State::unfinished);
  EXPECT_EQ(state_of({"mysql", "shop"}, {"systole_seeded"}), State::seeded);
  EXPECT_EQ(state_of({"shop"}, {"systole_seeded"}), State::in_use);
}

TEST(MysqlSeed, takes_the_position_only_from_a_dump_that_came_to_its_end) {
  const std::string end =
      "INSERT …\n-- SET GLOBAL gtid_slave_pos='0-5-6,1-2-3';\n/*!40103 … */;\n\n-- Dump completed on X\n";
  EXPECT_EQ(mysql::position_in_dump(end), "0-5-6,1-2-3");
  EXPECT_FALSE(mysql::position_in_dump(end.substr(0, end.find("\n-- Dump"))));
  EXPECT_FALSE(mysql::position_in_dump("-- SET GLOBAL gtid_slave_pos='';\n\n-- Dump completed\n"));
  EXPECT_FALSE(mysql::position_in_dump(""));
}

TEST(MysqlClient, a_password_of_any_characters_comes_through_the_option_file) {
  EXPECT_EQ(option_file({.socket = "/run/s", .user = "a", .password = "x\"#\\"}),
            "[client]\nprotocol=socket\nsocket=\"/run/s\"\nuser=\"a\"\npassword=\"x\\\"#\\\\\"\n");
  EXPECT_EQ(option_file({.host = "h", .port = 3307}), "[client]\nprotocol=tcp\nhost=\"h\"\nport=3307\nuser=\"root\"\n");
}

TEST(MysqlClient, a_literal_cannot_be_left_by_what_stands_in_it) {
  EXPECT_EQ(sql_literal("a'b\\"), "'a''b\\\\'");
}

TEST(LocalNetwork, an_account_pattern_is_the_network_with_its_mask) {
  EXPECT_EQ(account_pattern({"eth0", "192.0.2.17", 24}), "192.0.2.0/255.255.255.0");
  EXPECT_EQ(account_pattern({"eth0", "10.77.3.4", 20}), "10.77.0.0/255.255.240.0");
  EXPECT_EQ(account_pattern({"eth0", "2001:db8::1", 64}), "");
}

TEST(LocalNetwork, the_most_exact_network_holds_an_address) {
  const std::vector<LocalAddress> ours{{"eth0", "10.0.0.1", 8}, {"eth1", "10.1.0.1", 16}, {"eth2", "2001:db8::1", 64}};
  EXPECT_EQ(network_of(ours, "10.1.2.3")->interface, "eth1");
  EXPECT_EQ(network_of(ours, "10.2.2.3")->interface, "eth0");
  EXPECT_EQ(network_of(ours, "2001:db8::5")->interface, "eth2");
  EXPECT_FALSE(network_of(ours, "192.0.2.1"));
  EXPECT_FALSE(network_of(ours, "n1"));
}

TEST(LocalNetwork, our_address_is_that_of_our_entry_among_the_nodes) {
  const std::string conf =
      "node {\n ring0_addr: 10.0.0.9\n}\nnode {\n  ring0_addr: 10.0.0.1\n ring1_addr: 10.1.0.1\n}\n";
  EXPECT_EQ(own_ring_address(conf, {{"eth1", "10.1.0.1", 16}, {"eth0", "10.0.0.1", 8}}), "10.0.0.1");
  EXPECT_EQ(own_ring_address(conf, {{"eth1", "10.1.0.1", 16}}), "");
}

TEST(Undo, goes_backwards_and_says_what_it_could_not_take_back) {
  std::string said;
  Undo undo([&](std::string_view text) { said += text; });
  undo.add("first", [] { return Result<void>(); });
  undo.add("second", [] { return Result<void>(Error{Errc::io, "broken"}); });
  EXPECT_FALSE(undo.all());
  EXPECT_EQ(said, "  NOT undone: second: broken\n  undone: first\n");
  EXPECT_TRUE(undo.all());
}

TEST(Undo, leaves_the_rest_where_one_step_decides_and_fails) {
  std::string said;
  bool touched = false;
  Undo undo([&](std::string_view text) { said += text; });
  undo.add("service runs again", [&] {
    touched = true;
    return Result<void>();
  });
  undo.add(
      "cluster without it",
      [] {
        return Result<void>(Error{Errc::io, "no"});
      },
      Undo::Weight::decides);
  EXPECT_FALSE(undo.all());
  EXPECT_FALSE(touched);
  EXPECT_EQ(said, "  NOT undone: cluster without it: no\n  therefore left: service runs again\n");
}

}  // namespace
}  // namespace systole::tools
