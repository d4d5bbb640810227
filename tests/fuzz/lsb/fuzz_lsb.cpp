// SPDX-License-Identifier: GPL-2.0-or-later
// /etc/default files, LSB comment blocks, haresources' words, agents' meta-data: whatever somebody wrote is read or
// refused with its place, and what we write of it is read back the same.
#include <cstdlib>

#include "agents/lsb/assignments.hpp"
#include "agents/lsb/header.hpp"
#include "agents/lsb/positional.hpp"
#include "agents/lsb/settings.hpp"
#include "cib/xml/agent_meta_data.hpp"
#include "common/base/text.hpp"
#include "tests/fuzz/hammer.hpp"

namespace {

using namespace systole;
using namespace systole::lsb;

void assignments(Dice& dice) {
  static const fuzz::Mutator maker(
      {"# c\nOCF_AGENT=ocf:systole:IPaddr\nOCF_TIMEOUT=60s\nexport ip='192.0.2.1'\nnic=\"e\\\"th\"0\\ 1 # c\n",
       "a='it'\\''s'\nb=\"two\nlines\"\nc=one\\\nword\n"},
      {"'", "\"", "\\", "$", "`", "\n", "=", " ", "#", "\\\n", "export ", "OCF_RESKEY_", ";", std::string(1, '\0'),
       "\xff"});
  const std::string text = maker.make(dice);
  const auto read = parse_assignments(text, "f");
  if (!read) {
    if (!read.error().what.starts_with("f:")) std::abort();
    return;
  }
  std::string again;
  for (const Assignment& one : *read) again += one.name + "=" + shell_quoted(one.value) + "\n";
  const auto second = parse_assignments(again, "f");
  if (!second || second->size() != read->size()) std::abort();
  for (std::size_t i = 0; i < read->size(); ++i)
    if ((*second)[i].name != (*read)[i].name || (*second)[i].value != (*read)[i].value) std::abort();
  static_cast<void>(parse_settings(text, "f"));
}

void header(Dice& dice) {
  static const fuzz::Mutator maker({"#!/bin/sh\n" + make_header("vip", "b", "d") + "exit 0\n"},
                                   {"### BEGIN INIT INFO\n", "### END INIT INFO\n", "# Provides: a\n", "#\t\n",
                                    "#  x\n", ":", "# X-A: b\n", "\r\n", "#", "$network", "Description"});
  const std::string text = maker.make(dice);
  const ReadHeader read = read_header(text);
  if (!read.header && read.faults.empty()) std::abort();
  if (read.header && read.header->end <= read.header->begin) std::abort();
  if (read.header) static_cast<void>(facilities(*read.header, "Provides"));
}

void resource_call(Dice& dice) {
  static const fuzz::Mutator maker(
      {"IPaddr 192.0.2.1/24/eth0:1/192.0.2.255 a=b start", "Filesystem /dev/x /data ext4 a=b status"},
      {"/", ":", "=", " ", "IPaddr2 ", "a=", std::string(1, '\0')});
  std::vector<std::string> all = words(maker.make(dice));
  if (all.empty()) return;
  const std::string name = all.front();
  all.erase(all.begin());
  const auto call = parse_resource_call(name, all);
  if (call && (call->action != all.back() || call->instance.find('/') != std::string::npos)) std::abort();
}

void meta_data(Dice& dice) {
  static const fuzz::Mutator maker(
      {"<?xml version=\"1.0\"?>\n<!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\" [<!ATTLIST action name CDATA "
       "\"x\">]>\n"
       "<resource-agent name=\"A\"><version>1.1</version><shortdesc lang=\"en\">b</shortdesc><parameters>"
       "<parameter name=\"p\" required=\"1\"><content type=\"string\" default=\"d\"/></parameter></parameters>"
       "<actions><action name=\"start\" timeout=\"20s\"/></actions></resource-agent>"},
      {"<!ENTITY a \"b\">", "&a;", "<!DOCTYPE x [", "]>", "<parameter/>", "<![CDATA[", "<!ELEMENT a ANY>", "&#0;",
       "%a;"});
  const auto read = cib::parse_agent_meta_data(maker.make(dice), "m");
  if (!read && !read.error().what.starts_with("m")) std::abort();
}

void one_round(Dice& dice) {
  assignments(dice);
  header(dice);
  resource_call(dice);
  meta_data(dice);
}

}  // namespace

int main(int argc, char** argv) {
  return systole::fuzz::hammer(argc, argv, one_round);
}
