// SPDX-License-Identifier: GPL-2.0-or-later
// Reading and printing XML, and moving about in its tree.
#include "cib/xml/tree.hpp"

#include <fmt/format.h>
#include <libxml/parser.h>
#include <libxml/xmlsave.h>
#include <libxml/xpath.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "common/base/ensure.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace systole::cib::xml {

namespace {

constexpr unsigned long xpath_operations_max = 2'000'000;
constexpr std::size_t xpath_bytes_max = 8'192;

using Parser = std::unique_ptr<xmlParserCtxt, Release<xmlFreeParserCtxt>>;
struct FreeText {
  void operator()(xmlChar* text) const noexcept {
    xmlFree(text);
  }  // xmlFree is a variable, so Release<> cannot name it
};
using Text = std::unique_ptr<xmlChar, FreeText>;
using Buffer = std::unique_ptr<xmlBuffer, Release<xmlBufferFree>>;
using Saver = std::unique_ptr<xmlSaveCtxt, Release<xmlSaveClose>>;
using XPathContext = std::unique_ptr<xmlXPathContext, Release<xmlXPathFreeContext>>;
using XPathObject = std::unique_ptr<xmlXPathObject, Release<xmlXPathFreeObject>>;

const xmlChar* to_xml(const char* text) {
  return reinterpret_cast<const xmlChar*>(text);
}
const char* from_xml(const xmlChar* text) {
  return reinterpret_cast<const char*>(text);
}

/// What is heard while parsing; hangs on the parser.
struct Heard {
  bool doctype = false;
  int line = 0, column = 0;
  std::string first_error;  // later ones are mostly its consequences
};

/// A document type declaration is refused where it starts: a CIB has none, and entities are how XML explodes.
void refuse_doctype(void* context, const xmlChar*, const xmlChar*, const xmlChar*) {
  auto* parser = static_cast<xmlParserCtxt*>(context);
  static_cast<Heard*>(parser->_private)->doctype = true;
  xmlStopParser(parser);
}

/// Nothing of a declaration is taken in: not its entities, not its attributes' defaults.
void ignore_doctype(xmlSAXHandler& sax) {
  sax.internalSubset = nullptr;
  sax.externalSubset = nullptr;
  sax.entityDecl = nullptr;
  sax.unparsedEntityDecl = nullptr;
  sax.attributeDecl = nullptr;
  sax.elementDecl = nullptr;
  sax.notationDecl = nullptr;
}

void hear_error(void* context, xmlError* error) {
  auto* heard = static_cast<Heard*>(static_cast<xmlParserCtxt*>(context)->_private);
  if (!heard->first_error.empty() || error->level < XML_ERR_ERROR || error->message == nullptr) return;
  *heard = {heard->doctype, error->line, error->int2, std::string(trim(error->message))};
}

void stay_silent(void*, xmlError*) {}

bool is_blank_text(const xmlNode* node) {
  return node->type == XML_TEXT_NODE && (node->content == nullptr || trim(from_xml(node->content)).empty());
}

/// Drops layout: blank text in elements that hold no other text. False: deeper than limits allow.
bool tidy(xmlNode* element, std::size_t depth) {
  if (depth > limits::xml_depth_max) return false;
  bool only_layout = true;
  for (const xmlNode* node = element->children; node != nullptr; node = node->next) {
    const bool text = node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
    if (text && !is_blank_text(node)) only_layout = false;
  }
  for (xmlNode *node = element->children, *next = nullptr; node != nullptr; node = next) {
    next = node->next;
    if (only_layout && is_blank_text(node)) {
      remove_node(node);
    } else if (node->type == XML_ELEMENT_NODE && !tidy(node, depth + 1)) {
      return false;
    }
  }
  return true;
}

Error parse_error(const Heard& heard, std::string_view what) {
  if (heard.doctype) {
    return {Errc::invalid,
            fmt::format("{} holds a document type declaration (<!DOCTYPE …>), which is not allowed", what)};
  }
  return {Errc::invalid, fmt::format("{} is not well-formed XML: line {}, column {}: {}", what, heard.line,
                                     heard.column, heard.first_error.empty() ? "no element found" : heard.first_error)};
}

/// Length of the sound UTF-8 sequence at the front that XML may carry; 0: none.
std::size_t xml_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  std::uint32_t code = first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < least[length] || code > 0x10ffff || surrogate || code == 0xfffe || code == 0xffff ? 0 : length;
}

std::string clean(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = xml_character(text);
    result += length == 0 ? std::string_view("?") : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

}  // namespace

Result<Tree> parse(std::string_view text, std::size_t bytes_max, std::string_view what, Doctype doctype) {
  if (text.size() > bytes_max) {
    return Error{Errc::too_big, fmt::format("{} has {} bytes; the limit is {}", what, text.size(), bytes_max)};
  }
  if (trim(text).empty()) return Error{Errc::invalid, fmt::format("{} is empty", what)};
  static const bool ready = (xmlInitParser(), true);
  ensure(ready);
  const Parser parser(xmlNewParserCtxt());
  ensure(parser != nullptr);
  Heard heard;
  parser->_private = &heard;
  if (doctype == Doctype::refused)
    parser->sax->internalSubset = refuse_doctype;
  else
    ignore_doctype(*parser->sax);
  parser->sax->serror = [](void* context, xmlError* error) { hear_error(context, error); };
  const int options = XML_PARSE_NONET | XML_PARSE_BIG_LINES | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
  Tree tree(xmlCtxtReadMemory(parser.get(), text.data(), static_cast<int>(text.size()), nullptr, nullptr, options));
  if (tree == nullptr || parser->wellFormed == 0 || heard.doctype) return parse_error(heard, what);
  xmlNode* root = xmlDocGetRootElement(tree.get());
  if (root == nullptr) return Error{Errc::invalid, fmt::format("{} holds no element", what)};
  if (!tidy(root, 1)) {
    return Error{Errc::too_big, fmt::format("{} is nested deeper than {} elements", what, limits::xml_depth_max)};
  }
  return tree;
}

xmlNode* root_of(const Tree& tree) {
  return xmlDocGetRootElement(tree.get());
}

Tree copy_of(xmlNode* element) {
  Tree tree(xmlNewDoc(to_xml("1.0")));
  ensure(tree != nullptr);
  xmlDocSetRootElement(tree.get(), clone_for(root_of(tree), element));
  xmlSetTreeDoc(root_of(tree), tree.get());
  return tree;
}

std::string print(xmlNode* element, bool shallow) {
  const Buffer buffer(xmlBufferCreate());
  ensure(buffer != nullptr);
  const Tree bare = shallow ? Tree(xmlNewDoc(to_xml("1.0"))) : nullptr;
  if (shallow) {
    xmlDocSetRootElement(bare.get(), xmlDocCopyNode(element, bare.get(), 2));  // 2: attributes, no children
    element = root_of(bare);
  }
  {
    const Saver saver(xmlSaveToBuffer(buffer.get(), "UTF-8", XML_SAVE_FORMAT | XML_SAVE_NO_DECL | XML_SAVE_AS_XML));
    ensure(saver != nullptr);
    xmlSaveTree(saver.get(), element);
  }
  return std::string(from_xml(xmlBufferContent(buffer.get()))) + "\n";
}

std::string_view tag_of(const xmlNode* node) {
  return node->name == nullptr ? std::string_view() : std::string_view(from_xml(node->name));
}

bool is_element(const xmlNode* node) {
  return node != nullptr && node->type == XML_ELEMENT_NODE;
}

bool is_element(const xmlNode* node, std::string_view tag) {
  return is_element(node) && tag_of(node) == tag;
}

std::vector<xmlNode*> elements(const xmlNode* parent) {
  std::vector<xmlNode*> found;
  for (xmlNode* node = parent == nullptr ? nullptr : parent->children; node != nullptr; node = node->next) {
    if (is_element(node)) found.push_back(node);
  }
  return found;
}

std::vector<xmlNode*> elements(const xmlNode* parent, std::string_view tag) {
  std::vector<xmlNode*> found = elements(parent);
  std::erase_if(found, [&](const xmlNode* node) { return tag_of(node) != tag; });
  return found;
}

xmlNode* child(const xmlNode* parent, std::string_view tag) {
  for (xmlNode* node = parent == nullptr ? nullptr : parent->children; node != nullptr; node = node->next) {
    if (is_element(node, tag)) return node;
  }
  return nullptr;
}

std::optional<std::string> attribute(const xmlNode* element, const char* name) {
  const Text value(xmlGetNoNsProp(element, to_xml(name)));
  if (value == nullptr) return std::nullopt;
  return std::string(from_xml(value.get()));
}

std::string content_of(const xmlNode* element) {
  const Text text(element == nullptr ? nullptr : xmlNodeGetContent(element));
  return text == nullptr ? std::string() : join(words(from_xml(text.get())), " ");
}

std::string text_of(const xmlNode* element, const char* name) {
  return attribute(element, name).value_or("");
}

void set_attribute(xmlNode* element, const char* name, std::string_view value) {
  xmlSetProp(element, to_xml(name), to_xml(clean(value).c_str()));
}

void remove_attribute(xmlNode* element, const char* name) {
  xmlUnsetProp(element, to_xml(name));
}

std::vector<std::pair<std::string, std::string>> attributes(const xmlNode* element) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const xmlAttr* one = element->properties; one != nullptr; one = one->next) {
    std::string name = from_xml(one->name);
    if (one->ns != nullptr && one->ns->prefix != nullptr) name = from_xml(one->ns->prefix) + (":" + name);
    const Text value(xmlNodeListGetString(element->doc, one->children, 1));
    found.emplace_back(std::move(name), value == nullptr ? "" : from_xml(value.get()));
  }
  return found;
}

xmlNode* add_child(xmlNode* parent, const char* tag) {
  xmlNode* node = xmlNewChild(parent, nullptr, to_xml(tag), nullptr);
  ensure(node != nullptr);
  return node;
}

xmlNode* clone_for(const xmlNode* owner, xmlNode* node) {
  xmlNode* copy = xmlDocCopyNode(node, owner == nullptr ? nullptr : owner->doc, 1);
  ensure(copy != nullptr);
  return copy;
}

void remove_node(xmlNode* node) {
  xmlUnlinkNode(node);
  xmlFreeNode(node);
}

void insert_at(xmlNode* parent, xmlNode* node, std::int64_t position) {
  xmlNode* before = position < 0 ? nullptr : parent->children;
  for (; before != nullptr && position > 0; --position) before = before->next;
  if (before != nullptr) {
    xmlAddPrevSibling(before, node);
  } else {
    xmlAddChild(parent, node);
  }
}

xmlNode* append_copy(xmlNode* parent, xmlNode* node) {
  return xmlAddChild(parent, clone_for(parent, node));
}

std::string label(const xmlNode* element) {
  std::string text = fmt::format("<{}", tag_of(element));
  for (const char* name : {"id", "id-ref", "uname", "name"}) {
    if (const auto value = attribute(element, name)) {
      text += fmt::format(" {}=\"{}\"", name, *value);
      break;
    }
  }
  const long line = xmlGetLineNo(element);
  return line > 0 ? fmt::format("{}> (line {})", text, line) : text + ">";
}

std::string path_of(const xmlNode* node) {
  std::string path;
  for (; node != nullptr && (is_element(node) || node->type == XML_COMMENT_NODE); node = node->parent) {
    const auto id = is_element(node) ? attribute(node, "id") : std::nullopt;
    const char quote = id && id->find('\'') != std::string::npos ? '"' : '\'';
    path = fmt::format("/{}{}{}", tag_of(node), id ? fmt::format("[@id={}{}{}]", quote, *id, quote) : "", path);
  }
  return path;
}

Result<std::vector<xmlNode*>> find_xpath(const Tree& tree, std::string_view xpath) {
  if (xpath.size() > xpath_bytes_max) {
    return Error{Errc::too_big,
                 fmt::format("an XPath expression of {} bytes; the limit is {}", xpath.size(), xpath_bytes_max)};
  }
  const XPathContext context(xmlXPathNewContext(tree.get()));
  ensure(context != nullptr);
  context->opLimit = xpath_operations_max;
  context->error = [](void* data, xmlError* error) { stay_silent(data, error); };
  const XPathObject found(xmlXPathEvalExpression(to_xml(std::string(xpath).c_str()), context.get()));
  if (found == nullptr)
    return Error{Errc::invalid, fmt::format("'{}' is no XPath expression that I can follow", xpath)};
  std::vector<xmlNode*> nodes;
  std::unordered_set<const xmlNode*> seen;
  if (found->type != XPATH_NODESET || found->nodesetval == nullptr) return nodes;
  for (int i = 0; i < found->nodesetval->nodeNr; ++i) {
    xmlNode* node = found->nodesetval->nodeTab[i];
    while (node != nullptr && node->type != XML_ELEMENT_NODE && node->type != XML_DOCUMENT_NODE &&
           node->type != XML_NAMESPACE_DECL) {
      node = node->parent;
    }
    if (node != nullptr && node->type == XML_DOCUMENT_NODE) node = root_of(tree);
    if (!is_element(node)) continue;
    if (seen.insert(node).second) nodes.push_back(node);
  }
  return nodes;
}

namespace {
constexpr std::array<std::string_view, 10> sections = {"crm_config",   "nodes",       "resources",        "constraints",
                                                       "rsc_defaults", "op_defaults", "fencing-topology", "acls",
                                                       "tags",         "alerts"};
}  // namespace

bool is_section_name(std::string_view scope) {
  return scope.empty() || scope == "cib" || scope == "all" || scope == "configuration" || scope == "status" ||
         std::ranges::find(sections, scope) != sections.end();
}

xmlNode* section(xmlNode* cib, std::string_view scope, bool create) {
  if (scope.empty() || scope == "cib" || scope == "all") return cib;
  if (scope == "configuration" || scope == "status") return child(cib, scope);
  xmlNode* configuration = child(cib, "configuration");
  if (configuration == nullptr || !is_section_name(scope)) return nullptr;
  xmlNode* found = child(configuration, scope);
  if (found != nullptr || !create) return found;
  return add_child(configuration, std::string(scope).c_str());
}

}  // namespace systole::cib::xml
