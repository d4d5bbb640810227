// SPDX-License-Identifier: GPL-2.0-or-later
// The public functions: documents in, documents out. A change works on the whole CIB (document, header and status as
// one tree, as the user sees it) and is then taken apart again: what of it is configuration, what is status, did either
// really change? The versions follow from that, and the new document is read back from its text before anyone gets it.
#include "cib/xml/cib_xml.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "cib/xml/edit.hpp"
#include "cib/xml/patch.hpp"
#include "cib/xml/reader.hpp"
#include "common/base/limits.hpp"

namespace systole::cib {

using namespace xml;

namespace {

/// Attributes of cib that say when and by whom, not what.
constexpr std::array volatile_attributes = {"admin_epoch",      "epoch",         "num_updates",
                                            "cib-last-written", "update-origin", "update-client",
                                            "update-user",      "have-quorum",   "dc-uuid"};

/// As ANSI C's asctime() writes it, which the exporter parses; in UTC, since nodes need not share a time zone.
std::string as_written(std::int64_t epoch_s) {
  using namespace std::chrono;
  static constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const sys_seconds time{seconds(epoch_s)};
  const sys_days day = floor<std::chrono::days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{} {} {:>2} {:02}:{:02}:{:02} {}", days[weekday(day).c_encoding()],
                     months[static_cast<unsigned>(date.month()) - 1], static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     static_cast<int>(date.year()));
}

/// The status section, made if it is missing.
xmlNode* status_of(xmlNode* cib) {
  xmlNode* status = child(cib, "status");
  return status != nullptr ? status : add_child(cib, "status");
}

void empty_status(xmlNode* cib) {
  xmlNode* status = status_of(cib);
  while (status->children != nullptr) remove_node(status->children);
}

Result<Tree> parse_cib(std::string_view text, std::size_t bytes_max) {
  auto tree = parse(text, bytes_max, "the CIB");
  if (!tree) return tree.error();
  if (!is_element(root_of(*tree), "cib")) {
    return Error{Errc::schema, fmt::format("the document's root is {}, not <cib>", label(root_of(*tree)))};
  }
  return tree;
}

Result<Tree> whole(std::string_view document, const Header& header, const Status& status) {
  auto tree = parse_cib(document, limits::document_bytes_max);
  if (!tree) return tree.error();
  xmlNode* cib = root_of(*tree);
  set_attribute(cib, "num_updates", std::to_string(header.num_updates));
  set_attribute(cib, "have-quorum", header.have_quorum ? "1" : "0");
  if (header.dc_uuid.empty()) {
    remove_attribute(cib, "dc-uuid");
  } else {
    set_attribute(cib, "dc-uuid", header.dc_uuid);
  }
  empty_status(cib);
  write_status(status_of(cib), status);
  return tree;
}

/// Makes the replicated document out of a whole CIB: no status, no header of the moment.
void strip(xmlNode* cib) {
  set_attribute(cib, "num_updates", "0");
  remove_attribute(cib, "have-quorum");
  remove_attribute(cib, "dc-uuid");
  empty_status(cib);
}

/// What the configuration says, without when and by whom: two equal texts are the same configuration.
std::string content_of(const Tree& tree) {
  const Tree copy = copy_of(root_of(tree));
  for (const char* name : volatile_attributes) remove_attribute(root_of(copy), name);
  empty_status(root_of(copy));
  return print(root_of(copy));
}

void set_versions(xmlNode* cib, const Version& version) {
  set_attribute(cib, "admin_epoch", std::to_string(version.admin_epoch));
  set_attribute(cib, "epoch", std::to_string(version.epoch));
  set_attribute(cib, "num_updates", std::to_string(version.num_updates));
}

void sign(xmlNode* cib, const Request& request, std::int64_t now_epoch_s) {
  set_attribute(cib, "cib-last-written", as_written(now_epoch_s));
  const std::pair<const char*, const std::string&> who[] = {
      {"update-origin", request.origin}, {"update-client", request.client}, {"update-user", request.user}};
  for (const auto& [name, value] : who) {
    if (!value.empty()) set_attribute(cib, name, value);
  }
}

struct Moved {
  bool changed = false;
  Version version;
};

/// Pacemaker's rules for versions, over what an edit left behind.
Result<Moved> next_version(const Version& before, Version after, bool content_changed, const Request& request) {
  after.num_updates = 0;
  const Version base{before.admin_epoch, before.epoch, 0};
  if (after < base) {
    return Error{Errc::old_version, fmt::format("version {}.{} is older than the current {}.{}", after.admin_epoch,
                                                after.epoch, base.admin_epoch, base.epoch)};
  }
  const bool said = after > base && request.change != Change::replace;  // the change itself names the new version
  const bool changed = content_changed || after > base || request.change == Change::bump;
  if (changed && !said) ++after.epoch;
  return Moved{changed, after};
}

}  // namespace

Result<Configuration> parse_configuration(std::string_view document) {
  auto tree = parse_cib(document, limits::message_bytes_max);
  if (!tree) return tree.error();
  return read_configuration(*tree);
}

std::string empty_document(std::string_view cluster_name) {
  const Tree tree(xmlNewDoc(reinterpret_cast<const xmlChar*>("1.0")));
  xmlNode* cib = xmlNewDocNode(tree.get(), nullptr, reinterpret_cast<const xmlChar*>("cib"), nullptr);
  xmlDocSetRootElement(tree.get(), cib);
  set_attribute(cib, "crm_feature_set", "3.16.1");
  set_attribute(cib, "validate-with", "pacemaker-3.9");
  set_attribute(cib, "epoch", "0");
  set_attribute(cib, "num_updates", "0");
  set_attribute(cib, "admin_epoch", "0");
  xmlNode* configuration = add_child(cib, "configuration");
  xmlNode* properties = add_child(configuration, "crm_config");
  for (const char* name : {"nodes", "resources", "constraints"}) add_child(configuration, name);
  if (!cluster_name.empty()) {
    xmlNode* set = add_child(properties, "cluster_property_set");
    set_attribute(set, "id", "cib-bootstrap-options");
    xmlNode* pair = add_child(set, "nvpair");
    set_attribute(pair, "id", "cib-bootstrap-options-cluster-name");
    set_attribute(pair, "name", "cluster-name");
    set_attribute(pair, "value", cluster_name);
  }
  add_child(cib, "status");
  return print(cib);
}

Result<std::string> to_document(std::string_view cib) {
  auto tree = parse_cib(cib, limits::message_bytes_max);
  if (!tree) return tree.error();
  strip(root_of(*tree));
  std::string document = print(root_of(*tree));
  if (const auto read = parse_configuration(document); !read) return read.error();
  return document;
}

Result<Status> parse_status(std::string_view cib) {
  auto tree = parse_cib(cib, limits::message_bytes_max);
  if (!tree) return tree.error();
  return read_status(child(root_of(*tree), "status"));
}

Result<StatusOrder> status_order(std::string_view cib) {
  auto tree = parse_cib(cib, limits::message_bytes_max);
  if (!tree) return tree.error();
  return read_status_order(child(root_of(*tree), "status"));
}

Result<std::string> render(std::string_view document, const Header& header, const Status& status) {
  auto tree = whole(document, header, status);
  if (!tree) return tree.error();
  return print(root_of(*tree));
}

Result<Changed> apply(std::string_view document, const Header& header, const Status& status, const Request& request,
                      std::int64_t now_epoch_s) {
  auto tree = whole(document, header, status);
  if (!tree) return tree.error();
  const std::string content_before = content_of(*tree);
  const Version version_before = version_of(root_of(*tree));
  const Status status_before = read_status(child(root_of(*tree), "status"));

  if (const auto edited = edit(*tree, request); !edited) return edited.error();

  Changed changed{std::string(document), false, {}, {}};
  xmlNode* cib = root_of(*tree);
  Status status_after = read_status(child(cib, "status"));
  if (status_after != status_before) changed.status = std::move(status_after);
  const auto next = next_version(version_before, version_of(cib), content_of(*tree) != content_before, request);
  if (!next) return next.error();
  if (!next->changed) return changed;
  strip(cib);
  set_versions(cib, next->version);
  sign(cib, request, now_epoch_s);
  changed.document = print(cib);
  changed.configuration = true;
  if (changed.document.size() > limits::document_bytes_max) {
    return Error{Errc::too_big, fmt::format("the changed CIB would have {} bytes; the limit is {}",
                                            changed.document.size(), limits::document_bytes_max)};
  }
  if (const auto read = parse_configuration(changed.document); !read) return read.error();
  return changed;
}

Result<std::string> query(std::string_view cib, std::string_view scope, std::string_view xpath, bool no_children) {
  auto tree = parse_cib(cib, limits::message_bytes_max);
  if (!tree) return tree.error();
  if (xpath.empty()) {
    xmlNode* found = is_section_name(scope) ? section(root_of(*tree), scope) : root_of(*tree);
    if (found == nullptr) return Error{Errc::not_found, fmt::format("the CIB has no section '{}'", scope)};
    return print(found, no_children);
  }
  auto found = find_xpath(*tree, xpath);
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::not_found, fmt::format("nothing in the CIB matches '{}'", xpath)};
  if (found->size() == 1) return print(found->front(), no_children);
  const Tree wrapper(xmlNewDoc(reinterpret_cast<const xmlChar*>("1.0")));
  xmlNode* all = xmlNewDocNode(wrapper.get(), nullptr, reinterpret_cast<const xmlChar*>("xpath-query"), nullptr);
  xmlDocSetRootElement(wrapper.get(), all);
  for (xmlNode* one : *found) {
    xmlNode* copy = append_copy(all, one);
    while (no_children && copy->children != nullptr) remove_node(copy->children);
  }
  return print(all);
}

Result<std::vector<std::string>> query_paths(std::string_view cib, std::string_view xpath) {
  auto tree = parse_cib(cib, limits::message_bytes_max);
  if (!tree) return tree.error();
  auto found = find_xpath(*tree, xpath);
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::not_found, fmt::format("nothing in the CIB matches '{}'", xpath)};
  std::vector<std::string> paths;
  for (const xmlNode* one : *found) paths.push_back(path_of(one));
  return paths;
}

Result<std::string> diff(std::string_view from, std::string_view to, bool with_versions) {
  auto old_tree = parse_cib(from, limits::message_bytes_max);
  if (!old_tree) return old_tree.error();
  auto new_tree = parse_cib(to, limits::message_bytes_max);
  if (!new_tree) return new_tree.error();
  const Tree patch = make_patch(root_of(*old_tree), root_of(*new_tree), with_versions);
  return patch == nullptr ? std::string() : print(root_of(patch));
}

}  // namespace systole::cib
