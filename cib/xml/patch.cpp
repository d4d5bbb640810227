// SPDX-License-Identifier: GPL-2.0-or-later
// Comparing two trees, and applying what came of it. Children are the same when tag and id are; without id, the n-th of
// a tag is the n-th of that tag. What paths cannot name (text in between, several children of one tag without ids that
// differ) is expressed by replacing the whole parent.
#include "cib/xml/patch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/base/text.hpp"

namespace systole::cib::xml {

namespace {

constexpr const char* version_names[] = {"admin_epoch", "epoch", "num_updates"};

std::vector<xmlNode*> all_children(const xmlNode* parent) {
  std::vector<xmlNode*> found;
  for (xmlNode* node = parent->children; node != nullptr; node = node->next) found.push_back(node);
  return found;
}

/// What makes two children of matched parents the same: tag and id, or a comment's words.
std::string key_of(const xmlNode* node) {
  if (node->type == XML_COMMENT_NODE) {
    return fmt::format("!{}", node->content == nullptr ? "" : reinterpret_cast<const char*>(node->content));
  }
  const auto id = attribute(node, "id");
  return fmt::format("{}{}{}", tag_of(node), id ? "#" : "", id.value_or(""));
}

/// Another order of attributes is no difference.
std::vector<std::pair<std::string, std::string>> sorted_attributes(const xmlNode* element) {
  auto found = attributes(element);
  std::ranges::sort(found);
  return found;
}

bool same(xmlNode* a, xmlNode* b) {
  return print(a) == print(b);
}

/// Paths can name every child: elements with keys of their own and comments, nothing else.
bool nameable(const xmlNode* parent) {
  std::set<std::string> keys;
  for (const xmlNode* node : all_children(parent)) {
    if (node->type == XML_COMMENT_NODE) continue;
    if (!is_element(node) || !keys.insert(key_of(node)).second) return false;
  }
  return true;
}

std::int64_t position_of(const xmlNode* node) {
  std::int64_t position = 0;
  for (const xmlNode* before = node->prev; before != nullptr; before = before->prev) ++position;
  return position;
}

class Maker {
 public:
  explicit Maker(xmlNode* diff) : diff_(diff) {}

  void compare(xmlNode* from, xmlNode* to) {
    find(from, to);
    // Comments are found by position: they go first, and from the back, so that no deletion shifts the next one.
    std::ranges::stable_partition(deleted_, [](const xmlNode* node) { return !is_element(node); });
    const auto elements_begin = std::ranges::find_if(deleted_, [](const xmlNode* node) { return is_element(node); });
    std::stable_sort(deleted_.begin(), elements_begin,
                     [](const xmlNode* a, const xmlNode* b) { return position_of(a) > position_of(b); });
    for (xmlNode* node : deleted_) write_delete(node);
    for (const Step& step : steps_) write(step);
  }

 private:
  enum class Kind { create, modify, move };
  struct Step {
    Kind kind;
    xmlNode* from;  // nullptr for create
    xmlNode* to;
  };

  void find(xmlNode* from, xmlNode* to) {
    if (sorted_attributes(from) != sorted_attributes(to)) steps_.push_back({Kind::modify, from, to});
    const auto old_children = all_children(from), new_children = all_children(to);
    std::multimap<std::string, xmlNode*> waiting;
    for (xmlNode* node : old_children) waiting.emplace(key_of(node), node);
    std::map<xmlNode*, xmlNode*> partner;  // new → old, and old → new
    for (xmlNode* node : new_children) {
      const auto found = waiting.find(key_of(node));
      if (found == waiting.end() || must_be_replaced(found->second, node)) continue;
      partner[node] = found->second;
      partner[found->second] = node;
      waiting.erase(found);
    }
    std::vector<xmlNode*> order;  // how the list stands while the steps are taken, as new nodes
    for (xmlNode* node : old_children) {
      if (const auto found = partner.find(node); found != partner.end()) {
        order.push_back(found->second);
      } else {
        deleted_.push_back(node);
      }
    }
    for (std::size_t i = 0; i < new_children.size(); ++i) {
      xmlNode* node = new_children[i];
      const auto at = order.begin() + static_cast<std::ptrdiff_t>(std::min(i, order.size()));
      const auto old = partner.find(node);
      if (old == partner.end()) {
        steps_.push_back({Kind::create, nullptr, node});
        order.insert(at, node);
        continue;
      }
      if (is_element(node)) find(old->second, node);
      if (at != order.end() && *at == node) continue;
      std::erase(order, node);
      if (!is_element(node)) {  // a comment has no path by which it could be moved
        deleted_.push_back(old->second);
        steps_.push_back({Kind::create, nullptr, node});
        order.insert(order.begin() + static_cast<std::ptrdiff_t>(std::min(i, order.size())), node);
        continue;
      }
      order.insert(order.begin() + static_cast<std::ptrdiff_t>(std::min(i, order.size())), node);
      steps_.push_back({Kind::move, old->second, node});
    }
  }

  static bool must_be_replaced(xmlNode* from, xmlNode* to) {
    return is_element(from) && (!nameable(from) || !nameable(to)) && !same(from, to);
  }

  xmlNode* add_change(const char* operation, const std::string& path) {
    xmlNode* change = add_child(diff_, "change");
    set_attribute(change, "operation", operation);
    set_attribute(change, "path", path);
    return change;
  }

  void write_delete(const xmlNode* node) {
    xmlNode* change = add_change("delete", path_of(node));
    if (node->type == XML_COMMENT_NODE) set_attribute(change, "position", std::to_string(position_of(node)));
  }

  void write(const Step& step) {
    switch (step.kind) {
      case Kind::create: {
        xmlNode* change = add_change("create", path_of(step.to->parent));
        set_attribute(change, "position", std::to_string(position_of(step.to)));
        append_copy(change, step.to);
        return;
      }
      case Kind::move:
        set_attribute(add_change("move", path_of(step.to)), "position", std::to_string(position_of(step.to)));
        return;
      case Kind::modify:
        write_modify(step);
        return;
    }
  }

  void write_modify(const Step& step) {
    xmlNode* change = add_change("modify", path_of(step.to));
    xmlNode* list = add_child(change, "change-list");
    const auto add = [&](const std::string& name, const char* operation) {
      xmlNode* one = add_child(list, "change-attr");
      set_attribute(one, "name", name);
      set_attribute(one, "operation", operation);
      return one;
    };
    for (const auto& [name, value] : attributes(step.to)) {
      if (attribute(step.from, name.c_str()) != value) set_attribute(add(name, "set"), "value", value);
    }
    for (const auto& [name, value] : attributes(step.from)) {
      if (!attribute(step.to, name.c_str())) add(name, "unset");
    }
    xmlNode* bare = add_child(add_child(change, "change-result"), std::string(tag_of(step.to)).c_str());
    for (const auto& [name, value] : attributes(step.to)) set_attribute(bare, name.c_str(), value);
  }

  xmlNode* diff_;
  std::vector<xmlNode*> deleted_;
  std::vector<Step> steps_;
};

void write_versions(xmlNode* diff, const xmlNode* from, const xmlNode* to) {
  xmlNode* version = add_child(diff, "version");
  xmlNode* source = add_child(version, "source");
  xmlNode* target = add_child(version, "target");
  for (const char* name : version_names) {
    set_attribute(source, name, attribute(from, name).value_or("0"));
    set_attribute(target, name, attribute(to, name).value_or("0"));
  }
}

Error unfit(const xmlNode* change, std::string_view why) {
  return {Errc::refused, fmt::format("the patch does not fit: {} of '{}': {}", text_of(change, "operation"),
                                     text_of(change, "path"), why)};
}

class Applier {
 public:
  explicit Applier(const Tree& tree) : tree_(tree) {}

  Result<void> apply(xmlNode* diff) {
    for (xmlNode* change : elements(diff, "change")) {
      if (const auto done = first_pass(change); !done) return done.error();
    }
    return place();
  }

 private:
  struct Placed {
    xmlNode* parent;
    xmlNode* node;  // unlinked
    std::int64_t position;
  };

  /// Deletes and modifies at once; unlinks what moves; keeps what is new. All paths are looked up before anything is
  /// put into place, since they speak of the document as it was.
  Result<void> first_pass(xmlNode* change) {
    const std::string operation = text_of(change, "operation");
    const auto position = parse_int<std::int64_t>(text_of(change, "position")).value_or(-1);
    auto target = find(text_of(change, "path"), position);
    if (!target) return target.error();
    if (operation == "delete") {
      if (*target == nullptr) return {};  // gone already is as good
      if (*target == root_of(tree_)) return unfit(change, "the root cannot be deleted");
      take_out(*target);
      return {};
    }
    if (*target == nullptr) return unfit(change, "there is no such element");
    if (operation == "modify") return modify(change, *target);
    if (operation == "create") {
      xmlNode* fresh = change->children;
      while (fresh != nullptr && !is_element(fresh) && fresh->type != XML_COMMENT_NODE) fresh = fresh->next;
      if (fresh == nullptr) return unfit(change, "nothing to create is given");
      placed_.push_back({*target, fresh, position});
      return {};
    }
    if (operation == "move") {
      if (*target == root_of(tree_)) return unfit(change, "the root cannot be moved");
      moved_.push_back({(*target)->parent, *target, position});
      return {};
    }
    return unfit(change, "the operation is none of create, modify, delete, move");
  }

  Result<xmlNode*> find(const std::string& path, std::int64_t position) {
    constexpr std::string_view comment = "/comment";
    if (path.ends_with(comment)) {  // comments have no id: the parent's path, and the place among its children
      auto parent = find(path.substr(0, path.size() - comment.size()), -1);
      if (!parent || *parent == nullptr) return parent;
      const auto children = all_children(*parent);
      const bool inside = position >= 0 && position < static_cast<std::int64_t>(children.size());
      xmlNode* node = inside ? children[static_cast<std::size_t>(position)] : nullptr;
      return node != nullptr && node->type == XML_COMMENT_NODE ? node : nullptr;
    }
    auto found = find_xpath(tree_, path);
    if (!found) return found.error();
    return found->empty() ? nullptr : found->front();
  }

  Result<void> modify(xmlNode* change, xmlNode* target) {
    const xmlNode* list = child(change, "change-list");
    if (list == nullptr) return unfit(change, "there is no <change-list>");
    for (const xmlNode* one : elements(list, "change-attr")) {
      const std::string name = text_of(one, "name"), operation = text_of(one, "operation");
      if (name.empty() || xmlValidateNCName(reinterpret_cast<const xmlChar*>(name.c_str()), 0) != 0) {
        return unfit(change, fmt::format("'{}' is no attribute's name", name));
      }
      if (operation == "set") {
        set_attribute(target, name.c_str(), text_of(one, "value"));
      } else if (operation == "unset") {
        remove_attribute(target, name.c_str());
      } else {
        return unfit(change, fmt::format("'{}' is neither set nor unset", operation));
      }
    }
    return {};
  }

  /// At once, since the positions of later comments count what is left then. Whatever was to happen inside goes with
  /// it.
  void take_out(xmlNode* doomed) {
    const auto inside = [&](const xmlNode* node) {
      for (; node != nullptr; node = node->parent) {
        if (node == doomed) return true;
      }
      return false;
    };
    std::erase_if(moved_, [&](const Placed& one) { return inside(one.node); });
    std::erase_if(placed_, [&](const Placed& one) { return inside(one.parent); });
    remove_node(doomed);
  }

  /// Takes out what moves, then puts in what moves and what is new, from the front to the back.
  Result<void> place() {
    std::set<xmlNode*> once;
    std::erase_if(moved_, [&](const Placed& one) { return !once.insert(one.node).second; });
    for (const Placed& one : moved_) xmlUnlinkNode(one.node);
    for (const Placed& one : placed_) moved_.push_back({one.parent, clone_for(one.parent, one.node), one.position});
    std::ranges::stable_sort(moved_, [](const Placed& a, const Placed& b) { return rank(a) < rank(b); });
    for (const Placed& one : moved_) insert_at(one.parent, one.node, one.position);
    return {};
  }

  /// No position means the end, so these come last.
  static std::int64_t rank(const Placed& one) {
    return one.position < 0 ? std::numeric_limits<std::int64_t>::max() : one.position;
  }

  const Tree& tree_;
  std::vector<Placed> placed_, moved_;
};

}  // namespace

Tree make_patch(xmlNode* from, xmlNode* to, bool with_versions) {
  Tree tree(xmlNewDoc(reinterpret_cast<const xmlChar*>("1.0")));
  xmlNode* diff = xmlNewDocNode(tree.get(), nullptr, reinterpret_cast<const xmlChar*>("diff"), nullptr);
  xmlDocSetRootElement(tree.get(), diff);
  set_attribute(diff, "format", "2");
  if (with_versions) write_versions(diff, from, to);
  Maker(diff).compare(from, to);
  if (child(diff, "change") == nullptr) return nullptr;
  return tree;
}

Result<void> apply_patch(const Tree& tree, xmlNode* diff) {
  if (!is_element(diff, "diff")) {
    return Error{Errc::invalid, fmt::format("a patch is a <diff format=\"2\">, not {}", label(diff))};
  }
  if (text_of(diff, "format") != "2") {
    return Error{Errc::invalid,
                 fmt::format("the patch has format \"{}\"; only format 2 is known here", text_of(diff, "format"))};
  }
  return Applier(tree).apply(diff);
}

}  // namespace systole::cib::xml
