// SPDX-License-Identifier: GPL-2.0-or-later
// IPaddr's decisions as tables: where an address belongs, what a monitor sees, what a start does, what a deletion would
// take along.
#include "agents/ocf/IPaddr/plan.hpp"

#include <gtest/gtest.h>

#include "tests/golden/golden.hpp"

namespace systole::agents::ipaddr {
namespace {

Ip ip(std::string_view text) {
  return parse_ip(text).value();
}

Interface nic(int index, std::string name) {
  return {.index = index,
          .name = std::move(name),
          .mac = {2, 0, 0, 0, 0, 1},
          .admin_up = true,
          .carrier = true,
          .loopback = index == 1,
          .ethernet = index != 1,
          .no_arp = false};
}

/// lo, eth0 10.0.0.1/24, eth1 10.1.0.1/16 with the more exact 10.1.7.0/24.
Facts machine() {
  Facts facts;
  facts.interfaces = {nic(1, "lo"), nic(2, "eth0"), nic(3, "eth1")};
  facts.addresses = {
      {.index = 1, .ip = ip("127.0.0.1"), .prefix = 8, .broadcast = {}, .label = "lo"},
      {.index = 2, .ip = ip("10.0.0.1"), .prefix = 24, .broadcast = ip("10.0.0.255"), .label = "eth0"},
      {.index = 3, .ip = ip("10.1.0.1"), .prefix = 16, .broadcast = ip("10.1.255.255"), .label = "eth1"}};
  facts.routes = {{.index = 2, .network = ip("10.0.0.0"), .prefix = 24},
                  {.index = 3, .network = ip("10.1.0.0"), .prefix = 16},
                  {.index = 3, .network = ip("10.1.7.0"), .prefix = 24}};
  return facts;
}

Options asks(std::string_view address) {
  Options options;
  options.ip = ip(address);
  return options;
}

Address entry(int index, std::string_view address, int prefix, std::string label) {
  return {.index = index, .ip = ip(address), .prefix = prefix, .broadcast = {}, .label = std::move(label)};
}

Result<Options> parsed(Environment env) {
  env.try_emplace("OCF_RESKEY_ip", "10.0.0.9");
  return options_from(Values(about, env), Meta(env));
}

TEST(IPaddrMetaData, is_as_recorded) {
  systole::tests::expect_golden("tests/golden/meta-data/IPaddr.xml", meta_data(about));
}

TEST(IPaddrOptions, have_the_tables_defaults) {
  const auto o = parsed({}).value();
  EXPECT_EQ(o.ip, ip("10.0.0.9"));
  EXPECT_EQ(o.prefix, std::nullopt);
  EXPECT_TRUE(o.check_link);
  EXPECT_TRUE(o.arp_bg);
  EXPECT_FALSE(o.noprefixroute);
  EXPECT_EQ(o.arp_count, 6);
  EXPECT_EQ(o.arp_count_refresh, 0);
}

TEST(IPaddrOptions, understand_dotted_masks_and_the_old_label_form) {
  EXPECT_EQ(parsed({{"OCF_RESKEY_cidr_netmask", "255.255.254.0"}})->prefix, 23);
  EXPECT_EQ(parsed({{"OCF_RESKEY_cidr_netmask", "32"}})->prefix, 32);
  const auto o = parsed({{"OCF_RESKEY_nic", "eth0:db"}}).value();
  EXPECT_EQ(o.nic, "eth0");
  EXPECT_EQ(o.iflabel, "db");
}

TEST(IPaddrOptions, refuse_values_that_are_wrong_on_every_machine) {
  struct Case {
    const char *name, *value, *why;
  };
  for (const Case& c :
       {Case{"ip", "10.0.0", "neither an IPv4 address"}, Case{"ip", "10.0.0.256", "neither an IPv4 address"},
        Case{"ip", "ff02::1", "no interface can have"}, Case{"ip", "224.0.0.18", "no interface can have"},
        Case{"ip", "0.0.0.0", "no interface can have"}, Case{"ip", "10.0.0.1 ", "neither an IPv4 address"},
        Case{"cidr_netmask", "33", "not 1 to 32"}, Case{"cidr_netmask", "0", "not 1 to 32"},
        Case{"cidr_netmask", "255.0.255.0", "not 1 to 32"}, Case{"cidr_netmask", "24x", "not 1 to 32"},
        Case{"broadcast", "10.0.0", "neither an IPv4 address"},
        Case{"nic", "a-name-beyond-limits", "longer than 15"}}) {
    const auto o = parsed({{std::string("OCF_RESKEY_") + c.name, c.value}});
    ASSERT_FALSE(o) << c.name << "=" << c.value;
    EXPECT_NE(o.error().what.find(c.why), std::string::npos) << o.error().what;
  }
}

std::optional<Options> to_stop(Environment env) {
  env.try_emplace("OCF_RESKEY_ip", "10.0.0.9");
  std::vector<std::string> faults;
  const auto known = options_for_stop(Values(about, env), Meta(env), faults);
  EXPECT_EQ(faults.empty(), static_cast<bool>(options_from(Values(about, env), Meta(env))));
  return known;
}

TEST(IPaddrOptions, for_stop_leave_out_what_is_faulty) {
  EXPECT_EQ(to_stop({})->ip, ip("10.0.0.9"));
  EXPECT_EQ(to_stop({{"OCF_RESKEY_cidr_netmask", "wide"}})->ip, ip("10.0.0.9"));
  EXPECT_EQ(to_stop({{"OCF_RESKEY_CRM_meta_clone_max", "2"}})->ip, ip("10.0.0.9"));
  EXPECT_FALSE(to_stop({{"OCF_RESKEY_ip", "2001:db8::9"}, {"OCF_RESKEY_lvs_support", "yes"}})->lvs);
  EXPECT_TRUE(to_stop({{"OCF_RESKEY_local_start_script", "before"}}).has_value());
}

TEST(IPaddrOptions, for_stop_say_when_nothing_can_have_been_started) {
  EXPECT_FALSE(to_stop({{"OCF_RESKEY_ip", "10.0.0.300"}}).has_value());
  EXPECT_FALSE(to_stop({{"OCF_RESKEY_network_namespace", "../1/ns/net"}}).has_value());
}

TEST(IPaddrPlace, finds_the_interface_by_its_most_exact_route) {
  const auto at = place(asks("10.1.7.9"), machine()).value();
  EXPECT_EQ(at.nic.name, "eth1");
  EXPECT_EQ(at.address.prefix, 24);
  EXPECT_EQ(at.address.broadcast, ip("10.1.7.255"));
  EXPECT_EQ(at.address.label, "eth1");
  EXPECT_EQ(place(asks("10.1.8.9"), machine())->address.prefix, 16);
}

TEST(IPaddrPlace, obeys_the_given_interface_and_mask) {
  Options options = asks("10.0.0.9");
  options.nic = "eth1";
  EXPECT_EQ(place(options, machine()).error().what,
            "interface 'eth1' has no route that covers 10.0.0.9; set 'cidr_netmask'");
  options.prefix = 32;
  EXPECT_EQ(place(options, machine())->nic.name, "eth1");
  EXPECT_EQ(place(options, machine())->address.prefix, 32);
  EXPECT_EQ(place(options, machine())->address.broadcast, std::nullopt);
}

TEST(IPaddrPlace, ignores_routes_that_are_smaller_than_the_given_mask) {
  Options options = asks("10.1.7.9");
  options.prefix = 20;
  EXPECT_EQ(place(options, machine())->address.prefix, 20);
  options.prefix = 12;
  EXPECT_EQ(place(options, machine()).error().code, Errc::not_found);
}

TEST(IPaddrPlace, says_what_is_missing) {
  EXPECT_EQ(place(asks("192.0.2.1"), machine()).error().what,
            "no interface reaches 192.0.2.1: no link has a route that covers it; set 'nic' and 'cidr_netmask'");
  Options options = asks("10.0.0.9");
  options.nic = "eth7";
  EXPECT_EQ(place(options, machine()).error().what, "there is no network interface 'eth7'");
}

TEST(IPaddrPlace, computes_broadcast_as_told) {
  Options options = asks("10.0.0.9");
  options.broadcast = "-";
  EXPECT_EQ(place(options, machine())->address.broadcast, ip("10.0.0.0"));
  options.broadcast = "10.0.0.77";
  EXPECT_EQ(place(options, machine())->address.broadcast, ip("10.0.0.77"));
}

TEST(IPaddrPlace, stays_with_the_address_where_it_is_when_no_interface_is_named) {
  Facts facts = machine();
  facts.addresses.push_back(entry(3, "10.0.0.9", 32, "eth1"));
  EXPECT_EQ(place(asks("10.0.0.9"), facts)->nic.name, "eth1");
}

TEST(IPaddrServed, looks_past_loopback_unless_it_is_named) {
  Facts facts = machine();
  facts.addresses.push_back(entry(1, "10.0.0.9", 32, "lo"));
  EXPECT_TRUE(served(asks("10.0.0.9"), facts).empty());
  Options options = asks("10.0.0.9");
  options.nic = "lo";
  EXPECT_EQ(served(options, facts).size(), 1U);
}

struct MonitorCase {
  const char* sentence;
  bool there = true, carrier = true, nic_exists = true, check_link = true, probe = false;
  const char* iflabel = "";
  Ocf code = Ocf::ok;
};

TEST(IPaddrMonitor, gives_the_code_of_each_situation) {
  for (const MonitorCase& c : {
           MonitorCase{.sentence = "served"},
           MonitorCase{.sentence = "not there", .there = false, .code = Ocf::not_running},
           MonitorCase{.sentence = "link down", .carrier = false, .code = Ocf::not_running},
           MonitorCase{.sentence = "link down, not to be looked at", .carrier = false, .check_link = false},
           MonitorCase{.sentence = "label missing", .iflabel = "db", .code = Ocf::generic},
           MonitorCase{.sentence = "interface gone", .there = false, .nic_exists = false, .code = Ocf::generic},
           MonitorCase{.sentence = "probe, interface gone",
           .there = false,
           .nic_exists = false,
           .probe = true,
           .code = Ocf::not_running},
       }) {
    Facts facts = machine();
    if (c.there) facts.addresses.push_back(entry(2, "10.0.0.9", 24, "eth0"));
    facts.interfaces[1].carrier = c.carrier;
    if (!c.nic_exists) facts.interfaces.erase(facts.interfaces.begin() + 1);
    Options options = asks("10.0.0.9");
    options.nic = "eth0";
    options.check_link = c.check_link;
    options.iflabel = c.iflabel;
    const Verdict verdict = judge_monitor(options, facts, c.probe);
    EXPECT_EQ(verdict.code, c.code) << c.sentence << ": " << verdict.why;
    EXPECT_EQ(verdict.why.empty(), c.code == Ocf::ok) << c.sentence;
  }
}

TEST(IPaddrStart, adds_announces_or_replaces) {
  Facts facts = machine();
  Options options = asks("10.0.0.9");
  EXPECT_EQ(plan_start(options, facts).step, StartStep::add);
  facts.addresses.push_back(entry(2, "10.0.0.9", 24, "eth0"));
  EXPECT_EQ(plan_start(options, facts).step, StartStep::announce);
  options.iflabel = "db";
  EXPECT_EQ(plan_start(options, facts).step, StartStep::replace);
  EXPECT_EQ(plan_start(options, facts).placement.address.label, "eth0:db");
  facts.addresses.back().label = "eth0:db";
  EXPECT_EQ(plan_start(options, facts).step, StartStep::announce);
}

TEST(IPaddrStart, is_refused_where_the_interface_is_missing) {
  Options options = asks("10.0.0.9");
  options.nic = "eth7";
  const StartPlan plan = plan_start(options, machine());
  EXPECT_EQ(plan.step, StartStep::refuse);
  EXPECT_EQ(plan.verdict, (Verdict{Ocf::installed, "there is no network interface 'eth7'"}));
}

TEST(IPaddrStart, is_refused_when_interface_and_label_together_are_too_long) {
  Options options = asks("10.0.0.9");
  options.iflabel = "eleven-chars";
  EXPECT_EQ(plan_start(options, machine()).verdict.code, Ocf::configured);
}

TEST(IPaddrStop, knows_which_addresses_the_kernel_would_take_along) {
  Facts facts = machine();
  const Address primary = facts.addresses[1];
  Address same = entry(2, "10.0.0.9", 24, "eth0"), other_net = entry(2, "10.9.0.9", 24, "eth0"),
          other_nic = entry(3, "10.0.0.8", 24, "eth1"), other_mask = entry(2, "10.0.0.7", 25, "eth0");
  for (Address* const a : {&same, &other_net, &other_nic, &other_mask}) {
    a->secondary = true;
    facts.addresses.push_back(*a);
  }
  EXPECT_EQ(taken_along(primary, facts), std::vector<Address>{same});
  EXPECT_TRUE(taken_along(same, facts).empty());  // a secondary goes alone
}

TEST(IPaddrAnnouncements, come_fast_first) {
  Options options = asks("10.0.0.9");
  EXPECT_EQ(announcement_times(options), (std::vector<Duration>{0ms, 50ms, 150ms, 500ms, 1s, 5s}));
  options.arp_count = 8;
  EXPECT_EQ(announcement_times(options).back(), 15s);
  options.arp_count = 3;
  options.arp_interval = 200ms;
  EXPECT_EQ(announcement_times(options), (std::vector<Duration>{0ms, 200ms, 400ms}));
}

}  // namespace
}  // namespace systole::agents::ipaddr
