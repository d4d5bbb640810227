// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_setup_cib.hpp.
#include "tools/agent/mysql_setup_cib.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.hpp"
#include "tools/xml_bits.hpp"

namespace systole::tools {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct Operation {
  std::string_view name, interval, timeout, role;
};

std::string operations_xml(std::string_view resource, const std::vector<Operation>& operations) {
  std::string text = "<operations>";
  for (const Operation& each : operations) {
    const std::string_view suffix = each.role == "Promoted" ? "-promoted" : "";
    text += fmt::format(R"(<op id="{}-{}{}" name="{}" interval="{}" timeout="{}")", resource, each.name, suffix,
                        each.name, each.interval, each.timeout);
    text += each.role.empty() ? "/>" : fmt::format(R"( role="{}"/>)", each.role);
  }
  return text + "</operations>";
}

struct Pair {
  std::string_view suffix, name, value;
};

std::string pairs_xml(std::string_view element, std::string_view id, const std::vector<Pair>& pairs) {
  std::string text = fmt::format(R"(<{} id="{}">)", element, id);
  for (const Pair& each : pairs)
    text +=
        fmt::format(R"(<nvpair id="{}-{}" name="{}" value="{}"/>)", id, each.suffix, each.name, escape_xml(each.value));
  return text + fmt::format("</{}>", element);
}

std::string database_xml(const SetupNames& names, unsigned extra_port) {
  const std::string credentials = names.credentials_file(), port = std::to_string(extra_port);
  std::vector<Pair> parameters{{"credentials", "credentials", credentials}};
  if (extra_port != 0) parameters.push_back({"extra-port", "extra_port", port});
  return fmt::format(R"(<clone id="{}">)", names.clone()) +
         pairs_xml("meta_attributes", names.clone() + "-meta",
                   {{"promotable", "promotable", "true"},
                    {"notify", "notify", "true"},
                    {"promoted-max", "promoted-max", "1"},
                    {"clone-max", "clone-max", "1"},
                    {"stickiness", "resource-stickiness", "100"},
                    {"failure-timeout", "failure-timeout", "60s"}}) +
         fmt::format(R"(<primitive id="{}" class="ocf" provider="systole" type="mysql">)", names.resource) +
         pairs_xml("instance_attributes", names.resource + "-params", parameters) +
         operations_xml(names.resource, {{"start", "0", "120s", ""},
                                         {"stop", "0", "120s", ""},
                                         {"promote", "0", "120s", ""},
                                         {"demote", "0", "120s", ""},
                                         {"notify", "0", "90s", ""},
                                         {"monitor", "1s", "30s", "Promoted"},
                                         {"monitor", "2s", "30s", "Unpromoted"}}) +
         "</primitive></clone>";
}

std::string address_xml(const SetupNames& names, const WantedAddress& address) {
  const std::string prefix = address.prefix ? std::to_string(*address.prefix) : std::string{};
  std::vector<Pair> pairs{{"ip", "ip", address.ip}};
  if (!prefix.empty()) pairs.push_back({"mask", "cidr_netmask", prefix});
  if (!address.nic.empty()) pairs.push_back({"nic", "nic", address.nic});
  return fmt::format(R"(<primitive id="{}" class="ocf" provider="systole" type="IPaddr">)", names.vip()) +
         pairs_xml("instance_attributes", names.vip() + "-params", pairs) +
         operations_xml(names.vip(),
                        {{"start", "0", "20s", ""}, {"stop", "0", "20s", ""}, {"monitor", "2s", "20s", ""}}) +
         "</primitive>";
}

std::string colocation_id(const SetupNames& names) {
  return names.vip() + "-with-" + names.resource;
}
std::string order_id(const SetupNames& names) {
  return names.resource + "-before-" + names.vip();
}
std::string location_id(const SetupNames& names) {
  return names.resource + "-databases";
}
std::string clone_max_id(const SetupNames& names) {
  return names.clone() + "-meta-clone-max";
}

/// The clone does not run on nodes that are none of those that the rule names.
std::string expression_xml(const SetupNames& names, std::string_view node) {
  return fmt::format(R"(<expression id="{}" attribute="#uname" operation="ne" value="{}"/>)", names.expression(node),
                     escape_xml(node));
}

/// From the start tag of this id to the end tag of its element; "": there is none.
std::string_view element_of(std::string_view xml, std::string_view tag, std::string_view id) {
  const std::size_t begin = xml.find(fmt::format(R"(<{} id="{}")", tag, id));
  if (begin == std::string_view::npos) return {};
  const std::size_t end = xml.find(fmt::format("</{}>", tag), begin);
  return end == std::string_view::npos ? std::string_view{} : xml.substr(begin, end - begin);
}

std::string property(std::string_view cib, std::string_view name, std::string_view otherwise) {
  for (const Nvpair& each : find_nvpairs(cib))
    if (each.name == name) return each.value;
  return std::string(otherwise);
}

}  // namespace

std::string SetupNames::expression(std::string_view node) const {
  return fmt::format("{}-databases-{}", resource, safe_id(node));
}

bool is_database_name(std::string_view text) {
  return !text.empty() && text.size() <= 40 && is_letter(text.front()) && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

std::optional<WantedAddress> parse_wanted_address(std::string_view text) {
  const std::size_t slash = text.find('/');
  WantedAddress wanted{.ip = std::string(text.substr(0, slash))};
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const bool four = ::inet_pton(AF_INET, wanted.ip.c_str(), bytes.data()) == 1;
  if (!four && ::inet_pton(AF_INET6, wanted.ip.c_str(), bytes.data()) != 1) return {};
  if (slash == std::string_view::npos) return wanted;
  wanted.prefix = parse_int<unsigned>(text.substr(slash + 1));
  if (!wanted.prefix || *wanted.prefix < 1 || *wanted.prefix > (four ? 32U : 128U)) return {};
  return wanted;
}

std::string instances_xml(const SetupNames& names, std::size_t instances) {
  return fmt::format(
      R"(<configuration><resources><clone id="{0}"><meta_attributes id="{0}-meta"><nvpair id="{1}" name="clone-max" )"
      R"(value="{2}"/></meta_attributes></clone></resources></configuration>)",
      names.clone(), clone_max_id(names), instances);
}

std::string joined_xml(const SetupNames& names, std::string_view node, std::size_t instances) {
  std::string text = instances_xml(names, instances);
  constexpr std::string_view end = "</configuration>";
  return text.insert(text.size() - end.size(),
                     fmt::format(R"(<constraints><rsc_location id="{}"><rule id="{}">{}</rule></rsc_location>)"
                                 R"(</constraints>)",
                                 location_id(names), names.rule(), expression_xml(names, node)));
}

std::string setup_xml(const SetupNames& names, std::string_view node, const std::optional<WantedAddress>& address,
                      unsigned extra_port) {
  std::string text = "<configuration><resources>" + database_xml(names, extra_port);
  if (address) text += address_xml(names, *address);
  text += fmt::format(R"(</resources><constraints><rsc_location id="{}" rsc="{}" )"
                      R"(resource-discovery="never"><rule id="{}" score="-INFINITY" )"
                      R"(boolean-op="and">{}</rule></rsc_location>)",
                      location_id(names), names.clone(), names.rule(), expression_xml(names, node));
  if (address)
    text += fmt::format(R"(<rsc_colocation id="{}" rsc="{}" with-rsc="{}" with-rsc-role="Promoted" score="INFINITY"/>)"
                        R"(<rsc_order id="{}" first="{}" first-action="promote" then="{}" then-action="start"/>)",
                        colocation_id(names), names.vip(), names.clone(), order_id(names), names.clone(), names.vip());
  return text + "</constraints></configuration>";
}

std::string setup_xpath(const SetupNames& names, bool with_address) {
  std::vector<std::string> ids{location_id(names), names.clone()};
  if (with_address) ids.insert(ids.end(), {names.vip(), order_id(names), colocation_id(names)});
  for (std::string& id : ids) id = fmt::format("@id='{}'", id);
  return fmt::format("//*[{}]", join(ids, " or "));
}

CibFacts read_cib(std::string_view cib, const SetupNames& names) {
  CibFacts facts;
  const std::string_view configuration = cib.substr(0, cib.find("</configuration>"));
  facts.nodes = find_attributes(configuration, "node", "uname");
  facts.ids = find_attributes(configuration, "node", "id");
  const std::string_view primitive = element_of(configuration, "primitive", names.resource);
  const std::string_view rule = element_of(configuration, "rule", names.rule());
  facts.resource = !rule.empty() && find_attribute(primitive, "primitive", "provider") == "systole" &&
                   find_attribute(primitive, "primitive", "type") == "mysql" &&
                   property(primitive, "credentials", "") == names.credentials_file();
  facts.databases = find_attributes(rule, "expression", "value");
  if (!facts.resource)
    for (const std::string& id : {names.resource, names.clone(), names.vip(), location_id(names)})
      if (configuration.find(fmt::format(R"( id="{}")", id)) != std::string_view::npos) facts.taken.push_back(id);
  facts.fencing_expected = parse_bool(property(configuration, "stonith-enabled", "true")).value_or(true);
  for (const std::string& one : find_attributes(configuration, "primitive", "class"))
    facts.fencing = facts.fencing || one == "stonith";
  return facts;
}

std::vector<SetupFailure> failures_of(std::string_view cib, const SetupNames& names) {
  std::vector<SetupFailure> all;
  for (const std::string& id : {names.resource, names.resource + ":0", names.vip()}) {
    std::string_view rest = cib;
    for (;;) {
      const std::string_view history = element_of(rest, "lrm_resource", id);
      if (history.empty()) break;
      const auto codes = find_attributes(history, "lrm_rsc_op", "rc-code");
      const auto operations = find_attributes(history, "lrm_rsc_op", "operation");
      const auto reasons = find_attributes(history, "lrm_rsc_op", "exit-reason");
      for (std::size_t i = 0; i < codes.size(); ++i)
        if (!reasons[i].empty() && codes[i] != "0" && codes[i] != "7" && codes[i] != "8")
          all.push_back({operations[i], reasons[i], codes[i] == "5" || codes[i] == "6"});
      rest = rest.substr(static_cast<std::size_t>(history.data() - rest.data()) + history.size());
    }
  }
  return all;
}

}  // namespace systole::tools
