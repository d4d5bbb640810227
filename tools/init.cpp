// SPDX-License-Identifier: GPL-2.0-or-later
// `systole init`, and what the three commands of founding.hpp have in common.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>

#include "cib/xml/cib_xml.hpp"
#include "common/base/exit_codes.hpp"
#include "common/base/text.hpp"
#include "common/config/key_file.hpp"
#include "common/config/local_addresses.hpp"
#include "tools/founding.hpp"
#include "tools/staged_files.hpp"

namespace systole::tools {
namespace {

std::string what_mode_means(const std::string& mode) {
  if (mode == "none")
    return "Mode none: when one of two nodes is lost, the other goes on. A cut between them looks the same to both:\n"
           "then both go on, and what one of them wrote meanwhile is lost. A witness on a third machine avoids that:\n"
           "  systole invite --witness\n";
  if (mode == "ping")
    return "Mode ping: when one of two nodes is lost, the other goes on if it reaches a ping_target. When nodes that "
           "both\n"
           "reach it do not reach each other, both go on. A witness on a third machine avoids that:\n"
           "  systole invite --witness\n";
  if (mode == "witness")
    return "Mode witness: let the third machine, which votes and runs nothing, join first:\n"
           "  systole invite --witness\n";
  return "Mode majority: only nodes that see more than half of all go on, so the one that is left of two stops. It "
         "takes\n"
         "a third node, or a witness: systole invite --witness\n";
}

std::string next_steps(const InitOptions& options) {
  return fmt::format(
      "\nNext:\n"
      "  1. for each further node, run here:  systole invite\n"
      "     and on that machine the line that it prints\n"
      "  2. let UDP port {} pass between the nodes in each firewall\n"
      "  3. start crmd on each node:          /usr/lib/systole/crmd\n"
      "  4. look at it:                       systole status\n\n{}",
      options.founding.port, what_mode_means(options.founding.mode));
}

Result<void> write_all_files(const InitOptions& options) {
  const FoundingPaths& paths = options.paths;
  const std::string first = first_cib(options.founding.cluster_name);
  if (const auto sound = cib::parse_configuration(first); !sound) return sound.error();
  const auto conf = config::first_cluster_conf(options.founding, paths.config);
  if (!conf) return conf.error();
  const auto key = config::random_key();
  if (!key) return key.error();
  StagedFiles files;
  if (const auto done = files.add_new(options.founding.key_file, config::first_key_text(*key), 0400); !done)
    return done;
  if (const auto done = files.add_new(paths.first_cib(), first, 0644); !done) return done;
  if (const auto done = files.add_new(paths.config, *conf, 0644); !done) return done;
  return files.put();
}

}  // namespace

int init(const Voice& voice, InitOptions options) {
  config::Founding& founding = options.founding;
  const FoundingPaths& paths = options.paths;
  if (founding.node_name.empty()) founding.node_name = host_name();
  founding.key_file = paths.folder() + "/authkey";
  if (founding.addresses.empty())
    return fail(voice, {Errc::invalid, fmt::format("which of this machine's addresses shall the cluster use? Say it by "
                                                   "--address; there are: {}",
                                                   fmt::join(config::local_addresses(), ", "))});
  if (const auto here = all_local(founding.addresses); !here) return fail(voice, here.error());
  if (const auto none = none_exists({paths.config, founding.key_file, paths.first_cib(),
                                     paths.state_directory + "/cib.xml", paths.state_directory + "/term"});
      !none)
    return fail(voice, none.error());
  if (const auto done = write_all_files(options); !done) return fail(voice, done.error());
  voice.out(
      fmt::format("Cluster '{}' is founded, with this machine as node '{}':\n  {}\n  {}  (secret; mode 0400)\n  {}\n",
                  founding.cluster_name, founding.node_name, paths.config, founding.key_file, paths.first_cib()));
  voice.out(next_steps(options));
  return exit_code::ok;
}

// ---- common to the three
// ---------------------------------------------------------------------------------------------

std::string FoundingPaths::folder() const {
  return std::filesystem::absolute(config).parent_path();
}

std::string FoundingPaths::first_cib() const {
  return folder() + "/first-cib.xml";
}

int fail(const Voice& voice, const Error& error) {
  voice.err(fmt::format("systole: {}\n", error.what));
  return exit_code_of(error);
}

std::string host_name() {
  utsname machine{};
  ::uname(&machine);
  return machine.nodename;
}

Result<void> all_local(const std::vector<std::string>& addresses) {
  const auto local = config::local_addresses();
  for (const std::string& address : addresses)
    if (std::ranges::find(local, address) == local.end())
      return Error{Errc::invalid, fmt::format("address '{}' is on no interface of this machine; there are: {}", address,
                                              fmt::join(local, ", "))};
  return {};
}

std::uint16_t port_above(std::uint16_t cluster_port) {
  return cluster_port == UINT16_MAX ? cluster_port : static_cast<std::uint16_t>(cluster_port + 1);
}

std::string first_cib(std::string_view cluster_name) {
  std::string text = cib::empty_document(cluster_name);
  constexpr std::string_view end_of_properties = "</cluster_property_set>";
  const std::size_t end = text.find(end_of_properties);
  if (end == std::string::npos) return text;  // without a name there are no properties
  return text.insert(
      text.rfind('\n', end) + 1,
      "        <!-- Without a fencing device nothing starts unless this is false; the default is true. -->\n"
      "        <nvpair id=\"cib-bootstrap-options-stonith-enabled\" name=\"stonith-enabled\" value=\"false\"/>\n");
}

std::string title_of(const config::NodeConf& node) {
  return fmt::format("{} ({})", node.name, fmt::join(node.addresses, ", "));
}

}  // namespace systole::tools
