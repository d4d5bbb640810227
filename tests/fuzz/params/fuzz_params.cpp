// SPDX-License-Identifier: GPL-2.0-or-later
// What an agent is called with: environments spoilt in every way against the tables of real agents, and what the
// network answers to ping. Faults must be words, and what passes without one must be within the table's limits. And the
// list of an address's clients, which another node wrote.
#include <algorithm>

#include "agents/kit/help.hpp"
#include "agents/kit/values.hpp"
#include "agents/ocf/Dummy/dummy.hpp"
#include "agents/ocf/IPaddr/clients.hpp"
#include "agents/ocf/IPaddr/plan.hpp"
#include "agents/ocf/ping/names.hpp"
#include "agents/ocf/ping/settings.hpp"
#include "common/base/ensure.hpp"
#include "common/base/text.hpp"
#include "common/icmp/echo.hpp"
#include "tests/fuzz/hammer.hpp"

namespace {

using namespace systole;
using namespace systole::agents;

const std::vector<std::string>& samples() {
  static const std::vector<std::string> all{
      "OCF_RESKEY_ip=192.0.2.10\nOCF_RESKEY_nic=eth0:1\nOCF_RESKEY_cidr_netmask=255.255.255.0\n"
      "OCF_RESKEY_broadcast=+\nOCF_RESKEY_arp_count=6\nOCF_RESKEY_arp_interval=200\nOCF_RESKEY_arp_bg=no\n",
      "OCF_RESKEY_host_list=192.0.2.1 fe80::1%eth0 router\nOCF_RESKEY_options=-W 0.5 -c3 -I eth0 -nqs100\n"
      "OCF_RESKEY_timeout=500ms\nOCF_RESKEY_multiplier=-1000\nOCF_RESKEY_failure_score=3\nOCF_RESKEY_debug=verbose\n"
      "OCF_RESKEY_dampen=PT5S\nOCF_RESKEY_pidfile=/run/x\n",
      "OCF_RESKEY_state=/run/y\nOCF_RESKEY_op_sleep=3\nOCF_RESKEY_degraded=yes\nOCF_RESKEY_OLD_sleep=7\n",
      "OCF_RESOURCE_INSTANCE=net:0\nOCF_CHECK_LEVEL=10\nOCF_RESKEY_CRM_meta_timeout=20000\n"
      "OCF_RESKEY_CRM_meta_interval=10000\nOCF_RESKEY_CRM_meta_clone=1\nOCF_RESKEY_CRM_meta_promoted_max=1\n"
      "OCF_RESKEY_CRM_meta_notify_start_uname=n1 n2\nOCF_RESKEY_CRM_meta_globally_unique=true\n",
      "\x45" + std::string(19, '\0') + icmp::echo_request(icmp::Family::v4, 7, 9, "payload"),
      "22=192.0.2.7:5 3306=192.0.2.7:40112,192.0.2.8:35500",
      "3306=[2001:db8::7]:40112,[2001:db8::8]:1",
      "192.0.2.1  STREAM router\nfe80::1%eth0 DGRAM\n",
  };
  return all;
}

Environment environment_of(const std::string& text) {
  Environment env;
  for (const std::string& line : split(text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) env.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return env;
}

/// The Dummy's table with an older name in it.
const About& renamed() {
  static const About about = [] {
    About made = dummy::about_dummy();
    for (Param& p : made.params)
      if (p.name == "op_sleep") p.aliases = {"OLD_sleep", "old"};
    return made;
  }();
  return about;
}

void check_values(const About& about, const Environment& env) {
  const auto faults = Values::faults(about, env);
  for (const std::string& fault : faults) ensure(fault.starts_with("parameter '"));
  for (const std::string& notice : Values::notices(about, env)) ensure(notice.starts_with("parameter '"));
  const Values values(about, env);
  for (const Param& p : about.params) {
    static_cast<void>(values.flag(p.name));
    static_cast<void>(values.time(p.name));
    if (p.type != ParamType::integer || !values.given(p.name)) continue;
    ensure(values.number(p.name) >= p.least);
    ensure(values.number(p.name) <= p.greatest);
  }
}

void check_meta(const Environment& env) {
  const Meta meta(env);
  ensure(meta.timeout(std::chrono::seconds(1)) > Duration::zero());
  ensure(meta.interval() >= Duration::zero());
  ensure(!meta.instance().empty());
  static_cast<void>(meta.check_level());
  static_cast<void>(meta.is_promotable());
  static_cast<void>(meta.notify_nodes("promoted"));
}

void check_ping(const Environment& env) {
  const auto made = ping::settings_from(Values(ping::about, env), Meta(env), paths_from(env));
  if (!made) {
    ensure(!made.error().what.empty());
    return;
  }
  ensure(!made->hosts.empty());
  ensure(made->timeout > Duration::zero());
  ensure(made->attempts > 0);
  const auto verdict = ping::judge(*made, made->hosts.size());
  ensure(verdict.why.empty() == (verdict.code == Ocf::ok));
}

/// The list that another node left.
void check_clients(std::string_view text) {
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
    const Ip address = *parse_ip(family == IpFamily::v4 ? "192.0.2.10" : "2001:db8::10");
    auto clients = ipaddr::parse_clients(text, family);
    for (const ipaddr::Client& client : clients) ensure(ipaddr::tickle(address, client).size() >= 40);
    std::ranges::sort(clients);
    ensure(ipaddr::parse_clients(ipaddr::to_text(clients, 1 << 20).text, family) == clients);
  }
}

/// Text that got into a table stays inside its element and its line of roff.
void check_documents(std::string_view text) {
  const About about{.name = "T", .version = "1", .brief = text, .about = text, .params = {}, .actions = {}};
  const std::string xml = meta_data(about);
  ensure(std::ranges::count(xml.substr(xml.find("]>")), '<') == 12);
  static_cast<void>(help_text(about));
  static_cast<void>(manual_page(about));
}

void one_round(Dice& dice) {
  static const fuzz::Mutator mutator(samples(), {"=", "\n", "OCF_RESKEY_", "-", "%", ":", "99999999999999999999", " ",
                                                 std::string(1, '\0'), "\xff", "-I", "P", "1e9", "0x"});
  const std::string text = mutator.make(dice);
  const Environment env = environment_of(text);
  for (const About* about : {&ipaddr::about, &ping::about, &renamed()}) check_values(*about, env);
  check_meta(env);
  check_ping(env);
  check_documents(text);
  check_clients(text);
  static_cast<void>(ping::parse_options(text));
  static_cast<void>(ping::first_address(text));
  for (const bool with_header : {false, true}) {
    const auto reply = icmp::parse_echo_reply(icmp::Family::v4, with_header, text);
    ensure(!reply || reply->payload.size() + 8 <= text.size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return fuzz::hammer(argc, argv, one_round);
}
