// SPDX-License-Identifier: GPL-2.0-or-later
// A story as a Pacemaker CIB, so that `crm_simulate -x` can be asked the same question (golden_scheduler writes the
// files when SYSTOLE_CASES_XML names a folder).
#include <fmt/format.h>

#include "tests/golden/scheduler/story.hpp"

namespace systole::scheduler::testing {

namespace {

using cib::Pairs;

std::string pairs(const std::vector<cib::AttributeSet>& sets, const char* element) {
  std::string text;
  for (const cib::AttributeSet& set : sets) {
    text += fmt::format("<{} id=\"{}\">", element, set.id);
    for (const auto& [name, value] : set.pairs) {
      text += fmt::format("<nvpair id=\"{0}-{1}\" name=\"{1}\" value=\"{2}\"/>", set.id, name, value);
    }
    text += fmt::format("</{}>\n", element);
  }
  return text;
}

std::string primitive(const cib::Primitive& primitive) {
  std::string text = fmt::format("<primitive id=\"{}\" class=\"{}\" type=\"{}\"", primitive.id.value,
                                 primitive.standard, primitive.type);
  if (!primitive.provider.empty()) text += fmt::format(" provider=\"{}\"", primitive.provider);
  text += ">" + pairs(primitive.meta, "meta_attributes") + pairs(primitive.instance, "instance_attributes");
  text += "<operations>";
  for (const cib::Operation& operation : primitive.operations) {
    text += fmt::format("<op id=\"{}\" name=\"{}\" interval=\"{}ms\"", operation.id, operation.name,
                        to_ms(operation.interval));
    for (const auto& [name, value] : operation.attributes) text += fmt::format(" {}=\"{}\"", name, value);
    text += "/>";
  }
  return text + "</operations></primitive>\n";
}

std::string group(const cib::Group& group) {
  std::string text = fmt::format("<group id=\"{}\">", group.id.value) + pairs(group.meta, "meta_attributes");
  for (const auto& member : group.members) text += primitive(member);
  return text + "</group>\n";
}

std::string resource(const cib::Resource& resource) {
  if (const auto* single = std::get_if<cib::Primitive>(&resource)) return primitive(*single);
  if (const auto* several = std::get_if<cib::Group>(&resource)) return group(*several);
  const auto& clone = std::get<cib::Clone>(resource);
  std::string text = fmt::format("<clone id=\"{}\">", clone.id.value) + pairs(clone.meta, "meta_attributes");
  if (const auto* single = std::get_if<cib::Primitive>(&clone.child)) text += primitive(*single);
  if (const auto* several = std::get_if<cib::Group>(&clone.child)) text += group(*several);
  return text + "</clone>\n";
}

std::string location(const cib::Location& location) {
  std::string text = fmt::format("<rsc_location id=\"{}\" rsc=\"{}\"", location.id, location.resource.value);
  if (location.rules.empty()) {
    if (!location.role.empty()) text += fmt::format(" role=\"{}\"", location.role);
    return text + fmt::format(" node=\"{}\" score=\"{}\"/>\n", location.node.value, to_string(location.score));
  }
  static const char* const compares[] = {"lt", "gt", "lte", "gte", "eq", "ne", "defined", "not_defined"};
  text += ">";
  for (const cib::Rule& rule : location.rules) {
    text += fmt::format("<rule id=\"{}\" score=\"{}\"", rule.id, to_string(rule.score));
    if (!rule.role.empty()) text += fmt::format(" role=\"{}\"", rule.role);
    text += ">";
    for (const cib::Expression& expression : rule.expressions) {
      text += fmt::format("<expression id=\"{}\" attribute=\"{}\" operation=\"{}\"", expression.id,
                          expression.attribute, compares[int(expression.operation)]);
      if (!expression.value.empty()) text += fmt::format(" value=\"{}\"", expression.value);
      text += "/>";
    }
    text += "</rule>";
  }
  return text + "</rsc_location>\n";
}

std::string sets(const std::vector<cib::ResourceSet>& sets) {
  std::string text;
  for (const auto& set : sets) {
    text += fmt::format("<resource_set id=\"{}\" require-all=\"{}\"", set.id, set.require_all);
    if (set.sequential) text += fmt::format(" sequential=\"{}\"", *set.sequential);
    text += ">";
    for (const auto& member : set.members) text += fmt::format("<resource_ref id=\"{}\"/>", member.value);
    text += "</resource_set>";
  }
  return text;
}

std::string constraints(const cib::Configuration& configuration) {
  std::string text = "<constraints>";
  for (const auto& each : configuration.locations) text += location(each);
  for (const auto& each : configuration.colocations) {
    if (!each.sets.empty()) {
      text += fmt::format("<rsc_colocation id=\"{}\" score=\"{}\">{}</rsc_colocation>\n", each.id,
                          to_string(each.score), sets(each.sets));
      continue;
    }
    text += fmt::format("<rsc_colocation id=\"{}\" rsc=\"{}\" with-rsc=\"{}\" score=\"{}\"", each.id,
                        each.resource.value, each.with.value, to_string(each.score));
    if (!each.resource_role.empty()) text += fmt::format(" rsc-role=\"{}\"", each.resource_role);
    if (!each.with_role.empty()) text += fmt::format(" with-rsc-role=\"{}\"", each.with_role);
    text += "/>\n";
  }
  static const char* const kinds[] = {"Mandatory", "Optional", "Serialize"};
  for (const auto& each : configuration.orders) {
    if (!each.sets.empty()) {
      text += fmt::format("<rsc_order id=\"{}\" kind=\"{}\">{}</rsc_order>\n", each.id, kinds[int(each.kind)],
                          sets(each.sets));
      continue;
    }
    text += fmt::format(
        "<rsc_order id=\"{}\" first=\"{}\" then=\"{}\" first-action=\"{}\" then-action=\"{}\" "
        "kind=\"{}\" symmetrical=\"{}\"/>\n",
        each.id, each.first.value, each.then.value, each.first_action, each.then_action, kinds[int(each.kind)],
        each.symmetrical);
  }
  return text + "</constraints>";
}

std::string digests(const cib::Digests& with) {
  std::string text;
  if (!with.all.empty()) text += fmt::format(" op-digest=\"{}\"", with.all);
  if (!with.restart.empty())
    text += fmt::format(" op-restart-digest=\"{}\" op-force-restart=\"{}\"", with.restart, with.restart_only);
  return text;
}

std::string entry(const std::string& key, const cib::OperationResult& result) {
  const std::string uuid = "00000000-0000-0000-0000-000000000000";
  return fmt::format(
      "<lrm_rsc_op id=\"{0}_{1}\" operation_key=\"{0}_{2}_{3}\" operation=\"{2}\" crm_feature_set=\"3.16.1\" "
      "transition-key=\"1:1:{4}:{5}\" transition-magic=\"{6}:{7};1:1:{4}:{5}\" call-id=\"{8}\" rc-code=\"{7}\" "
      "op-status=\"{6}\" interval=\"{3}\" last-rc-change=\"{9}\" exec-time=\"1\" queue-time=\"0\"{10}/>\n",
      result.resource.value, key, result.operation, to_ms(result.interval), result.expected_rc, uuid,
      int(result.status), result.rc, result.status == cib::OpStatus::pending ? -1 : result.call_id,
      result.last_rc_change, digests(result.digests));
}

std::string node_state(const cib::NodeState& node) {
  std::string text =
      fmt::format("<node_state id=\"{}\" uname=\"{}\" in_ccm=\"{}\" crmd=\"{}\" join=\"{}\" expected=\"{}\">", node.id,
                  node.uname.value, node.member, node.online ? "online" : "offline", node.join, node.expected);
  text += fmt::format("<transient_attributes id=\"{0}\"><instance_attributes id=\"status-{0}\">", node.id);
  int count = 0;
  for (const auto& [name, value] : node.transient) {
    text += fmt::format("<nvpair id=\"status-{}-{}\" name=\"{}\" value=\"{}\"/>", node.id, ++count, name, value);
  }
  text += fmt::format("</instance_attributes></transient_attributes><lrm id=\"{}\"><lrm_resources>", node.id);
  for (const auto& [id, history] : node.history) {
    text += fmt::format("<lrm_resource id=\"{}\" class=\"{}\" provider=\"{}\" type=\"{}\">", id.value, history.standard,
                        history.provider, history.type);
    for (const auto& [key, result] : history.entries) text += entry(key, result);
    text += "</lrm_resource>";
  }
  return text + "</lrm_resources></lrm></node_state>\n";
}

}  // namespace

std::string to_xml(const Story& story) {
  const cib::Configuration& configuration = story.configuration;
  std::string text = fmt::format(
      "<cib validate-with=\"pacemaker-3.9\" crm_feature_set=\"3.16.1\" epoch=\"1\" num_updates=\"0\" admin_epoch=\"0\" "
      "have-quorum=\"{}\" dc-uuid=\"1\" execution-date=\"{}\"><configuration>\n<crm_config>",
      story.quorate ? 1 : 0, story.epoch_s);
  text += pairs(configuration.cluster_properties, "cluster_property_set") + "</crm_config><nodes>";
  for (const cib::Node& node : configuration.nodes) {
    text += fmt::format("<node id=\"{}\" uname=\"{}\">", node.id, node.uname.value);
    text += pairs(node.attributes, "instance_attributes") + "</node>\n";
  }
  text += "</nodes><resources>\n";
  for (const auto& each : configuration.resources) text += resource(each);
  text += "</resources>" + constraints(configuration);
  text += "<rsc_defaults>" + pairs(configuration.resource_defaults, "meta_attributes") + "</rsc_defaults>";
  text += "<op_defaults>" + pairs(configuration.operation_defaults, "meta_attributes") + "</op_defaults>";
  text += "</configuration><status>\n";
  for (const auto& [name, node] : story.status.nodes) text += node_state(node);
  return text + "</status></cib>\n";
}

}  // namespace systole::scheduler::testing
