// SPDX-License-Identifier: GPL-2.0-or-later
// See agent_name.hpp.
#include "agents/lsb/agent_name.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <memory>
#include <optional>

#include "agents/lsb/nearest.hpp"
#include "common/base/handles.hpp"
#include "common/base/text.hpp"

namespace systole::lsb {
namespace {

constexpr std::string_view known_providers[] = {"systole", "heartbeat", "pacemaker"};

bool is_file_name(std::string_view name) {
  return !name.empty() && name[0] != '.' && name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

std::string last_part(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::optional<std::string> real_path(const std::string& path) {
  struct Free {
    void operator()(char* text) const { std::free(text); }
  };
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  if (!real) return {};
  return std::string(real.get());
}

bool is_program(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 0111) != 0;
}

/// Names in a folder but the hidden ones, sorted; none where there is no such folder.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, Release<::closedir>> listing(::opendir(folder.c_str()));
  if (!listing) return names;
  while (const dirent* const entry = ::readdir(listing.get()))
    if (is_file_name(entry->d_name)) names.emplace_back(entry->d_name);
  std::ranges::sort(names);
  return names;
}

Result<FoundAgent> at_path(const AgentName& name, const std::vector<std::string>& roots) {
  const auto program = real_path(name.path);
  if (!program || ::access(program->c_str(), F_OK) != 0)
    return Error{Errc::not_found, fmt::format("there is no agent '{}'", name.path)};
  if (!is_program(*program))
    return Error{Errc::permission, fmt::format("'{}' is no executable file (see: chmod 755)", name.path)};
  FoundAgent found{
      .root = roots.empty() ? "/usr/lib/ocf" : roots.front(), .provider = "", .type = name.type, .program = *program};
  const std::string folder = folder_of(*program);
  found.provider = last_part(folder);
  if (const std::string above = folder_of(folder); last_part(above) == "resource.d") found.root = folder_of(above);
  return found;
}

}  // namespace

Result<AgentName> parse_agent_name(std::string_view text) {
  if (text.find('/') != std::string_view::npos) {
    AgentName name{.provider = "", .type = last_part(text), .path = std::string(text)};
    if (!is_file_name(name.type)) return Error{Errc::invalid, fmt::format("'{}' is no path of an agent", text)};
    return name;
  }
  std::vector<std::string> parts = split(text, ':');
  if (parts.size() == 3 && parts.front() == "ocf")
    parts.erase(parts.begin());
  else if (parts.size() == 3)
    return Error{Errc::invalid,
                 fmt::format("'{}': agents of class '{}' are not run here, only those of class ocf", text, parts[0])};
  if (parts.size() > 2 || !std::ranges::all_of(parts, is_file_name))
    return Error{Errc::invalid, fmt::format("'{}' is no name of an agent: give TYPE, PROVIDER:TYPE, "
                                            "ocf:PROVIDER:TYPE or a path",
                                            text)};
  return AgentName{.provider = parts.size() == 2 ? parts[0] : "", .type = parts.back(), .path = ""};
}

std::string FoundAgent::id() const {
  return fmt::format("ocf:{}:{}", provider, type);
}

std::vector<std::string> ocf_roots(const agents::Environment& env) {
  if (const auto root = agents::lookup(env, "OCF_ROOT"); root && !root->empty()) return {std::string(*root)};
  std::vector<std::string> roots{"/usr/lib/ocf"};
  const auto self = real_path("/proc/self/exe");
  if (!self) return roots;
  // Beside sbin, beside lib/systole, and where a build leaves it.
  for (const char* const way : {"/../lib/ocf", "/../ocf", "/../../lib/ocf"}) {
    const auto real = real_path(folder_of(*self) + way);
    if (!real || real == real_path(roots.front()) || ::access((*real + "/resource.d").c_str(), F_OK) != 0) continue;
    roots.push_back(*real);
    break;
  }
  return roots;
}

std::vector<std::string> in_provider_order(std::vector<std::string> providers) {
  const auto rank = [](const std::string& provider) {
    return std::ranges::find(known_providers, provider) - std::begin(known_providers);
  };
  std::ranges::sort(providers);
  providers.erase(std::unique(providers.begin(), providers.end()), providers.end());
  std::ranges::stable_sort(providers, {}, rank);
  return providers;
}

std::vector<FoundAgent> agents_of(const std::vector<std::string>& roots) {
  std::vector<std::string> providers;
  for (const std::string& root : roots) {
    const auto names = names_in(root + "/resource.d");
    providers.insert(providers.end(), names.begin(), names.end());
  }
  std::vector<FoundAgent> all;
  for (const std::string& provider : in_provider_order(std::move(providers))) {
    const std::size_t first = all.size();
    for (const std::string& root : roots) {
      const std::string folder = fmt::format("{}/resource.d/{}", root, provider);
      for (const std::string& type : names_in(folder)) {
        const bool known = std::any_of(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(),
                                       [&](const FoundAgent& other) { return other.type == type; });
        if (!known && is_program(folder + "/" + type)) all.push_back({root, provider, type, folder + "/" + type});
      }
    }
    std::sort(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(),
              [](const FoundAgent& a, const FoundAgent& b) { return a.type < b.type; });
  }
  return all;
}

Result<FoundAgent> find_agent(const AgentName& name, const std::vector<std::string>& roots) {
  if (!name.path.empty()) return at_path(name, roots);
  const auto all = agents_of(roots);
  std::vector<std::string> types;
  for (const FoundAgent& agent : all) {
    if (agent.type == name.type && (name.provider.empty() || name.provider == agent.provider)) return agent;
    types.push_back(agent.id());
  }
  const std::string wanted = name.provider.empty() ? name.type : fmt::format("ocf:{}:{}", name.provider, name.type);
  const std::string near = nearest(name.provider.empty() ? "ocf:systole:" + name.type : wanted, types);
  return Error{Errc::not_found, fmt::format("there is no agent '{}' in resource.d of {}{}", wanted, join(roots, ", "),
                                            near.empty() ? "" : fmt::format("; did you mean {}?", near))};
}

}  // namespace systole::lsb
