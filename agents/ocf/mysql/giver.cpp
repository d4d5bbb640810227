// SPDX-License-Identifier: GPL-2.0-or-later
// See giver.hpp.
#include "agents/ocf/mysql/giver.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "agents/kit/attributes.hpp"
#include "agents/kit/logging.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/helper.hpp"
#include "agents/ocf/mysql/reseed.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr Duration tool_patience = 5s;

std::string pid_file(const agents::Call& call) {
  return helper_file(call.paths(), call.meta().resource(), "giver.pid");
}

int give(const agents::Environment& env, const Settings& settings, const std::string& node,
         const CopyRequest& request) {
  agents::Call own(about_mysql(), env, "copy", agents::boot_now());
  agents::open_log(own.log(), env, about_mysql().name, {.stderr_is_terminal = false});
  std::string scratch = own.paths().state + "/systole-copy-XXXXXX";  // the tool's little files
  if (::mkdtemp(scratch.data()) == nullptr) return 1;
  own.log().notice("{} gets a copy of this database", node);
  const auto given = answer_copy_request(settings, request, scratch);
  std::error_code none;
  std::filesystem::remove_all(scratch, none);
  if (given) {
    own.log().notice("{} has its copy", node);
  } else {
    own.log().warning("{} did not get its copy: {}", node, given.error().what);
  }
  return given ? 0 : 1;
}

}  // namespace

bool Giver::is_giving() const {
  return agents::find_background(pid_file(call_)).has_value();
}

void Giver::see(const std::string& node) {
  if (is_giving()) return;
  const agents::Attributes attributes(call_.environment());
  const auto text =
      attributes.transient(copy_request_name(call_.meta().resource()), node, agents::boot_now() + tool_patience);
  if (text) consider(node, *text);
}

void Giver::look() {
  if (is_giving()) return;
  const agents::Attributes attributes(call_.environment());
  const auto all =
      attributes.everywhere(copy_request_name(call_.meta().resource()), agents::boot_now() + tool_patience);
  if (!all) return;
  for (const auto& [node, text] : *all)
    if (consider(node, text)) return;
}

bool Giver::consider(const std::string& node, std::string_view text) {
  const auto request = parse_copy_request(text);
  if (!request || std::ranges::find(self_, request->giver) == self_.end() || request->nonce == answered_) return false;
  answered_ = request->nonce;
  begin(node, *request);
  return true;
}

void Giver::begin(const std::string& node, const CopyRequest& request) {
  const auto child =
      agents::run_in_background(pid_file(call_), [&] { return give(call_.environment(), settings_, node, request); });
  if (!child) call_.log().warning("{} wants a copy, but: {}", node, child.error().what);
}

}  // namespace systole::mysql
