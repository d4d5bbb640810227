// SPDX-License-Identifier: GPL-2.0-or-later
// See names.hpp.
#include "agents/ocf/ping/names.hpp"

#include <fmt/format.h>

#include <thread>

#include "agents/kit/process.hpp"
#include "common/base/text.hpp"

namespace systole::agents::ping {

namespace {

std::string database(std::optional<icmp::Family> only) {
  if (!only) return "ahosts";
  return *only == icmp::Family::v4 ? "ahostsv4" : "ahostsv6";
}

Result<Address> resolve(const std::string& name, std::optional<icmp::Family> only, const Environment& env,
                        Time deadline) {
  const auto ran = run_program({"getent", database(only), name}, env, deadline);
  if (!ran && ran.error().code == Errc::timeout)
    return Error{Errc::timeout, "its name could not be resolved in time; give its address instead"};
  if (!ran) return Error{ran.error().code, fmt::format("its name could not be resolved: {}", ran.error().what)};
  if (const auto address = first_address(ran->out)) return *address;
  return Error{Errc::not_found, "its name has no address"};
}

}  // namespace

std::optional<Address> first_address(std::string_view lines) {
  const std::vector<std::string> first = words(lines.substr(0, lines.find('\n')));
  return first.empty() ? std::nullopt : parse_address(first.front());
}

std::vector<Result<Address>> addresses_of(const std::vector<std::string>& hosts, std::optional<icmp::Family> only,
                                          const Environment& env, Time deadline) {
  std::vector<Result<Address>> all;
  for (const std::string& host : hosts) {
    const auto address = parse_address(host);
    all.push_back(address ? Result<Address>(*address) : Error{Errc::not_found, {}});
  }
  std::vector<std::thread> askers;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (all[i]) continue;
    askers.emplace_back([&, i] { all[i] = resolve(hosts[i], only, env, deadline); });  // each has its own element
  }
  for (std::thread& asker : askers) asker.join();
  return all;
}

}  // namespace systole::agents::ping
