// SPDX-License-Identifier: GPL-2.0-or-later
// See call.hpp.
#include "agents/lsb/call.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "agents/kit/agent.hpp"
#include "agents/kit/process.hpp"
#include "agents/lsb/codes.hpp"

namespace systole::lsb {
namespace {

void print(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

/// A time-out, or a refusal of the kernel, is a failure like others.
int code_of(const Error& error) {
  using agents::Ocf;
  if (error.code == Errc::not_found) return static_cast<int>(Ocf::installed);
  return static_cast<int>(error.code == Errc::permission ? Ocf::permission : Ocf::generic);
}

}  // namespace

void say(std::string_view text) {
  print(stdout, text);
}

void complain(std::string_view text) {
  print(stderr, text);
}

agents::Environment environment_for(const Resource& resource, const agents::Environment& env) {
  agents::Environment all;
  for (const auto& [name, value] : env)
    if (!name.starts_with("OCF_RESKEY_")) all[name] = value;
  all.try_emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  all["LC_ALL"] = "C";
  all["OCF_ROOT"] = resource.agent.root;
  all["OCF_RA_VERSION_MAJOR"] = "1";
  all["OCF_RA_VERSION_MINOR"] = "1";
  all["OCF_RESOURCE_INSTANCE"] = resource.instance;
  all["OCF_RESOURCE_TYPE"] = resource.agent.type;
  all["OCF_RESOURCE_PROVIDER"] = resource.agent.provider;
  all["OCF_EXIT_REASON_PREFIX"] = "ocf-exit-reason:";
  for (const auto& [name, value] : resource.parameters) all["OCF_RESKEY_" + name] = value;
  if (resource.timeout) all["OCF_RESKEY_CRM_meta_timeout"] = std::to_string(to_ms(*resource.timeout));
  return all;
}

int call_agent(const Resource& resource, const std::string& action, const agents::Environment& env) {
  const Time deadline = resource.timeout ? agents::boot_now() + *resource.timeout : never;
  const auto ran = agents::run_program({resource.agent.program, action}, environment_for(resource, env), deadline,
                                       agents::Secrets::handed_on);
  if (!ran) {
    complain(fmt::format("{} {}: {}\n", resource.instance, action, ran.error().what));
    return code_of(ran.error());
  }
  complain(ran->out);
  complain(ran->err);
  return ran->code;
}

}  // namespace systole::lsb
