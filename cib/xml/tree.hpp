// SPDX-License-Identifier: GPL-2.0-or-later
// A thin, safe hand on libxml2's tree, for the files of this folder only. Text from outside is parsed here and nowhere
// else: no network, no DTD (and so no entities of one's own: the usual bombs have nowhere to sit), bounded size and
// depth, and every error carries its line and column. Blank text between elements is dropped on reading, because it is
// layout, and layout is made anew on writing: two spaces per level, as Pacemaker prints it.
#pragma once

#include <libxml/tree.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"

namespace systole::cib::xml {

using Tree = std::unique_ptr<xmlDoc, Release<xmlFreeDoc>>;

/// A document type declaration is refused, or passed over with all that it declares (agents' meta-data have one).
enum class Doctype { refused, ignored };

/// what names the text in error messages: "the CIB", "the patch". Errc::invalid or too_big.
Result<Tree> parse(std::string_view text, std::size_t bytes_max, std::string_view what,
                   Doctype doctype = Doctype::refused);

xmlNode* root_of(const Tree& tree);
/// A new tree whose root is a copy of the element.
Tree copy_of(xmlNode* element);
/// The element as indented text that ends in a newline. shallow: without its children.
std::string print(xmlNode* element, bool shallow = false);

std::string_view tag_of(const xmlNode* node);
bool is_element(const xmlNode* node);
bool is_element(const xmlNode* node, std::string_view tag);
/// The child elements, in order.
std::vector<xmlNode*> elements(const xmlNode* parent);
std::vector<xmlNode*> elements(const xmlNode* parent, std::string_view tag);
/// The first child element of that name, or nullptr.
xmlNode* child(const xmlNode* parent, std::string_view tag);

std::optional<std::string> attribute(const xmlNode* element, const char* name);
/// What is between its tags, without markup, blanks at the ends and runs of them.
std::string content_of(const xmlNode* element);
/// The value, or "" where there is none.
std::string text_of(const xmlNode* element, const char* name);
/// Sets or appends; what XML cannot carry (control characters, broken UTF-8) becomes '?'.
void set_attribute(xmlNode* element, const char* name, std::string_view value);
void remove_attribute(xmlNode* element, const char* name);
/// Attributes in document order, as (name, value).
std::vector<std::pair<std::string, std::string>> attributes(const xmlNode* element);

xmlNode* add_child(xmlNode* parent, const char* tag);
/// A deep copy of node (of any tree), not yet linked anywhere, that belongs to the tree of owner.
xmlNode* clone_for(const xmlNode* owner, xmlNode* node);
void remove_node(xmlNode* node);
/// Puts an unlinked node at a place among the parent's children: 0 is the first, beyond the end (or negative) the last.
void insert_at(xmlNode* parent, xmlNode* node, std::int64_t position);
/// Copies the node of another tree to the end of parent.
xmlNode* append_copy(xmlNode* parent, xmlNode* node);

/// "<primitive id="d1"> (line 12)": how messages name an element.
std::string label(const xmlNode* element);
/// "/cib/configuration/resources/primitive[@id='d1']", as patches name it.
std::string path_of(const xmlNode* node);

/// Elements that match an XPath expression, in document order, each once (an attribute stands for its element). Work is
/// bounded. Errc::invalid: no such expression; an empty result is no error.
Result<std::vector<xmlNode*>> find_xpath(const Tree& tree, std::string_view xpath);

/// A configuration section's element (create: made, in Pacemaker's order, where the schema lets it be absent), the cib
/// element for "", "cib" and "all". nullptr: absent.
xmlNode* section(xmlNode* cib, std::string_view scope, bool create = false);
bool is_section_name(std::string_view scope);

}  // namespace systole::cib::xml
