// SPDX-License-Identifier: GPL-2.0-or-later
// -C, -M, -R, -D, -P, -B and --upgrade. How fragments find their place was observed on Pacemaker 2.1.5's cibadmin with
// CIB_file; three things are better here on purpose: --xpath is honoured by -C, a replaced element keeps its place, and
// a missing rsc_defaults or op_defaults section is made when something is created in it.
#include "cib/xml/edit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cib/xml/patch.hpp"
#include "cib/xml/reader.hpp"
#include "common/base/limits.hpp"
#include "common/base/score.hpp"
#include "common/base/text.hpp"

namespace systole::cib::xml {

namespace {

/// Sections and the like: containers that are named by their tag alone.
bool is_container(const xmlNode* element) {
  const std::string_view tag = tag_of(element);
  return tag == "cib" || (!tag.empty() && is_section_name(tag));
}

std::string describe(const Request& request) {
  if (!request.xpath.empty()) return fmt::format("'{}'", request.xpath);
  return request.scope.empty() ? "the CIB" : fmt::format("section '{}'", request.scope);
}

/// "value++" and "value+=3" in an attribute named value add to what is there, as Pacemaker's modify does.
std::string expanded(const xmlNode* target, const std::string& name, const std::string& value) {
  if (!value.starts_with(name)) return value;
  const std::string_view rest = std::string_view(value).substr(name.size());
  const bool one = rest == "++";
  const auto step = rest.starts_with("+=") ? parse_score(rest.substr(2)) : std::nullopt;
  if (!one && !step) return value;
  const Score old = parse_score(text_of(target, name.c_str())).value_or(Score{});
  return to_string(old + (one ? Score{1} : *step));
}

/// A child of the same tag and id; without id in the pattern, the first of that tag.
xmlNode* counterpart(const xmlNode* parent, const xmlNode* pattern) {
  const auto id = attribute(pattern, "id");
  for (xmlNode* node : elements(parent, tag_of(pattern))) {
    if (!id || attribute(node, "id") == id) return node;
  }
  return nullptr;
}

/// The first element at or under top for which the test holds, in document order.
template <class Test>
xmlNode* search(xmlNode* top, const Test& test) {
  if (test(top)) return top;
  for (xmlNode* inner : elements(top)) {
    if (xmlNode* found = search(inner, test); found != nullptr) return found;
  }
  return nullptr;
}

xmlNode* search_like(xmlNode* top, const xmlNode* pattern) {
  const auto id = attribute(pattern, "id");
  return search(top, [&](const xmlNode* node) {
    return tag_of(node) == tag_of(pattern) && (!id || attribute(node, "id") == id);
  });
}

/// Copies the pattern's attributes and merges its children into the target.
void merge(xmlNode* target, const xmlNode* pattern) {
  for (const auto& [name, value] : attributes(pattern)) {
    set_attribute(target, name.c_str(), expanded(target, name, value));
  }
  for (xmlNode* inner : elements(pattern)) {
    if (xmlNode* existing = counterpart(target, inner); existing != nullptr) {
      merge(existing, inner);
    } else {
      append_copy(target, inner);
    }
  }
}

Error no_match(const Request& request, const xmlNode* fragment = nullptr) {
  if (fragment == nullptr) return {Errc::not_found, fmt::format("nothing matches {}", describe(request))};
  return {Errc::not_found, fmt::format("{} has no {}", describe(request), label(fragment))};
}

class Editor {
 public:
  Editor(Tree& tree, const Request& request) : tree_(tree), request_(request) {}

  Result<void> run() {
    switch (request_.change) {
      case Change::create:
        return with_fragment(&Editor::create);
      case Change::modify:
        return with_fragment(&Editor::modify);
      case Change::replace:
        return with_fragment(&Editor::replace);
      case Change::patch:
        return with_fragment(&Editor::patch);
      case Change::erase:
        return request_.xpath.empty() ? with_fragment(&Editor::erase) : erase_matches();
      case Change::bump:
        return {};
      case Change::upgrade:
        set_attribute(root(), "validate-with", "pacemaker-3.9");
        return {};
    }
    return {};
  }

 private:
  xmlNode* root() const { return root_of(tree_); }

  Result<void> with_fragment(Result<void> (Editor::*edit)(xmlNode*)) {
    auto fragment = parse(request_.xml, limits::message_bytes_max,
                          request_.change == Change::patch ? "the patch" : "the given XML");
    if (!fragment) return fragment.error();
    return (this->*edit)(root_of(*fragment));
  }

  bool names_no_section() const { return request_.xpath.empty() && !is_section_name(request_.scope); }
  Error no_section() const { return {Errc::schema, fmt::format("a CIB has no section '{}'", request_.scope)}; }

  /// The element that --xpath or the scope names; a scope that is no section's name means the whole CIB, as in a query.
  Result<xmlNode*> place(bool make_section = false) {
    if (names_no_section()) return root();
    if (request_.xpath.empty()) {
      xmlNode* found = section(root(), request_.scope, make_section);
      if (found == nullptr) return no_match(request_);
      return found;
    }
    auto found = find_xpath(tree_, request_.xpath);
    if (!found) return found.error();
    if (found->empty()) return no_match(request_);
    return found->front();
  }

  Result<void> create(xmlNode* fragment) {
    const bool whole = request_.xpath.empty() && is_container(fragment);
    if (whole && (request_.scope.empty() || tag_of(fragment) == "cib")) {
      if (tag_of(fragment) == "cib") return create_inside(root(), fragment);
      xmlNode* target = section(root(), tag_of(fragment), true);
      if (target == nullptr) return no_match(request_, fragment);
      return create_inside(target, fragment);
    }
    if (request_.scope.empty() && request_.xpath.empty()) {
      return Error{
          Errc::not_found,
          fmt::format("where shall {} be created? Name the section (-o) or an element (--xpath)", label(fragment))};
    }
    if (names_no_section()) return no_section();
    auto target = place(true);
    if (!target) return target.error();
    if (whole && tag_of(fragment) == tag_of(*target)) return create_inside(*target, fragment);
    return create_one(*target, fragment);
  }

  /// The fragment is a container that exists: its children are what is new.
  Result<void> create_inside(xmlNode* target, xmlNode* fragment) {
    for (xmlNode* inner : elements(fragment)) {
      const auto done = create_one(target, inner);
      if (!done) return done.error();
    }
    return {};
  }

  Result<void> create_one(xmlNode* target, xmlNode* fragment) {
    xmlNode* existing = counterpart(target, fragment);
    if (existing != nullptr && is_container(fragment)) return create_inside(existing, fragment);
    if (existing != nullptr && attribute(fragment, "id")) {
      return Error{Errc::exists, fmt::format("{} exists already: {}", label(fragment), path_of(existing))};
    }
    append_copy(target, fragment);
    return {};
  }

  Result<void> modify(xmlNode* fragment) {
    auto top = place(request_.allow_create);
    if (!top) return top.error();
    xmlNode* target = request_.xpath.empty() || tag_of(fragment) != tag_of(*top) ? search_like(*top, fragment) : *top;
    if (target != nullptr) {
      merge(target, fragment);
      return {};
    }
    if (!request_.allow_create || (request_.scope.empty() && request_.xpath.empty()))
      return no_match(request_, fragment);
    if (names_no_section()) return no_section();
    append_copy(*top, fragment);
    return {};
  }

  Result<void> replace(xmlNode* fragment) {
    if (is_element(fragment, "cib")) return replace_all(fragment);
    auto top = place(is_container(fragment));
    if (!top) return top.error();
    xmlNode* target = request_.xpath.empty() ? search_like(*top, fragment) : *top;
    if (target == nullptr) return no_match(request_, fragment);
    if (target == root())
      return Error{Errc::invalid, fmt::format("{} cannot take the place of <cib>", label(fragment))};
    xmlNode* copy = clone_for(target, fragment);
    xmlReplaceNode(target, copy);
    xmlFreeNode(target);
    return {};
  }

  /// A whole CIB: the configuration and the header are taken; the live status stays, since a saved copy of it would
  /// make the cluster believe in the past.
  Result<void> replace_all(xmlNode* fragment) {
    if (!request_.xpath.empty()) return Error{Errc::schema, "a whole <cib> goes into no --xpath"};
    const Version given = version_of(fragment), current = version_of(root());
    if (given < current) {
      return Error{
          Errc::old_version,
          fmt::format("the given CIB is version {}.{}.{}, older than the current {}.{}.{}; read it anew and edit that",
                      given.admin_epoch, given.epoch, given.num_updates, current.admin_epoch, current.epoch,
                      current.num_updates)};
    }
    Tree fresh = copy_of(fragment);
    for (const char* name : {"validate-with", "crm_feature_set"}) {
      const auto old = attribute(root(), name);
      if (old && !attribute(root_of(fresh), name)) set_attribute(root_of(fresh), name, *old);
    }
    if (xmlNode* stale = child(root_of(fresh), "status"); stale != nullptr) remove_node(stale);
    append_copy(root_of(fresh), child(root(), "status"));
    tree_ = std::move(fresh);
    return {};
  }

  Result<void> erase(xmlNode* fragment) {
    auto top = place();
    if (!top) return top.error();
    const auto given = attributes(fragment);
    xmlNode* target = search(*top, [&](const xmlNode* node) {
      return tag_of(node) == tag_of(fragment) && std::ranges::all_of(given, [&](const auto& one) {
               return attribute(node, one.first.c_str()) == one.second;
             });
    });
    return target == nullptr ? Result<void>() : take_out(target);  // what is not there is deleted well enough
  }

  Result<void> erase_matches() {
    auto found = find_xpath(tree_, request_.xpath);
    if (!found) return found.error();
    if (!request_.all_matches && found->size() > 1) found->resize(1);
    // Backwards: a match inside another match goes first.
    for (auto it = found->rbegin(); it != found->rend(); ++it) {
      if (const auto done = take_out(*it); !done) return done.error();
    }
    return {};
  }

  Result<void> take_out(xmlNode* target) {
    if (target == root())
      return Error{Errc::invalid, "the whole CIB cannot be deleted; replace it, or erase its sections"};
    remove_node(target);
    return {};
  }

  Result<void> patch(xmlNode* diff) {
    if (const xmlNode* version = child(diff, "version"); version != nullptr) {
      const Version source = version_of(child(version, "source")), target = version_of(child(version, "target"));
      const Version current = version_of(root());
      if (source != current || target <= source) {
        return Error{source > current ? Errc::refused : Errc::old_version,
                     fmt::format("the patch leads from version {}.{}.{} to {}.{}.{}, but the CIB is at {}.{}.{}",
                                 source.admin_epoch, source.epoch, source.num_updates, target.admin_epoch, target.epoch,
                                 target.num_updates, current.admin_epoch, current.epoch, current.num_updates)};
      }
    }
    return apply_patch(tree_, diff);
  }

  Tree& tree_;
  const Request& request_;
};

}  // namespace

Result<void> edit(Tree& tree, const Request& request) {
  return Editor(tree, request).run();
}

}  // namespace systole::cib::xml
