// SPDX-License-Identifier: GPL-2.0-or-later
// haresources' arguments: as Heartbeat's own scripts take them.
#include "agents/lsb/positional.hpp"

#include <gtest/gtest.h>

namespace systole::lsb {
namespace {

TEST(Address, has_heartbeats_parts_in_heartbeats_order) {
  struct Case {
    const char* text;
    Parameters parameters;
  };
  const Case cases[] = {
      {"192.168.3.103", {{"ip", "192.168.3.103"}}},
      {"192.168.3.103/24", {{"ip", "192.168.3.103"}, {"cidr_netmask", "24"}}},
      {"192.168.3.103/24/eth0", {{"ip", "192.168.3.103"}, {"cidr_netmask", "24"}, {"nic", "eth0"}}},
      {"192.168.3.103/24/eth0:1", {{"ip", "192.168.3.103"}, {"cidr_netmask", "24"}, {"nic", "eth0"}, {"iflabel", "1"}}},
      {"192.168.3.103/24/eth0/192.168.3.255",
       {{"ip", "192.168.3.103"}, {"cidr_netmask", "24"}, {"nic", "eth0"}, {"broadcast", "192.168.3.255"}}},
      {"192.168.3.103/24/192.168.3.255",
       {{"ip", "192.168.3.103"}, {"cidr_netmask", "24"}, {"broadcast", "192.168.3.255"}}},
      {"192.168.3.103/255.255.255.0", {{"ip", "192.168.3.103"}, {"cidr_netmask", "255.255.255.0"}}},
      {"192.168.3.103/eth0", {{"ip", "192.168.3.103"}, {"nic", "eth0"}}},
      {"192.168.3.103//eth0", {{"ip", "192.168.3.103"}, {"nic", "eth0"}}},
      {"192.168.3.103/", {{"ip", "192.168.3.103"}}},
  };
  for (const Case& one : cases) {
    const auto read = parse_address(one.text);
    ASSERT_TRUE(read) << one.text;
    EXPECT_EQ(*read, one.parameters) << one.text;
  }
}

TEST(Address, with_too_many_parts_or_none_is_refused) {
  for (const char* const text : {"", "/24", "1.2.3.4/24/eth0/eth1", "1.2.3.4/24/1.2.3.255/1.2.3.254"})
    EXPECT_FALSE(parse_address(text)) << text;
}

TEST(ResourceCalls, take_positions_where_heartbeat_did_and_names_everywhere) {
  struct Case {
    const char* name;
    std::vector<std::string> words;
    ResourceCall call;
  };
  const Case cases[] = {
      {"IPaddr",
       {"192.168.3.103", "start"},
       {"systole:IPaddr", {{"ip", "192.168.3.103"}}, "start", "IPaddr_192.168.3.103"}},
      {"IPaddr2",
       {"10.0.0.1/8/eth0", "arp_count=3", "status"},
       {"systole:IPaddr",
        {{"ip", "10.0.0.1"}, {"cidr_netmask", "8"}, {"nic", "eth0"}, {"arp_count", "3"}},
        "status",
        "IPaddr2_10.0.0.1_5dc501c9"}},
      {"Filesystem",
       {"/dev/drbd0", "/data", "ext4", "stop"},
       {"Filesystem",
        {{"device", "/dev/drbd0"}, {"directory", "/data"}, {"fstype", "ext4"}},
        "stop",
        "Filesystem__dev_drbd0__data_ext4"}},
      {"MailTo",
       {"root@example.com", "start"},
       {"MailTo", {{"email", "root@example.com"}}, "start", "MailTo_root_example.com"}},
      {"Dummy", {"start"}, {"Dummy", {}, "start", "Dummy"}},
      {"heartbeat.MailTo",
       {"root", "start"},
       {"heartbeat:MailTo", {{"email", "root"}}, "start", "heartbeat.MailTo_root"}},
  };
  for (const Case& one : cases) {
    const auto call = parse_resource_call(one.name, one.words);
    ASSERT_TRUE(call) << one.name << ": " << call.error().what;
    EXPECT_EQ(call->agent, one.call.agent);
    EXPECT_EQ(call->parameters, one.call.parameters) << one.name;
    EXPECT_EQ(call->action, one.call.action);
    EXPECT_EQ(call->instance, one.call.instance);
  }
}

TEST(ResourceCalls, that_make_no_sense_say_what_to_write_instead) {
  const auto why = [](const char* name, std::vector<std::string> words) {
    const auto call = parse_resource_call(name, words);
    return call ? "none" : call.error().what;
  };
  EXPECT_NE(why("Dummy", {"/run/x", "start"}).find("write Dummy::name=value"), std::string::npos);
  EXPECT_NE(why("IPaddr", {"1.2.3.4", "5.6.7.8", "start"}).find("one word too many"), std::string::npos);
  EXPECT_NE(why("MailTo", {"a", "b", "c", "start"}).find("one word too many"), std::string::npos);
  EXPECT_NE(why("IPaddr", {"1.2.3.4", "ip=5", "start"}).find("given twice"), std::string::npos);
  EXPECT_NE(why("Dummy", {"a=1", "b", "start"}).find("'b' is no parameter"), std::string::npos);
  EXPECT_NE(why("IPaddr", {}).find("no action"), std::string::npos);
}

TEST(ResourceCalls, with_other_values_are_other_instances_and_tell_no_secrets) {
  const auto one = parse_resource_call("Dummy", {"password=red", "start"});
  const auto other = parse_resource_call("Dummy", {"password=blue", "start"});
  EXPECT_NE(one->instance, other->instance);
  EXPECT_EQ(one->instance, parse_resource_call("Dummy", {"password=red", "stop"})->instance);
  EXPECT_EQ(one->instance.find("red"), std::string::npos);
}

}  // namespace
}  // namespace systole::lsb
